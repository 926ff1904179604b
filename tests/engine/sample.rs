//! Pipelines and records that several files of tests write with.

use serde_json::{Value, json};

use crate::support::org::Org;

/// Every profile becomes a lead, found by the profile's key.
pub(super) const PEOPLE: &str = "version: 1
name: people
direction: write
source: { records: profiles }
targets:
  lead:
    object: Lead
    operation: upsert
    match: { Bridged_Id__c: \"{{ profile.key }}\" }
    field_map: { LastName: \"{{ profile.last_name }}\", Company: \"{{ profile.company }}\" }
";

/// Every outcome becomes a conversation under the lead of its profile.
pub(super) const NURTURE: &str = "version: 1
name: nurture
direction: write
source: { records: outcomes }
targets:
  lead:
    object: Lead
    operation: upsert
    match: { Bridged_Id__c: \"{{ profile.key }}\" }
    field_map: { LastName: \"{{ profile.last_name }}\", Company: \"{{ profile.company }}\" }
  conversation:
    object: Conversation__c
    operation: upsert
    match: { Bridged_Id__c: \"{{ outcome.id }}\" }
    field_map: { Lead__c: \"{{ targets.lead.id }}\", Outcome__c: \"{{ outcome.kind }}\", Summary__c: \"{{ outcome.summary }}\" }
";

/// The leads of [`leads`] get a score of their revenue.
pub(super) const SCORES: &str = "version: 1
name: scores
direction: read_write
source: { object: Lead, where: \"LastName LIKE 'Lead %'\" }
field_map: { name: \"{{ LastName }}\", revenue: \"{{ AnnualRevenue | default(0) }}\" }
score:
  rules:
    - { name: rich, when: \"{{ revenue > 100 }}\", points: 60 }
    - { name: known, when: \"{{ revenue > 0 }}\", points: 20 }
  clamp: [0, 100]
  grades: { Hot: 80, Warm: 20, Cold: 0 }
targets:
  lead:
    object: Lead
    operation: update
    match: { Id: \"{{ salesforce_id }}\" }
    field_map: { Lead_Score__c: \"{{ score }}\", Rating: \"{{ grade }}\" }
";

/// Keys `p0`, `p1`, … with the names that `PEOPLE` writes.
pub(super) fn people(count: usize) -> Vec<Value> {
    (0..count).map(person).collect()
}

/// One of [`people`].
pub(super) fn person(n: usize) -> Value {
    json!({ "key": format!("p{n}"), "last_name": format!("Person {n}"), "company": "Acme" })
}

/// An outcome `oN` of a profile.
pub(super) fn outcome(n: usize, profile: &str) -> Value {
    json!({ "id": format!("o{n}"), "profile": profile, "kind": "qualified", "summary": format!("talk {n}") })
}

/// Leads `Lead 0`, `Lead 1`, … of a revenue of 4, stamped before the sandbox's noon; their ids.
pub(super) async fn leads(org: &Org, count: usize) -> Vec<String> {
    let lead = |n: usize| json!({ "LastName": format!("Lead {n}"), "Company": "Acme", "AnnualRevenue": 4, "SystemModstamp": "2027-02-01T08:00:00Z" });
    org.put_leads((0..count).map(lead).collect()).await
}

/// The live rows that bridged wrote by an external id.
pub(super) async fn keyed(org: &Org, object: &str) -> Vec<Value> {
    let mut rows = org.live(object).await;
    rows.retain(|row| {
        row["Bridged_Id__c"]
            .as_str()
            .is_some_and(|key| key.starts_with(['p', 'o']))
    });
    rows
}

/// `p0` is to be created, `p1` is as it should be, `p2` has another company, `p3` cannot be written.
pub(super) async fn four_people() -> Org {
    let org = Org::with_leads(0).await;
    let mut all = people(4);
    all[3]["company"] = Value::Null;
    org.import_profiles(&all);
    org.put_leads(vec![
        json!({ "LastName": "Person 1", "Company": "Acme", "Bridged_Id__c": "p1" }),
        json!({ "LastName": "Person 2", "Company": "Old", "Bridged_Id__c": "p2" }),
    ])
    .await;
    org
}
