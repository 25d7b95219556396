//! Which device this is: kept outside of every library, because a library is portable and a
//! device is not.

use std::path::PathBuf;

use etcetera::BaseStrategy;
use vss_core::DeviceUuid;
use vss_ports::Entropy;

use crate::failure::{Exit, Failure};
use crate::whole_file;

/// This device's uuid, made at first use in `$XDG_STATE_HOME/vss/device`.
pub(crate) fn this_device(entropy: &dyn Entropy) -> Result<DeviceUuid, Failure> {
    let path = state_folder()?.join("device");
    let failed = |error: std::io::Error| {
        let message = format!("this device's name could not be kept in {}", path.display());
        Failure::new(Exit::Failure, message).because(error)
    };
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let device = DeviceUuid::new(random_uuid(entropy));
            let made = path
                .parent()
                .map_or(Ok(()), whole_file::make_folders)
                .and_then(|()| whole_file::make(&path, &format!("{device}\n")));
            if made.map_err(failed)? {
                return Ok(device);
            }
            // Another process named it first.
            std::fs::read_to_string(&path).map_err(failed)?
        }
        read => read.map_err(failed)?,
    };
    text.trim().parse().map_err(|error: uuid::Error| {
        let message = format!("{} holds no device uuid", path.display());
        Failure::new(Exit::Failure, message)
            .because(error)
            .remedy("delete it: a new one is made, and peers take this for a new device")
    })
}

/// A random (version 4) uuid.
pub(crate) fn random_uuid(entropy: &dyn Entropy) -> uuid::Uuid {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

fn state_folder() -> Result<PathBuf, Failure> {
    let strategy = etcetera::choose_base_strategy()
        .map_err(|error| Failure::internal("find the home folder", error))?;
    Ok(strategy
        .state_dir()
        .unwrap_or_else(|| strategy.data_dir())
        .join("vss"))
}
