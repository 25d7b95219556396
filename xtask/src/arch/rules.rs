//! The dependency rule as tables: what each layer may use, and which crate alone may touch a library.

/// The rings of the architecture, from the inside out, then what stands beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    Domain,
    Ports,
    Application,
    /// What several adapters decode and encode with.
    Codec,
    Adapter,
    Testing,
    Root,
    Tooling,
}

impl Layer {
    const ALL: [Self; 8] = [
        Self::Domain,
        Self::Ports,
        Self::Application,
        Self::Codec,
        Self::Adapter,
        Self::Testing,
        Self::Root,
        Self::Tooling,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::Ports => "ports",
            Self::Application => "application",
            Self::Codec => "codec",
            Self::Adapter => "adapter",
            Self::Testing => "testing",
            Self::Root => "root",
            Self::Tooling => "tooling",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.as_str() == text)
    }

    /// All of them, for a message.
    pub(crate) fn spellings() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    pub(super) fn may_use(self, other: Self) -> bool {
        self.targets().contains(&other)
    }

    /// The layers it may use, for a message.
    pub(super) fn reach(self) -> String {
        let targets: Vec<_> = self.targets().iter().map(|layer| layer.as_str()).collect();
        if targets.is_empty() {
            "nothing".to_owned()
        } else {
            targets.join(", ")
        }
    }

    fn targets(self) -> &'static [Self] {
        match self {
            Self::Domain | Self::Tooling => &[],
            Self::Ports => &[Self::Domain],
            Self::Application => &[Self::Domain, Self::Ports],
            Self::Codec => &[Self::Domain, Self::Ports, Self::Codec],
            Self::Adapter | Self::Testing => &[Self::Domain, Self::Ports, Self::Codec],
            Self::Root => &[
                Self::Domain,
                Self::Ports,
                Self::Application,
                Self::Codec,
                Self::Adapter,
                Self::Testing,
                Self::Root,
            ],
        }
    }

    /// The crates of others it may use; `None` is no limit but the fences.
    pub(super) fn foreign(self) -> Option<&'static [Foreign]> {
        match self {
            Self::Domain => Some(DOMAIN),
            Self::Ports => Some(PORTS),
            Self::Application => Some(APPLICATION),
            Self::Codec | Self::Adapter | Self::Testing | Self::Root | Self::Tooling => None,
        }
    }
}

/// A crate, and its features when not all of them will do.
pub(super) type Foreign = (&'static str, Option<&'static [&'static str]>);

/// Values and errors: no I/O, no clock, no randomness.
const DOMAIN: &[Foreign] = &[
    ("blake3", None),
    ("bytes", None),
    ("semver", None),
    ("serde", None),
    ("serde_json", None),
    ("thiserror", None),
    (
        "time",
        Some(&["std", "alloc", "formatting", "macros", "parsing", "serde"]),
    ),
    // Never v4 or v7: ids come from the Entropy port or from what they name.
    ("uuid", Some(&["std", "serde", "v5"])),
];

/// The domain's, and what an async trait needs; no runtime.
const PORTS: &[Foreign] = &[
    ("async-trait", None),
    ("blake3", None),
    ("bytes", None),
    ("futures-core", None),
    ("semver", None),
    ("serde", None),
    ("thiserror", None),
    (
        "time",
        Some(&["std", "alloc", "formatting", "macros", "parsing", "serde"]),
    ),
    ("uuid", Some(&["std", "serde", "v5"])),
];

/// The ports', and what waits, joins and tells; reading and writing stay behind ports.
const APPLICATION: &[Foreign] = &[
    ("async-trait", None),
    ("blake3", None),
    ("bytes", None),
    ("futures", None),
    ("futures-core", None),
    ("futures-util", None),
    ("semver", None),
    ("serde", None),
    ("serde_json", None),
    ("thiserror", None),
    (
        "time",
        Some(&["std", "alloc", "formatting", "macros", "parsing", "serde"]),
    ),
    ("tokio", Some(&["macros", "rt", "sync", "time"])),
    ("tokio-util", Some(&["rt"])),
    ("tracing", None),
    ("uuid", Some(&["std", "serde", "v5"])),
];

/// The crate that holds the schema of the two databases, and the adapters whose schema it is.
pub(super) const SCHEMA_CRATE: &str = "vss-migrations";
pub(super) const SCHEMA_USERS: &[&str] = &["vss-store-seaorm", "vss-catalog-seaorm"];

/// Libraries that only some of our crates may depend on.
pub(super) struct Fence {
    /// Names of crates; one that ends in `*` is a prefix.
    libraries: &'static [&'static str],
    pub(super) owners: &'static [&'static str],
    pub(super) remedy: &'static str,
}

impl Fence {
    pub(super) fn covers(&self, name: &str) -> bool {
        self.libraries
            .iter()
            .any(|library| match library.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => name == *library,
            })
    }
}

pub(super) const FENCES: &[Fence] = &[
    Fence {
        // It switches sea-orm's default features back on.
        libraries: &["sea-orm-migration"],
        owners: &["vss-migrations"],
        remedy: "call a function of vss-migrations",
    },
    Fence {
        libraries: &[
            "sea-orm*",
            "sea-query*",
            "sqlx*",
            "rusqlite",
            "libsqlite3-sys",
        ],
        owners: &["vss-store-seaorm", "vss-catalog-seaorm", "vss-migrations"],
        remedy: "ask a port, so that a host may bring another database",
    },
    Fence {
        libraries: &["turbojpeg*", "libwebp-sys*", "webp"],
        owners: &["vss-raster"],
        remedy: "ask vss-raster: native codecs stay in one crate",
    },
    Fence {
        libraries: &["ffmpeg-*", "ffmpeg"],
        owners: &["vss-gen-ffmpeg"],
        remedy: "ask the Generator port: FFmpeg is linked in one crate",
    },
    Fence {
        libraries: &["tesseract*", "leptess", "leptonica-*"],
        owners: &["vss-gen-tesseract"],
        remedy: "ask the Generator port: Tesseract is linked in one crate",
    },
    Fence {
        libraries: &["libraw*", "rsraw*", "rawler", "rawloader"],
        owners: &["vss-gen-libraw"],
        remedy: "ask the Generator port: camera files are developed in one crate, by the system's LibRaw",
    },
    Fence {
        libraries: &["landlock", "seccompiler", "postcard"],
        owners: &["vss-sandbox"],
        remedy: "ask vss-sandbox: confinement has one home",
    },
    Fence {
        libraries: &["notify*"],
        owners: &["vss-watch-notify"],
        remedy: "ask the Watcher port",
    },
    Fence {
        libraries: &["iroh*", "bao-tree"],
        owners: &["vss-peer-iroh"],
        remedy: "ask the PeerTransport or PeerDirectory port",
    },
];
