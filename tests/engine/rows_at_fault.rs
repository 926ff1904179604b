//! One bad record costs that record: whatever is wrong with it, its reason is kept and the others go through.

use std::collections::BTreeMap;

use bridged::foundation::code::Code;
use bridged::foundation::event::{Ledger, RunState};
use serde_json::{Value, json};

use super::sample::{NURTURE, PEOPLE, keyed, outcome, people, person};
use crate::support::org::Org;

/// `NURTURE` with an owner and a time for the conversation, an email for the lead.
fn pipeline() -> String {
    NURTURE
        .replace("Company: \"{{ profile.company }}\"", "Company: \"{{ profile.company }}\", Email: \"{{ profile.email }}\"")
        .replace("Summary__c: \"{{ outcome.summary }}\"", "Summary__c: \"{{ outcome.summary }}\", Occurred_At__c: \"{{ outcome.at }}\", OwnerId: \"{{ outcome.owner }}\"")
}

/// What each kind of poison does to a person and a talk.
const POISONS: [fn(&mut Value, &mut Value); 8] = [
    |person, _| person["company"] = Value::Null,
    |person, _| person["last_name"] = json!("x".repeat(81)),
    |_, talk| talk["kind"] = json!("bought"),
    |_, talk| talk["at"] = json!("yesterday"),
    |_, talk| talk["kind"] = json!("opted_out"),
    |person, _| person["email"] = json!("taken@example.com"),
    |_, talk| talk["owner"] = json!("005000000000999AAA"),
    |_, talk| talk["profile"] = json!("nobody"),
];

/// The code, Salesforce's code and the field that each kind of poison is rejected with.
const REASONS: [(Code, Option<&str>, Option<&str>); 8] = [
    (Code::RequiredFieldMissing, None, Some("Company")),
    (Code::ValueTooLong, None, Some("LastName")),
    (Code::ValueNotListed, None, Some("Outcome__c")),
    (Code::WrongValueType, None, Some("Occurred_At__c")),
    (
        Code::RecordRefused,
        Some("FIELD_CUSTOM_VALIDATION_EXCEPTION"),
        Some("Outcome__c"),
    ),
    (Code::RecordRefused, Some("DUPLICATES_DETECTED"), None),
    (
        Code::RecordRefused,
        Some("INVALID_CROSS_REFERENCE_KEY"),
        Some("OwnerId"),
    ),
    (Code::UnknownProfile, None, Some("profile")),
];

/// The kind of poison of a record: one of a hundred has one.
fn poison(n: usize) -> Option<usize> {
    (n % 100 == 37).then_some(n / 100 % POISONS.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_percent_of_poison_in_eight_ways_costs_exactly_those_records() {
    const ALL: usize = 2_400;
    let org = Org::with_leads(0).await;
    let owner = org.rows("User").await[0]["Id"].clone();
    let (mut profiles, mut talks) = (people(ALL), Vec::new());
    for (n, person) in profiles.iter_mut().enumerate() {
        person["email"] = json!(format!("p{n}@example.com"));
        let mut talk = outcome(n, &format!("p{n}"));
        talk["at"] = json!("2027-02-01T08:00:00Z");
        talk["owner"] = owner.clone();
        if let Some(kind) = poison(n) {
            POISONS[kind](person, &mut talk);
        }
        talks.push(talk);
    }
    org.import_profiles(&profiles);
    org.import_outcomes(&talks);
    org.put_leads(vec![
        json!({ "LastName": "Taken", "Company": "Acme", "Email": "taken@example.com" }),
    ])
    .await;
    org.control(
        "rules",
        json!({
            "validation": [{ "object": "Conversation__c", "when": "Outcome__c = 'opted_out'", "message": "leave them alone", "field": "Outcome__c" }],
            "duplicates": [{ "object": "Lead", "name": "Same_Email", "fields": ["Email"], "mode": "block" }],
        }),
    )
    .await;
    let report = org.run(&pipeline()).await.unwrap();
    let expected = Ledger {
        read: 2_400,
        delivered: 2_376,
        rejected: 24,
        ..Ledger::default()
    };
    assert_eq!((report.state, report.ledger), (RunState::Partial, expected));
    assert_eq!(keyed(&org, "Conversation__c").await.len(), 2_376);
    let letters = org.letters();
    assert_eq!(letters.len(), 24);
    for row in letters {
        let letter = row.letter;
        let n: usize = letter.key[1..].parse().unwrap();
        let (code, remote, field) = REASONS[poison(n).expect("only the poisoned are rejected")];
        let reason = &letter.reason;
        assert_eq!(reason.code, code, "{letter:?}");
        assert_eq!(reason.remote_code.as_deref(), remote, "{letter:?}");
        assert_eq!(reason.field.as_deref(), field, "{letter:?}");
        let sent = u32::from(remote.is_some());
        assert_eq!(letter.attempts, sent, "{letter:?}");
        assert_eq!(letter.payload["outcome"]["id"], letter.key.as_str());
    }
}

/// The rows that each request writes while one bad row at `place` among `rows` is found by halving.
fn halvings(rows: std::ops::Range<usize>, place: usize, sizes: &mut Vec<usize>) {
    let is_refused = rows.contains(&place);
    sizes.push(if is_refused { 0 } else { rows.len() });
    if is_refused && rows.len() > 1 {
        let middle = rows.start + rows.len() / 2;
        halvings(rows.start..middle, place, sizes);
        halvings(middle..rows.end, place, sizes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_refused_for_one_bad_cell_is_halved_until_that_row_stands_alone() {
    let org = Org::with_leads(0).await;
    let all: Vec<Value> = (0..50).map(|n| json!({ "id": format!("o{n:02}"), "profile": "p0", "kind": "qualified", "summary": "x" })).collect();
    org.import_profiles(&[person(0)]);
    org.import_outcomes(&all);
    let yaml = "version: 1
name: talks
direction: write
source: { records: outcomes }
targets:
  talk:
    object: Conversation__c
    operation: upsert
    match: { Bridged_Id__c: \"{{ outcome.id }}\" }
    field_map: { Outcome__c: \"{{ outcome.kind }}\" }
";
    let refusal = json!({ "kind": "status", "status": 400, "code": "JSON_PARSER_ERROR", "message": "Cannot deserialize instance of double from VALUE_STRING value x" });
    org.faults(
        json!([{ "match": { "method": "PATCH", "contains": "\"o17\"" }, "action": refusal }]),
    )
    .await;
    let report = org.run(yaml).await.unwrap();
    assert_eq!(
        (
            report.state,
            report.ledger.delivered,
            report.ledger.rejected
        ),
        (RunState::Partial, 49, 1)
    );
    let letter = org.letters().remove(0).letter;
    assert_eq!(
        (letter.key.as_str(), letter.reason.code),
        ("o17", Code::BatchRefused)
    );
    assert_eq!(
        letter.reason.remote_code.as_deref(),
        Some("JSON_PARSER_ERROR")
    );
    let mut expected = Vec::new();
    halvings(0..50, 17, &mut expected);
    let sizes: Vec<usize> = org
        .writes()
        .await
        .iter()
        .map(|entry| entry["records"].as_u64().unwrap() as usize)
        .collect();
    assert_eq!(sizes, expected);
    assert_eq!(report.requests.write as usize, expected.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_refused_for_every_row_rejects_each_by_itself() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(7));
    let refusal =
        json!({ "kind": "status", "status": 400, "code": "JSON_PARSER_ERROR", "message": "no" });
    org.faults(json!([{ "match": { "method": "PATCH" }, "action": refusal }]))
        .await;
    let report = org.run(PEOPLE).await.unwrap();
    assert_eq!(
        (report.state, report.ledger.rejected),
        (RunState::Partial, 7)
    );
    assert_eq!(report.requests.write, 13, "a tree of seven leaves");
    assert!(keyed(&org, "Lead").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_too_large_is_halved_and_nothing_is_rejected() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(50));
    org.faults(json!([{ "match": { "method": "PATCH", "times": 3 }, "action": { "kind": "empty", "status": 413 } }])).await;
    let report = org.run(PEOPLE).await.unwrap();
    assert_eq!(
        (report.state, report.ledger.delivered),
        (RunState::Done, 50),
        "{report:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn s32_poison_alone_stops_the_run_and_every_letter_is_kept() {
    let org = Org::with_leads(0).await;
    let mut all = people(2_000);
    for person in &mut all {
        person["company"] = Value::Null;
    }
    org.import_profiles(&all);
    let yaml = PEOPLE.to_owned() + "on_error: { max_rejected: 5% }\n";
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(report.state, RunState::Failed);
    assert_eq!(report.error.as_ref().unwrap().0, Code::TooManyRejected);
    assert!(
        report.ledger.balances() && report.ledger.read < 2_000,
        "{report:?}"
    );
    assert_eq!(org.letters().len() as u64, report.ledger.rejected);
    assert!(org.writes().await.is_empty());
    // Corrected, the rest comes by the next run and what was rejected by a replay.
    org.import_profiles(&people(2_000));
    org.run(&yaml).await.unwrap();
    org.replay(&yaml).await.unwrap();
    assert!(org.letters().is_empty());
    assert_eq!(keyed(&org, "Lead").await.len(), 2_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn s32_refusals_of_salesforce_stop_the_run_too() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(1_000));
    org.faults(json!([{ "match": { "every": 5 }, "action": { "kind": "row", "code": "FIELD_INTEGRITY_EXCEPTION", "message": "no" } }])).await;
    let yaml = PEOPLE.to_owned() + "on_error: { max_rejected: 50 }\n";
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(
        report.error.as_ref().unwrap().0,
        Code::TooManyRejected,
        "{report:?}"
    );
    assert_eq!(org.letters().len() as u64, report.ledger.rejected);
    assert!(report.ledger.balances());
    org.faults(json!([])).await;
    let next = org.run(&yaml).await.unwrap();
    assert_eq!(next.state, RunState::Done);
    org.replay(&yaml).await.unwrap();
    assert_eq!(keyed(&org, "Lead").await.len(), 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_empty_or_too_long_rejects_the_record() {
    let org = Org::with_leads(0).await;
    let keys = ["", "  ", &"k".repeat(256)];
    let all: Vec<Value> = keys.iter().enumerate().map(|(n, key)| json!({ "key": format!("p{n}"), "last_name": "X", "company": "Y", "ref": key })).collect();
    org.import_profiles(&all);
    org.import_profiles(&[json!({ "key": "p9", "last_name": "X", "company": "Y", "ref": null })]);
    let report = org
        .run(&PEOPLE.replace("profile.key", "profile.ref"))
        .await
        .unwrap();
    assert_eq!(report.ledger.rejected, 4, "{report:?}");
    let mut codes: BTreeMap<String, Code> = BTreeMap::new();
    for row in org.letters() {
        assert_eq!(row.letter.reason.field.as_deref(), Some("Bridged_Id__c"));
        codes.insert(row.letter.key, row.letter.reason.code);
    }
    let found: Vec<Code> = codes.into_values().collect();
    assert_eq!(
        found,
        [
            Code::KeyMissing,
            Code::KeyMissing,
            Code::ValueTooLong,
            Code::KeyMissing
        ]
    );
    assert!(org.writes().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_storage_ends_the_run_instead_of_rejecting_record_after_record() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(100));
    org.faults(json!([{ "action": { "kind": "row", "code": "STORAGE_LIMIT_EXCEEDED", "message": "storage limit exceeded" } }])).await;
    let report = org.run(PEOPLE).await.unwrap();
    assert_eq!(
        (report.state, report.ledger),
        (RunState::Failed, Ledger::default())
    );
    assert_eq!(report.error.unwrap().0, Code::StorageFull);
    assert!(org.letters().is_empty());
}
