//! Killing a run that sends messages: at every named point of the way, and at random moments under faults. In the end each person
//! had at most one post, whoever had none is listed, and the send ledger balances to the unit.

use std::collections::BTreeMap;
use std::time::Duration;

use bridged::engine::broadcast::send;
use bridged::store::Store;
use bridged::store::model::{MessageFilter, MessageRow, MessageState};
use bridged::store::sqlite::SENDING_FAILPOINTS;
use serde_json::{Value, json};

use super::scene::{self, Scene};
use crate::support::project::Project;

const ACTIVATION: &str = "version: 1
name: activation
playbook: activation
direction: read
source: { object: Lead, where: \"Company = 'Kill'\", page_size: 200 }
field_map: { full_name: \"{{ LastName }}\", phone: \"{{ MobilePhone }}\" }
consent: { whatsapp: \"{{ WhatsApp_Opt_In__c }}\" }
broadcast:
  connection: whatsapp
  template: { name: spring_offer, language: en_US, parameters: [\"{{ full_name }}\"] }
  to: \"{{ phone }}\"
  campaign: CAMPAIGN
  pace: 1000/s
";

/// People of one campaign; `BRIDGED_KILL_SENDS` asks for more.
fn people() -> usize {
    std::env::var("BRIDGED_KILL_SENDS").map_or(120, |count| count.parse().unwrap())
}

/// The number of a person of a campaign, so that no two campaigns share one.
fn phone(campaign: usize, person: usize) -> String {
    format!("+4479{campaign:03}{person:05}")
}

/// Leads of a campaign, each with a number of its own, and a project that writes to them alone.
fn campaign(scene: &Scene, number: usize, count: usize) -> Project {
    let rows: Vec<Value> = (0..count)
        .map(|person| {
            json!({
                "LastName": format!("Person {person}"),
                "Company": format!("Kill {number}"),
                "MobilePhone": phone(number, person),
                "WhatsApp_Opt_In__c": true,
            })
        })
        .collect();
    scene.control("records/Lead", &Value::Array(rows));
    scene.advance();
    let yaml = ACTIVATION
        .replace("CAMPAIGN", &format!("campaign-{number}"))
        .replace("'Kill'", &format!("'Kill {number}'"));
    scene.project().file("pipelines/activation.yaml", &yaml)
}

/// Every message of a campaign.
fn messages(store: &dyn Store) -> Vec<MessageRow> {
    let mut all: Vec<MessageRow> = Vec::new();
    loop {
        let page = store
            .messages(&MessageFilter {
                before: all.last().map(|row| row.id),
                limit: Some(1_000),
                ..MessageFilter::default()
            })
            .unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// Checks what must hold whatever happened: I22, and the ledger.
fn check(scene: &Scene, project: &Project, number: usize, count: usize, what: &str) {
    let store = scene::open(project);
    let (_, total) = scene::account(&*store, what);
    let rows = messages(&*store);
    assert_eq!(rows.len(), count, "{what}: a message a person");
    let recipients = scene.look("whatsapp/recipients");
    let mut by_state: BTreeMap<MessageState, usize> = BTreeMap::new();
    for row in &rows {
        *by_state.entry(row.state).or_default() += 1;
    }
    let (mut taken, mut without) = (0, 0);
    for person in 0..count {
        let digits = phone(number, person).trim_start_matches('+').to_owned();
        let counts = &recipients[&digits];
        let (posts, accepted) = (
            counts["posts"].as_u64().unwrap_or(0),
            counts["accepted"].as_u64().unwrap_or(0),
        );
        assert!(accepted <= 1, "{what}: {digits} had {accepted} messages");
        taken += usize::from(accepted == 1);
        without += usize::from(posts == 0);
    }
    let of = |state| by_state.get(&state).copied().unwrap_or(0);
    let known = of(MessageState::Accepted);
    let unknown = of(MessageState::Unknown);
    assert_eq!(known + unknown, count, "{what}: {by_state:?}");
    assert!(
        known <= taken && taken <= known + unknown,
        "{what}: {taken} taken, {by_state:?}"
    );
    assert!(
        without <= unknown,
        "{what}: whoever had none is listed as unknown"
    );
    assert!(total.delivered as usize >= known, "{what}: {total:?}");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no failpoints")]
fn c18_i22_a_run_that_dies_at_any_named_point_of_sending_sends_nothing_twice() {
    let scene = Scene::start(0, Duration::ZERO, ("activation", ACTIVATION));
    scene.control(
        "whatsapp/events",
        &json!({ "rate": 1_000_000, "pair_seconds": 0 }),
    );
    let store = SENDING_FAILPOINTS
        .iter()
        .filter(|name| name.contains("reserve") || name.contains("settle"));
    let mut number = 0;
    for name in send::FAILPOINTS.iter().chain(store) {
        for nth in [1, 3] {
            number += 1;
            let what = format!("{name}@{nth}");
            let project = campaign(&scene, number, 30);
            assert!(scene.dies_at(&project, &what), "{what}");
            scene.end(&project);
            check(&scene, &project, number, 30, &what);
        }
    }
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no failpoints")]
fn c18_i22_runs_that_are_killed_at_random_moments_under_faults_send_nothing_twice() {
    let seed = scene::seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let scene = Scene::start(0, Duration::from_millis(2), ("activation", ACTIVATION));
    scene.control(
        "whatsapp/events",
        &json!({ "rate": 1_000_000, "pair_seconds": 0 }),
    );
    // More people than a new number may write to in a day.
    scene.control(
        "whatsapp",
        &json!({ "number": { "messaging_limit": "TIER_UNLIMITED" } }),
    );
    let lost = json!({ "method": "POST", "path": "/v*/*/messages", "probability": 0.02 });
    scene.control(
        "faults",
        &json!([
            { "match": lost, "action": { "kind": "reset-after-commit" } },
            { "match": lost, "action": { "kind": "status", "status": 503, "after_commit": true } },
            { "match": lost, "action": { "kind": "status", "status": 400, "body": { "error": { "message": "slow", "code": 130_429 } } } },
        ]),
    );
    let count = people();
    let what = format!("BRIDGED_KILL_SEED={seed}");
    let project = campaign(&scene, 900, count);
    let mut kills = 0;
    let longest = if count > 1_000 { 1_500 } else { 450 };
    for _ in 0..(count / 4).min(250) {
        let moment = Duration::from_millis(random.u64(30..longest));
        if !scene.killed_after(&project, moment) {
            break;
        }
        kills += 1;
    }
    assert!(kills > 2, "{what}: {kills} kills");
    // Whoever was refused for a while comes again within seconds.
    for _ in 0..30 {
        scene.end(&project);
        let store = scene::open(&project);
        let left = store.count_messages(None).unwrap();
        if left
            .iter()
            .all(|(state, _)| *state != MessageState::Planned)
        {
            break;
        }
    }
    check(&scene, &project, 900, count, &what);
}
