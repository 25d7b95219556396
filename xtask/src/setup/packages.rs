//! Every system package, what it is called where, what shows that it is there, and who needs it.
//! Everything else is compiled from crates.

use std::path::Path;
use std::process::Command;

use crate::shell;

/// Packages that are wanted together.
pub(super) struct Group {
    /// What they are for.
    pub(super) what: &'static str,
    pub(super) packages: &'static [Package],
}

/// A package of the system. An empty name: it comes with the system or with another package there.
pub(super) struct Package {
    /// On Debian and Ubuntu.
    pub(super) apt: &'static str,
    /// On Fedora.
    pub(super) dnf: &'static str,
    /// On macOS.
    pub(super) brew: &'static str,
    pub(super) probe: Probe,
    pub(super) reason: &'static str,
}

pub(super) enum Probe {
    Program(&'static str),
    File(&'static str),
    /// One of several places of a file.
    AnyFile(&'static [&'static str]),
    /// A library that can be linked, by its name for pkg-config.
    Library(&'static str),
    /// The part of LLVM that reads C headers.
    Libclang,
    /// A program of a PostgreSQL server, which Debian keeps out of PATH.
    Postgres(&'static str),
    /// The data of a language for Tesseract.
    Language(&'static str),
}

impl Probe {
    pub(super) fn finds(&self) -> bool {
        match self {
            Self::Program(name) => shell::find_program(name).is_some(),
            Self::File(path) => !cfg!(target_os = "linux") || Path::new(path).exists(),
            Self::AnyFile(paths) => {
                !cfg!(target_os = "linux") || paths.iter().any(|path| Path::new(path).exists())
            }
            Self::Library(name) => {
                shell::find_program("pkg-config").is_some()
                    && shell::succeeds(Command::new("pkg-config").args(["--exists", name]))
            }
            Self::Libclang => {
                let places = [
                    "/usr/lib",
                    "/usr/lib64",
                    "/usr/lib/x86_64-linux-gnu",
                    "/usr/lib/aarch64-linux-gnu",
                ];
                !cfg!(target_os = "linux") || places.iter().any(|place| holds(place, "libclang"))
            }
            Self::Postgres(name) => {
                let folders = names_in("/usr/lib/postgresql");
                let mut folders =
                    folders.map(|name| Path::new("/usr/lib/postgresql").join(name).join("bin"));
                shell::find_program(name).is_some()
                    || folders.any(|folder| folder.join(name).is_file())
            }
            Self::Language(name) => {
                let listed = Command::new("tesseract").arg("--list-langs").output();
                let listed = listed.map(|output| output.stdout).unwrap_or_default();
                let listed = String::from_utf8_lossy(&listed);
                listed.lines().any(|line| line == *name)
            }
        }
    }
}

fn names_in(folder: &str) -> impl Iterator<Item = std::ffi::OsString> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.flatten().map(|entry| entry.file_name())
}

fn holds(folder: &str, beginning: &str) -> bool {
    names_in(folder).any(|name| name.to_string_lossy().starts_with(beginning))
}

impl Group {
    pub(super) fn missing(&self) -> Vec<&'static Package> {
        let packages = self.packages.iter();
        packages.filter(|package| !package.probe.finds()).collect()
    }
}

pub(super) const BASE: Group = Group {
    what: "what everything is built with",
    packages: &[
        Package {
            apt: "gcc",
            dnf: "gcc",
            brew: "",
            probe: Probe::Program("cc"),
            reason: "links every program; compiles libwebp, SQLite and the fast paths of BLAKE3",
        },
        Package {
            apt: "libc6-dev",
            dnf: "glibc-devel",
            brew: "",
            probe: Probe::File("/usr/include/stdio.h"),
            reason: "the headers of the C library, for the same",
        },
        Package {
            apt: "make",
            dnf: "make",
            brew: "make",
            probe: Probe::Program("make"),
            reason: "cmake drives it to build libjpeg-turbo (turbojpeg)",
        },
        Package {
            apt: "cmake",
            dnf: "cmake",
            brew: "cmake",
            probe: Probe::Program("cmake"),
            reason: "configures libjpeg-turbo (turbojpeg)",
        },
        Package {
            apt: "nasm",
            dnf: "nasm",
            brew: "nasm",
            probe: Probe::Program("nasm"),
            reason: "assembles libjpeg-turbo's SIMD; without it JPEG decoding is two to six times slower",
        },
        Package {
            apt: "git",
            dnf: "git",
            brew: "git",
            probe: Probe::Program("git"),
            reason: "`cargo xtask tidy` asks it which files count",
        },
    ],
};

const PKG_CONFIG: Package = Package {
    apt: "pkg-config",
    dnf: "pkgconf-pkg-config",
    brew: "pkgconf",
    probe: Probe::Program("pkg-config"),
    reason: "says where libraries are",
};

const CLANG: Package = Package {
    apt: "clang",
    dnf: "clang",
    brew: "llvm",
    probe: Probe::Program("clang"),
    reason: "reads the headers of libraries for their Rust bindings",
};

const LIBCLANG: Package = Package {
    apt: "libclang-dev",
    dnf: "clang-devel",
    brew: "",
    probe: Probe::Libclang,
    reason: "the same, as a library",
};

/// One of FFmpeg's libraries: a package each on Debian and Ubuntu, together elsewhere.
const fn ffmpeg(apt: &'static str, library: &'static str, reason: &'static str) -> Package {
    Package {
        apt,
        dnf: "ffmpeg-free-devel",
        brew: "ffmpeg",
        probe: Probe::Library(library),
        reason,
    }
}

pub(super) const VIDEO: Group = Group {
    what: "the engine of video and audio",
    packages: &[
        PKG_CONFIG,
        CLANG,
        LIBCLANG,
        ffmpeg(
            "libavcodec-dev",
            "libavcodec",
            "FFmpeg: decoders and encoders",
        ),
        ffmpeg("libavformat-dev", "libavformat", "FFmpeg: files"),
        ffmpeg("libavfilter-dev", "libavfilter", "FFmpeg: filters"),
        ffmpeg(
            "libavutil-dev",
            "libavutil",
            "FFmpeg: what the others share",
        ),
        ffmpeg("libswscale-dev", "libswscale", "FFmpeg: sizes and colours"),
        ffmpeg(
            "libswresample-dev",
            "libswresample",
            "FFmpeg: audio samples",
        ),
        Package {
            apt: "ffmpeg",
            dnf: "ffmpeg-free",
            brew: "ffmpeg",
            probe: Probe::Program("ffprobe"),
            reason: "tests play what was made, and benchmarks compare with it",
        },
    ],
};

pub(super) const OCR: Group = Group {
    what: "the engine of text recognition",
    packages: &[
        PKG_CONFIG,
        CLANG,
        LIBCLANG,
        Package {
            apt: "libtesseract-dev",
            dnf: "tesseract-devel",
            brew: "tesseract",
            probe: Probe::Library("tesseract"),
            reason: "Tesseract",
        },
        Package {
            apt: "libleptonica-dev",
            dnf: "leptonica-devel",
            brew: "leptonica",
            probe: Probe::Library("lept"),
            reason: "Tesseract's pictures",
        },
        Package {
            apt: "tesseract-ocr",
            dnf: "tesseract",
            brew: "tesseract",
            probe: Probe::Program("tesseract"),
            reason: "English and the detection of orientation; benchmarks compare with it",
        },
        Package {
            apt: "tesseract-ocr-eng",
            dnf: "tesseract-langpack-eng",
            brew: "tesseract",
            probe: Probe::Language("eng"),
            reason: "English",
        },
        Package {
            apt: "tesseract-ocr-osd",
            dnf: "tesseract-osd",
            brew: "tesseract",
            probe: Probe::Language("osd"),
            reason: "which way up a page is",
        },
    ],
};

pub(super) const CAMERA: Group = Group {
    what: "the engine of camera files",
    packages: &[
        PKG_CONFIG,
        Package {
            apt: "g++",
            dnf: "gcc-c++",
            brew: "",
            probe: Probe::Program("c++"),
            reason: "compiles a few functions against LibRaw's headers",
        },
        Package {
            apt: "libraw-dev",
            dnf: "LibRaw-devel",
            brew: "libraw",
            probe: Probe::Library("libraw"),
            reason: "LibRaw",
        },
    ],
};

/// What stops or refuses a program at a chosen system call, for tests.
pub(super) const TRACING: Group = Group {
    what: "the tests that kill the program at each system call",
    packages: &[Package {
        apt: "strace",
        dnf: "strace",
        brew: "",
        probe: Probe::Program("strace"),
        reason: "kills the program before a chosen system call",
    }],
};

pub(super) const FONTS: Group = Group {
    what: "text in SVG",
    packages: &[Package {
        apt: "fonts-dejavu-core",
        dnf: "dejavu-sans-fonts",
        brew: "",
        probe: Probe::AnyFile(&[
            "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
            "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
            "/usr/share/fonts/TTF/DejaVuSans.ttf",
        ]),
        reason: "letters for text in SVG; without them it is left out",
    }],
};

pub(super) const SERVER: Group = Group {
    what: "the PostgreSQL tests",
    packages: &[Package {
        apt: "postgresql",
        dnf: "postgresql-server",
        brew: "postgresql",
        probe: Probe::Postgres("initdb"),
        reason: "a throw-away server for the PostgreSQL tests",
    }],
};
