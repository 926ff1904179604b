//! Schedules in `bridged plan` and `bridged status`.

use bridged::schedule::Timetable;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::sample::pipeline;
use crate::support::project::Project;

const PROJECT: &str = "\
version: 1
name: acme
connections:
  salesforce:
    type: salesforce
    instance_url: https://acme.my.salesforce.com
    auth: { method: api_key, consumer_key: \"${KEY}\", api_key: \"${SECRET}\" }
";

fn text(lines: &str) -> String {
    format!(
        "version: 1\nname: leads\ndirection: read\nsource: {{ object: Lead }}\n\
         field_map: {{ name: \"{{{{ LastName }}}}\" }}\n{lines}\n"
    )
}

fn with(lines: &str) -> Project {
    Project::empty()
        .file("bridged.yaml", PROJECT)
        .file("pipelines/leads.yaml", text(lines))
}

fn plan(lines: &str) -> Value {
    let report = with(lines)
        .bridged(&["plan", "--format", "json"])
        .expect(0)
        .json();
    report["result"]["plans"][0].clone()
}

const LONDON: &str = "schedule: { cron: \"0 6 * * 1-5\", timezone: Europe/London }\nmissed: skip";

#[test]
fn a_plan_tells_the_next_three_times_in_json() {
    let before = Timestamp::now();
    let shown = plan(LONDON)["schedule"].clone();
    let after = Timestamp::now();
    assert_eq!(shown["timezone"], "Europe/London");
    assert_eq!(shown["missed"], "skip");
    assert_eq!(shown["delay_ms"], 0);
    assert_eq!(
        shown["words"],
        "at 06:00, on Monday, Tuesday, Wednesday, Thursday, and Friday, Europe/London; \
         missed times are skipped"
    );
    let timetable = Timetable::of("acme", &pipeline("leads", LONDON)).unwrap();
    // The command asked the time between the two readings of it.
    let of = |now| {
        timetable
            .between(now, Timestamp::MAX)
            .take(3)
            .map(|tick| tick.due)
    };
    let due: Vec<Timestamp> = shown["next"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tick| tick["due"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(of(before).eq(due.iter().copied()) || of(after).eq(due.iter().copied()));
    for tick in shown["next"].as_array().unwrap() {
        assert_eq!(tick["nominal"], tick["due"]);
        let local = tick["local"].as_str().unwrap();
        assert!(local.contains("T06:00:00+0"), "{local}");
        let same: Timestamp = local.parse().unwrap();
        assert_eq!(tick["due"], same.to_string());
    }
}

#[test]
fn a_plan_tells_the_next_times_in_words_and_in_both_clocks() {
    let shown = with(LONDON).bridged(&["plan"]).expect(0).stdout;
    let lines: Vec<&str> = shown
        .lines()
        .skip_while(|line| !line.starts_with("schedule: at 06:00, on Monday"))
        .collect();
    assert_eq!(lines.len(), 4, "{shown}");
    assert!(lines[1].starts_with("next:     20"), "{shown}");
    for line in &lines[1..] {
        let (local, utc) = line.split_once(" (").unwrap();
        assert!(
            local.ends_with("06:00:00 GMT") || local.ends_with("06:00:00 BST"),
            "{line}"
        );
        assert!(utc.ends_with(":00:00Z)"), "{line}");
    }
    let hourly = with("schedule: hourly").bridged(&["plan"]).expect(0).stdout;
    let schedule = hourly
        .lines()
        .find(|line| line.starts_with("schedule: "))
        .unwrap();
    assert!(
        schedule.starts_with("schedule: every hour, on the hour, UTC, ")
            && schedule.ends_with(" later each time; missed times are made up for by one run"),
        "{schedule}"
    );
    assert!(!hourly.contains("Z)"), "UTC is told once: {hourly}");
}

#[test]
fn what_has_no_times_says_when_it_runs() {
    for (lines, words) in [
        ("", "only when a person starts it"),
        ("schedule: manual", "only when a person starts it"),
        ("schedule: realtime", "as soon as something changes"),
    ] {
        let shown = plan(lines)["schedule"].clone();
        assert_eq!(shown["words"], words);
        assert_eq!(shown["next"], serde_json::json!([]));
        let out = with(lines).bridged(&["plan"]).expect(0).stdout;
        assert!(out.ends_with(&format!("schedule: {words}\n")), "{out}");
    }
}

#[test]
fn i2_the_schedule_is_no_part_of_the_fingerprint() {
    let manual = plan("");
    for lines in [
        "schedule: hourly",
        "schedule: { every: 15m }\nmissed: skip\njitter: 1s",
        LONDON,
    ] {
        assert_eq!(plan(lines)["fingerprint"], manual["fingerprint"], "{lines}");
    }
}

#[test]
fn a_graph_has_no_schedule() {
    for form in ["mermaid", "dot"] {
        let out = with(LONDON)
            .bridged(&["plan", "--format", form])
            .expect(0)
            .stdout;
        assert!(!out.contains("06:00"), "{out}");
    }
}

#[test]
fn status_tells_when_each_pipeline_comes_next() {
    let project = with("schedule: { every: 1d }")
        .file(
            "pipelines/by-hand.yaml",
            text("").replace("leads", "by-hand"),
        )
        .file(
            "pipelines/live.yaml",
            text("schedule: realtime").replace("leads", "live"),
        );
    let now = Timestamp::now();
    let report = project
        .bridged(&["status", "--format", "json"])
        .expect(0)
        .json();
    let rows = report["result"]["pipelines"].as_array().unwrap();
    let row = |name: &str| rows.iter().find(|row| row["pipeline"] == name).unwrap();
    let next: Timestamp = row("leads")["next"]["due"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(next > now && next <= now + SignedDuration::from_hours(25));
    assert!(
        row("leads")["schedule"]
            .as_str()
            .unwrap()
            .starts_with("every 1d, UTC")
    );
    assert_eq!(row("by-hand")["next"], Value::Null);
    assert_eq!(row("live")["next"], Value::Null);
    let shown = project.bridged(&["status"]).expect(0).stdout;
    let line = |name: &str| shown.lines().find(|line| line.starts_with(name)).unwrap();
    assert!(shown.lines().next().unwrap().ends_with("  next"), "{shown}");
    assert!(line("leads").ends_with('Z'), "{shown}");
    assert!(line("by-hand").ends_with("  manual"), "{shown}");
    assert!(line("live").ends_with("  realtime"), "{shown}");
}

#[test]
fn a_schedule_with_an_error_has_no_next_time() {
    let project = with("schedule: { cron: \"0 25 * * *\" }");
    let ran = project.bridged(&["plan", "--format", "json"]).expect(2);
    assert_eq!(ran.json()["findings"][0]["code"], "schedule-impossible");
    let status = project.bridged(&["status", "--format", "json"]);
    let report = status.expect(0).json();
    for row in report["result"]["pipelines"].as_array().unwrap() {
        assert_eq!(row["next"], Value::Null);
        assert_eq!(row["schedule"], Value::Null);
    }
}

#[test]
fn schedules_are_told_in_words() {
    let cases = [
        ("0 6 * * *", "at 06:00"),
        ("0 9,17 * * *", "at 09:00 and 17:00"),
        ("15,45 8 * * *", "at 08:15 and 08:45"),
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("0 * * * *", "at minute 0 of every hour"),
        ("5,35 * * * *", "at minutes 5 and 35 of every hour"),
        (
            "*/7 * * * *",
            "at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour",
        ),
        ("0 9-17 * * *", "at minute 0 of hours 9 to 17"),
        ("*/10 9 * * *", "every 10 minutes of hour 9"),
        ("* 0,22-23 * * *", "every minute of hours 0, 22 and 23"),
        ("0 6 L * *", "at 06:00, on the last day of the month"),
        ("0 6 1 1 *", "at 06:00, on day 1, in January"),
        ("0 6 * * MON#1", "at 06:00, on the 1st Monday of the month"),
    ];
    for (expression, words) in cases {
        let told = super::sample::cron(expression, "UTC").words();
        let when = told.split(", UTC; ").next().unwrap();
        assert_eq!(when, words, "{expression}");
    }
    let late = super::sample::with("schedule: daily\nmissed: skip").words();
    assert!(
        late.starts_with("every day at midnight, UTC, ") && late.contains(" later each time;"),
        "{late}"
    );
}
