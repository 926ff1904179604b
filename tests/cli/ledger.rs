//! Runs as a table and as JSON.

use bridged::cli::ledger::{Run, report, table};
use bridged::foundation::code::Code;
use bridged::foundation::event::{Cursor, Ledger, Requests, RunState};
use bridged::foundation::id::{Fingerprint, PipelineName, RunId};

use crate::support::golden::assert_golden;

fn run(pipeline: &str, state: Option<RunState>, ledger: Ledger) -> Run {
    let started_at = "2027-03-01T06:00:00Z".parse().unwrap();
    Run {
        pipeline: PipelineName::parse(pipeline).unwrap(),
        run_id: RunId::parse("01981c1e-3f00-7000-8000-000000000001").unwrap(),
        fingerprint: Fingerprint::of(pipeline),
        state,
        ledger,
        requests: Requests {
            query: 26,
            auth: 1,
            ..Requests::default()
        },
        api_calls: 26,
        cursor: Some(Cursor {
            query_hash: "h".into(),
            stamp: started_at,
            id: String::new(),
            window_end: started_at,
        }),
        change_cursor: None,
        started_at,
        finished_at: state.map(|_| "2027-03-01T06:00:02.5Z".parse().unwrap()),
        error: None,
        warnings: Vec::new(),
    }
}

fn plain(styled: &str) -> String {
    anstream::adapter::strip_str(styled).to_string()
}

fn delivered() -> Ledger {
    Ledger {
        read: 1_250,
        delivered: 1_200,
        unchanged: 30,
        filtered: 20,
        ..Ledger::default()
    }
}

#[test]
fn a_run_that_is_done_shows_where_every_record_went() {
    let done = run("lead-sync", Some(RunState::Done), delivered());
    assert_golden(
        "cli/ledger-done.txt",
        &plain(&report(std::slice::from_ref(&done))),
    );
    assert_golden("cli/ledger-done.json", &format!("{:#}\n", done.json()));
}

#[test]
fn a_partial_run_points_at_its_rejected_records() {
    let ledger = Ledger {
        rejected: 3,
        read: 1_253,
        ..delivered()
    };
    let mut partial = run("lead-sync", Some(RunState::Partial), ledger);
    partial
        .warnings
        .push("the org's clock went back\u{1b}[31m".into());
    assert_golden("cli/ledger-partial.txt", &plain(&report(&[partial])));
}

#[test]
fn a_failed_run_says_why_beside_one_that_is_done() {
    let mut failed = run("a-longer-name", Some(RunState::Failed), Ledger::default());
    failed.error = Some((Code::Interrupted, "the run was stopped".into()));
    let done = run("lead-sync", Some(RunState::Done), delivered());
    assert_golden("cli/ledger-failed.txt", &plain(&report(&[done, failed])));
}

#[test]
fn a_run_under_way_has_no_end() {
    let running = run(
        "lead-sync",
        None,
        Ledger {
            read: 50,
            pending: 50,
            ..Ledger::default()
        },
    );
    assert_eq!(running.json()["state"], "running");
    assert_eq!(running.json()["finished_at"], serde_json::Value::Null);
    assert_eq!(running.json()["records_per_second"], 0.0);
    assert_golden("cli/ledger-running.txt", &plain(&table(&[running], true)));
}
