//! Two ways at once: a value that somebody changed in Salesforce is not overwritten in silence.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bridged::engine::Options;
use bridged::foundation::code::Code;
use bridged::foundation::event::{RunEvent, RunReport, RunState};
use serde_json::{Value, json};

use super::sample::{SCORES, leads};
use crate::support::org::Org;

const POLICIES: [&str; 3] = ["reject", "salesforce", "bridged"];

fn under(policy: &str) -> String {
    SCORES.replace(
        "direction: read_write",
        &format!("direction: read_write\non_conflict: {policy}"),
    )
}

/// Scores two leads; then both deserve 80, and somebody gave the first one 33 by hand. Its state after the next run.
async fn after_a_change(policy: &str) -> (Org, RunReport, Value) {
    let org = Org::with_leads(0).await;
    let ids = leads(&org, 2).await;
    let yaml = under(policy);
    assert_eq!(org.run(&yaml).await.unwrap().ledger.delivered, 2);
    org.advance("1m").await;
    for id in &ids {
        org.change("Lead", id, "AnnualRevenue", &json!(500)).await;
    }
    org.change("Lead", &ids[0], "Lead_Score__c", &json!(33))
        .await;
    org.advance("1m").await;
    let report = org.run(&yaml).await.unwrap();
    let row = org.row("Lead", "LastName", "Lead 0").await;
    let other = org.row("Lead", "LastName", "Lead 1").await;
    assert_eq!(
        (other["Lead_Score__c"].as_f64(), &other["Rating"]),
        (Some(80.0), &json!("Hot")),
        "{policy}"
    );
    (org, report, row)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_was_changed_in_salesforce_rejects_the_record() {
    let (org, report, row) = after_a_change("reject").await;
    assert_eq!(
        (
            report.state,
            report.ledger.delivered,
            report.ledger.rejected
        ),
        (RunState::Partial, 1, 1)
    );
    assert_eq!(
        (row["Lead_Score__c"].as_f64(), &row["Rating"]),
        (Some(33.0), &json!("Warm")),
        "nothing of it was written"
    );
    let letter = org.letters().remove(0).letter;
    assert_eq!(letter.reason.code, Code::WriteConflict);
    assert_eq!(letter.reason.field.as_deref(), Some("Lead_Score__c"));
    assert_eq!((letter.step.as_str(), letter.attempts), ("target:lead", 0));
    assert!(
        !letter.reason.message.contains("33"),
        "values stay out of reasons"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_was_changed_in_salesforce_stays_and_the_rest_is_written() {
    let (org, report, row) = after_a_change("salesforce").await;
    assert_eq!((report.state, report.ledger.delivered), (RunState::Done, 2));
    assert_eq!(
        (row["Lead_Score__c"].as_f64(), &row["Rating"]),
        (Some(33.0), &json!("Hot"))
    );
    // It stays in the next runs too.
    org.advance("1h").await;
    let next = org.run(&under("salesforce")).await.unwrap();
    assert_eq!(
        (next.requests.write, next.ledger.rejected),
        (0, 0),
        "{next:?}"
    );
    assert_eq!(
        org.row("Lead", "LastName", "Lead 0").await["Lead_Score__c"].as_f64(),
        Some(33.0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_was_changed_in_salesforce_is_overwritten_where_the_author_says_so() {
    let (_, report, row) = after_a_change("bridged").await;
    assert_eq!((report.state, report.ledger.delivered), (RunState::Done, 2));
    assert_eq!(
        (row["Lead_Score__c"].as_f64(), &row["Rating"]),
        (Some(80.0), &json!("Hot"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_bridged_never_wrote_is_nobody_s_conflict() {
    for policy in POLICIES {
        let org = Org::with_leads(0).await;
        let ids = leads(&org, 1).await;
        org.change("Lead", &ids[0], "Rating", &json!("Cold")).await;
        org.advance("1m").await;
        let report = org.run(&under(policy)).await.unwrap();
        assert_eq!(
            (report.state, report.ledger.delivered),
            (RunState::Done, 1),
            "{policy}"
        );
        assert_eq!(
            org.row("Lead", "LastName", "Lead 0").await["Rating"],
            "Warm",
            "{policy}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_wrote_the_same_value_made_no_conflict() {
    let org = Org::with_leads(0).await;
    let ids = leads(&org, 1).await;
    org.run(SCORES).await.unwrap();
    org.advance("1m").await;
    for (field, value) in [
        ("AnnualRevenue", json!(500)),
        ("Lead_Score__c", json!(80)),
        ("Rating", json!("Hot")),
    ] {
        org.change("Lead", &ids[0], field, &value).await;
    }
    org.advance("1m").await;
    let report = org.run(SCORES).await.unwrap();
    assert_eq!(
        (report.state, report.requests.write, report.ledger.rejected),
        (RunState::Done, 0, 0),
        "{report:?}"
    );
}

/// Changes a field of the first lead when its page was read, and before it is written.
async fn changed_meanwhile(
    policy: &str,
    field: &'static str,
    value: Value,
) -> (Org, RunReport, Value) {
    let org = Arc::new(Org::with_leads(0).await);
    let id = leads(&org, 2).await.remove(0);
    let (hand, done) = (Arc::clone(&org), AtomicBool::new(false));
    let report = org
        .listen(&under(policy), Options::default(), move |event, _| {
            if matches!(event, RunEvent::PageRead { .. }) && !done.swap(true, Ordering::Relaxed) {
                Org::meanwhile(hand.change("Lead", &id, field, &value));
            }
        })
        .await
        .unwrap();
    let row = org.row("Lead", "LastName", "Lead 0").await;
    let other = org.row("Lead", "LastName", "Lead 1").await;
    assert_eq!(other["Rating"], "Warm", "{policy}");
    (
        Arc::into_inner(org).expect("nobody else holds it"),
        report,
        row,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_between_reading_and_writing_is_noticed() {
    let (org, report, row) = changed_meanwhile("reject", "Lead_Score__c", json!(7)).await;
    assert_eq!((report.ledger.delivered, report.ledger.rejected), (1, 1));
    assert_eq!(
        (row["Lead_Score__c"].as_f64(), &row["Rating"]),
        (Some(7.0), &Value::Null)
    );
    assert_eq!(org.letters()[0].letter.reason.code, Code::WriteConflict);
    assert_eq!(
        org.writes().await[0]["records"],
        1,
        "the record was not sent"
    );

    let (_, report, row) = changed_meanwhile("salesforce", "Lead_Score__c", json!(7)).await;
    assert_eq!((report.state, report.ledger.delivered), (RunState::Done, 2));
    assert_eq!(
        (row["Lead_Score__c"].as_f64(), &row["Rating"]),
        (Some(7.0), &json!("Warm"))
    );

    let (_, report, row) = changed_meanwhile("bridged", "Lead_Score__c", json!(7)).await;
    assert_eq!((report.state, report.ledger.delivered), (RunState::Done, 2));
    assert_eq!(row["Lead_Score__c"].as_f64(), Some(20.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_another_field_is_no_conflict() {
    for policy in POLICIES {
        let (_, report, row) = changed_meanwhile(policy, "City", json!("Oslo")).await;
        assert_eq!(
            (report.state, report.ledger.delivered),
            (RunState::Done, 2),
            "{policy}"
        );
        assert_eq!(
            (&row["City"], &row["Rating"]),
            (&json!("Oslo"), &json!("Warm")),
            "{policy}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_deleted_between_reading_and_writing_is_rejected_in_salesforce_s_words() {
    let (org, report, _) = {
        let org = Arc::new(Org::with_leads(0).await);
        let id = leads(&org, 2).await.remove(0);
        let (hand, gone) = (Arc::clone(&org), id.clone());
        let report = org
            .listen(SCORES, Options::default(), move |event, _| {
                if matches!(event, RunEvent::PageRead { .. }) {
                    Org::meanwhile(hand.change("Lead", &gone, "IsDeleted", &json!(true)));
                }
            })
            .await
            .unwrap();
        (org, report, id)
    };
    assert_eq!((report.ledger.delivered, report.ledger.rejected), (1, 1));
    let letter = org.letters().remove(0).letter;
    assert_eq!(letter.reason.code, Code::RecordRefused);
    assert_eq!(
        letter.reason.remote_code.as_deref(),
        Some("ENTITY_IS_DELETED")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_settled_by_a_replay_under_another_policy() {
    let (org, _, _) = after_a_change("reject").await;
    let again = org.replay(SCORES).await.unwrap().report;
    assert_eq!(again.ledger.rejected, 1, "the conflict is still there");
    let replayed = org.replay(&under("bridged")).await.unwrap().report;
    assert_eq!(
        (replayed.state, replayed.ledger.delivered),
        (RunState::Done, 1)
    );
    assert_eq!(
        org.row("Lead", "LastName", "Lead 0").await["Lead_Score__c"].as_f64(),
        Some(80.0)
    );
    assert!(org.letters().is_empty());
}
