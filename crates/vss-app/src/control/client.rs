//! The asking side.

use super::{Answer, LONGEST, Request};
use crate::failure::{Exit, Failure};
use crate::library::Library;

/// Asks the library's daemon; `None` when there is none.
#[cfg(unix)]
pub(crate) async fn ask(library: &Library, request: &Request) -> Result<Option<Answer>, Failure> {
    use std::io::ErrorKind;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;

    let place = super::socket::place(library.file.id)?;
    let broken = |error: std::io::Error| {
        let message = format!("the daemon at {} does not answer", place.display());
        Failure::new(Exit::Failure, message)
            .because(error)
            .remedy("look at its log; if it hangs, end it and start it again: nothing is lost")
    };
    let mut stream = match UnixStream::connect(&place).await {
        Ok(stream) => stream,
        // No socket, or one that a killed daemon left: nobody is there.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(broken(error)),
    };
    let mut line = serde_json::to_vec(request).map_err(|error| broken(error.into()))?;
    line.push(b'\n');
    stream.write_all(&line).await.map_err(broken)?;
    stream.shutdown().await.map_err(broken)?;
    let mut text = Vec::new();
    stream
        .take(LONGEST)
        .read_to_end(&mut text)
        .await
        .map_err(broken)?;
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
