//! Scores: what the rules sum up to, what is kept with the profile, and what is written.

use bridged::engine::Options;
use bridged::foundation::code::Code;
use bridged::foundation::event::RunState;
use bridged::foundation::record::EngagementKind;
use serde_json::{Value, json};

use super::sample::{SCORES, leads};
use crate::support::org::Org;

const FULL: Options = Options {
    full: true,
    limit: None,
    run_id: None,
};

/// The score that a pipeline of one rule section gives the one lead there is.
async fn scored(org: &Org, section: &str) -> Value {
    let yaml = format!(
        "version: 1
name: scores
direction: read_write
source: {{ object: Lead, where: \"LastName LIKE 'Lead %'\" }}
field_map: {{ revenue: \"{{{{ AnnualRevenue }}}}\", city: \"{{{{ City }}}}\" }}
score: {section}
targets:
  lead:
    object: Lead
    operation: update
    match: {{ Id: \"{{{{ salesforce_id }}}}\" }}
    on_conflict: bridged
    field_map: {{ Lead_Score__c: \"{{{{ score }}}}\", Rating: \"{{{{ grade }}}}\", Score_Reasons__c: \"{{{{ score_reasons }}}}\" }}
"
    );
    // What was written in the last second is not settled yet, and the clock stands still.
    org.advance("1m").await;
    let report = org.run_with(&yaml, FULL).await.unwrap();
    assert_eq!(report.state, RunState::Done, "{section}: {report:?}");
    org.row("Lead", "LastName", "Lead 0").await
}

#[tokio::test(flavor = "multi_thread")]
async fn s35_points_add_up_within_the_clamp() {
    let org = Org::with_leads(0).await;
    leads(&org, 1).await;
    for (section, score, grade) in [
        (
            "{ base: 5, rules: [{ name: a, when: \"{{ true }}\", points: 20 }] }",
            25,
            Value::Null,
        ),
        (
            "{ rules: [{ name: a, when: \"{{ true }}\", points: 900 }], clamp: [0, 100], grades: { Hot: 80, Cold: 0 } }",
            100,
            json!("Hot"),
        ),
        (
            "{ rules: [{ name: a, when: \"{{ true }}\", points: -900 }], clamp: [0, 100], grades: { Hot: 80, Cold: 0 } }",
            0,
            json!("Cold"),
        ),
        (
            "{ base: 79, rules: [{ name: a, when: \"{{ false }}\", points: 9 }], grades: { Hot: 80, Cold: 0 } }",
            79,
            json!("Cold"),
        ),
        (
            "{ base: 80, rules: [{ name: a, when: \"{{ false }}\", points: 9 }], grades: { Cold: 0, Hot: 80 } }",
            80,
            json!("Hot"),
        ),
        (
            "{ base: -1, rules: [{ name: a, when: \"{{ false }}\", points: 9 }], grades: { Hot: 80, Cold: 0 } }",
            -1,
            Value::Null,
        ),
    ] {
        let row = scored(&org, section).await;
        assert_eq!(
            row["Lead_Score__c"].as_f64(),
            Some(f64::from(score)),
            "{section}"
        );
        assert_eq!(row["Rating"], grade, "{section}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reasons_are_written_and_kept_with_the_profile() {
    let org = Org::with_leads(0).await;
    let ids = leads(&org, 1).await;
    let row = scored(
        &org,
        "{ rules: [{ name: rich, when: \"{{ revenue > 100 }}\", points: 60 }, { name: known, when: \"{{ revenue > 0 }}\", points: 20 }, { name: far, when: \"{{ city is none }}\", points: -5 }], qualified_at: 15 }",
    )
    .await;
    assert_eq!(row["Score_Reasons__c"], "known +20; far -5");
    let scores = org.store.scores_of(&ids[0]).unwrap();
    assert_eq!(scores.len(), 1);
    let (pipeline, score, _) = &scores[0];
    assert_eq!(pipeline.as_str(), "scores");
    assert_eq!(
        (score.score, score.qualified, score.grade.as_deref()),
        (15, true, None)
    );
    assert_eq!(
        score.reasons,
        [("known".to_owned(), 20), ("far".to_owned(), -5)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn s35_a_rule_that_calculates_with_a_missing_feature_rejects_the_record_and_is_named() {
    let org = Org::with_leads(0).await;
    org.put_leads(vec![
        json!({ "LastName": "Lead 0", "Company": "Acme", "AnnualRevenue": null, "SystemModstamp": "2027-02-01T08:00:00Z" }),
        json!({ "LastName": "Lead 1", "Company": "Acme", "AnnualRevenue": 500, "SystemModstamp": "2027-02-01T08:00:00Z" }),
    ])
    .await;
    let yaml = SCORES
        .replace(" | default(0)", "")
        .replace("{{ revenue > 100 }}", "{{ revenue * 2 > 200 }}");
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(
        (
            report.state,
            report.ledger.delivered,
            report.ledger.rejected
        ),
        (RunState::Partial, 1, 1)
    );
    let letter = org.letters().remove(0).letter;
    assert_eq!(letter.step, "score");
    assert_eq!(letter.reason.field.as_deref(), Some("rich"));
    assert_eq!(letter.reason.code, Code::TemplateTypeMismatch, "{letter:?}");
    assert_eq!(
        org.row("Lead", "LastName", "Lead 0").await["Lead_Score__c"],
        Value::Null
    );
    assert_eq!(org.row("Lead", "LastName", "Lead 1").await["Rating"], "Hot");
}

#[tokio::test(flavor = "multi_thread")]
async fn s35_a_missing_feature_is_neither_more_nor_less_than_anything() {
    let org = Org::with_leads(0).await;
    leads(&org, 1).await;
    let section = "{ base: 50, rules: [{ name: more, when: \"{{ city > 100 }}\", points: 10 }, { name: less, when: \"{{ city < 100 }}\", points: -10 }] }";
    let row = scored(&org, section).await;
    assert_eq!(row["Lead_Score__c"].as_f64(), Some(50.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn s35_what_is_no_number_never_becomes_a_score() {
    let org = Org::with_leads(0).await;
    leads(&org, 1).await;
    for (expression, what) in [
        ("{{ revenue / 0 > 1 }}", "a division by zero"),
        (
            "{{ (revenue - revenue) / (revenue - revenue) > 0 }}",
            "zero by zero",
        ),
        ("{{ revenue * 1e308 * 1e308 > 1 }}", "an infinity"),
        ("{{ 'nan' | float > 1 }}", "a text that says so"),
        ("{{ revenue }}", "a number for a condition"),
        ("{{ city + 3 > 3 }}", "nothing added to a number"),
        ("{{ name > 3 }}", "a text compared with a number"),
    ] {
        let yaml = SCORES
            .replace(
                "name: \"{{ LastName }}\"",
                "name: \"{{ LastName }}\", city: \"{{ City }}\"",
            )
            .replace("{{ revenue > 100 }}", expression);
        let report = org.run_with(&yaml, FULL).await.unwrap();
        assert_eq!(report.ledger.rejected, 1, "{what}: {report:?}");
        let letter = org.letters().pop().unwrap().letter;
        assert_eq!(letter.reason.field.as_deref(), Some("rich"), "{what}");
        assert!(
            letter.reason.code.as_str().starts_with("template-"),
            "{what}: {letter:?}"
        );
    }
    assert!(org.writes().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn s35_the_same_input_gives_the_same_score_in_any_run() {
    let (one, other) = (Org::with_leads(300).await, Org::with_leads(300).await);
    let yaml = SCORES.replace(
        ", where: \"LastName LIKE 'Lead %'\"",
        ", where: \"IsConverted = false\"",
    );
    let mut seen = Vec::new();
    for org in [&one, &other] {
        let report = org.run(&yaml).await.unwrap();
        assert_eq!(report.ledger.rejected, 0, "{report:?}");
        let rows = org.live("Lead").await;
        let scores: Vec<(Value, Value, Value)> = rows
            .iter()
            .map(|row| {
                (
                    row["Id"].clone(),
                    row["Lead_Score__c"].clone(),
                    row["Rating"].clone(),
                )
            })
            .collect();
        seen.push(scores);
    }
    assert_eq!(seen[0], seen[1]);
    let given = seen[0].iter().filter(|(_, score, _)| score.is_number());
    assert!(given.count() >= 250);
    let again = one.run_with(&yaml, FULL).await.unwrap();
    assert_eq!(
        (again.requests.write, again.ledger.delivered),
        (0, 0),
        "{again:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn engagement_counts_into_the_score() {
    let org = Org::with_leads(0).await;
    let ids = leads(&org, 3).await;
    org.engage(&ids[1], EngagementKind::Replied, 2);
    org.engage(&ids[2], EngagementKind::OptedOut, 1);
    let yaml = SCORES
        .replace(
            "{{ revenue > 100 }}",
            "{{ engagement.replies >= 2 and engagement.last_7_days.replies == 2 }}",
        )
        .replace("{{ revenue > 0 }}", "{{ not opted_out }}");
    org.run(&yaml).await.unwrap();
    for (name, score, grade) in [
        ("Lead 0", 20, "Warm"),
        ("Lead 1", 80, "Hot"),
        ("Lead 2", 0, "Cold"),
    ] {
        let row = org.row("Lead", "LastName", name).await;
        assert_eq!(
            row["Lead_Score__c"].as_f64(),
            Some(f64::from(score)),
            "{name}"
        );
        assert_eq!(row["Rating"], grade, "{name}");
    }
    // A new answer changes the score though nothing changed in Salesforce.
    org.engage(&ids[0], EngagementKind::Replied, 2);
    org.advance("1m").await;
    let report = org.run_with(&yaml, FULL).await.unwrap();
    assert_eq!(report.ledger.delivered, 1, "{report:?}");
    assert_eq!(org.row("Lead", "LastName", "Lead 0").await["Rating"], "Hot");
}

#[tokio::test(flavor = "multi_thread")]
async fn children_of_the_row_count_into_the_score() {
    let org = Org::with_leads(0).await;
    let ids = leads(&org, 2).await;
    let task = |who: &str, status: &str| json!({ "WhoId": who, "Subject": "Call", "Status": status, "Priority": "Normal" });
    let tasks = json!([
        task(&ids[0], "Completed"),
        task(&ids[0], "Completed"),
        task(&ids[1], "Not Started")
    ]);
    org.control("records/Task", tasks).await;
    let yaml = SCORES
        .replace(
            "source: { object: Lead,",
            "source: { object: Lead, related: { Tasks: { limit: 50 } },",
        )
        .replace(
            "name: \"{{ LastName }}\"",
            "calls: \"{{ Tasks | selectattr('Status', 'equalto', 'Completed') | list | length }}\"",
        )
        .replace("{{ revenue > 100 }}", "{{ calls >= 2 }}");
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(report.ledger.delivered, 2, "{report:?}");
    assert_eq!(org.row("Lead", "LastName", "Lead 0").await["Rating"], "Hot");
    assert_eq!(
        org.row("Lead", "LastName", "Lead 1").await["Rating"],
        "Warm"
    );
}
