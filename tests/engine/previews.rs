//! Previews: what a run would create, change, leave and refuse, and nothing of it is written.

use bridged::engine::foresee::{FieldChange, What};
use bridged::engine::preview::{Change, Preview, Tally};
use bridged::foundation::code::Code;
use bridged::store::model::RunFilter;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::sample::{NURTURE, PEOPLE, SCORES, four_people, leads, outcome, people};
use crate::support::org::Org;

/// The rows that a preview would change, by key.
fn rows(preview: &Preview) -> Vec<(String, What, Vec<FieldChange>)> {
    let rows = preview.changes.iter().filter_map(|change| match change {
        Change::Row(row) => Some((
            row.key.clone().unwrap_or_default(),
            row.what.clone(),
            row.fields.clone(),
        )),
        _ => None,
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_tells_what_would_be_created_changed_left_and_blocked() {
    let org = four_people().await;
    let preview = org.preview(PEOPLE).await.unwrap();
    assert_eq!(
        (preview.read, preview.rejected, preview.is_whole),
        (4, 1, true)
    );
    let tally = Tally {
        created: 1,
        updated: 1,
        unchanged: 1,
        blocked: 1,
    };
    assert_eq!(preview.targets, [("lead".to_owned(), tally)]);
    let field = |name: &str, old: Option<&str>, new: &str| FieldChange {
        name: name.to_owned(),
        old: old.map(Value::from),
        new: json!(new),
    };
    let rows = rows(&preview);
    let created = vec![
        field("LastName", None, "Person 0"),
        field("Company", None, "Acme"),
    ];
    assert_eq!(rows[0], ("p0".to_owned(), What::Create, created));
    let updated = vec![field("Company", Some("Old"), "Acme")];
    assert_eq!(rows[1], ("p2".to_owned(), What::Update, updated));
    let What::Blocked(reason) = &rows[2].1 else {
        panic!("{rows:?}")
    };
    assert_eq!(
        (reason.code, reason.field.as_deref()),
        (Code::RequiredFieldMissing, Some("Company"))
    );
    assert_eq!(
        rows.len(),
        3,
        "what stays as it is is counted and not shown"
    );
    assert_eq!(preview.spent.requests.write, 0);
    assert_eq!(
        preview.spent.requests.query, 1,
        "current rows are read in one batch"
    );
    assert!(org.writes().await.is_empty());
    assert_eq!(org.store.runs(&RunFilter::default()).unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_masks_sensitive_values_and_a_saved_plan_writes_the_true_ones() {
    let org = four_people().await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("plan.jsonl");
    let yaml = PEOPLE.to_owned() + "sensitive: [Company]\n";
    let preview = org.preview(&yaml).await.unwrap();
    let shown = format!("{:?}", preview.changes);
    assert!(!shown.contains("Acme") && !shown.contains("Old"), "{shown}");
    assert!(shown.contains("Person 0"));
    org.save(&yaml, &file).await.unwrap();
    org.apply(&yaml, &file).await.unwrap();
    assert_eq!(
        org.row("Lead", "Bridged_Id__c", "p2").await["Company"],
        "Acme"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_of_rows_that_are_read_needs_no_further_call() {
    let org = Org::with_leads(0).await;
    leads(&org, 120).await;
    let preview = org.preview(SCORES).await.unwrap();
    let tally = Tally {
        updated: 120,
        ..Tally::default()
    };
    assert_eq!(preview.targets, [("lead".to_owned(), tally)]);
    assert_eq!(
        (preview.profiles.created, preview.spent.requests.query),
        (120, 3)
    );
    assert_eq!(org.store.profile_count().unwrap(), 0);
    org.run(SCORES).await.unwrap();
    org.advance("1h").await;
    let after = org.preview(SCORES).await.unwrap();
    assert_eq!(
        (after.targets[0].1.unchanged, after.targets[0].1.updated),
        (120, 0)
    );
    assert!(after.changes.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_shows_a_conflict_as_the_run_would_meet_it() {
    let org = Org::with_leads(0).await;
    let ids = leads(&org, 2).await;
    org.run(SCORES).await.unwrap();
    org.advance("1m").await;
    for id in &ids {
        org.change("Lead", id, "AnnualRevenue", &json!(500)).await;
    }
    org.change("Lead", &ids[0], "Lead_Score__c", &json!(33))
        .await;
    org.advance("1m").await;
    let preview = org.preview(SCORES).await.unwrap();
    let tally = Tally {
        updated: 1,
        blocked: 1,
        ..Tally::default()
    };
    assert_eq!((preview.targets[0].1, preview.rejected), (tally, 1));
    let report = org.run(SCORES).await.unwrap();
    assert_eq!((report.ledger.delivered, report.ledger.rejected), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_counts_as_the_run_does() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(30));
    let mut talks: Vec<Value> = (0..30).map(|n| outcome(n, &format!("p{n}"))).collect();
    talks[3]["kind"] = json!("bought");
    talks[4]["profile"] = json!("nobody");
    org.import_outcomes(&talks);
    let yaml = NURTURE.replace(
        "records: outcomes",
        "records: outcomes, when: \"{{ outcome.id != 'o5' }}\"",
    );
    let preview = org.preview(&yaml).await.unwrap();
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(
        (preview.read, preview.filtered, preview.rejected),
        (
            report.ledger.read,
            report.ledger.filtered,
            report.ledger.rejected
        )
    );
    assert_eq!((report.ledger.filtered, report.ledger.rejected), (1, 2));
}
