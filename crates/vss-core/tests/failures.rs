//! Properties of failure classes: what is tried again, and when.

use proptest::prelude::*;
use vss_core::{
    BACKOFF_CEILING_MS, BACKOFF_FLOOR_MS, Disposition, Event, FailureClass, QUARANTINE_STRIKES,
    RetryRule,
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
        C::Cancelled,
    ] {
        assert_eq!(class.disposition(1, 0, 0), Disposition::Failed, "{class}");
    }
    for class in [C::Timeout, C::OutOfMemory, C::Crash] {
        assert!(
            matches!(class.disposition(9, 2, 0), Disposition::RetryAfter(_)),
            "{class}"
        );
        assert_eq!(
            class.disposition(3, QUARANTINE_STRIKES, 0),
            Disposition::Quarantined,
            "{class}"
        );
    }
    for class in [C::TransientIo, C::ToolMissing, C::DiskFull, C::ReadOnly] {
        assert!(
            matches!(
                class.disposition(u32::MAX, u32::MAX, 0),
                Disposition::RetryAfter(_)
            ),
            "{class}"
        );
    }
}

#[test]
fn what_was_cancelled_comes_back_only_on_request() {
    let cancelled = FailureClass::Cancelled;
    assert_eq!(cancelled.retry_rule(), RetryRule::OnRequest);
    assert!(cancelled.yields_to(Event::Retry));
    assert!(!cancelled.yields_to(Event::GeneratorChanged));
    assert!(!cancelled.yields_to(Event::SourceReturned));
    for class in FailureClass::ALL {
        let others = class != cancelled;
        assert_eq!(class.yields_to(Event::GeneratorChanged), others, "{class}");
        let lacked = class == FailureClass::MissingSource;
        assert_eq!(class.yields_to(Event::SourceReturned), lacked, "{class}");
    }
}

proptest! {
    #[test]
    fn a_back_off_stays_between_its_bounds_and_grows(attempt in 1_u32.., jitter in any::<u64>()) {
        let Disposition::RetryAfter(delay) = FailureClass::TransientIo.disposition(attempt, 0, jitter)
        else { panic!("transient_io is always tried again") };
        let millis = u64::try_from(delay.as_millis()).unwrap();
        prop_assert!((BACKOFF_FLOOR_MS..=BACKOFF_CEILING_MS).contains(&millis));
        if attempt > 13 { prop_assert!(millis >= BACKOFF_CEILING_MS / 2); }
    }

    #[test]
    fn a_third_strike_of_a_harmful_class_quarantines_and_nothing_else_does(
        attempt in any::<u32>(), strikes in prop_oneof![0..5_u32, any::<u32>()], jitter in any::<u64>()
    ) {
        for class in FailureClass::ALL {
            let aside = class.disposition(attempt, strikes, jitter) == Disposition::Quarantined;
            prop_assert_eq!(aside, class.is_harmful() && strikes >= 3);
        }
    }

    #[test]
    fn strikes_lengthen_no_back_off(attempt in 1_u32.., strikes in 0..3_u32, jitter in any::<u64>()) {
        let with = FailureClass::Crash.disposition(attempt, strikes, jitter);
        prop_assert_eq!(with, FailureClass::Crash.disposition(attempt, 0, jitter));
    }
}
