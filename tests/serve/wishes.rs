//! What people write back at the real server: whoever said STOP gets nothing more, until they say START or somebody takes it back.

use std::time::Duration;

use serde_json::{Value, json};

use super::binary::{ACTIVATION, Serving, connect, control, project, until};
use super::campaigns::{leads, recipients};
use crate::support::binary::{Ran, command};
use crate::support::project::Project;
use crate::support::sandbox::Sandbox;

/// The loop's campaign under another name, as soon as its people are there.
fn campaign(name: &str) -> String {
    ACTIVATION
        .replace("name: activation", &format!("name: {name}"))
        .replace("campaign: loop", &format!("campaign: {name}"))
        .replace("{ every: 10s }", "realtime")
        .replace("__c }}\" }", "__c }}\", source: \"{{ Company }}\" }")
}

fn number(person: usize) -> String {
    format!("+4479460{person:05}")
}

fn bridged(project: &Project, sandbox: &Sandbox, args: &[&str]) -> Ran {
    let mut command = command(project.path());
    connect(&mut command, sandbox);
    command.args(args).output().unwrap().into()
}

fn person(project: &Project, sandbox: &Sandbox, number: &str) -> Value {
    let told = bridged(project, sandbox, &["profile", number, "--format", "json"]);
    told.expect(0).json()["result"].clone()
}

async fn posts(address: &str, person: usize) -> u64 {
    let all = recipients(address).await;
    let number = number(person);
    all[number.trim_start_matches('+')]["posts"]
        .as_u64()
        .unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn c16_i23_the_last_word_of_a_person_decides_about_the_next_campaign() {
    let sandbox = Sandbox::start(&["--leads", "0"]);
    let address = sandbox.value("salesforce_url").to_owned();
    let http = reqwest::Client::new();
    let control = |call, body| control(&http, &address, call, body);
    control("records/Lead", leads(4)).await;
    let project = project(&[("spring", &campaign("spring"))]);
    let serving = Serving::start(&project, Some(&sandbox));
    let events = json!({ "webhook": serving.url("/webhooks/whatsapp"), "read": 0.0 });
    control("whatsapp/events", events).await;
    until("everybody had the first", || async {
        posts(&address, 0).await
            + posts(&address, 1).await
            + posts(&address, 2).await
            + posts(&address, 3).await
            == 4
    })
    .await;

    let says = |text: &'static str, person| {
        let body = json!({ "text": text, "from": number(person).trim_start_matches('+') });
        control("whatsapp/inbound", body)
    };
    for person in 0..3 {
        says("STOP", person).await;
    }
    let opted_out =
        |who: usize| person(&project, &sandbox, &number(who))["engagement"]["opted_out"] == true;
    until("three are out", || async { (0..3).all(opted_out) }).await;
    // Meta tells the time by the second.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    says("Start!", 0).await;
    let lifted = bridged(
        &project,
        &sandbox,
        &["suppression", "remove", &number(1), "--format", "json"],
    );
    assert_eq!(lifted.expect(0).json()["result"]["suppressed"], false);
    until("two are back", || async {
        !opted_out(0) && !opted_out(1) && opted_out(2)
    })
    .await;

    project.write("pipelines/summer.yaml", campaign("summer"));
    until("those who want it had the second", || async {
        posts(&address, 0).await == 2
            && posts(&address, 1).await == 2
            && posts(&address, 3).await == 2
    })
    .await;
    let shown = bridged(
        &project,
        &sandbox,
        &["campaign", "show", "summer", "--format", "json"],
    );
    let shown = shown.expect(0).stdout;
    assert_eq!(posts(&address, 2).await, 1, "{shown}");
    serving.stop();
    let told = person(&project, &sandbox, &number(0));
    assert_eq!(
        told["consent"],
        json!({ "whatsapp": true, "source": "Loop" }),
        "where they agreed is kept"
    );
    let kinds: Vec<&str> = told["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|event| event["kind"].as_str())
        .collect();
    assert!(
        kinds.contains(&"opted_out") && kinds.contains(&"opted_in"),
        "{told}"
    );
}
