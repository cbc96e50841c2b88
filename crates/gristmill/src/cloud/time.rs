//! Times as people write and read them.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use crate::failure::Failure;

/// A time in UTC, or a duration before now.
pub(crate) fn since(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let refused = || {
        Failure::usage(format!(
            "--since {text}: a time in UTC such as 2026-05-20T08:00, a day such as 2026-05-20, or a duration before \
             now such as 2h or 3d is accepted"
        ))
    };
    let time = text.parse::<Timestamp>().ok();
    // A day alone is its beginning.
    let time = time.or_else(|| Offset::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok());
    let time = time.or_else(|| before(text, now));
    time.ok_or_else(refused)
}

fn before(text: &str, now: Timestamp) -> Option<Timestamp> {
    let span: Span = text.parse().ok()?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    // A time to come has no files.
    (duration >= SignedDuration::ZERO).then(|| now.checked_sub(duration).ok())?
}

/// A duration in its largest unit: `45s`, `12m`, `3h`, `5d`.
pub(crate) fn age(age: SignedDuration) -> String {
    let seconds = age.as_secs().max(0);
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        7_200..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A time to the second.
pub(crate) fn to_the_second(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// A time as a word: `20261121T204100Z`.
pub(crate) fn as_word(time: Timestamp) -> String {
    to_the_second(time).chars().filter(|character| !"-:".contains(*character)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_utc_or_so_long_ago() {
        let now: Timestamp = "2026-11-21T20:41:00.5Z".parse().unwrap();
        for (text, expected) in [
            ("2026-05-20T08:00:00Z", "2026-05-20T08:00:00Z"),
            ("2026-05-20T08:00:00+02:00", "2026-05-20T06:00:00Z"),
            ("2026-05-20T08:00", "2026-05-20T08:00:00Z"),
            ("2026-05-20 08:00:30", "2026-05-20T08:00:30Z"),
            ("2026-05-20", "2026-05-20T00:00:00Z"),
            ("2h", "2026-11-21T18:41:00.5Z"),
            ("3d", "2026-11-18T20:41:00.5Z"),
            ("90m", "2026-11-21T19:11:00.5Z"),
            ("1d 2h", "2026-11-20T18:41:00.5Z"),
        ] {
            assert_eq!(since(text, now).unwrap(), expected.parse().unwrap(), "{text}");
        }
        for text in ["", "yesterday", "2 moons", "-2h", "1mo", "2026-13-01"] {
            assert!(since(text, now).unwrap_err().message.contains("2h or 3d"), "{text}");
        }
    }

    #[test]
    fn an_age_is_short() {
        for (seconds, text) in
            [(-5, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (7_200, "2h"), (200_000, "2d")]
        {
            assert_eq!(age(SignedDuration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_time_is_a_word() {
        assert_eq!(as_word("2026-11-21T20:41:00.5Z".parse().unwrap()), "20261121T204100Z");
    }
}
