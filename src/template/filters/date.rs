//! Filters of dates and times. None of them asks a clock: what time it is comes from the data.

use std::sync::OnceLock;

use jiff::civil::Date;
use jiff::fmt::strtime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, Unit, Zoned};
use serde_json::Value;

use crate::template::catalogue::{
    Arguments, Entry, ParameterKind, example, filter, optional, required,
};
use crate::template::error::EvaluateError;

use super::{Made, text, text_of};

pub(in crate::template) const ENTRIES: &[Entry] = &[
    filter(
        "date",
        &[
            optional("format", ParameterKind::DateFormat, "'%Y-%m-%d'"),
            optional("timezone", ParameterKind::TimeZone, "'UTC'"),
        ],
        date,
        "writes a Salesforce date or date-time in a format and a time zone; a date without a time has no zone and stays the same day",
        &[
            example(
                "{{ CreatedDate | date }}",
                r#"{"CreatedDate": "2024-07-24T14:05:58.000+0000"}"#,
                r#""2024-07-24""#,
            ),
            example(
                "{{ CreatedDate | date('%d.%m.%Y %H:%M', timezone='Europe/Berlin') }}",
                r#"{"CreatedDate": "2024-07-24T22:30:00.000+0000"}"#,
                r#""25.07.2024 00:30""#,
            ),
            example(
                "{{ Birthdate | date('%-d %B', timezone='Asia/Tokyo') }}",
                r#"{"Birthdate": "1815-12-10"}"#,
                r#""10 December""#,
            ),
        ],
    ),
    filter(
        "days_since",
        &[
            required("then", ParameterKind::Any),
            optional("timezone", ParameterKind::TimeZone, "'UTC'"),
        ],
        days_since,
        "counts the whole days from `then` to the input, negative where `then` is later; null where one of them is null",
        &[
            example(
                "{{ LastActivityDate | days_since(CreatedDate) }}",
                r#"{"LastActivityDate": "2024-08-01", "CreatedDate": "2024-07-24T14:05:58.000+0000"}"#,
                "7",
            ),
            example(
                "{{ CloseDate | days_since(OpenDate__c) }}",
                r#"{"CloseDate": "2024-03-01", "OpenDate__c": "2024-02-28"}"#,
                "2",
            ),
        ],
    ),
];

/// A moment, or a day of the calendar.
enum When {
    Moment(Timestamp),
    Day(Date),
}

/// Time zones by name, from the database in the binary, so that every machine gives the same result.
pub(in crate::template) fn zone(name: &str) -> Option<TimeZone> {
    static ZONES: OnceLock<TimeZoneDatabase> = OnceLock::new();
    if name == "UTC" {
        return Some(TimeZone::UTC);
    }
    ZONES.get_or_init(TimeZoneDatabase::bundled).get(name).ok()
}

/// The names of all time zones.
pub(in crate::template) fn zones() -> Vec<String> {
    TimeZoneDatabase::bundled()
        .available()
        .map(|name| name.as_str().to_owned())
        .collect()
}

/// Why a format cannot be used, found by writing a day with it.
pub(in crate::template) fn check_format(format: &str) -> Result<(), String> {
    let sample = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    write(format, &sample).map(|_| ()).map_err(|cause| {
        let cause = cause.rsplit(": ").next().unwrap_or_default();
        cause.trim_start_matches("found ").to_owned()
    })
}

fn write(format: &str, moment: &Zoned) -> Result<String, String> {
    strtime::format(format, moment).map_err(|error| error.to_string())
}

/// What Salesforce writes (`2024-07-24T14:05:58.000+0000`, `2024-07-24`), and any RFC 3339 date-time.
fn read(written: &str) -> Option<When> {
    let written = written.trim();
    if let Ok(moment) = written.parse::<Timestamp>() {
        return Some(When::Moment(moment));
    }
    if written.contains(['T', ' ', ':']) {
        return Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", written)
            .ok()
            .map(When::Moment);
    }
    written.parse::<Date>().ok().map(When::Day)
}

fn when(input: &Value, filter: &str) -> Result<Option<When>, EvaluateError> {
    let Some(written) = text_of(input, filter)? else {
        return Ok(None);
    };
    read(&written).map(Some).ok_or_else(|| {
        EvaluateError::filter(format!(
            "`{filter}` is given a text that is neither a date nor a date-time with its offset"
        ))
    })
}

fn zone_of(arguments: &Arguments<'_>, index: usize) -> Result<TimeZone, EvaluateError> {
    let name = arguments.text(index, "timezone")?.unwrap_or("UTC");
    zone(name).ok_or_else(|| EvaluateError::filter("the time zone is not in the IANA database"))
}

fn date(input: &Value, arguments: &Arguments<'_>) -> Made {
    let Some(when) = when(input, "date")? else {
        return Ok(Value::Null);
    };
    let format = arguments.text(0, "format")?.unwrap_or("%Y-%m-%d");
    let zone = zone_of(arguments, 1)?;
    let written = match when {
        When::Moment(moment) => write(format, &moment.to_zoned(zone)),
        When::Day(day) => strtime::format(format, day).map_err(|error| error.to_string()),
    };
    written.map(text).map_err(|_| {
        EvaluateError::filter(
            "the format asks for a time or a zone, and the value is a date without one",
        )
    })
}

fn days_since(input: &Value, arguments: &Arguments<'_>) -> Made {
    let zone = zone_of(arguments, 1)?;
    let then = arguments.value(0).unwrap_or(&Value::Null);
    let (Some(later), Some(earlier)) = (when(input, "days_since")?, when(then, "days_since")?)
    else {
        return Ok(Value::Null);
    };
    let days = match (&later, &earlier) {
        (When::Day(later), When::Day(earlier)) => {
            let span = earlier.until((Unit::Day, *later));
            span.map(|span| i64::from(span.get_days()))
        }
        _ => moment(&later, &zone).and_then(|later| {
            let seconds = later.duration_since(moment(&earlier, &zone)?).as_secs();
            Ok(seconds / 86_400)
        }),
    };
    days.map(Value::from)
        .map_err(|_| EvaluateError::filter("the dates are too far apart"))
}

fn moment(when: &When, zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
    match when {
        When::Moment(moment) => Ok(*moment),
        When::Day(day) => Ok(day.to_zoned(zone.clone())?.timestamp()),
    }
}
