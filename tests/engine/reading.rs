//! What a run reads: closed windows, keyset pages, overlaps, and the cursor that moves behind them.

use std::collections::BTreeSet;

use bridged::engine::Options;
use bridged::foundation::code::Code;
use bridged::foundation::event::{Ledger, RunState};
use bridged::store::model::CachedDescribe;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::org::Org;

const LEADS: &str = "version: 1
name: leads
direction: read
source: { object: Lead }
field_map: { name: \"{{ LastName }}\", company: \"{{ Company }}\" }
";

fn with_page(size: u32) -> String {
    LEADS.replace("object: Lead", &format!("object: Lead, page_size: {size}"))
}

/// The ids of all leads that are not deleted.
async fn live_ids(org: &Org) -> BTreeSet<String> {
    let rows = org.rows("Lead").await;
    rows.iter()
        .filter(|row| row["IsDeleted"] == false)
        .map(|row| row["Id"].as_str().unwrap().to_owned())
        .collect()
}

fn stored_keys(org: &Org) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let mut after: Option<String> = None;
    loop {
        let page = org.store.profiles(after.as_deref(), 500).unwrap();
        let Some(last) = page.last() else { return keys };
        after = Some(last.profile.key.clone());
        keys.extend(page.into_iter().map(|stored| stored.profile.key));
    }
}

fn delivered(count: u64) -> Ledger {
    Ledger {
        read: count,
        delivered: count,
        ..Ledger::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_run_reads_every_row_once_and_costs_a_call_a_page() {
    let org = Org::with_leads(500).await;
    let count = live_ids(&org).await.len() as u64;
    let report = org.run(LEADS).await.unwrap();
    assert_eq!(report.state, RunState::Done, "{report:?}");
    assert_eq!(report.ledger, delivered(count));
    assert_eq!(stored_keys(&org), live_ids(&org).await);
    // One of them counts the rows, because the first page is full.
    let pages = count / 50 + 2;
    assert_eq!(report.requests.query, pages);
    assert_eq!(report.requests.auth, 1);
    assert_eq!(
        report.api_calls,
        pages + 1,
        "the describe is the one call more"
    );
    let ledger = org.ledger().await;
    assert_eq!(ledger["totals"]["api_calls"], report.api_calls, "{ledger}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incremental_run_with_nothing_changed_costs_one_call_and_writes_nothing() {
    let org = Org::with_leads(120).await;
    org.run(LEADS).await.unwrap();
    org.advance("1h").await;
    let report = org.run(LEADS).await.unwrap();
    assert_eq!(report.api_calls, 1, "{report:?}");
    assert_eq!(report.requests.query, 1);
    assert_eq!(report.ledger, Ledger::default());
    assert_eq!(report.state, RunState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn i6_s13_five_thousand_rows_of_one_stamp_are_each_read_once() {
    let org = Org::with_leads(0).await;
    let rows: Vec<Value> = (0..5_000)
        .map(|n| json!({ "LastName": format!("Lead {n}"), "Company": "Acme", "SystemModstamp": "2027-02-01T08:00:00Z" }))
        .collect();
    org.put_leads(rows).await;
    for page in [50, 333, 2_000] {
        let org_ids = live_ids(&org).await;
        let report = org
            .run_with(
                &with_page(page),
                Options {
                    full: true,
                    limit: None,
                    ..Options::default()
                },
            )
            .await
            .unwrap();
        assert_eq!(report.ledger.read, org_ids.len() as u64, "pages of {page}");
        assert_eq!(
            report.requests.query,
            org_ids.len() as u64 / u64::from(page) + 2
        );
        assert_eq!(stored_keys(&org), org_ids);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s11_a_row_that_commits_late_within_the_overlap_is_picked_up_once() {
    let org = Org::with_leads(20).await;
    org.run(LEADS).await.unwrap();
    // Stamped a minute before the window's end, visible three minutes after it.
    let late = json!({ "LastName": "Late", "Company": "Acme", "SystemModstamp": "2027-03-01T11:59:00Z", "visible_at": "2027-03-01T12:03:00Z" });
    let ids = org.put_leads(vec![late]).await;
    let before = org.run(LEADS).await.unwrap();
    assert_eq!(before.ledger.delivered, 0, "it cannot be seen yet");
    org.advance("5m").await;
    let report = org.run(LEADS).await.unwrap();
    assert_eq!(report.ledger.delivered, 1, "{report:?}");
    assert!(org.store.profile(&ids[0]).unwrap().is_some());
    let again = org.run(LEADS).await.unwrap();
    assert_eq!(again.ledger.delivered, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn s12_a_row_later_than_the_overlap_is_found_by_a_full_read_and_reported() {
    let org = Org::with_leads(20).await;
    org.run(LEADS).await.unwrap();
    let late = json!({ "LastName": "Very Late", "Company": "Acme", "SystemModstamp": "2027-03-01T09:00:00Z", "visible_at": "2027-03-01T12:03:00Z" });
    org.put_leads(vec![late]).await;
    org.advance("1h").await;
    let incremental = org.run(LEADS).await.unwrap();
    assert_eq!(
        incremental.ledger.delivered, 0,
        "it lies before the overlap"
    );
    let full = org
        .run_with(
            LEADS,
            Options {
                full: true,
                limit: None,
                ..Options::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(full.ledger.delivered, 1);
    let warned = full
        .warnings
        .iter()
        .any(|text| text.contains("late_beyond_overlap: 1 "));
    assert!(warned, "{:?}", full.warnings);
}

#[tokio::test(flavor = "multi_thread")]
async fn s14_a_lost_locator_is_continued_from_the_last_row() {
    let org = Org::with_leads(300).await;
    org.faults(json!([{
        "match": { "path": "*/query", "after": 1, "times": 1 },
        "action": { "kind": "next-records-url", "url": "/services/data/v67.0/query/01gLOST00000000AAA-50" },
    }]))
    .await;
    let report = org.run(LEADS).await.unwrap();
    assert_eq!(report.state, RunState::Done, "{report:?}");
    assert_eq!(stored_keys(&org), live_ids(&org).await);
    assert_eq!(
        report.ledger.read,
        live_ids(&org).await.len() as u64,
        "nothing was read twice"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn s15_rows_changed_while_paging_end_with_their_last_value() {
    let org = Org::with_leads(300).await;
    let ids: Vec<String> = live_ids(&org).await.into_iter().collect();
    // Half of the rows move behind the window while it is read.
    org.faults(
        json!([{ "match": { "path": "*/query" }, "action": { "kind": "latency", "ms": 5 } }]),
    )
    .await;
    let changed: Vec<Value> = ids
        .iter()
        .step_by(2)
        .map(|id| json!({ "Id": id, "LastName": "Changed", "Company": "Acme", "SystemModstamp": "2027-03-01T12:00:30Z" }))
        .collect();
    let (first, ()) = tokio::join!(org.run(LEADS), async {
        org.control("records/Lead", Value::Array(changed)).await;
    });
    first.unwrap();
    org.advance("2m").await;
    org.run(LEADS).await.unwrap();
    for id in ids.iter().step_by(2) {
        let stored = org.store.profile(id).unwrap().expect("stored");
        assert_eq!(stored.profile.attributes["name"], "Changed", "{id}");
    }
    assert_eq!(stored_keys(&org), live_ids(&org).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn s16_deleted_rows_become_tombstones_and_undeleted_ones_come_back() {
    let yaml = LEADS.replace("object: Lead", "object: Lead, include_deleted: true");
    let org = Org::with_leads(20).await;
    org.run(&yaml).await.unwrap();
    let id = live_ids(&org).await.into_iter().next().unwrap();
    let row = |deleted: bool, stamp: &str| json!([{ "Id": id, "LastName": "Gone", "Company": "Acme", "IsDeleted": deleted, "SystemModstamp": stamp }]);
    org.control("records/Lead", row(true, "2027-03-01T12:00:10Z"))
        .await;
    org.advance("1m").await;
    org.run(&yaml).await.unwrap();
    assert!(org.store.profile(&id).unwrap().unwrap().profile.deleted);
    org.control("records/Lead", row(false, "2027-03-01T12:01:10Z"))
        .await;
    org.advance("1m").await;
    org.run(&yaml).await.unwrap();
    assert!(!org.store.profile(&id).unwrap().unwrap().profile.deleted);
}

#[tokio::test(flavor = "multi_thread")]
async fn s16_a_row_that_leaves_the_condition_keeps_its_profile_as_it_was() {
    let yaml = LEADS.replace(
        "object: Lead",
        "object: Lead, where: \"IsConverted = false\"",
    );
    let org = Org::with_leads(20).await;
    org.run(&yaml).await.unwrap();
    let converted = org
        .rows("Lead")
        .await
        .into_iter()
        .find(|row| row["IsConverted"] == false)
        .unwrap();
    let id = converted["Id"].as_str().unwrap().to_owned();
    let before = org.store.profile(&id).unwrap().unwrap();
    let row = json!([{ "Id": id, "LastName": "Converted", "Company": "Acme", "IsConverted": true, "SystemModstamp": "2027-03-01T12:00:10Z" }]);
    org.control("records/Lead", row).await;
    org.advance("1m").await;
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(report.state, RunState::Done);
    assert_eq!(
        org.store.profile(&id).unwrap().unwrap().profile,
        before.profile
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn s17_a_changed_query_refuses_the_old_cursor_and_a_full_run_goes_on() {
    let org = Org::with_leads(20).await;
    org.run(LEADS).await.unwrap();
    let changed = LEADS.replace("company: \"{{ Company }}\"", "city: \"{{ City }}\"");
    let report = org.run(&changed).await.unwrap();
    assert_eq!(report.state, RunState::Failed);
    let (code, message) = report.error.unwrap();
    assert_eq!(code, Code::CursorQueryChanged);
    assert!(message.contains("--full"), "{message}");
    let full = org
        .run_with(
            &changed,
            Options {
                full: true,
                limit: None,
                ..Options::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(full.state, RunState::Done);
    assert_eq!(
        org.run(&changed).await.unwrap().state,
        RunState::Done,
        "the cursor is the changed query's"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn s18_a_cursor_of_the_future_is_refused_and_kept() {
    let org = Org::with_leads(20).await;
    org.control("clock", json!({ "set": "2099-01-01T00:00:00Z" }))
        .await;
    org.run(LEADS).await.unwrap();
    let cursor = org.store.cursor(&"leads".parse_name()).unwrap();
    org.control("clock", json!({ "set": "2027-03-01T12:00:00Z" }))
        .await;
    let report = org.run(LEADS).await.unwrap();
    assert_eq!(report.error.unwrap().0, Code::CursorInFuture);
    assert_eq!(
        org.store.cursor(&"leads".parse_name()).unwrap(),
        cursor,
        "not reset by itself"
    );
    let full = org
        .run_with(
            LEADS,
            Options {
                full: true,
                limit: None,
                ..Options::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(full.state, RunState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn s19_a_server_clock_that_goes_back_or_forth_skips_nothing() {
    let org = Org::with_leads(20).await;
    org.run(LEADS).await.unwrap();
    for (set, stamp) in [
        ("2027-03-01T11:50:00Z", "2027-03-01T11:50:00Z"),
        ("2027-03-01T12:10:00Z", "2027-03-01T12:05:00Z"),
        ("2027-03-01T12:30:00Z", "2027-03-01T12:20:00Z"),
    ] {
        org.control("clock", json!({ "set": set })).await;
        let row = json!({ "LastName": "Written", "Company": "Acme", "SystemModstamp": stamp });
        org.put_leads(vec![row]).await;
        let report = org.run(LEADS).await.unwrap();
        assert_eq!(report.state, RunState::Done, "{set}: {report:?}");
    }
    assert_eq!(stored_keys(&org), live_ids(&org).await);
}

/// Has the store believe that leads have these fields only.
fn describe(org: &Org, fields: &[&str]) {
    let fields: Vec<Value> = fields
        .iter()
        .map(|name| json!({ "name": name, "type": "string" }))
        .collect();
    let body = json!({ "name": "Lead", "queryable": true, "fields": fields }).to_string();
    let entry = CachedDescribe {
        body,
        last_modified: None,
        fetched_at: Timestamp::now(),
    };
    org.store
        .put_describe("salesforce", "Lead", &entry)
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_without_a_system_stamp_falls_back_and_says_what_is_not_noticed() {
    for (stamp, told) in [
        ("LastModifiedDate", "changes by automations"),
        ("CreatedDate", "only added rows"),
    ] {
        let org = Org::with_leads(120).await;
        describe(&org, &["Id", "LastName", "Company", stamp]);
        let report = org.run(LEADS).await.unwrap();
        assert_eq!(report.state, RunState::Done, "{report:?}");
        assert!(
            report.warnings.iter().any(|text| text.contains(told)),
            "{:?}",
            report.warnings
        );
        assert_eq!(stored_keys(&org), live_ids(&org).await);
        assert_eq!(
            org.run(LEADS).await.unwrap().requests.query,
            1,
            "the cursor holds for {stamp}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_without_any_stamp_is_read_whole_by_id() {
    let org = Org::with_leads(120).await;
    describe(&org, &["Id", "LastName", "Company"]);
    for _ in 0..2 {
        let report = org.run(LEADS).await.unwrap();
        assert_eq!(
            report.ledger.read,
            live_ids(&org).await.len() as u64,
            "{report:?}"
        );
        assert!(
            report
                .warnings
                .iter()
                .any(|text| text.contains("read every time"))
        );
        assert_eq!(report.cursor, None);
    }
    assert_eq!(stored_keys(&org), live_ids(&org).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn parents_and_child_rows_arrive_with_their_row() {
    let yaml = "version: 1
name: leads
direction: read
source: { object: Lead, related: { Tasks: {} } }
field_map:
  owner: \"{{ Owner.Name }}\"
  tasks: \"{{ Tasks | length }}\"
  done: \"{{ Tasks | selectattr('Status', 'equalto', 'Completed') | list | length }}\"
  looped: \"{% for task in Tasks %}{{ task.Status }};{% endfor %}\"
";
    let org = Org::with_leads(120).await;
    let report = org.run(yaml).await.unwrap();
    assert_eq!(
        report.ledger.rejected, 0,
        "a row without child rows has an empty list of them"
    );
    let tasks = org.rows("Task").await;
    for id in live_ids(&org).await {
        let expected = tasks
            .iter()
            .filter(|task| task["WhoId"] == id.as_str() && task["IsDeleted"] == false)
            .count();
        let stored = org.store.profile(&id).unwrap().unwrap();
        assert_eq!(stored.profile.attributes["tasks"], expected, "{id}");
        assert!(stored.profile.attributes["owner"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_too_long_for_a_uri_is_still_sent() {
    let names: Vec<String> = (0..1_500).map(|n| format!("'Nobody {n:04}'")).collect();
    let yaml = LEADS.replace(
        "object: Lead",
        &format!(
            "object: Lead, where: \"NOT LastName IN ({})\"",
            names.join(",")
        ),
    );
    let org = Org::with_leads(60).await;
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(report.state, RunState::Done, "{report:?}");
    assert_eq!(stored_keys(&org), live_ids(&org).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn x24_text_in_a_condition_matches_itself_alone() {
    let org = Org::with_leads(5).await;
    for name in [
        "O'Brien",
        "50%_off",
        "back\\slash",
        "right \u{2019} quote",
        "' OR Name LIKE '%",
    ] {
        org.put_leads(vec![json!({ "LastName": name, "Company": "Acme", "SystemModstamp": "2027-02-01T08:00:00Z" })]).await;
        let literal = bridged::soql::text::quote_string(name);
        let condition = serde_json::to_string(&format!("LastName = {literal}")).unwrap();
        let yaml = LEADS.replace("object: Lead", &format!("object: Lead, where: {condition}"));
        let report = org
            .run_with(
                &yaml,
                Options {
                    full: true,
                    limit: None,
                    ..Options::default()
                },
            )
            .await
            .unwrap();
        assert_eq!(report.ledger.read, 1, "{name}: {report:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_ends_a_run_early_and_the_next_one_goes_on_behind_it() {
    let org = Org::with_leads(120).await;
    let all = live_ids(&org).await.len() as u64;
    let first = org
        .run_with(
            LEADS,
            Options {
                full: false,
                limit: Some(70),
                ..Options::default()
            },
        )
        .await
        .unwrap();
    assert_eq!((first.ledger.read, first.state), (70, RunState::Partial));
    let second = org.run(LEADS).await.unwrap();
    assert_eq!(second.ledger.read, all - 70, "old rows are not read again");
    assert_eq!(second.state, RunState::Done);
    assert_eq!(stored_keys(&org), live_ids(&org).await);
}

trait ParseName {
    fn parse_name(&self) -> bridged::foundation::id::PipelineName;
}

impl ParseName for &str {
    fn parse_name(&self) -> bridged::foundation::id::PipelineName {
        bridged::foundation::id::PipelineName::parse(self).expect("a name")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_cannot_be_continued_ends_the_run_instead_of_looping() {
    let row = |id: Value, stamp: Value| json!({ "attributes": { "type": "Lead" }, "Id": id, "LastName": "A", "Company": "B", "SystemModstamp": stamp });
    let bad = [
        row(Value::Null, json!("2027-02-01T08:00:00.000+0000")),
        row(
            json!("00Q' OR Id != '"),
            json!("2027-02-01T08:00:00.000+0000"),
        ),
        row(json!("00Qbg000000001dEAA"), Value::Null),
        row(
            json!("00Qbg000000001dEAA"),
            json!("1999-01-01T00:00:00.000+0000"),
        ),
    ];
    for row in bad {
        let org = Org::with_leads(120).await;
        let page = json!({ "totalSize": 1, "done": true, "records": [row.clone()] });
        org.faults(json!([{
            "match": { "path": "*/query", "after": 1 },
            "action": { "kind": "status", "status": 200, "body": page },
        }]))
        .await;
        let report = org.run(LEADS).await.unwrap();
        let (code, message) = report.error.unwrap();
        assert_eq!(code.as_str(), "page-out-of-order", "{row}: {message}");
        assert_eq!(
            report.ledger.delivered, 50,
            "{row}: what was read before is kept"
        );
    }
}
