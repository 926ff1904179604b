//! Writes as public clients send them: each walk must end as it does against the service.

use std::fmt::Write as _;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{V, bench, reply};

/// jsforce cuts a list of rows into slices of 200 by itself, and spells the id of an update in lower case.
#[tokio::test]
async fn jsforce_creates_updates_upserts_and_destroys_in_slices() {
    let bench = bench().await;
    let path = format!("{V}/composite/sobjects");
    let row = |at: usize| json!({ "LastName": "X", "Company": "Y", "Bridged_Id__c": format!("k{at}"), "attributes": { "type": "Lead" } });
    let mut made = Vec::new();
    for slice in [0..200, 200..250] {
        let body = json!({ "allOrNone": false, "records": slice.map(row).collect::<Vec<_>>() });
        let (status, results) = bench.post(&path, body).await;
        assert_eq!(status, StatusCode::OK);
        made.extend(results.as_array().unwrap().clone());
    }
    assert_eq!(made.len(), 250);
    let ids: Vec<&str> = made.iter().map(|row| row["id"].as_str().unwrap()).collect();
    let update = |id: &&str| json!({ "City": "Oslo", "attributes": { "type": "Lead" }, "id": id });
    let body =
        json!({ "allOrNone": false, "records": ids[..200].iter().map(update).collect::<Vec<_>>() });
    let (_, results) = bench.patch(&path, body).await;
    assert!(
        results
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["success"] == true)
    );
    let upsert = json!({ "allOrNone": false, "records": (240..260).map(row).collect::<Vec<_>>() });
    let (_, results) = bench
        .patch(&format!("{path}/Lead/Bridged_Id__c"), upsert)
        .await;
    let created = results
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["created"] == true);
    assert_eq!(created.count(), 10);
    let body = json!({ "ids": ids[..3], "fields": ["Id", "City"] });
    let (_, rows) = bench.post(&format!("{path}/Lead"), body).await;
    assert_eq!(rows[2]["City"], "Oslo");
    for slice in ids.chunks(200) {
        let (_, results) = bench
            .delete(&format!("{path}?ids={}", slice.join(",")))
            .await;
        assert!(
            results
                .as_array()
                .unwrap()
                .iter()
                .all(|row| row["success"] == true)
        );
    }
    assert_eq!(
        bench
            .query("SELECT COUNT() FROM Lead WHERE City = 'Oslo'")
            .await
            .1["totalSize"],
        0
    );
}

/// simple-salesforce writes single rows, with a slash behind the object and its own content type.
#[tokio::test]
async fn simple_salesforce_writes_single_rows() {
    let bench = bench().await;
    let path = "/services/data/v59.0/sobjects/Lead/";
    let (status, made) = bench
        .post(path, json!({ "LastName": "X", "Company": "Y" }))
        .await;
    assert_eq!(
        (status, &made["success"], &made["errors"]),
        (StatusCode::CREATED, &json!(true), &json!([]))
    );
    let row = format!("{path}{}", made["id"].as_str().unwrap());
    assert_eq!(
        bench.patch(&row, json!({ "City": "Oslo" })).await.0,
        StatusCode::NO_CONTENT
    );
    let upsert = format!("{path}Bridged_Id__c/k1");
    assert_eq!(
        bench
            .patch(&upsert, json!({ "LastName": "X", "Company": "Y" }))
            .await
            .0,
        StatusCode::CREATED
    );
    assert_eq!(
        bench.patch(&upsert, json!({ "City": "Oslo" })).await.0,
        StatusCode::OK
    );
    assert_eq!(bench.delete(&row).await.0, StatusCode::NO_CONTENT);
    assert_eq!(bench.delete(&row).await.0, StatusCode::NOT_FOUND);
}

/// aiosalesforce reads the answer of an upsert as JSON, and adds `allOrNone` to the address of a delete.
#[tokio::test]
async fn aiosalesforce_upserts_and_deletes() {
    let bench = bench().await;
    let path = "/services/data/v60.0";
    let upsert = format!("{path}/sobjects/Lead/Bridged_Id__c/k1");
    let (_, made) = bench
        .patch(&upsert, json!({ "LastName": "X", "Company": "Y" }))
        .await;
    let (_, again) = bench.patch(&upsert, json!({ "City": "Oslo" })).await;
    assert_eq!(
        (&made["created"], &again["created"], &again["id"]),
        (&json!(true), &json!(false), &made["id"])
    );
    let list = format!(
        "{path}/composite/sobjects?ids={}&allOrNone=true",
        made["id"].as_str().unwrap()
    );
    let (_, results) = bench.delete(&list).await;
    assert_eq!(results[0]["success"], true);
}

/// nforce lower-cases every name.
#[tokio::test]
async fn nforce_writes_in_lower_case() {
    let bench = bench().await;
    let record = json!({ "attributes": { "type": "lead" }, "lastname": "X", "company": "Y" });
    let (_, results) = bench
        .post(
            &format!("{V}/composite/sobjects"),
            json!({ "records": [record] }),
        )
        .await;
    assert_eq!(results[0]["success"], true);
    let record = json!({ "attributes": { "type": "lead" }, "lastname": "X", "company": "Y", "bridged_id__c": "E1" });
    let path = format!("{V}/composite/sobjects/lead/bridged_id__c");
    let (_, results) = bench.patch(&path, json!({ "records": [record] })).await;
    assert_eq!(results[0]["created"], true);
}

/// A body without a length, in pieces, as jsforce sends larger ones.
#[tokio::test]
async fn a_chunked_body_is_read_whole() {
    let bench = std::sync::Arc::new(bench().await);
    let record = json!({ "attributes": { "type": "Lead" }, "LastName": "X", "Company": "Y" });
    let body = json!({ "records": [record, record] }).to_string();
    let mut request = format!(
        "POST {V}/composite/sobjects HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        bench.token
    );
    for piece in body.as_bytes().chunks(20) {
        let text = std::str::from_utf8(piece).unwrap();
        write!(request, "{:x}\r\n{text}\r\n", piece.len()).unwrap();
    }
    request.push_str("0\r\n\r\n");
    let raw = bench.clone();
    let answer = tokio::task::spawn_blocking(move || raw.raw(request.as_bytes()));
    let answer = String::from_utf8(answer.await.unwrap().unwrap()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(answer.matches("\"success\":true").count(), 2);
}

/// Clients that give up on an object go on with the next: a refusal leaves the connection usable.
#[tokio::test]
async fn a_refused_call_leaves_the_connection_usable() {
    let bench = bench().await;
    let path = format!("{V}/composite/sobjects");
    let bad = bench
        .request(Method::POST, &path)
        .header("content-type", "application/json");
    assert_eq!(reply(bad.body("{")).await.0, StatusCode::BAD_REQUEST);
    let text = bench
        .request(Method::POST, &path)
        .header("content-type", "text/plain");
    assert_eq!(
        reply(text.body("{}")).await.0,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    let (status, body) = bench.post(&path, json!({ "records": [] })).await;
    assert_eq!((status, body), (StatusCode::OK, Value::Array(Vec::new())));
}
