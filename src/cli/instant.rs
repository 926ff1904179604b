//! Instants as people type them: a date, a time, or how long ago.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

/// Reads `2027-03-01` (its first instant, UTC), `2027-03-01T06:00:00Z`, or `2h` and `3d` for how long ago.
///
/// # Errors
/// What can be typed, in one sentence.
pub fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Ok(day) = text.parse::<Date>() {
        let midnight = day.to_zoned(TimeZone::UTC);
        return midnight
            .map(|at| at.timestamp())
            .map_err(|error| error.to_string());
    }
    let ago: Result<SignedDuration, _> = text
        .parse::<Span>()
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
    ago.and_then(|ago| Timestamp::now().checked_sub(ago))
        .map_err(|_| {
            "give a date (`2027-03-01`), an instant, or how long ago (`2h`, `3d`)".to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_instants_and_spans_are_read() {
        let at = |text: &str| since(text).unwrap().to_string();
        assert_eq!(at("2027-03-01"), "2027-03-01T00:00:00Z");
        assert_eq!(at("2027-03-01T06:00:00+01:00"), "2027-03-01T05:00:00Z");
        for text in ["2h", "3d", "1w", "90m"] {
            assert!(since(text).unwrap() < Timestamp::now(), "{text}");
        }
        for text in ["", "yesterday", "2027-13-01", "5 parsecs", "1y"] {
            assert!(since(text).is_err(), "{text}");
        }
    }
}
