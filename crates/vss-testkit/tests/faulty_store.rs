//! A store that a test made faulty fails exactly the call that was chosen, and says truly whether
//! it took effect.

use std::sync::Arc;

use vss_core::Timestamp;
use vss_ports::{EnqueueBatch, PortErrorKind, SidecarQueue, SidecarStore, Watermark};
use vss_testkit::store::{Call, FaultyStore, MemoryStore};

const NOW: Timestamp = Timestamp::from_millis(0);

fn mark(value: &str) -> EnqueueBatch {
    EnqueueBatch {
        items: Vec::new(),
        watermark: Some(Watermark {
            name: "n".into(),
            value: value.into(),
        }),
    }
}

#[tokio::test]
async fn the_chosen_call_fails_once_and_the_others_pass() {
    let store = FaultyStore::over(Arc::new(MemoryStore::default()));
    store.refuse(Call::Enqueue, 1, PortErrorKind::Full);
    assert!(store.enqueue(&mark("1"), NOW).await.is_ok());
    assert!(store.counts().await.is_ok());
    let error = store.enqueue(&mark("2"), NOW).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Full);
    let kept = store.watermark("n").await.unwrap();
    assert_eq!(kept.as_deref(), Some("1"), "it took no effect");
    assert!(store.enqueue(&mark("3"), NOW).await.is_ok());
}

#[tokio::test]
async fn a_lost_answer_took_effect() {
    let store = FaultyStore::over(Arc::new(MemoryStore::default()));
    store.lose_answer(Call::Enqueue, 0, PortErrorKind::Unavailable);
    let error = store.enqueue(&mark("1"), NOW).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Unavailable);
    let kept = store.watermark("n").await.unwrap();
    assert_eq!(kept.as_deref(), Some("1"));
}
