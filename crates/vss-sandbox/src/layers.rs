//! What a worker says of each layer of its confinement.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::SandboxLevel;

/// One layer of the confinement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Layer {
    /// It holds.
    Enforced,
    /// It does not, and why.
    Missing(String),
}

/// Every layer of a worker's confinement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Layers {
    /// No program it starts could have more rights; not dumpable; dies with its parent.
    pub process: Layer,
    /// Address space, file size, descriptors, core dumps.
    pub limits: Layer,
    /// Landlock without a rule: no file, no port, no foreign process or socket.
    pub landlock: Layer,
    /// The list of system calls.
    pub seccomp: Layer,
}

impl Layers {
    /// No layer at all, for one reason.
    #[cfg(any(test, not(target_os = "linux")))]
    pub(crate) fn none(why: &str) -> Self {
        let missing = || Layer::Missing(why.to_owned());
        Self {
            process: missing(),
            limits: missing(),
            landlock: missing(),
            seccomp: missing(),
        }
    }

    /// Each layer with its name.
    pub fn named(&self) -> [(&'static str, &Layer); 4] {
        [
            ("process", &self.process),
            ("limits", &self.limits),
            ("landlock", &self.landlock),
            ("seccomp", &self.seccomp),
        ]
    }

    /// The level that they add up to.
    pub fn level(&self) -> SandboxLevel {
        let holds = |layer: &Layer| *layer == Layer::Enforced;
        let filtered = holds(&self.process) && holds(&self.limits) && holds(&self.seccomp);
        match (filtered, holds(&self.landlock)) {
            (true, true) => SandboxLevel::L3,
            (true, false) => SandboxLevel::L2,
            (false, _) => SandboxLevel::L1,
        }
    }
}

impl fmt::Display for Layers {
    /// What is missing, and why.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, layer) in self.named() {
            if let Layer::Missing(why) = layer {
                write!(f, "{separator}{name}: {why}")?;
                separator = ", ";
            }
        }
        if separator.is_empty() {
            f.write_str("all layers hold")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_that_is_missing_lowers_the_level() {
        let all = Layers {
            process: Layer::Enforced,
            limits: Layer::Enforced,
            landlock: Layer::Enforced,
            seccomp: Layer::Enforced,
        };
        let missing = || Layer::Missing("the kernel is old".into());
        assert_eq!(all.level(), SandboxLevel::L3);
        assert_eq!(all.to_string(), "all layers hold");
        let without = Layers {
            landlock: missing(),
            ..all.clone()
        };
        assert_eq!(without.level(), SandboxLevel::L2);
        assert_eq!(without.to_string(), "landlock: the kernel is old");
        for layers in [
            Layers {
                seccomp: missing(),
                ..all.clone()
            },
            Layers {
                limits: missing(),
                ..all.clone()
            },
            Layers {
                process: missing(),
                ..all
            },
        ] {
            assert_eq!(layers.level(), SandboxLevel::L1);
        }
    }
}
