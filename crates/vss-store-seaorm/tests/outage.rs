//! A server that goes away makes every call `Unavailable`; once it is back, the same store works on.
#![cfg(feature = "postgres")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::panic,
    reason = "a test that cannot go on has failed, and says what is skipped"
)]

mod server;
mod work;

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use vss_ports::{
    CommitOutcome, PortErrorKind, PortResult, Publisher, Recovery, SidecarQueue, SidecarStore,
};
use vss_store_seaorm::{SeaOrmStore, StoreOptions};
use work::{NOW, Nowhere, batch, commits, keys, request};

/// What `cargo xtask test` starts the server of all tests with; here for one that is stopped.
const KEEPER: &str = include_str!("../../../xtask/src/postgres.sh");

struct Own {
    keeper: Child,
    /// Where commands go until it is to end, and where their answers come from.
    commands: Mutex<(Option<ChildStdin>, Lines<BufReader<ChildStdout>>)>,
    url: String,
}

impl Own {
    /// A server of our own; `None` where none can be started.
    fn start() -> Option<Self> {
        // Who names a server has one installed, most likely here.
        server::url()?;
        let mut keeper = Command::new("sh");
        let keeper = keeper.args(["-c", KEEPER, "sh", KEEPER]);
        let keeper = keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut keeper = keeper.unwrap();
        let commands = keeper.stdin.take().unwrap();
        let mut answers = BufReader::new(keeper.stdout.take().unwrap()).lines();
        let first = answers.next().unwrap().unwrap();
        let Some(url) = first.strip_prefix("url ") else {
            eprintln!("skipped on PostgreSQL: {first}");
            keeper.wait().unwrap();
            return None;
        };
        Some(Self {
            url: url.to_owned(),
            keeper,
            commands: Mutex::new((Some(commands), answers)),
        })
    }

    fn tell(&self, command: &str) {
        let (commands, answers) = &mut *self.commands.lock().unwrap();
        let commands = commands.as_mut().unwrap();
        writeln!(commands, "{command}").unwrap();
        assert_eq!(answers.next().unwrap().unwrap(), "done");
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // It ends with its input, and removes what it made.
        drop(self.commands.get_mut().unwrap().0.take());
        self.keeper.wait().unwrap();
    }
}

/// Pulls the plug while it publishes.
struct Plug<'a>(&'a Own);

#[async_trait]
impl Publisher for Plug<'_> {
    async fn publish(&self, positions: &[usize]) -> Vec<PortResult<()>> {
        self.0.tell("stop");
        Nowhere.publish(positions).await
    }
}

fn unavailable<T: std::fmt::Debug>(answer: PortResult<T>) {
    match answer {
        Err(error) => {
            assert_eq!(error.kind, PortErrorKind::Unavailable, "{error:?}");
            assert!(error.is_retryable());
        }
        Ok(answer) => panic!("a server that is gone answered {answer:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_away_is_unavailable_and_works_again_when_it_is_back() {
    let Some(own) = Own::start() else { return };
    let url = server::schema(&own.url).await;
    let options = StoreOptions {
        busy_timeout: Duration::from_millis(500),
        ..StoreOptions::default()
    };
    let store = SeaOrmStore::open_url(&url, &options).await.unwrap();
    store.enqueue(&batch(2), NOW).await.unwrap();
    let claims = store.claim(&request("a", 1)).await.unwrap();
    let key = keys(&claims).remove(0);

    own.tell("stop");
    unavailable(store.claim(&request("a", 1)).await);
    unavailable(store.find(&key).await);
    unavailable(store.counts().await);
    unavailable(store.commit(&commits(&claims), &Nowhere, NOW).await);
    unavailable(SeaOrmStore::open_url(&url, &options).await);

    own.tell("start");
    let outcomes = store
        .commit(&commits(&claims), &Nowhere, NOW)
        .await
        .unwrap();
    assert!(matches!(outcomes[0], CommitOutcome::Committed));
    let ready = store.find(&key).await.unwrap().unwrap();
    assert_eq!(ready.status, vss_core::Status::Ready);

    // Between the files and the rows: nothing is recorded, and the lease runs out.
    let claims = store.claim(&request("a", 1)).await.unwrap();
    unavailable(store.commit(&commits(&claims), &Plug(&own), NOW).await);
    own.tell("start");
    let later = NOW.plus(Duration::from_secs(60));
    let released = store.release(&Recovery::Expired, later).await.unwrap();
    assert_eq!(released, 2);
    let late = store
        .commit(&commits(&claims), &Nowhere, NOW)
        .await
        .unwrap();
    assert!(matches!(late[0], CommitOutcome::Fenced));
}
