//! Quiet hours: when the clock of a person's zone lets a message leave.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::spec::broadcast::{HOLD, PROFILE_ZONE, QuietHours};
use crate::store::model::Hold;

/// When a message may leave, and why not now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Earliest {
    pub(super) at: Timestamp,
    pub(super) hold: Option<Hold>,
}

/// How far away a message is put whose person's zone nobody knows: until somebody says where they are.
const UNTIL_KNOWN: i64 = 365;

/// The first instant from `now` on at which a person may be written to.
///
/// `theirs` is the person's zone. Where it is not known, `unknown: hold` keeps the message back.
pub(super) fn earliest(
    quiet: Option<&QuietHours>,
    theirs: Option<&TimeZone>,
    now: Timestamp,
) -> Earliest {
    let free = Earliest {
        at: now,
        hold: None,
    };
    let Some(quiet) = quiet else { return free };
    let named = |name: &str| TimeZone::get(name).ok();
    let zone = if quiet.timezone == PROFILE_ZONE {
        match theirs {
            Some(zone) => Some(zone.clone()),
            None if quiet.unknown == HOLD => None,
            None => named(&quiet.unknown),
        }
    } else {
        named(&quiet.timezone)
    };
    let Some(zone) = zone else {
        let later = now.checked_add(UNTIL_KNOWN.checked_mul(24).unwrap_or(0).hours());
        return Earliest {
            at: later.unwrap_or(Timestamp::MAX),
            hold: Some(Hold::ZoneUnknown),
        };
    };
    let (from, to) = (quiet.from.as_time(), quiet.to.as_time());
    let mut at = now;
    // A clock that is put back may show the quiet hours once more, so the end is looked at too.
    for _ in 0..4 {
        let Some(end) = end_of_quiet(from, to, &zone, at) else {
            break;
        };
        at = end;
    }
    if at == now {
        return free;
    }
    Earliest {
        at,
        hold: Some(Hold::QuietHours),
    }
}

/// When the quiet hours around an instant end; `None` where it is not within any.
fn end_of_quiet(from: Time, to: Time, zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
    let local = at.to_zoned(zone.clone());
    let (time, date) = (local.time(), local.date());
    let wraps = from > to;
    let is_quiet = if wraps {
        time >= from || time < to
    } else {
        time >= from && time < to
    };
    if !is_quiet {
        return None;
    }
    let day = if wraps && time >= from {
        date.tomorrow().ok()?
    } else {
        date
    };
    // A clock that is put forward past the end shows a later time, and that is the end then.
    let end = day.to_datetime(to).to_zoned(zone.clone()).ok()?.timestamp();
    // In the second of two equal hours the first one's end lies behind.
    Some(if end > at {
        end
    } else {
        at.checked_add(1.minute()).ok()?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(timezone: &str, unknown: &str) -> QuietHours {
        serde_json::from_value(serde_json::json!({
            "from": "21:00", "to": "08:00", "timezone": timezone, "unknown": unknown
        }))
        .unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    #[test]
    fn c05_nothing_leaves_within_quiet_hours_in_five_zones_and_through_both_clock_changes() {
        let quiet = hours("profile", "hold");
        for name in [
            "Europe/London",
            "America/New_York",
            "Asia/Kolkata",
            "Australia/Lord_Howe",
            "America/Sao_Paulo",
        ] {
            let theirs = zone(name);
            // A year in steps that meet every minute of the day in some night.
            let mut now = at("2026-01-01T00:00:00Z");
            while now < at("2027-01-01T00:00:00Z") {
                let Earliest { at: free, hold } = earliest(Some(&quiet), Some(&theirs), now);
                let local = free.to_zoned(theirs.clone());
                assert!((8..21).contains(&local.hour()), "{name} {now}: {local}");
                assert_eq!(hold.is_some(), free > now);
                if free > now {
                    let wait = free.duration_since(now);
                    assert!(wait.as_hours() <= 12, "{name} {now}: {local}");
                    let before = free
                        .checked_sub(1.second())
                        .unwrap()
                        .to_zoned(theirs.clone());
                    assert!(
                        !(8..21).contains(&before.hour()),
                        "{name} {now}: late by {before}"
                    );
                }
                now = now.checked_add(37.minutes()).unwrap();
            }
        }
    }

    #[test]
    fn c06_a_message_whose_zone_is_unknown_is_held_or_goes_by_the_named_zone() {
        let noon = at("2026-06-01T12:00:00Z");
        let held = earliest(Some(&hours("profile", "hold")), None, noon);
        assert_eq!(held.hold, Some(Hold::ZoneUnknown));
        assert!(held.at > noon.checked_add(300.hours()).unwrap());
        // Noon in London is 05:00 in Los Angeles, the strictest of its neighbours.
        let stated = earliest(Some(&hours("profile", "America/Los_Angeles")), None, noon);
        assert_eq!(stated.at, at("2026-06-01T15:00:00Z"));
        assert_eq!(stated.hold, Some(Hold::QuietHours));
        let all = earliest(Some(&hours("Europe/London", "hold")), None, noon);
        assert_eq!(all.at, noon);
        assert_eq!(earliest(None, None, noon).hold, None);
    }

    #[test]
    fn a_window_within_one_day_ends_on_that_day() {
        let quiet: QuietHours = serde_json::from_value(serde_json::json!({
            "from": "12:00", "to": "14:00", "timezone": "UTC"
        }))
        .unwrap();
        let free = |now: &str| earliest(Some(&quiet), None, at(now)).at;
        assert_eq!(free("2026-06-01T11:59:00Z"), at("2026-06-01T11:59:00Z"));
        assert_eq!(free("2026-06-01T12:00:00Z"), at("2026-06-01T14:00:00Z"));
        assert_eq!(free("2026-06-01T14:00:00Z"), at("2026-06-01T14:00:00Z"));
    }
}
