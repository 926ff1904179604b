//! Which rows a run reads: a closed window between the cursor and the server's clock.

use jiff::{SignedDuration, Timestamp};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::event::Cursor;
use crate::plan::query::{Key, Lower, StampField, Window};

/// A cursor further ahead of the server's clock than this was not made by it.
const FUTURE: SignedDuration = SignedDuration::from_hours(1);

/// What decides a window.
#[derive(Debug, Clone)]
pub struct Bounds<'a> {
    /// The field that stamps the object's rows; `None` where it has none.
    pub by: Option<StampField>,
    /// Where the last run ended; `None` reads from the beginning.
    pub cursor: Option<&'a Cursor>,
    /// How long a transaction may stay open before its rows appear.
    pub overlap: SignedDuration,
    /// The server's clock.
    pub now: Timestamp,
}

/// The window of a run; `None` when it would end before it begins, because the server's clock went back.
///
/// The upper end is the last second that is over, so no row can join it in a normal commit. Rows of transactions that were
/// open when the last window was read may appear with an older stamp: everything stamped after that window's end minus
/// the overlap is read again, and nothing before it.
///
/// # Errors
/// `cursor-in-future` when the cursor lies an hour or more ahead of the server's clock.
pub fn open(bounds: &Bounds<'_>) -> Result<Option<Window>> {
    let Some(by) = bounds.by else {
        return Ok(Some(Window::Whole { after: None }));
    };
    // I6: both ends are bounded, the upper one by the server's clock.
    let until = floor_second(bounds.now) - SignedDuration::from_secs(1);
    let lower = match bounds.cursor {
        None => Lower::From(Timestamp::UNIX_EPOCH),
        Some(cursor) => resume(cursor, bounds)?,
    };
    let from = match &lower {
        Lower::From(from) => *from,
        Lower::Behind(key) => key.stamp,
    };
    Ok((from <= until).then_some(Window::Stamped { by, lower, until }))
}

/// The cursor of a window that was read to its end.
///
/// Never lies before `earlier`: a server clock that went back must not make the next run read everything again.
pub fn settled(query_hash: String, until: Timestamp, earlier: Option<&Cursor>) -> Cursor {
    let end = earlier.map_or(until, |cursor| cursor.window_end.max(until));
    Cursor {
        query_hash,
        stamp: end,
        id: String::new(),
        window_end: end,
    }
}

fn resume(cursor: &Cursor, bounds: &Bounds<'_>) -> Result<Lower> {
    if cursor
        .stamp
        .max(cursor.window_end)
        .duration_since(bounds.now)
        > FUTURE
    {
        return Err(Error::new(
            Code::CursorInFuture,
            format!(
                "the cursor stands at {}, but Salesforce's clock says {}",
                cursor.stamp.max(cursor.window_end),
                bounds.now
            ),
        )
        .help("run with `--full` to read everything again; unchanged profiles are not written"));
    }
    let stable = cursor
        .window_end
        .saturating_sub(bounds.overlap)
        .unwrap_or(Timestamp::UNIX_EPOCH);
    if cursor.id.is_empty() {
        return Ok(Lower::From(cursor.stamp.min(stable)));
    }
    if cursor.stamp < stable {
        Ok(Lower::Behind(Key {
            stamp: cursor.stamp,
            id: cursor.id.clone(),
        }))
    } else {
        Ok(Lower::From(stable))
    }
}

fn floor_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn cursor(stamp: &str, id: &str, window_end: &str) -> Cursor {
        Cursor {
            query_hash: "h".into(),
            stamp: at(stamp),
            id: id.into(),
            window_end: at(window_end),
        }
    }

    fn lower(cursor: &Cursor, now: &str) -> Result<Option<Lower>> {
        let window = open(&Bounds {
            by: Some(StampField::SystemModstamp),
            cursor: Some(cursor),
            overlap: SignedDuration::from_mins(10),
            now: at(now),
        })?;
        Ok(match window {
            Some(Window::Stamped { lower, .. }) => Some(lower),
            _ => None,
        })
    }

    #[test]
    fn i6_the_window_ends_with_the_last_second_that_is_over() {
        let window = open(&Bounds {
            by: Some(StampField::SystemModstamp),
            cursor: None,
            overlap: SignedDuration::ZERO,
            now: at("2027-01-01T12:00:00.9Z"),
        });
        assert_eq!(
            window.unwrap(),
            Some(Window::Stamped {
                by: StampField::SystemModstamp,
                lower: Lower::From(Timestamp::UNIX_EPOCH),
                until: at("2027-01-01T11:59:59Z"),
            })
        );
    }

    #[test]
    fn a_settled_window_is_continued_from_its_end_less_the_overlap() {
        let cursor = cursor("2027-01-01T12:00:00Z", "", "2027-01-01T12:00:00Z");
        let expected = Some(Lower::From(at("2027-01-01T11:50:00Z")));
        assert_eq!(lower(&cursor, "2027-01-01T13:00:00Z").unwrap(), expected);
    }

    #[test]
    fn an_interrupted_read_of_old_rows_continues_behind_the_last_one() {
        let cursor = cursor(
            "2020-05-05T00:00:00Z",
            "00Q000000000001EAA",
            "2027-01-01T12:00:00Z",
        );
        let key = Key {
            stamp: at("2020-05-05T00:00:00Z"),
            id: "00Q000000000001EAA".into(),
        };
        assert_eq!(
            lower(&cursor, "2027-01-01T13:00:00Z").unwrap(),
            Some(Lower::Behind(key))
        );
    }

    #[test]
    fn an_interruption_inside_the_overlap_reads_the_overlap_again() {
        let cursor = cursor(
            "2027-01-01T11:55:00Z",
            "00Q000000000001EAA",
            "2027-01-01T12:00:00Z",
        );
        let expected = Some(Lower::From(at("2027-01-01T11:50:00Z")));
        assert_eq!(lower(&cursor, "2027-01-01T13:00:00Z").unwrap(), expected);
    }

    #[test]
    fn s19_a_server_clock_that_went_back_reads_nothing_and_keeps_the_cursor() {
        let cursor = cursor("2027-01-01T12:00:00Z", "", "2027-01-01T12:00:00Z");
        assert_eq!(lower(&cursor, "2027-01-01T11:30:00Z").unwrap(), None);
        let kept = settled("h".into(), at("2027-01-01T11:29:59Z"), Some(&cursor));
        assert_eq!(kept.window_end, at("2027-01-01T12:00:00Z"));
    }

    #[test]
    fn s18_a_cursor_from_the_future_is_refused_with_a_way_on() {
        let cursor = cursor("2999-01-01T00:00:00Z", "", "2999-01-01T00:00:00Z");
        let error = lower(&cursor, "2027-01-01T13:00:00Z").unwrap_err();
        assert_eq!(error.code(), Code::CursorInFuture);
        assert!(error.help_text().unwrap().contains("--full"));
    }
}
