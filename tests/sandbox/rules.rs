//! The org's own rules: validation, duplicates, assignment.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{Bench, Reply, V, bench, refusal, reply};

const PATH: &str = "/services/data/v67.0/composite/sobjects";

async fn create(bench: &Bench, body: Value, header: Option<(&str, &str)>) -> Reply {
    let mut request = bench.request(Method::POST, &format!("{V}/sobjects/Lead"));
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    reply(request.json(&body)).await
}

fn lead(field: &str, value: &str) -> Value {
    json!({ "attributes": { "type": "Lead" }, "LastName": "X", "Company": "Y", field: value })
}

#[tokio::test]
async fn a_validation_rule_refuses_with_its_own_sentence() {
    let bench = bench().await;
    let rule = json!({ "object": "lead", "when": "Rating = 'Hot' AND Phone = null", "message": "Hot leads need a phone", "field": "Phone" });
    bench
        .control("rules", json!({ "validation": [rule] }))
        .await;
    let answer = create(&bench, lead("Rating", "Hot"), None).await;
    assert_eq!(
        refusal(&answer),
        (
            400,
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "Hot leads need a phone"
        )
    );
    assert_eq!(answer.1[0]["fields"], json!(["Phone"]));
    let (status, made) = create(&bench, lead("Rating", "Cold"), None).await;
    assert_eq!(status, StatusCode::CREATED);
    let path = format!("{V}/sobjects/Lead/{}", made["id"].as_str().unwrap());
    let answer = bench.patch(&path, json!({ "Rating": "Hot" })).await;
    assert_eq!(refusal(&answer).1, "FIELD_CUSTOM_VALIDATION_EXCEPTION");
    assert_eq!(bench.get(&path).await.1["Rating"], "Cold");
    let both = json!({ "Rating": "Hot", "Phone": "1" });
    assert_eq!(bench.patch(&path, both).await.0, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_validation_rule_costs_a_row_of_a_call_of_many() {
    let bench = bench().await;
    // Through a reference, and without a field: the whole row is at fault.
    let rule = json!({ "object": "Lead", "when": "City = 'Oslo' AND Owner.IsActive = true", "message": "no" });
    bench
        .control("rules", json!({ "validation": [rule] }))
        .await;
    let records = [lead("City", "Oslo"), lead("City", "Bergen")];
    let (status, results) = bench.post(PATH, json!({ "records": records })).await;
    assert_eq!(status, StatusCode::OK);
    let error =
        json!({ "statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "no", "fields": [] });
    assert_eq!(
        (&results[0]["errors"], &results[1]["success"]),
        (&json!([error]), &json!(true))
    );
    assert_eq!(bench.records("Lead").await.len(), 102);
}

#[tokio::test]
async fn a_duplicate_rule_in_alert_mode_lets_through_who_insists() {
    let bench = bench().await;
    let rule = json!({ "object": "Lead", "name": "Lead_Email", "fields": ["Email", "LastName"], "mode": "alert" });
    bench
        .control("rules", json!({ "duplicates": [rule] }))
        .await;
    let body = lead("Email", "a@b.co");
    let (_, first) = create(&bench, body.clone(), None).await;
    let answer = create(&bench, lead("Email", "A@B.co"), None).await;
    assert_eq!(
        refusal(&answer),
        (400, "DUPLICATES_DETECTED", "Use one of these records?")
    );
    let details = &answer.1[0]["duplicateResult"];
    assert_eq!(
        (
            &details["allowSave"],
            &details["duplicateRule"],
            &details["duplicateRuleEntityType"]
        ),
        (&json!(true), &json!("Lead_Email"), &json!("Lead"))
    );
    let matched = &details["matchResults"][0];
    assert_eq!(matched["size"], 1);
    let record = &matched["matchRecords"][0]["record"];
    assert_eq!((&record["Id"], record.get("Email")), (&first["id"], None));
    let insist = (
        "Sforce-Duplicate-Rule-Header",
        "allowSave=true; includeRecordDetails=true",
    );
    assert_eq!(
        create(&bench, body.clone(), Some(insist)).await.0,
        StatusCode::CREATED
    );
    let look = ("Sforce-Duplicate-Rule-Header", "includeRecordDetails=true");
    let answer = create(&bench, body, Some(look)).await;
    let matched = &answer.1[0]["duplicateResult"]["matchResults"][0];
    assert_eq!(matched["size"], 2);
    assert_eq!(matched["matchRecords"][0]["record"]["Email"], "a@b.co");
}

#[tokio::test]
async fn a_duplicate_rule_in_block_mode_lets_nobody_through() {
    let bench = bench().await;
    let rule = json!({ "object": "Lead", "name": "R", "fields": ["Email"], "mode": "block", "message": "taken" });
    bench
        .control("rules", json!({ "duplicates": [rule] }))
        .await;
    create(&bench, lead("Email", "a@b.co"), None).await;
    let insist = ("Sforce-Duplicate-Rule-Header", "allowSave=true");
    let answer = create(&bench, lead("Email", "a@b.co"), Some(insist)).await;
    assert_eq!(refusal(&answer), (400, "DUPLICATES_DETECTED", "taken"));
    assert_eq!(answer.1[0]["duplicateResult"]["allowSave"], false);
    // Rows without the field are nobody's duplicates, and in one call the first row stands.
    let plain = json!({ "attributes": { "type": "Lead" }, "LastName": "X", "Company": "Y" });
    let records = [
        plain.clone(),
        plain,
        lead("Email", "c@d.co"),
        lead("Email", "c@d.co"),
    ];
    let (_, results) = bench.post(PATH, json!({ "records": records })).await;
    let done: Vec<&Value> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|result| &result["success"])
        .collect();
    assert_eq!(done, [true, true, true, false]);
    let error = &results[3]["errors"][0];
    assert_eq!(error["statusCode"], "DUPLICATES_DETECTED");
    assert!(
        error["duplicateResult"]["matchResults"][0]["matchRecords"][0]["record"]["Id"].is_string()
    );
}

#[tokio::test]
async fn an_update_is_a_duplicate_only_where_it_touches_the_rule() {
    let bench = bench().await;
    create(&bench, lead("Email", "a@b.co"), None).await;
    let (_, twin) = create(&bench, lead("Email", "a@b.co"), None).await;
    let rule = json!({ "object": "Lead", "name": "R", "fields": ["Email"], "mode": "block" });
    bench
        .control("rules", json!({ "duplicates": [rule] }))
        .await;
    let path = format!("{V}/sobjects/Lead/{}", twin["id"].as_str().unwrap());
    assert_eq!(
        bench.patch(&path, json!({ "City": "Oslo" })).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        bench.patch(&path, json!({ "Email": "z@b.co" })).await.0,
        StatusCode::NO_CONTENT
    );
    let answer = bench.patch(&path, json!({ "Email": "a@b.co" })).await;
    assert_eq!(refusal(&answer).1, "DUPLICATES_DETECTED");
    let old = path.replace("v67.0", "v50.0");
    let answer = bench.patch(&old, json!({ "Email": "a@b.co" })).await;
    assert!(
        answer.1[0]["duplicateResut"].is_object(),
        "as older versions spell it"
    );
}

#[tokio::test]
async fn an_assignment_rule_gives_a_row_its_owner() {
    let bench = bench().await;
    let users = bench.records("User").await;
    let own = bench.get("/services/oauth2/userinfo").await.1["user_id"].clone();
    let other = users
        .iter()
        .map(|user| &user["Id"])
        .find(|id| **id != own)
        .unwrap();
    let rule = json!({ "object": "Lead", "when": "City = 'Oslo'", "owner": other, "id": "01Q000000000001" });
    bench
        .control("rules", json!({ "assignment": [rule] }))
        .await;
    for (city, assign, owner) in [
        ("Oslo", None, other),
        ("Oslo", Some("TRUE"), other),
        ("Oslo", Some("FALSE"), &own),
        ("Oslo", Some("01Q000000000001EAA"), other),
        ("Oslo", Some("01Q000000000002"), &own),
        ("Bergen", None, &own),
    ] {
        let header = assign.map(|value| ("Sforce-Auto-Assign", value));
        let (_, made) = create(&bench, lead("City", city), header).await;
        let path = format!("{V}/sobjects/Lead/{}", made["id"].as_str().unwrap());
        assert_eq!(
            &bench.get(&path).await.1["OwnerId"],
            owner,
            "{city} {assign:?}"
        );
    }
}

#[tokio::test]
async fn rules_are_replaced_as_a_whole_and_end_with_a_reset() {
    let bench = bench().await;
    let rule = json!({ "object": "Lead", "when": "Id != null", "message": "no" });
    bench
        .control("rules", json!({ "validation": [rule] }))
        .await;
    assert_eq!(
        create(&bench, lead("City", "Oslo"), None).await.0,
        StatusCode::BAD_REQUEST
    );
    let (_, shown) = reply(bench.http.get(bench.url("/_sandbox/rules"))).await;
    assert_eq!(shown["validation"][0]["message"], "no");
    bench.control("rules", json!({})).await;
    assert_eq!(
        create(&bench, lead("City", "Oslo"), None).await.0,
        StatusCode::CREATED
    );
    bench
        .control("rules", json!({ "validation": [rule] }))
        .await;
    bench.control("reset", Value::Null).await;
    let (_, shown) = reply(bench.http.get(bench.url("/_sandbox/rules"))).await;
    assert_eq!(shown["validation"], json!([]));
}

#[tokio::test]
async fn rules_that_cannot_work_are_refused() {
    let bench = bench().await;
    for body in [
        json!({ "validation": [{ "object": "Nix", "when": "Id = null", "message": "x" }] }),
        json!({ "validation": [{ "object": "Lead", "when": "Nix = 1", "message": "x" }] }),
        json!({ "validation": [{ "object": "Lead", "when": "City =", "message": "x" }] }),
        json!({ "validation": [{ "object": "Lead", "when": "City = null LIMIT 1", "message": "x" }] }),
        json!({ "validation": [{ "object": "Lead", "when": "City = null", "message": "x", "field": "Nix" }] }),
        json!({ "validation": [{ "object": "Lead", "when": "City = null" }] }),
        json!({ "duplicates": [{ "object": "Lead", "name": "R", "fields": [], "mode": "alert" }] }),
        json!({ "duplicates": [{ "object": "Lead", "name": "R", "fields": ["Nix"], "mode": "alert" }] }),
        json!({ "duplicates": [{ "object": "Lead", "name": "R", "fields": ["Email"], "mode": "warn" }] }),
        json!({ "assignment": [{ "object": "Lead", "owner": "00Q000000000001" }] }),
        json!({ "rules": [] }),
    ] {
        let request = bench.http.post(bench.url("/_sandbox/rules")).json(&body);
        assert_eq!(reply(request).await.0, StatusCode::BAD_REQUEST, "{body}");
    }
}

#[tokio::test]
async fn rights_refuse_rows_of_a_call_of_many() {
    let bench = bench().await;
    let id = bench.records("Lead").await[0]["Id"].clone();
    let rights = json!({
        "objects": { "Contact": { "create": false }, "Task": { "read": false } },
        "fields": { "Lead.Rating": { "edit": false }, "Lead.Phone": { "read": false } },
    });
    bench.control("permissions", rights).await;
    let contact = json!({ "attributes": { "type": "Contact" }, "LastName": "X" });
    let task = json!({ "attributes": { "type": "Task" }, "Subject": "X" });
    let records = [
        lead("Rating", "Hot"),
        lead("Phone", "1"),
        contact,
        task,
        lead("City", "Oslo"),
    ];
    let codes = |results: Value| -> Vec<Value> {
        let results = results.as_array().unwrap().iter();
        results
            .map(|result| result["errors"][0]["statusCode"].clone())
            .collect()
    };
    let (status, results) = bench.post(PATH, json!({ "records": records })).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        codes(results),
        [
            json!("INVALID_FIELD_FOR_INSERT_UPDATE"),
            json!("INVALID_FIELD"),
            json!("INSUFFICIENT_ACCESS"),
            json!("INVALID_TYPE"),
            Value::Null
        ]
    );
    bench
        .control(
            "permissions",
            json!({ "objects": { "Lead": { "edit": false, "delete": false } } }),
        )
        .await;
    let record = json!({ "attributes": { "type": "Lead" }, "Id": id, "City": "Oslo" });
    let (_, results) = bench.patch(PATH, json!({ "records": [record] })).await;
    assert_eq!(codes(results), [json!("INSUFFICIENT_ACCESS_OR_READONLY")]);
    let (_, results) = bench
        .delete(&format!("{PATH}?ids={}", id.as_str().unwrap()))
        .await;
    assert_eq!(codes(results), [json!("INSUFFICIENT_ACCESS_OR_READONLY")]);
}
