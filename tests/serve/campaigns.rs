//! Campaigns and webhooks at the real server: a template that is paused, a kill between the answer and the work, and hours of load
//! in a few seconds.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ring::hmac;
use serde_json::{Value, json};

use super::binary::{ACTIVATION, Serving, control, project, rows, until};
use crate::support::sandbox::Sandbox;

/// The loop's campaign, ten messages a second.
fn slow() -> String {
    format!("{ACTIVATION}  pace: 10/s\n")
}

pub(super) fn leads(count: usize) -> Value {
    let one = |number: usize| {
        json!({
            "LastName": format!("Person {number}"),
            "Company": "Loop",
            "MobilePhone": format!("+4479460{number:05}"),
            "WhatsApp_Opt_In__c": true,
        })
    };
    (0..count).map(one).collect()
}

fn signed(sandbox: &Sandbox, body: &[u8]) -> String {
    let secret = sandbox.value("whatsapp_app_secret");
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, body);
    let digits = tag.as_ref().iter().map(|byte| format!("{byte:02x}"));
    format!("sha256={}", digits.collect::<String>())
}

/// A delivery that says that a message was read.
fn read_status(wamid: &str) -> String {
    json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": {
            "messaging_product": "whatsapp",
            "statuses": [{ "id": wamid, "status": "read", "timestamp": "1790000000", "recipient_id": "447946000000" }],
        } }] }],
    })
    .to_string()
}

/// Everybody who was posted to, by number: how many posts came and how many were taken.
pub(super) async fn recipients(address: &str) -> Value {
    let url = format!("{address}/_sandbox/whatsapp/recipients");
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

/// How many posts each number had.
async fn posts(address: &str) -> Vec<u64> {
    let all = recipients(address).await;
    let each = all.as_object().unwrap().values();
    each.map(|one| one["posts"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn w34_a_template_that_is_paused_pauses_its_campaign_and_takes_it_up_when_it_is_reinstated() {
    let sandbox = Sandbox::start(&["--leads", "0"]);
    let address = sandbox.value("salesforce_url").to_owned();
    let http = reqwest::Client::new();
    let control = |call, body| control(&http, &address, call, body);
    control("records/Lead", leads(60)).await;
    let project = project(&[("activation", &slow())]);
    let serving = Serving::start(&project, Some(&sandbox));
    let events = json!({ "webhook": serving.url("/webhooks/whatsapp"), "replied": 0.0 });
    control("whatsapp/events", events).await;
    until("some messages left", || async {
        posts(&address).await.len() >= 10
    })
    .await;
    let template = |status: &str| json!({ "templates": [{ "name": "spring_offer", "language": "en_US", "status": status }] });
    control("whatsapp", template("PAUSED")).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let paused = posts(&address).await.len();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(
        posts(&address).await.len(),
        paused,
        "nothing more after a second"
    );
    assert!(paused < 60, "it was paused on the way");
    control("whatsapp", template("APPROVED")).await;
    until("everybody had theirs", || async {
        posts(&address).await.len() == 60
    })
    .await;
    serving.stop();
    // Those who were refused while it was paused were posted to once more, and nobody was taken twice.
    let all = recipients(&address).await;
    let each = all.as_object().unwrap().values();
    assert!(
        each.clone().all(|one| one["accepted"].as_u64() <= Some(1)),
        "{all}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn w32_i24_a_webhook_whose_server_was_killed_behind_its_answer_is_applied_by_the_next() {
    let sandbox = Sandbox::start(&["--leads", "0"]);
    let address = sandbox.value("salesforce_url").to_owned();
    let http = reqwest::Client::new();
    control(&http, &address, "records/Lead", leads(1)).await;
    let project = project(&[("activation", &slow())]);
    let serving = Serving::start(&project, Some(&sandbox));
    until("the message left", || async {
        posts(&address).await.len() == 1
    })
    .await;
    let taken = || {
        let listed = project.bridged(&["campaign", "list", "--format", "json"]);
        listed.expect(0).json()["result"]["campaigns"][0]["messages"].clone()
    };
    until("its answer is settled", || async {
        taken()["accepted"] == 1
    })
    .await;
    serving.stop();
    let kept: Value = reqwest::get(format!("{address}/_sandbox/whatsapp/messages"))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let read = read_status(kept[0]["wamid"].as_str().unwrap());
    let dying = Serving::start_with(
        &project,
        Some(&sandbox),
        &[("BRIDGED_FAILPOINT", "store-before-apply")],
    );
    let answer = http
        .post(dying.url("/webhooks/whatsapp"))
        .header("x-hub-signature-256", signed(&sandbox, read.as_bytes()))
        .body(read)
        .send()
        .await;
    // It may die before the answer has left; then it would come again. What was answered was kept.
    if let Ok(answer) = answer {
        assert_eq!(answer.status(), 200);
    }
    dying.wait_for_its_death();
    assert_eq!(taken()["read"], Value::Null, "{}", taken());
    let serving = Serving::start(&project, Some(&sandbox));
    until("the status is applied", || async { taken()["read"] == 1 }).await;
    serving.stop();
    assert_eq!(posts(&address).await, [1]);
}

/// What a process holds: resident memory in KiB, open files, threads.
#[cfg(target_os = "linux")]
fn held(pid: u32) -> (u64, usize, u64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let field = |name: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let files = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .count();
    (field("VmRSS:"), files, field("Threads:"))
}

/// Fails where the last quarter holds more than the second did.
#[cfg(target_os = "linux")]
fn assert_flat(samples: &[(u64, usize, u64)]) {
    let quarter = samples.len() / 4;
    let every = samples.len() / 10;
    let memory: Vec<u64> = samples
        .iter()
        .step_by(every.max(1))
        .map(|one| one.0 / 1024)
        .collect();
    println!("MiB over time: {memory:?}");
    let most = |part: &[(u64, usize, u64)]| {
        part.iter().fold((0, 0, 0), |most, one| {
            (most.0.max(one.0), most.1.max(one.1), most.2.max(one.2))
        })
    };
    let (early, late) = (
        most(&samples[quarter..2 * quarter]),
        most(&samples[3 * quarter..]),
    );
    println!("second quarter {early:?}, last quarter {late:?} (KiB, files, threads)");
    assert!(
        late.0 < early.0 + early.0 / 4 + 8_192,
        "memory: {early:?} {late:?}"
    );
    assert!(late.1 <= early.1 + 8, "files: {early:?} {late:?}");
    assert!(late.2 <= early.2 + 4, "threads: {early:?} {late:?}");
}

/// A number from the environment, to soak for longer or with more.
#[cfg(target_os = "linux")]
fn asked(name: &str, else_: u64) -> u64 {
    std::env::var(name).map_or(else_, |text| text.parse().unwrap())
}

/// R16: mixed load for 20 seconds, 40 webhooks a second; `BRIDGED_SOAK_SECONDS=600` for ten minutes, `BRIDGED_SOAK_RATE` for more of
/// them. The store's cache of pages fills up to its bound, 12 MiB a connection, as the file grows.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn r16_memory_files_and_threads_stay_flat_under_mixed_load() {
    let (seconds, rate) = (
        asked("BRIDGED_SOAK_SECONDS", 20),
        asked("BRIDGED_SOAK_RATE", 40),
    );
    let sandbox = Sandbox::start(&["--leads", "500"]);
    let address = sandbox.value("salesforce_url").to_owned();
    let http = reqwest::Client::new();
    let pipeline = "version: 1\nname: leads\ndirection: read\nschedule: realtime\nsource: { object: Lead }\n\
                    field_map: { name: \"{{ LastName }}\", phone: \"{{ Phone }}\" }\n";
    let project = project(&[("leads", pipeline), ("activation", &slow())]);
    let token = |role: &str| {
        let made = project.bridged(&["token", "create", role, "--role", role]);
        made.expect(0).stdout.trim().to_owned()
    };
    let (ingest, viewer) = (token("ingest"), token("viewer"));
    let serving = Serving::start(&project, Some(&sandbox));
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut samples = Vec::new();
    let mut number = 0_u64;
    let mut codes = BTreeSet::new();
    while Instant::now() < end {
        let second = Instant::now() + Duration::from_secs(1);
        let webhooks = (0..rate).map(|_| {
            number += 1;
            let body = read_status(&format!("wamid.{number}"));
            http.post(serving.url("/webhooks/whatsapp"))
                .header("x-hub-signature-256", signed(&sandbox, body.as_bytes()))
                .body(body)
                .send()
        });
        let webhooks: Vec<_> = webhooks.collect();
        let outcome = json!({ "id": format!("o-{number}"), "profile": "p-1", "kind": "qualified", "occurred_at": "2026-11-26T10:00:00Z" });
        let brought = http
            .post(serving.url("/api/v1/outcomes"))
            .bearer_auth(&ingest)
            .json(&outcome)
            .send();
        let figures = http
            .get(serving.url("/metrics"))
            .bearer_auth(&viewer)
            .send();
        let lead = leads(1);
        control(&http, &address, "records/Lead", lead).await;
        for answer in futures_util::future::join_all(webhooks).await {
            codes.insert(answer.unwrap().status().as_u16());
        }
        codes.insert(brought.await.unwrap().status().as_u16());
        codes.insert(figures.await.unwrap().status().as_u16());
        samples.push(held(serving.pid()));
        tokio::time::sleep(second.saturating_duration_since(Instant::now())).await;
    }
    assert_eq!(codes, BTreeSet::from([200]));
    assert_flat(&samples);
    let log = serving.stop();
    assert!(!log.contains("panicked"), "{log}");
    assert!(rows(&http, &address, "Lead").await.len() > 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn i21_a_server_that_is_killed_again_and_again_runs_no_time_of_a_schedule_twice() {
    let leads = "version: 1\nname: leads\ndirection: read\nschedule: { every: 10s }\njitter: 0s\nmissed: once\n\
                 source: { object: Lead }\nfield_map: { name: \"{{ LastName }}\" }\n";
    let project = project(&[("leads", leads)]);
    for round in 0..7_u64 {
        let serving = Serving::start(&project, None);
        // Each round is killed at another place between two times.
        tokio::time::sleep(Duration::from_millis(2_500 + 700 * round)).await;
        // Dropping it kills it, as `kill -9` does.
        drop(serving);
    }
    let listed = project.bridged(&[
        "--sandbox",
        "runs",
        "--pipeline",
        "leads",
        "--format",
        "json",
    ]);
    let listed = listed.expect(0).json()["result"]["runs"].clone();
    let mut slots = std::collections::BTreeMap::new();
    for run in listed.as_array().unwrap() {
        let began: jiff::Timestamp = run["started_at"].as_str().unwrap().parse().unwrap();
        *slots.entry(began.as_second() / 10).or_insert(0) += 1;
    }
    assert!(slots.len() >= 2, "{slots:?}");
    assert!(slots.values().all(|runs| *runs == 1), "{slots:?}");
}
