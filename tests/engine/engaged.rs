//! People who were engaged since the last run: their rows did not change in Salesforce, and their scores do.

use bridged::engine::Options;
use bridged::foundation::event::RunState;
use bridged::foundation::record::{Engagement, EngagementKind};
use serde_json::{Value, json};

use crate::support::org::Org;

const SCORING: &str = "version: 1
name: scoring
direction: read_write
source: { object: Lead, where: \"LastName LIKE 'Lead %'\" }
field_map: { name: \"{{ LastName }}\" }
score:
  rules: [{ name: replied, when: \"{{ engagement.replies > 0 }}\", points: 40 }]
  qualified_at: 40
targets:
  lead:
    object: Lead
    operation: update
    match: { Id: \"{{ salesforce_id }}\" }
    field_map: { Lead_Score__c: \"{{ score }}\" }
";

fn lead(n: usize) -> Value {
    json!({ "LastName": format!("Lead {n}"), "Company": "Acme", "SystemModstamp": "2027-02-01T08:00:00Z" })
}

fn replied(id: &str, profile: &str) -> Engagement {
    Engagement {
        id: id.to_owned(),
        profile: profile.to_owned(),
        kind: EngagementKind::Replied,
        at: "2027-02-20T08:00:00Z".parse().unwrap(),
        campaign: None,
    }
}

async fn score_of(org: &Org, id: &str) -> Option<f64> {
    let rows = org.rows("Lead").await;
    let row = rows.iter().find(|row| row["Id"] == id).unwrap();
    row["Lead_Score__c"].as_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_changes_the_score_of_a_lead_that_did_not_change() {
    let org = Org::with_leads(0).await;
    let ids = org.put_leads((0..3).map(lead).collect()).await;
    assert_eq!(org.run(SCORING).await.unwrap().ledger.delivered, 3);
    // What the run wrote itself comes back once, and is left alone.
    org.advance("1h").await;
    assert_eq!(org.run(SCORING).await.unwrap().requests.write, 0);
    org.advance("1h").await;
    let quiet = org.run(SCORING).await.unwrap();
    assert_eq!((quiet.ledger.read, quiet.api_calls), (0, 1), "{quiet:?}");

    let now = "2027-03-01T12:00:00Z".parse().unwrap();
    let events = [replied("e-1", &ids[1]), replied("e-2", "somebody else")];
    org.store.import_engagements(&events, now).unwrap();
    let report = org.run(SCORING).await.unwrap();
    assert_eq!(report.state, RunState::Done, "{report:?}");
    assert_eq!((report.ledger.read, report.ledger.delivered), (1, 1));
    assert_eq!(score_of(&org, &ids[0]).await, Some(0.0));
    assert_eq!(score_of(&org, &ids[1]).await, Some(40.0));
    let kept = org.store.scores_of(&ids[1]).unwrap();
    assert_eq!(kept[0].1.reasons, [("replied".to_owned(), 40)]);

    // The same events are looked at once.
    let next = org.run(SCORING).await.unwrap();
    assert_eq!(next.requests.write, 0, "{next:?}");
    assert!(next.ledger.delivered == 0, "{next:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cut_short_leaves_engaged_people_to_the_next() {
    let org = Org::with_leads(0).await;
    let ids = org.put_leads((0..3).map(lead).collect()).await;
    org.run(SCORING).await.unwrap();
    org.advance("1h").await;
    org.run(SCORING).await.unwrap();
    let now = "2027-03-01T12:00:00Z".parse().unwrap();
    org.store
        .import_engagements(&[replied("e-1", &ids[2])], now)
        .unwrap();
    let short = Options {
        full: false,
        limit: Some(1),
        ..Options::default()
    };
    org.run_with(SCORING, short).await.unwrap();
    assert_eq!(score_of(&org, &ids[2]).await, Some(0.0));
    org.run(SCORING).await.unwrap();
    assert_eq!(score_of(&org, &ids[2]).await, Some(40.0));
}
