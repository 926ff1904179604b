//! One row by its external id.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::client::{V, bench, refusal};

#[tokio::test]
async fn an_upsert_makes_a_row_once_and_then_changes_it() {
    let bench = bench().await;
    let path = format!("{V}/sobjects/lead/bridged_id__c/k%2F1");
    let (status, made) = bench
        .patch(&path, json!({ "LastName": "X", "Company": "Y" }))
        .await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(made["created"], true);
    let (status, changed) = bench.patch(&path, json!({ "City": "Oslo" })).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        changed,
        json!({ "id": made["id"], "success": true, "errors": [], "created": false })
    );
    let (_, row) = bench.get(&path).await;
    assert_eq!(
        (&row["Bridged_Id__c"], &row["City"]),
        (&json!("k/1"), &json!("Oslo"))
    );
    let old = path.replace("v67.0", "v45.0");
    assert_eq!(
        bench.patch(&old, json!({ "City": "Bergen" })).await,
        (StatusCode::NO_CONTENT, Value::Null)
    );
    assert_eq!(bench.delete(&path).await.0, StatusCode::NO_CONTENT);
    assert_eq!(refusal(&bench.get(&path).await).0, 404);
    let (status, again) = bench
        .patch(&path, json!({ "LastName": "X", "Company": "Y" }))
        .await;
    assert_eq!(status, StatusCode::CREATED);
    assert_ne!(
        again["id"], made["id"],
        "an upsert does not bring a deleted row back"
    );
}

#[tokio::test]
async fn the_key_stands_in_the_address_alone() {
    let bench = bench().await;
    let path = format!("{V}/sobjects/Lead/Bridged_Id__c/k1");
    let body = json!({ "LastName": "X", "Company": "Y", "bridged_id__c": "k1" });
    let answer = bench.patch(&path, body).await;
    let message = "The bridged_id__c field should not be specified in the sobject data.";
    assert_eq!(refusal(&answer), (400, "INVALID_FIELD", message));
}

#[tokio::test]
async fn a_new_row_needs_its_required_fields() {
    let bench = bench().await;
    let answer = bench
        .patch(
            &format!("{V}/sobjects/Lead/Bridged_Id__c/k1"),
            json!({ "City": "Oslo" }),
        )
        .await;
    assert_eq!(refusal(&answer).1, "REQUIRED_FIELD_MISSING");
    assert_eq!(bench.records("Lead").await.len(), 101);
}

#[tokio::test]
async fn only_an_external_id_with_a_value_is_a_key() {
    let bench = bench().await;
    for (path, status, code) in [
        ("Company/Y", 404, "NOT_FOUND"),
        ("Nix/k1", 404, "NOT_FOUND"),
        ("Bridged_Id__c/", 400, "MISSING_ARGUMENT"),
        ("Company", 404, "NOT_FOUND"),
        ("Id/nonsense", 400, "MALFORMED_ID"),
        ("Id/00Q000000000zzzEAA", 404, "NOT_FOUND"),
    ] {
        let body = json!({ "LastName": "X", "Company": "Y" });
        let answer = bench
            .patch(&format!("{V}/sobjects/Lead/{path}"), body)
            .await;
        assert_eq!(
            (refusal(&answer).0, refusal(&answer).1),
            (status, code),
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_upsert_by_id_without_an_id_makes_a_row() {
    let bench = bench().await;
    let (status, made) = bench
        .patch(
            &format!("{V}/sobjects/Lead/Id"),
            json!({ "LastName": "X", "Company": "Y" }),
        )
        .await;
    assert_eq!(
        (status, &made["created"]),
        (StatusCode::CREATED, &json!(true))
    );
    let path = format!("{V}/sobjects/Lead/Id/{}", made["id"].as_str().unwrap());
    assert_eq!(
        bench.patch(&path, json!({ "City": "Oslo" })).await.0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_key_of_several_rows_is_answered_with_their_addresses() {
    let bench = bench().await;
    let row = json!({ "LastName": "X", "Company": "Y", "Bridged_Id__c": "k1" });
    // No call of the API makes twins in a unique field; rows from before it was unique look like this.
    let placed = bench.control("records/Lead", json!([row, row])).await;
    let path = format!("{V}/sobjects/Lead/Bridged_Id__c/k1");
    let addresses: Vec<String> = placed["ids"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| format!("{V}/sobjects/Lead/{}", id.as_str().unwrap()))
        .collect();
    for answer in [
        bench.get(&path).await,
        bench.patch(&path, json!({ "City": "Oslo" })).await,
        bench.delete(&path).await,
    ] {
        assert_eq!(answer, (StatusCode::MULTIPLE_CHOICES, json!(addresses)));
    }
}
