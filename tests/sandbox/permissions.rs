//! What a user may not see does not exist for them; what they may not change is refused.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::client::{V, bench, refusal, reply};

#[tokio::test]
async fn a_hidden_field_is_gone_from_describe_rows_queries_and_writes() {
    let bench = bench().await;
    let rights = json!({ "fields": { "lead.phone": { "read": false } } });
    bench.control("permissions", rights).await;
    let (_, lead) = bench.get(&format!("{V}/sobjects/Lead/describe")).await;
    let names: Vec<&Value> = lead["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| &field["name"])
        .collect();
    assert!(!names.contains(&&json!("Phone")) && names.contains(&&json!("MobilePhone")));
    let answer = bench.query("SELECT Phone FROM Lead").await;
    assert_eq!(refusal(&answer).1, "INVALID_FIELD");
    let answer = bench.query("SELECT Id FROM Lead WHERE Phone = 'x'").await;
    assert_eq!(refusal(&answer).1, "INVALID_FIELD");
    let body = json!({ "LastName": "X", "Company": "Y", "Phone": "1" });
    let answer = bench.post(&format!("{V}/sobjects/Lead"), body).await;
    assert_eq!(
        refusal(&answer),
        (
            400,
            "INVALID_FIELD",
            "No such column 'Phone' on sobject of type Lead"
        )
    );
    let id = bench.records("Lead").await[0]["Id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (_, row) = bench.get(&format!("{V}/sobjects/Lead/{id}")).await;
    assert!(row.get("Phone").is_none());
    let answer = bench
        .get(&format!("{V}/sobjects/Lead/{id}?fields=Phone"))
        .await;
    assert_eq!(refusal(&answer).1, "INVALID_FIELD");
}

#[tokio::test]
async fn a_field_may_be_seen_and_not_changed() {
    let bench = bench().await;
    bench
        .control(
            "permissions",
            json!({ "fields": { "Lead.Rating": { "edit": false } } }),
        )
        .await;
    let (_, lead) = bench.get(&format!("{V}/sobjects/Lead/describe")).await;
    let fields = lead["fields"].as_array().unwrap();
    let rating = fields
        .iter()
        .find(|field| field["name"] == "Rating")
        .unwrap();
    assert_eq!(
        (&rating["updateable"], &rating["createable"]),
        (&json!(false), &json!(false))
    );
    let id = bench.records("Lead").await[0]["Id"]
        .as_str()
        .unwrap()
        .to_owned();
    let answer = bench
        .patch(
            &format!("{V}/sobjects/Lead/{id}"),
            json!({ "Rating": "Hot" }),
        )
        .await;
    assert_eq!(refusal(&answer).1, "INVALID_FIELD_FOR_INSERT_UPDATE");
    assert_eq!(answer.1[0]["fields"], json!(["Rating"]));
}

#[tokio::test]
async fn an_object_without_a_right_refuses_the_act() {
    let bench = bench().await;
    let id = bench.records("Lead").await[0]["Id"]
        .as_str()
        .unwrap()
        .to_owned();
    let rights =
        json!({ "objects": { "Lead": { "create": false, "edit": false, "delete": false } } });
    bench.control("permissions", rights).await;
    let path = format!("{V}/sobjects/Lead/{id}");
    assert_eq!(bench.get(&path).await.0, StatusCode::OK);
    let body = json!({ "LastName": "X", "Company": "Y" });
    let answer = bench.post(&format!("{V}/sobjects/Lead"), body).await;
    assert_eq!(
        (refusal(&answer).0, refusal(&answer).1),
        (403, "INSUFFICIENT_ACCESS")
    );
    for answer in [
        bench.patch(&path, json!({ "City": "Oslo" })).await,
        bench.delete(&path).await,
    ] {
        let message = format!("insufficient access rights on object id {id}");
        assert_eq!(
            refusal(&answer),
            (403, "INSUFFICIENT_ACCESS_OR_READONLY", message.as_str())
        );
    }
}

#[tokio::test]
async fn an_object_that_may_not_be_read_does_not_exist() {
    let bench = bench().await;
    bench
        .control(
            "permissions",
            json!({ "objects": { "Contact": { "read": false } } }),
        )
        .await;
    for path in [
        "sobjects/Contact/describe",
        "sobjects/Contact/003000000000001",
    ] {
        assert_eq!(
            bench.get(&format!("{V}/{path}")).await.0,
            StatusCode::NOT_FOUND
        );
    }
    let (_, body) = bench.get(&format!("{V}/sobjects")).await;
    assert!(
        body["sobjects"]
            .as_array()
            .unwrap()
            .iter()
            .all(|object| object["name"] != "Contact")
    );
    assert_eq!(
        refusal(&bench.query("SELECT Id FROM Contact").await).1,
        "INVALID_TYPE"
    );
}

#[tokio::test]
async fn rights_belong_to_one_user() {
    let bench = bench().await;
    let limited =
        json!({ "username": "limited@bridged.example", "objects": { "Lead": { "read": false } } });
    bench.control("permissions", limited).await;
    assert_eq!(
        bench.query("SELECT COUNT() FROM Lead").await.0,
        StatusCode::OK
    );
    let (_, apps) = reply(bench.http.get(bench.url("/_sandbox/apps"))).await;
    let app = apps
        .as_array()
        .unwrap()
        .iter()
        .find(|app| app["run_as"] == "limited@bridged.example")
        .unwrap();
    let request = bench
        .http
        .post(bench.url("/services/oauth2/token"))
        .basic_auth(
            app["consumer_key"].as_str().unwrap(),
            app["api_key"].as_str(),
        )
        .form(&[("grant_type", "client_credentials")]);
    let token = reply(request).await.1["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let bench = super::client::Bench { token, ..bench };
    assert_eq!(
        refusal(&bench.query("SELECT COUNT() FROM Lead").await).1,
        "INVALID_TYPE"
    );
}

#[tokio::test]
async fn rights_to_what_is_not_there_are_an_error() {
    let bench = bench().await;
    for body in [
        json!({ "objects": { "Nix": {} } }),
        json!({ "fields": { "Lead.Nix": {} } }),
        json!({ "fields": { "Phone": {} } }),
        json!({ "username": "nobody", "objects": { "Lead": {} } }),
        json!({ "objekts": {} }),
    ] {
        let request = bench
            .http
            .post(bench.url("/_sandbox/permissions"))
            .json(&body);
        assert_eq!(reply(request).await.0, StatusCode::BAD_REQUEST, "{body}");
    }
}
