//! What every write leaves behind: stamps, and its line in the ledger.

use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{V, bench, bench_with, reply};
use bridged::sandbox::settings::Settings;

const PATH: &str = "/services/data/v67.0/composite/sobjects";

#[tokio::test]
async fn every_write_moves_the_stamps_even_one_that_changes_nothing() {
    let bench = bench().await;
    let own = bench.get("/services/oauth2/userinfo").await.1["user_id"].clone();
    let lead = bench.records("Lead").await[3].clone();
    let id = lead["Id"].as_str().unwrap();
    let row = async || {
        let rows = bench.records("Lead").await;
        rows.into_iter().find(|row| row["Id"] == id).unwrap()
    };
    let same = json!({ "LastName": lead["LastName"] });
    let record =
        json!({ "attributes": { "type": "Lead" }, "id": id, "LastName": lead["LastName"] });
    let mut last = lead["SystemModstamp"].as_str().unwrap().to_owned();
    for turn in 0..3 {
        bench.control("clock", json!({ "advance": "1h" })).await;
        match turn {
            0 => {
                bench
                    .patch(&format!("{V}/sobjects/Lead/{id}"), same.clone())
                    .await
            }
            1 => bench.patch(PATH, json!({ "records": [record] })).await,
            _ => bench.delete(&format!("{PATH}?ids={id}")).await,
        };
        let now = row().await;
        assert!(
            now["SystemModstamp"].as_str().unwrap() > last.as_str(),
            "{turn}"
        );
        assert_eq!(now["LastModifiedDate"], now["SystemModstamp"]);
        assert_eq!(
            (&now["LastModifiedById"], &now["CreatedDate"]),
            (&own, &lead["CreatedDate"])
        );
        now["SystemModstamp"]
            .as_str()
            .unwrap()
            .clone_into(&mut last);
    }
    assert_eq!(row().await["IsDeleted"], true);
}

#[tokio::test]
async fn the_ledger_tells_who_wrote_how_much_and_how() {
    let bench = bench().await;
    let record = json!({ "attributes": { "type": "Lead" }, "LastName": "X", "Company": "Y" });
    let request = bench
        .request(Method::POST, PATH)
        .header(
            "Sforce-Call-Options",
            "client=bridged/1, defaultNamespace=ns",
        )
        .header("Sforce-Auto-Assign", "FALSE");
    reply(request.json(&json!({ "records": [record, record, {"attributes": {"type": "Lead"}}] })))
        .await;
    bench.get(&format!("{V}/limits")).await;
    let ledger = bench.ledger().await;
    let entries = ledger["requests"].as_array().unwrap();
    let told = |entry: &Value| {
        [
            "method",
            "path",
            "status",
            "records",
            "api_calls",
            "client",
            "auto_assign",
        ]
        .map(|key| entry[key].clone())
    };
    let [.., write, read] = entries.as_slice() else {
        panic!("{ledger}");
    };
    assert_eq!(
        told(write),
        [
            json!("POST"),
            json!(PATH),
            json!(200),
            json!(3),
            json!(1),
            json!("bridged/1"),
            json!("FALSE")
        ]
    );
    assert!(read.get("client").is_none() && read.get("auto_assign").is_none());
}

#[tokio::test]
async fn writes_cost_the_same_in_a_large_org() {
    let time = async |leads: usize| {
        let bench = bench_with(Settings {
            leads,
            ..Settings::default()
        })
        .await;
        let call = |at: usize| {
            let lead = |row: usize| json!({ "attributes": { "type": "Lead" }, "LastName": "X", "Company": "Y", "Bridged_Id__c": format!("k{at}-{row}") });
            json!({ "records": (0..50).map(lead).collect::<Vec<_>>() })
        };
        let path = format!("{PATH}/Lead/Bridged_Id__c");
        bench.patch(&path, call(0)).await;
        let mut best = std::time::Duration::MAX;
        for at in 0..20 {
            let begin = Instant::now();
            bench.patch(&path, call(at / 2)).await;
            best = best.min(begin.elapsed());
        }
        best
    };
    let (small, large) = (time(100).await, time(30_000).await);
    assert!(
        large < small * 4,
        "{small:?} in a small org, {large:?} in a large one"
    );
}
