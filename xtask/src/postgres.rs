//! A throw-away PostgreSQL server for the tests, gone again however they end.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

/// Where the tests look for the URL of a server.
pub(crate) const VARIABLE: &str = "VSS_TEST_POSTGRES";

const SCRIPT: &str = include_str!("postgres.sh");

/// A server: somebody else's, or one that ends with this value, or with this process.
pub(crate) struct Server {
    pub(crate) url: OsString,
    keeper: Option<Child>,
}

/// The server that the environment names, or a new one; `None`, with a line that says so, where
/// PostgreSQL is not installed.
pub(crate) fn serve() -> Result<Option<Server>> {
    if let Some(url) = std::env::var_os(VARIABLE) {
        println!("PostgreSQL: the server that {VARIABLE} names");
        return Ok(Some(Server { url, keeper: None }));
    }
    let started = start("sh")?;
    match &started {
        Ok(server) => println!("PostgreSQL: {}", server.url.display()),
        Err(missing) => println!(
            "PostgreSQL tests are skipped: there is no {missing} (`cargo xtask setup` or `apt-get \
             install postgresql` installs it)"
        ),
    }
    Ok(started.ok())
}

/// Starts the keeper; what is missing where it cannot serve.
fn start(shell: &str) -> Result<Result<Server, String>> {
    let mut command = Command::new(shell);
    command.args(["-c", SCRIPT, "sh", SCRIPT]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut keeper) = command.spawn() else {
        return Ok(Err(shell.to_owned()));
    };
    let mut line = String::new();
    let output = keeper.stdout.take().context("the keeper has no output")?;
    BufReader::new(output).read_line(&mut line)?;
    let line = line.trim_end();
    if let Some(missing) = line.strip_prefix("missing ") {
        keeper.wait()?;
        return Ok(Err(missing.to_owned()));
    }
    let Some(url) = line.strip_prefix("url ") else {
        let status = keeper.wait()?;
        bail!("PostgreSQL did not start: its keeper ended with {status}");
    };
    Ok(Ok(Server {
        url: url.into(),
        keeper: Some(keeper),
    }))
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(keeper) = &mut self.keeper {
            // The end of its input is what it waits for.
            drop(keeper.stdin.take());
            if let Err(error) = keeper.wait() {
                eprintln!("PostgreSQL may still run: {error}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_server_leaves_nothing_behind() {
        let Ok(server) = start("sh").unwrap() else {
            return;
        };
        let url = server.url.to_string_lossy().into_owned();
        let (_, home) = url.split_once("?host=").unwrap();
        assert!(Path::new(home).join("data").exists());
        drop(server);
        assert!(!Path::new(home).exists());
    }

    #[test]
    fn without_a_shell_there_is_no_server() {
        let missing = start("no-such-shell-anywhere").unwrap().err();
        assert_eq!(missing.as_deref(), Some("no-such-shell-anywhere"));
    }
}
