//! Order: changes reach a row as their records were read, however many groups and requests are under way.

use bridged::foundation::record::{Outcome, Profile};
use serde_json::{Map, Value, json};

use crate::support::org::Org;

/// One conversation result after the other for few people: nearly every group touches the rows of the one before.
const STATUS: &str = "version: 1
name: status
direction: write
source: { records: outcomes }
targets:
  lead:
    object: Lead
    operation: upsert
    match: { Bridged_Id__c: \"{{ profile.key }}\" }
    field_map: { LastName: \"{{ profile.last_name }}\", Company: Acme, Lead_Score__c: \"{{ outcome.points }}\" }
batch: { size: 3, concurrency: 8 }
";

fn people(count: usize) -> Vec<Profile> {
    let person = |n: usize| Profile {
        key: format!("p-{n}"),
        salesforce_id: None,
        object: None,
        attributes: fields(&json!({ "last_name": format!("Person {n}") })),
        consent: Map::new(),
        deleted: false,
    };
    (0..count).map(person).collect()
}

fn fields(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn i15_s07_the_last_change_of_a_row_wins_however_many_groups_are_under_way() {
    let org = Org::with_leads(0).await;
    let now = "2027-03-01T12:00:00Z".parse().unwrap();
    org.store.import_profiles(&people(5), now).unwrap();
    let outcomes: Vec<Outcome> = (0..200_u32)
        .map(|n| Outcome {
            id: format!("o-{n:03}"),
            profile: format!("p-{}", n % 5),
            kind: "qualified".to_owned(),
            occurred_at: now,
            fields: fields(&json!({ "points": n })),
        })
        .collect();
    org.store.import_outcomes(&outcomes, now).unwrap();
    // Answers overtake each other, and now and then a row is locked.
    org.faults(json!([
        { "match": { "method": "PATCH", "path": "*/composite/sobjects/*", "every": 3 }, "action": { "kind": "latency", "ms": 20 } },
        { "match": { "path": "*/composite/sobjects/*", "every": 7 },
          "action": { "kind": "row", "code": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access" } },
    ]))
    .await;

    let report = org.run(STATUS).await.unwrap();

    assert_eq!(report.ledger.read, 200);
    assert_eq!(
        report.ledger.delivered + report.ledger.unchanged,
        200,
        "{report:?}"
    );
    let rows = org.rows("Lead").await;
    for n in 0..5_i32 {
        let key = format!("p-{n}");
        let own: Vec<&Value> = rows
            .iter()
            .filter(|row| row["Bridged_Id__c"] == key.as_str())
            .collect();
        assert_eq!(own.len(), 1, "{key}");
        assert_eq!(
            own[0]["Lead_Score__c"].as_f64(),
            Some(195.0 + f64::from(n)),
            "{key}"
        );
    }
}
