//! The asking side.

use super::{Answer, LONGEST, Request};
use crate::failure::{Exit, Failure};
use crate::library::Library;

/// How often a daemon is asked that hangs up without an answer.
#[cfg(unix)]
const TRIES: usize = 3;

/// How long until it is asked again.
#[cfg(unix)]
const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// Asks the library's daemon; `None` when there is none.
///
/// One that ends while it is asked hangs up, and a moment later it is not there: then whoever asked
/// does it himself. Every request may be made twice.
#[cfg(unix)]
pub(crate) async fn ask(library: &Library, request: &Request) -> Result<Option<Answer>, Failure> {
    use std::io::{Error, ErrorKind};

    let place = super::socket::place(library.file.id)?;
    let broken = |error: Error| {
        let message = format!("the daemon at {} does not answer", place.display());
        Failure::new(Exit::Failure, message)
            .because(error)
            .remedy("look at its log; if it hangs, end it and start it again: nothing is lost")
    };
    let mut line = serde_json::to_vec(request).map_err(|error| broken(error.into()))?;
    line.push(b'\n');
    let mut tries = 0;
    let text = loop {
        tries += 1;
        match exchange(&place, &line).await {
            Ok(text) => break text,
            // No socket, or one that a killed daemon left: nobody is there.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::NotFound | ErrorKind::ConnectionRefused
                ) =>
            {
                return Ok(None);
            }
            Err(error) if has_hung_up(&error) && tries < TRIES => tokio::time::sleep(PAUSE).await,
            Err(error) => return Err(broken(error)),
        }
    };
    match serde_json::from_slice(&text) {
        Ok(Answer::Failed { error, exit_code }) => {
            let exit = match exit_code {
                2 => Exit::Usage,
                5 => Exit::Library,
                _ => Exit::Failure,
            };
            Err(Failure::new(exit, format!("the daemon says: {error}")))
        }
        Ok(answer) => Ok(Some(answer)),
        Err(error) => Err(broken(error.into())),
    }
}

/// Sends a line and takes the answer.
#[cfg(unix)]
async fn exchange(place: &std::path::Path, line: &[u8]) -> std::io::Result<Vec<u8>> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let mut stream = tokio::net::UnixStream::connect(place).await?;
    stream.write_all(line).await?;
    stream.shutdown().await?;
    let mut text = Vec::new();
    stream.take(LONGEST).read_to_end(&mut text).await?;
    match text.is_empty() {
        true => Err(std::io::ErrorKind::UnexpectedEof.into()),
        false => Ok(text),
    }
}

#[cfg(unix)]
fn has_hung_up(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, NotConnected, UnexpectedEof};

    matches!(
        error.kind(),
        BrokenPipe | ConnectionReset | NotConnected | UnexpectedEof
    )
}

/// Without unix sockets there is no daemon to ask.
#[cfg(not(unix))]
pub(crate) async fn ask(_: &Library, _: &Request) -> Result<Option<Answer>, Failure> {
    Ok(None)
}

/// Tells the daemon, if there is one, that there is work. It would find it by itself a moment
/// later, so nothing is said when this fails. Whether there is one.
pub(crate) async fn wake(library: &Library) -> bool {
    match ask(library, &Request::Wake).await {
        Ok(answer) => answer.is_some(),
        Err(error) => {
            tracing::debug!(%error, "the daemon could not be told of new work");
            false
        }
    }
}
