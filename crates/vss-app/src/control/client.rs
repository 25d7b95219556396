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

/// How long it may take for what it does at once. A daemon that is stopped accepts, and says nothing.
#[cfg(unix)]
const ANSWERS_WITHIN: std::time::Duration = std::time::Duration::from_secs(10);

/// Asks the library's daemon; `None` when there is none.
///
/// One that ends while it is asked hangs up, and a moment later it is not there: then whoever asked
/// does it himself. Every request may be made twice.
#[cfg(unix)]
pub(crate) async fn ask(library: &Library, request: &Request) -> Result<Option<Answer>, Failure> {
    use std::io::Error;

    let place = super::socket::place(library)?;
    let broken = |error: Error| {
        let message = format!("the daemon at {} does not answer", place.display());
        Failure::new(Exit::Failure, message)
            .because(error)
            .remedy("look at its log; if it hangs, end it and start it again: nothing is lost")
    };
    let takes_long = matches!(request, Request::Reconcile { .. } | Request::Cancel { .. });
    if takes_long {
        // Whether it answers at all is asked first.
        let status = line_of(&Request::Status).map_err(broken)?;
        if patiently(&place, &status, Some(ANSWERS_WITHIN))
            .await
            .map_err(broken)?
            .is_none()
        {
            return Ok(None);
        }
    }
    let line = line_of(request).map_err(broken)?;
    let within = (!takes_long).then_some(ANSWERS_WITHIN);
    let Some(text) = patiently(&place, &line, within).await.map_err(broken)? else {
        return Ok(None);
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

#[cfg(unix)]
fn line_of(request: &Request) -> std::io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    Ok(line)
}

/// Sends a line and takes the answer, again when a daemon that ends hangs up; `None` when nobody is
/// there.
#[cfg(unix)]
async fn patiently(
    place: &std::path::Path,
    line: &[u8],
    within: Option<std::time::Duration>,
) -> std::io::Result<Option<Vec<u8>>> {
    use std::io::ErrorKind::{ConnectionRefused, NotFound, TimedOut};

    let mut tries = 0;
    loop {
        tries += 1;
        let asked = exchange(place, line);
        let answered = match within {
            Some(within) => match tokio::time::timeout(within, asked).await {
                Ok(answered) => answered,
                Err(_) => {
                    let why = format!("nothing within {} s", within.as_secs());
                    return Err(std::io::Error::new(TimedOut, why));
                }
            },
            None => asked.await,
        };
        match answered {
            Ok(text) => return Ok(Some(text)),
            // No socket, or one that a killed daemon left: nobody is there.
            Err(error) if matches!(error.kind(), NotFound | ConnectionRefused) => return Ok(None),
            Err(error) if has_hung_up(&error) && tries < TRIES => tokio::time::sleep(PAUSE).await,
            Err(error) => return Err(error),
        }
    }
}

/// Sends a line and takes the answer. Who hangs up before it comes wants it no more, so that the line
/// stays open until then.
#[cfg(unix)]
async fn exchange(place: &std::path::Path, line: &[u8]) -> std::io::Result<Vec<u8>> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let mut stream = tokio::net::UnixStream::connect(place).await?;
    stream.write_all(line).await?;
    let mut text = Vec::new();
    stream.take(LONGEST + 1).read_to_end(&mut text).await?;
    match text.len() as u64 {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        length if length > LONGEST => Err(std::io::Error::other("its answer is too long")),
        _ => Ok(text),
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
