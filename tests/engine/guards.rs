//! Guards: limits that stop a run before its first write.

use bridged::engine::Options;
use bridged::foundation::code::Code;
use bridged::foundation::event::{Ledger, RunEvent, RunState};
use serde_json::json;

use super::sample::{PEOPLE, SCORES, keyed, leads, people};
use crate::support::org::Org;

/// Six people are new, four are leads already, two of these as they should be.
async fn ten() -> Org {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(10));
    let lead = |n: usize, company: &str| json!({ "LastName": format!("Person {n}"), "Company": company, "Bridged_Id__c": format!("p{n}") });
    org.put_leads(vec![
        lead(0, "Acme"),
        lead(1, "Acme"),
        lead(2, "Old"),
        lead(3, "Old"),
    ])
    .await;
    org
}

async fn guarded(org: &Org, guards: &str) -> bridged::foundation::event::RunReport {
    org.run(&format!("{PEOPLE}guards: {guards}\n"))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_guard_stops_the_run_before_its_first_write() {
    for (guards, part) in [
        ("{ max_creates: 5 }", "6 rows would be created"),
        ("{ max_updates: 1 }", "2 rows would be changed"),
        ("{ max_changed_percent: 79 }", "8 of 10 rows"),
        ("{ protected_fields: [Company] }", "`Company`"),
    ] {
        let org = ten().await;
        let report = guarded(&org, guards).await;
        assert_eq!(
            (report.state, report.ledger),
            (RunState::Failed, Ledger::default()),
            "{guards}"
        );
        let (code, message) = report.error.unwrap();
        assert_eq!(code, Code::GuardExceeded, "{guards}");
        assert!(
            message.contains(part) && message.contains("nothing was written"),
            "{message}"
        );
        assert!(org.writes().await.is_empty(), "{guards}");
        assert_eq!(report.change_cursor, None);
        assert!(org.letters().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_allows_up_to_its_number() {
    for guards in [
        "{ max_creates: 6 }",
        "{ max_updates: 2 }",
        "{ max_changed_percent: 80 }",
        "{ protected_fields: [LastName] }",
        "{ max_creates: 6, max_updates: 2, max_changed_percent: 100, protected_fields: [City] }",
    ] {
        let org = ten().await;
        let report = guarded(&org, guards).await;
        assert_eq!(
            (report.state, report.ledger.delivered),
            (RunState::Done, 10),
            "{guards}: {report:?}"
        );
        assert_eq!(keyed(&org, "Lead").await.len(), 10);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protected_field_may_be_set_on_a_row_that_is_made() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(3));
    let report = guarded(&org, "{ protected_fields: [LastName, Company] }").await;
    assert_eq!((report.state, report.ledger.delivered), (RunState::Done, 3));
    org.import_profiles(&[json!({ "key": "p1", "company": "Other" })]);
    let report = guarded(&org, "{ protected_fields: [LastName, Company] }").await;
    assert_eq!(report.error.unwrap().0, Code::GuardExceeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn guards_count_over_all_pages_and_hold_rows_that_are_read() {
    let org = Org::with_leads(0).await;
    leads(&org, 230).await;
    let yaml = format!("{SCORES}guards: {{ max_updates: 229 }}\n");
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(report.error.unwrap().0, Code::GuardExceeded);
    assert_eq!(
        org.store.profile_count().unwrap(),
        0,
        "not even profiles are kept"
    );
    assert!(org.writes().await.is_empty());
    let report = org.run(&yaml.replace("229", "230")).await.unwrap();
    assert_eq!(
        (report.state, report.ledger.delivered),
        (RunState::Done, 230)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_does_not_count() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(20));
    org.run(PEOPLE).await.unwrap();
    org.import_profiles(&[json!({ "key": "p1", "company": "Other" })]);
    let full = Options {
        full: true,
        limit: None,
        ..Options::default()
    };
    let yaml = format!("{PEOPLE}guards: {{ max_changed_percent: 5 }}\n");
    let report = org.run_with(&yaml, full).await.unwrap();
    assert_eq!(
        (
            report.state,
            report.ledger.delivered,
            report.ledger.unchanged
        ),
        (RunState::Done, 1, 19),
        "{report:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_that_cannot_be_computed_stops_the_run_too() {
    let org = ten().await;
    let refusal = json!({ "kind": "status", "status": 400, "code": "QUERY_TIMEOUT", "message": "Your query request was running for too long." });
    org.faults(json!([{ "match": { "contains": "Bridged_Id__c IN" }, "action": refusal }]))
        .await;
    let report = guarded(&org, "{ max_creates: 100 }").await;
    assert_eq!(
        (report.state, report.ledger),
        (RunState::Failed, Ledger::default())
    );
    let (code, message) = report.error.unwrap();
    assert_eq!(code, Code::GuardNotComputable, "{message}");
    assert!(org.writes().await.is_empty());
    org.faults(json!([])).await;
    assert_eq!(
        guarded(&org, "{ max_creates: 100 }").await.state,
        RunState::Done
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_while_guards_are_computed_writes_nothing() {
    let org = Org::with_leads(0).await;
    leads(&org, 200).await;
    let yaml = format!("{SCORES}guards: {{ max_updates: 500 }}\n");
    let report = org
        .listen(&yaml, Options::default(), |event, canceller| {
            if matches!(event, RunEvent::Started { .. }) {
                canceller.cancel();
            }
        })
        .await
        .unwrap();
    assert_eq!(
        (report.state, report.error.unwrap().0),
        (RunState::Partial, Code::Interrupted)
    );
    assert!(org.writes().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn guards_look_at_what_a_limited_run_would_write() {
    let org = ten().await;
    let yaml = format!("{PEOPLE}guards: {{ max_creates: 1, max_updates: 0 }}\n");
    let one = Options {
        full: false,
        limit: Some(1),
        ..Options::default()
    };
    let report = org.run_with(&yaml, one).await.unwrap();
    assert_eq!(report.ledger.read, 1, "{report:?}");
    let all = org.run(&yaml).await.unwrap();
    assert_eq!(all.error.unwrap().0, Code::GuardExceeded);
}
