//! Faults inside a write, and faults around one that is committed.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{Bench, V, bench, refusal};

const PATH: &str = "/services/data/v67.0/composite/sobjects";
const BY_KEY: &str = "/services/data/v67.0/composite/sobjects/Lead/Bridged_Id__c";

fn lead(key: &str) -> Value {
    json!({ "attributes": { "type": "Lead" }, "LastName": "Müller", "Company": "Y", "Bridged_Id__c": key })
}

fn rows(keys: &[&str]) -> Value {
    json!({ "records": keys.iter().map(|key| lead(key)).collect::<Vec<_>>() })
}

fn codes(results: &Value) -> Vec<&str> {
    let results = results.as_array().unwrap().iter();
    results
        .map(|result| {
            result["errors"][0]["statusCode"]
                .as_str()
                .unwrap_or_default()
        })
        .collect()
}

async fn keys(bench: &Bench) -> Vec<String> {
    let rows = bench.records("Lead").await;
    let keys = rows.iter().filter_map(|row| row["Bridged_Id__c"].as_str());
    keys.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_row_is_refused_by_script_and_the_others_go_on() {
    let bench = bench().await;
    let action = json!({ "kind": "row", "code": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access to this record", "fields": [] });
    bench
        .fault(json!({ "match": { "method": "PATCH", "contains": "\"Bridged_Id__c\":\"k2\"", "times": 2 }, "action": action }))
        .await;
    for told in [
        ["", "UNABLE_TO_LOCK_ROW", ""],
        ["", "UNABLE_TO_LOCK_ROW", ""],
        ["", "", ""],
    ] {
        let (status, results) = bench.patch(BY_KEY, rows(&["k1", "k2", "k3"])).await;
        assert_eq!((status, codes(&results)), (StatusCode::OK, told.to_vec()));
    }
    assert_eq!(keys(&bench).await, ["k1", "k3", "k2"]);
}

#[tokio::test]
async fn rows_are_counted_over_calls_and_only_where_the_address_fits() {
    let bench = bench().await;
    let action = json!({ "kind": "row", "code": "STORAGE_LIMIT_EXCEEDED", "message": "storage limit exceeded" });
    bench
        .fault(json!({ "match": { "path": "*/composite/sobjects*", "after": 1, "every": 2 }, "action": action }))
        .await;
    let full = "STORAGE_LIMIT_EXCEEDED";
    let (_, results) = bench.patch(BY_KEY, rows(&["k1", "k2", "k3", "k4"])).await;
    assert_eq!(codes(&results), ["", "", full, ""]);
    let single = bench
        .post(
            &format!("{V}/sobjects/Lead"),
            json!({ "LastName": "X", "Company": "Y" }),
        )
        .await;
    assert_eq!(single.0, StatusCode::CREATED);
    let (_, results) = bench.post(PATH, rows(&["k5", "k6"])).await;
    assert_eq!(codes(&results), [full, ""]);
}

#[tokio::test]
async fn chance_strikes_rows_by_the_seed() {
    let run = async || {
        let bench = bench().await;
        bench
            .fault(json!({ "match": { "probability": 0.5 }, "action": { "kind": "row", "code": "UNABLE_TO_LOCK_ROW" } }))
            .await;
        let keys: Vec<String> = (0..40).map(|at| format!("k{at}")).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let (_, results) = bench.patch(BY_KEY, rows(&keys)).await;
        let codes = codes(&results).join(" ");
        assert!(
            results
                .as_array()
                .unwrap()
                .iter()
                .any(|row| row["success"] == true)
        );
        assert!(codes.contains("UNABLE_TO_LOCK_ROW"));
        codes
    };
    assert_eq!(run().await, run().await);
}

#[tokio::test]
async fn a_single_row_is_refused_by_script_too() {
    let bench = bench().await;
    let id = bench.records("Lead").await[0]["Id"]
        .as_str()
        .unwrap()
        .to_owned();
    let action = json!({ "kind": "row", "code": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "message": "a trigger", "fields": ["City"] });
    bench.fault(json!({ "action": action })).await;
    let path = format!("{V}/sobjects/Lead/{id}");
    let body = json!({ "LastName": "X", "Company": "Y" });
    let by_key = format!("{V}/sobjects/Lead/Bridged_Id__c/k1");
    for answer in [
        bench
            .post(&format!("{V}/sobjects/Lead"), body.clone())
            .await,
        bench.patch(&path, json!({ "City": "Oslo" })).await,
        bench.patch(&by_key, body).await,
        bench.delete(&path).await,
    ] {
        assert_eq!(
            refusal(&answer),
            (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "a trigger")
        );
        assert_eq!(answer.1[0]["fields"], json!(["City"]));
    }
    assert_eq!(bench.get(&path).await.0, StatusCode::OK);
    assert_eq!(bench.records("Lead").await.len(), 101);
}

#[tokio::test]
async fn deletes_and_sub_requests_are_struck_as_rows() {
    let bench = bench().await;
    let leads = bench.records("Lead").await;
    let id = |at: usize| leads[at]["Id"].as_str().unwrap();
    bench
        .fault(json!({ "match": { "method": "DELETE", "contains": id(1) }, "action": { "kind": "row", "code": "ENTITY_IS_LOCKED" } }))
        .await;
    let (_, results) = bench
        .delete(&format!("{PATH}?ids={},{}", id(0), id(1)))
        .await;
    assert_eq!(codes(&results), ["", "ENTITY_IS_LOCKED"]);
    let part = json!({ "method": "DELETE", "url": format!("{V}/sobjects/Lead/{}", id(1)), "referenceId": "a" });
    let (_, answer) = bench
        .post(
            &format!("{V}/composite"),
            json!({ "compositeRequest": [part] }),
        )
        .await;
    assert_eq!(
        answer["compositeResponse"][0]["body"][0]["errorCode"],
        "ENTITY_IS_LOCKED"
    );
}

#[tokio::test]
async fn a_row_fault_in_a_call_of_all_or_none_takes_everything_back() {
    let bench = bench().await;
    bench
        .fault(json!({ "match": { "contains": "k2" }, "action": { "kind": "row", "code": "UNABLE_TO_LOCK_ROW" } }))
        .await;
    let mut body = rows(&["k1", "k2"]);
    body["allOrNone"] = json!(true);
    let (_, results) = bench.patch(BY_KEY, body).await;
    assert_eq!(
        codes(&results),
        ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "UNABLE_TO_LOCK_ROW"]
    );
    assert_eq!(keys(&bench).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_call_of_many_rows_is_committed_before_the_fault_speaks() {
    let committed = [
        json!({ "kind": "reset-after-commit" }),
        json!({ "kind": "status", "status": 503, "after_commit": true }),
        json!({ "kind": "status", "status": 200, "body": "garbage", "after_commit": true }),
        json!({ "kind": "html", "status": 502, "after_commit": true }),
        json!({ "kind": "empty", "status": 500, "after_commit": true }),
        json!({ "kind": "truncate", "bytes": 5 }),
    ];
    let lost = [
        json!({ "kind": "reset" }),
        json!({ "kind": "status", "status": 503 }),
        json!({ "kind": "html", "status": 502 }),
        json!({ "kind": "empty", "status": 500 }),
    ];
    let all = committed.into_iter().map(|action| (action, 2));
    for (action, made) in all.chain(lost.into_iter().map(|action| (action, 0))) {
        let bench = bench().await;
        let matching = json!({ "method": "PATCH", "path": "*/composite/sobjects/*" });
        bench
            .fault(json!({ "match": matching, "action": action }))
            .await;
        // The answer may be no answer: what counts is what was done.
        let sent = bench
            .request(Method::PATCH, BY_KEY)
            .json(&rows(&["k1", "k2"]))
            .send()
            .await;
        if let Ok(answer) = sent {
            let whole = answer.bytes().await.ok();
            assert!(whole.is_none_or(|body| !body.starts_with(b"[{\"id\"")));
        }
        assert_eq!(keys(&bench).await.len(), made, "{action}");
        let ledger = bench.ledger().await;
        let entry = ledger["requests"].as_array().unwrap().last().unwrap();
        assert_eq!(
            (&entry["records"], &entry["fault"]),
            (&json!(made), &action["kind"]),
            "{action}"
        );
        bench.control("faults", json!([])).await;
        let (_, again) = bench.patch(BY_KEY, rows(&["k1", "k2"])).await;
        assert_eq!(again[0]["created"], made == 0, "{action}");
        assert_eq!(keys(&bench).await.len(), 2, "{action}");
    }
}

#[tokio::test]
async fn a_fault_sees_the_body_decoded_and_can_spare_reads() {
    let bench = bench().await;
    let matching =
        json!({ "method": "POST", "path": "*/composite/sobjects*", "contains": "Müller" });
    bench
        .fault(json!({ "match": matching, "action": { "kind": "empty", "status": 406 } }))
        .await;
    let escaped =
        r#"{"records":[{"attributes":{"type":"Lead"},"LastName":"M\u00fcller","Company":"Y"}]}"#;
    let request = |body: &'static str| {
        let request = bench.request(Method::POST, PATH);
        request
            .header("content-type", "application/json")
            .body(body)
    };
    assert_eq!(
        request(escaped).send().await.unwrap().status().as_u16(),
        406
    );
    let other =
        r#"{"records":[{"attributes":{"type":"Lead"},"LastName":"M\u00fchler","Company":"Y"}]}"#;
    assert_eq!(request(other).send().await.unwrap().status().as_u16(), 200);
    assert_eq!(
        bench
            .query("SELECT Id FROM Lead WHERE LastName = 'Müller'")
            .await
            .0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_row_whose_commit_is_under_way_is_locked() {
    let bench = bench().await;
    bench
        .fault(json!({ "match": { "method": "PATCH", "times": 1 }, "action": { "kind": "late-commit", "seconds": 60 } }))
        .await;
    let (_, first) = bench.patch(BY_KEY, rows(&["k1"])).await;
    assert_eq!(first[0]["created"], true);
    let (_, again) = bench.patch(BY_KEY, rows(&["K1", "k2"])).await;
    assert_eq!(codes(&again), ["UNABLE_TO_LOCK_ROW", ""]);
    bench.control("clock", json!({ "advance": "1m" })).await;
    let (_, third) = bench.patch(BY_KEY, rows(&["k1"])).await;
    assert_eq!(
        (&third[0]["id"], &third[0]["created"]),
        (&first[0]["id"], &json!(false))
    );
}
