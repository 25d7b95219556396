//! The spellings of times in media files.

use time::{Date, Month, PrimitiveDateTime, Time};
use vss_core::Timestamp;
use vss_core::companion::CaptureTime;

/// `2020:05:04 18:39:11` with the fraction and the zone that other fields have (EXIF 2.32, 4.6.5).
pub(crate) fn exif(
    text: &[u8],
    fraction: Option<&[u8]>,
    zone: Option<&[u8]>,
) -> Option<CaptureTime> {
    let wall = wall(text)?.saturating_add(millis(fraction.unwrap_or_default()));
    Some(match zone.and_then(offset) {
        Some(offset_minutes) => zoned(wall, offset_minutes),
        None => CaptureTime::Wall(wall),
    })
}

/// `2016-12-07T11:44:59-0600`, also with a fraction or `Z`.
pub(crate) fn iso(text: &[u8]) -> Option<CaptureTime> {
    let (time, rest) = text.split_at_checked(19)?;
    let wall = wall(time)?;
    let (fraction, zone) = match rest.strip_prefix(b".") {
        None => (&[][..], rest),
        Some(rest) => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            rest.split_at_checked(digits)?
        }
    };
    let wall = wall.saturating_add(millis(fraction));
    Some(match offset(zone) {
        Some(offset_minutes) => zoned(wall, offset_minutes),
        None => CaptureTime::Wall(wall),
    })
}

/// Seconds between 1904, where QuickTime's clock begins, and 1970.
const SINCE_1904: u64 = 2_082_844_800;
/// Nothing was filmed by a phone before 1995: it is a clock that was never set.
const FIRST: u64 = 788_918_400;

/// Seconds since 1904 in Greenwich (ISO/IEC 14496-12, 8.2.2).
pub(crate) fn since_1904(seconds: u64) -> Option<CaptureTime> {
    let seconds = seconds.checked_sub(SINCE_1904).filter(|s| *s >= FIRST)?;
    let millis = i64::try_from(seconds).ok()?.checked_mul(1_000)?;
    Some(CaptureTime::Moment(Timestamp::from_millis(millis)))
}

fn zoned(wall: i64, offset_minutes: i16) -> CaptureTime {
    let moment = wall.saturating_sub(i64::from(offset_minutes) * 60_000);
    CaptureTime::Zoned {
        moment: Timestamp::from_millis(moment),
        offset_minutes,
    }
}

fn number(text: &[u8]) -> Option<u16> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// What a clock on the wall showed, in milliseconds; the separators may be any.
fn wall(text: &[u8]) -> Option<i64> {
    let part = |from: usize, to: usize| number(text.get(from..to)?);
    let small = |from, to| part(from, to).and_then(|number| u8::try_from(number).ok());
    let date = Date::from_calendar_date(
        i32::from(part(0, 4)?),
        Month::try_from(small(5, 7)?).ok()?,
        small(8, 10)?,
    );
    let time = Time::from_hms(small(11, 13)?, small(14, 16)?, small(17, 19)?);
    let time = PrimitiveDateTime::new(date.ok()?, time.ok()?);
    // A camera whose clock was never set says the year 0.
    (time.year() > 0).then(|| time.assume_utc().unix_timestamp().saturating_mul(1_000))
}

/// Digits behind a point, as milliseconds.
fn millis(digits: &[u8]) -> i64 {
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let places = [100, 10, 1];
    let place = |(digit, place): (&u8, i64)| i64::from(digit - b'0') * place;
    digits.zip(places).map(place).sum()
}

/// `+05:45`, `-0600` or `Z`, in minutes.
fn offset(zone: &[u8]) -> Option<i16> {
    let zone = zone.trim_ascii();
    if zone == b"Z" {
        return Some(0);
    }
    let (sign, rest) = zone.split_first()?;
    let sign = match sign {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let minutes = match rest.len() {
        4 => rest.get(2..)?,
        5 => rest.get(3..)?,
        _ => return None,
    };
    let (hours, minutes) = (number(rest.get(..2)?)?, number(minutes)?);
    let all = i16::try_from(hours.checked_mul(60)?.checked_add(minutes)?).ok()?;
    // No clock on earth is further from Greenwich.
    (all <= 14 * 60 && minutes < 60).then_some(sign * all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(millis: i64, offset_minutes: i16) -> Option<CaptureTime> {
        Some(CaptureTime::Zoned {
            moment: Timestamp::from_millis(millis),
            offset_minutes,
        })
    }

    #[test]
    fn exif_times_have_a_zone_where_a_field_says_so() {
        let time = b"2016:12:07 11:44:58";
        let wall = 1_481_111_098_000;
        assert_eq!(exif(time, None, None), Some(CaptureTime::Wall(wall)));
        assert_eq!(
            exif(time, Some(b"7  "), None),
            Some(CaptureTime::Wall(wall + 700))
        );
        assert_eq!(
            exif(time, Some(b"123456"), Some(b"-06:00")),
            moment(wall + 123 + 6 * 3_600_000, -360)
        );
        for none in [
            &b"    :  :     :  :  "[..],
            b"0000:00:00 00:00:00",
            b"2016:13:07 11:44:58",
            b"2016:02:30 11:44:58",
            b"2016:12:07 25:44:58",
            b"2016:12:07",
            b"",
            b"+016:12:07 11:44:58",
        ] {
            assert_eq!(exif(none, None, None), None, "{none:?}");
        }
        assert_eq!(
            exif(time, None, Some(b"+25:00")),
            Some(CaptureTime::Wall(wall))
        );
    }

    #[test]
    fn iso_times_are_read_with_and_without_a_colon_in_their_zone() {
        let millis = 1_481_132_699_000;
        assert_eq!(iso(b"2016-12-07T11:44:59-0600"), moment(millis, -360));
        assert_eq!(iso(b"2016-12-07T11:44:59-06:00"), moment(millis, -360));
        assert_eq!(iso(b"2016-12-07T17:44:59.5Z"), moment(millis + 500, 0));
        assert_eq!(iso(b"2016-12-07T17:44:59"), Some(CaptureTime::Wall(millis)));
        assert_eq!(iso(b"2016-12-07"), None);
    }

    #[test]
    fn a_clock_that_was_never_set_says_nothing() {
        assert_eq!(since_1904(0), None);
        assert_eq!(since_1904(SINCE_1904), None);
        assert_eq!(since_1904(u64::MAX), None);
        assert_eq!(
            since_1904(SINCE_1904 + 1_500_000_000),
            Some(CaptureTime::Moment(Timestamp::from_millis(
                1_500_000_000_000
            )))
        );
    }
}
