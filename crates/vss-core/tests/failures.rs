//! Properties of failure classes: what is tried again, and when.

use proptest::prelude::*;
use vss_core::{
    BACKOFF_CEILING_MS, BACKOFF_FLOOR_MS, Disposition, FailureClass, QUARANTINE_ATTEMPTS, RetryRule,
};

#[test]
fn every_class_has_a_spelling_a_rule_and_a_remedy() {
    for class in FailureClass::ALL {
        assert_eq!(class.as_str().parse(), Ok(class));
        assert!(!class.remedy().is_empty());
    }
    assert!("oops".parse::<FailureClass>().is_err());
}

#[test]
fn what_cannot_succeed_fails_at_once_and_what_kills_is_set_aside_the_third_time() {
    use FailureClass as C;
    for class in [
        C::CorruptSource,
        C::Unsupported,
        C::TooLarge,
        C::Policy,
        C::MissingSource,
    ] {
        assert_eq!(class.disposition(1, 0), Disposition::Failed, "{class}");
    }
    for class in [C::Timeout, C::OutOfMemory, C::Crash] {
        assert!(
            matches!(class.disposition(2, 0), Disposition::RetryAfter(_)),
            "{class}"
        );
        assert_eq!(
            class.disposition(QUARANTINE_ATTEMPTS, 0),
            Disposition::Quarantined,
            "{class}"
        );
    }
    for class in [C::TransientIo, C::ToolMissing, C::DiskFull] {
        assert!(
            matches!(class.disposition(u32::MAX, 0), Disposition::RetryAfter(_)),
            "{class}"
        );
    }
}

proptest! {
    #[test]
    fn a_back_off_stays_between_its_bounds_and_grows(attempt in 1_u32.., jitter in any::<u64>()) {
        let Disposition::RetryAfter(delay) = FailureClass::TransientIo.disposition(attempt, jitter)
        else { panic!("transient_io is always tried again") };
        let millis = u64::try_from(delay.as_millis()).unwrap();
        prop_assert!((BACKOFF_FLOOR_MS..=BACKOFF_CEILING_MS).contains(&millis));
        if attempt > 13 { prop_assert!(millis >= BACKOFF_CEILING_MS / 2); }
    }

    #[test]
    fn only_the_harmful_classes_are_ever_quarantined(attempt in any::<u32>(), jitter in any::<u64>()) {
        for class in FailureClass::ALL {
            if class.disposition(attempt, jitter) == Disposition::Quarantined {
                prop_assert_eq!(class.retry_rule(), RetryRule::BackoffThenQuarantine);
            }
        }
    }
}
