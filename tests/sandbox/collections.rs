//! Many rows in one call: one result a row, by position.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{Bench, Reply, V, bench, refusal, reply};

const PATH: &str = "/services/data/v67.0/composite/sobjects";
const BY_KEY: &str = "/services/data/v67.0/composite/sobjects/Lead/Bridged_Id__c";

/// A lead that can be made.
fn lead(key: &str) -> Value {
    json!({ "attributes": { "type": "Lead" }, "LastName": "X", "Company": "Y", "Bridged_Id__c": key })
}

fn calling(records: &[Value]) -> Value {
    json!({ "records": records })
}

/// The results of a call that could be read.
fn results((status, body): Reply) -> Vec<Value> {
    assert_eq!(status, StatusCode::OK, "{body}");
    body.as_array().unwrap().clone()
}

/// For each result the code of its error, or whether it was made.
fn told(results: &[Value]) -> Vec<&str> {
    let one = |result: &Value| match (&result["success"], &result["created"]) {
        (Value::Bool(true), Value::Bool(true)) => "created",
        (Value::Bool(true), _) => "done",
        _ => "refused",
    };
    results
        .iter()
        .map(|result| {
            result["errors"][0]["statusCode"]
                .as_str()
                .unwrap_or_else(|| one(result))
        })
        .collect()
}

async fn ids(bench: &Bench, object: &str, count: usize) -> Vec<String> {
    let rows = bench.records(object).await;
    let ids = rows
        .iter()
        .map(|row| row["Id"].as_str().unwrap().to_owned());
    ids.take(count).collect()
}

async fn last_request(bench: &Bench) -> Value {
    let ledger = bench.ledger().await;
    ledger["requests"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone()
}

#[tokio::test]
async fn rows_are_made_and_each_says_its_id() {
    let bench = bench().await;
    let bad = json!({ "attributes": { "type": "Lead" }, "LastName": "X" });
    let records = [lead("k1"), bad, lead("k2")];
    let results = results(bench.post(&format!("{PATH}/"), calling(&records)).await);
    assert_eq!(told(&results), ["done", "REQUIRED_FIELD_MISSING", "done"]);
    assert_eq!(
        results[1],
        json!({ "success": false, "errors": [{
            "statusCode": "REQUIRED_FIELD_MISSING",
            "message": "Required fields are missing: [Company]",
            "fields": ["Company"],
        }] })
    );
    assert_eq!(results[0]["errors"], json!([]));
    assert!(results[0]["id"].as_str().unwrap().starts_with("00Q"));
    assert_eq!(bench.records("Lead").await.len(), 103);
    let entry = last_request(&bench).await;
    assert_eq!(
        (
            &entry["method"],
            &entry["status"],
            &entry["records"],
            &entry["api_calls"]
        ),
        (&json!("POST"), &json!(200), &json!(3), &json!(1))
    );
}

#[tokio::test]
async fn rows_are_changed_by_an_id_in_any_case() {
    let bench = bench().await;
    let ids = ids(&bench, "Lead", 2).await;
    let record = |name: &str, id: Value| json!({ "attributes": { "type": "lead" }, name: id, "City": "Oslo" });
    let records = [
        record("id", json!(ids[0])),
        record("Id", json!(&ids[1][..15])),
        record("Id", json!("nonsense")),
        record("Id", json!("00Q000000000zzzEAA")),
        record("Id", Value::Null),
    ];
    let results = results(bench.patch(PATH, calling(&records)).await);
    assert_eq!(
        told(&results),
        [
            "done",
            "done",
            "MALFORMED_ID",
            "INVALID_CROSS_REFERENCE_KEY",
            "MISSING_ARGUMENT"
        ]
    );
    assert_eq!(results[1]["id"], ids[1]);
    assert_eq!(
        results[4]["errors"][0]["message"],
        "Id not specified in an update call"
    );
    let rows = bench.records("Lead").await;
    let moved = rows.iter().filter(|row| row["City"] == "Oslo").count();
    assert_eq!(moved, 2);
}

#[tokio::test]
async fn a_deleted_row_is_not_changed() {
    let bench = bench().await;
    let id = ids(&bench, "Lead", 1).await.remove(0);
    bench.delete(&format!("{V}/sobjects/Lead/{id}")).await;
    let record = json!({ "attributes": { "type": "Lead" }, "id": id, "City": "Oslo" });
    let results = results(bench.patch(PATH, calling(&[record])).await);
    assert_eq!(told(&results), ["ENTITY_IS_DELETED"]);
}

#[tokio::test]
async fn an_upsert_makes_rows_once_and_then_changes_them() {
    let bench = bench().await;
    let first = results(
        bench
            .patch(BY_KEY, calling(&[lead("k1"), lead("k2")]))
            .await,
    );
    assert_eq!(told(&first), ["created", "created"]);
    let again = results(
        bench
            .patch(&format!("{BY_KEY}/"), calling(&[lead("K2"), lead("k3")]))
            .await,
    );
    assert_eq!(told(&again), ["done", "created"]);
    assert_eq!(
        again[0],
        json!({ "id": first[1]["id"], "success": true, "errors": [], "created": false })
    );
    assert_eq!(bench.records("Lead").await.len(), 104);
}

#[tokio::test]
async fn an_upsert_needs_a_value_of_its_key() {
    let bench = bench().await;
    let mut without = lead("");
    without.as_object_mut().unwrap().remove("Bridged_Id__c");
    let mut null = lead("");
    null["Bridged_Id__c"] = Value::Null;
    let results = results(
        bench
            .patch(BY_KEY, calling(&[lead(" "), null, without, lead("k1")]))
            .await,
    );
    assert_eq!(
        told(&results),
        [
            "MISSING_ARGUMENT",
            "MISSING_ARGUMENT",
            "MISSING_ARGUMENT",
            "created"
        ]
    );
    assert_eq!(results[0]["errors"][0]["fields"], json!(["Bridged_Id__c"]));
}

#[tokio::test]
async fn an_upsert_by_id_changes_rows_and_makes_those_without_one() {
    let bench = bench().await;
    let id = ids(&bench, "Lead", 1).await.remove(0);
    let by_id = json!({ "attributes": { "type": "Lead" }, "id": id, "City": "Oslo" });
    let gone =
        json!({ "attributes": { "type": "Lead" }, "Id": "00Q000000000zzzEAA", "City": "Oslo" });
    let path = format!("{PATH}/Lead/Id");
    let results = results(
        bench
            .patch(&path, calling(&[by_id, lead("k1"), gone]))
            .await,
    );
    assert_eq!(
        told(&results),
        ["done", "created", "INVALID_CROSS_REFERENCE_KEY"]
    );
}

#[tokio::test]
async fn only_a_key_of_the_object_in_the_address_is_taken() {
    let bench = bench().await;
    let task = json!({ "attributes": { "type": "Task" }, "Bridged_Id__c": "k1" });
    for (path, record, status, code) in [
        ("Lead/Company", lead("k1"), 404, "NOT_FOUND"),
        ("Lead/Nix", lead("k1"), 404, "NOT_FOUND"),
        ("Nix/Bridged_Id__c", lead("k1"), 404, "NOT_FOUND"),
        ("Lead/Bridged_Id__c", task, 400, "INVALID_INPUT"),
    ] {
        let answer = bench
            .patch(&format!("{PATH}/{path}"), calling(&[record]))
            .await;
        assert_eq!(
            (refusal(&answer).0, refusal(&answer).1),
            (status, code),
            "{path}"
        );
    }
    let answer = bench
        .patch(&format!("{PATH}/Lead/Company"), calling(&[]))
        .await;
    assert_eq!(
        refusal(&answer).2,
        "Provided external ID field does not exist or is not accessible: Company"
    );
}

#[tokio::test]
async fn a_key_of_several_rows_refuses_the_row() {
    let bench = bench().await;
    let row = json!({ "LastName": "X", "Company": "Y", "Bridged_Id__c": "k1" });
    bench.control("records/Lead", json!([row, row])).await;
    let results = results(
        bench
            .patch(BY_KEY, calling(&[lead("k1"), lead("k2")]))
            .await,
    );
    assert_eq!(told(&results), ["DUPLICATE_EXTERNAL_ID", "created"]);
}

#[tokio::test]
async fn rows_that_share_a_key_in_one_call_are_all_refused() {
    let bench = bench().await;
    let upsert = results(
        bench
            .patch(BY_KEY, calling(&[lead("k1"), lead("K1"), lead("k2")]))
            .await,
    );
    assert_eq!(
        told(&upsert),
        ["DUPLICATE_VALUE", "DUPLICATE_VALUE", "created"]
    );
    assert_eq!(
        upsert[0]["errors"][0]["message"],
        "Duplicate external id specified: k1"
    );
    let id = ids(&bench, "Lead", 1).await.remove(0);
    let record = |id: &str| json!({ "attributes": { "type": "Lead" }, "id": id, "City": "Oslo" });
    let update = results(
        bench
            .patch(PATH, calling(&[record(&id), record(&id[..15])]))
            .await,
    );
    assert_eq!(told(&update), ["DUPLICATE_VALUE", "DUPLICATE_VALUE"]);
    let create = results(bench.post(PATH, calling(&[lead("k9"), lead("k9")])).await);
    assert_eq!(
        told(&create),
        ["done", "DUPLICATE_VALUE"],
        "the first row stands"
    );
}

#[tokio::test]
async fn rows_are_deleted_by_their_ids() {
    let bench = bench().await;
    let leads = ids(&bench, "Lead", 2).await;
    let task = ids(&bench, "Task", 1).await.remove(0);
    let list = format!(
        "{},{task},00Q000000000zzzEAA,nonsense,{},{}",
        leads[0], leads[1], leads[0]
    );
    let results = results(
        bench
            .delete(&format!("{PATH}?ids={list}&allOrNone=false"))
            .await,
    );
    assert_eq!(
        told(&results),
        [
            "done",
            "done",
            "INVALID_CROSS_REFERENCE_KEY",
            "MALFORMED_ID",
            "done",
            "ENTITY_IS_DELETED"
        ]
    );
    assert_eq!(
        results[0],
        json!({ "id": leads[0], "success": true, "errors": [] })
    );
    let gone = bench
        .records("Lead")
        .await
        .iter()
        .filter(|row| row["IsDeleted"] == true)
        .count();
    assert!(gone >= 2, "{gone}");
    assert_eq!(refusal(&bench.delete(PATH).await).1, "MISSING_ARGUMENT");
}

#[tokio::test]
async fn rows_are_asked_for_by_their_ids() {
    let bench = bench().await;
    let ids = ids(&bench, "Lead", 3).await;
    bench.delete(&format!("{V}/sobjects/Lead/{}", ids[2])).await;
    let wanted = [ids[1].as_str(), "00Q000000000zzzEAA", &ids[0], &ids[2]];
    let address = format!(
        "{PATH}/Lead/?ids={}&fields=Id,Name,Owner.Name",
        wanted.join(",")
    );
    let got = results(bench.get(&address).await);
    assert_eq!(
        (&got[0]["Id"], &got[2]["Id"]),
        (&json!(ids[1]), &json!(ids[0]))
    );
    assert!(got[0]["Owner"]["Name"].is_string() && got[0]["attributes"]["type"] == "Lead");
    assert_eq!((&got[1], &got[3]), (&Value::Null, &Value::Null));
    let body = json!({ "ids": wanted, "fields": ["Id", "Name", "Owner.Name"] });
    assert_eq!(
        results(bench.post(&format!("{PATH}/lead"), body).await),
        got
    );
}

#[tokio::test]
async fn what_cannot_be_retrieved_is_refused_as_a_whole() {
    let bench = bench().await;
    let id = "00Q000000000zzzEAA";
    for (body, code) in [
        (
            json!({ "ids": [id], "fields": ["Id", "Nix"] }),
            Some("INVALID_FIELD"),
        ),
        (
            json!({ "ids": [id], "fields": [] }),
            Some("MISSING_ARGUMENT"),
        ),
        (json!({ "fields": ["Id"] }), Some("MISSING_ARGUMENT")),
        (
            json!({ "ids": id, "fields": ["Id"] }),
            Some("JSON_PARSER_ERROR"),
        ),
        (
            json!({ "ids": ["nonsense"], "fields": ["Id"] }),
            Some("MALFORMED_ID"),
        ),
        (
            json!({ "ids": vec![id; 2_001], "fields": ["Id"] }),
            Some("EXCEEDED_ID_LIMIT"),
        ),
        (json!({ "ids": vec![id; 2_000], "fields": ["Id"] }), None),
    ] {
        let answer = bench.post(&format!("{PATH}/Lead"), body.clone()).await;
        match code {
            Some(code) => assert_eq!(refusal(&answer).1, code),
            None => assert_eq!(results(answer).len(), 2_000),
        }
    }
    let many = vec!["00Q000000000001"; 801].join(",");
    let answer = bench
        .get(&format!("{PATH}/Lead?ids={many}&fields=Id"))
        .await;
    assert_eq!(refusal(&answer).1, "EXCEEDED_ID_LIMIT");
}

#[tokio::test]
async fn all_or_none_takes_everything_back_and_keeps_the_ids_in_its_answer() {
    let bench = bench().await;
    let before = bench.records("Lead").await;
    let id = before[0]["Id"].as_str().unwrap();
    bench.patch(BY_KEY, calling(&[lead("old")])).await;
    let before_all = bench.records("Lead").await;
    let bad = json!({ "attributes": { "type": "Lead" }, "Bridged_Id__c": "k2" });
    let body = json!({ "allOrNone": true, "records": [lead("old"), lead("k1"), bad] });
    let told_all = results(bench.patch(BY_KEY, body.clone()).await);
    assert_eq!(
        told(&told_all),
        [
            "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "REQUIRED_FIELD_MISSING"
        ]
    );
    assert!(told_all[0]["id"].is_string() && told_all[1]["id"].is_string());
    assert!(told_all.iter().all(|result| result["success"] == false));
    assert_eq!(bench.records("Lead").await, before_all);
    let list = format!("{id},nonsense");
    let deleted = results(
        bench
            .delete(&format!("{PATH}?ids={list}&allOrNone=true"))
            .await,
    );
    assert_eq!(
        told(&deleted),
        ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "MALFORMED_ID"]
    );
    assert_eq!(bench.records("Lead").await, before_all);
    // What was taken back has left no trace in the indexes either.
    let good = json!({ "allOrNone": true, "records": [lead("old"), lead("k1")] });
    assert_eq!(
        told(&results(bench.patch(BY_KEY, good).await)),
        ["done", "created"]
    );
}

#[tokio::test]
async fn one_value_of_a_wrong_type_refuses_the_whole_call() {
    let bench = bench().await;
    let with = |field: &str, value: Value| {
        let mut record = lead("k2");
        record[field] = value;
        calling(&[lead("k1"), record])
    };
    let bodies = [
        with("NumberOfEmployees", json!("many")),
        with("Lead_Score__c", json!({})),
        with("City", json!(1)),
        with("WhatsApp_Opt_In__c", json!(1)),
        with("CreatedDate", json!("yesterday")),
        with("Bridged_Id__c", json!(1)),
        json!({ "records": [lead("k1"), 1] }),
        json!({ "records": lead("k1") }),
        json!({ "records": [lead("k1")], "allOrNone": "yes" }),
        json!([lead("k1")]),
    ];
    for body in bodies {
        for answer in [
            bench.post(PATH, body.clone()).await,
            bench.patch(BY_KEY, body.clone()).await,
        ] {
            assert_eq!(
                (refusal(&answer).0, refusal(&answer).1),
                (400, "JSON_PARSER_ERROR"),
                "{body}"
            );
        }
    }
    let raw = bench
        .request(Method::POST, PATH)
        .header("content-type", "application/json");
    let answer = reply(raw.body(r#"{"records":[{"attributes":{"type":"Lead"},]}"#)).await;
    assert_eq!(refusal(&answer).1, "JSON_PARSER_ERROR");
    assert_eq!(bench.records("Lead").await.len(), 101);
}

#[tokio::test]
async fn a_record_without_a_type_refuses_the_whole_call() {
    let bench = bench().await;
    for attributes in [Value::Null, json!({}), json!({ "type": "" }), json!("Lead")] {
        let mut record = lead("k1");
        record["attributes"] = attributes;
        let answer = bench.post(PATH, calling(&[lead("k2"), record])).await;
        assert_eq!(
            (refusal(&answer).0, refusal(&answer).1),
            (400, "INVALID_INPUT")
        );
    }
    assert_eq!(bench.records("Lead").await.len(), 101);
}

#[tokio::test]
async fn at_most_200_rows_go_into_one_call() {
    let bench = bench().await;
    let rows =
        |count: usize| -> Vec<Value> { (0..count).map(|at| lead(&format!("k{at}"))).collect() };
    for answer in [
        bench.post(PATH, calling(&rows(201))).await,
        bench.patch(BY_KEY, calling(&rows(201))).await,
        bench
            .delete(&format!(
                "{PATH}?ids={}",
                vec!["00Q000000000001"; 201].join(",")
            ))
            .await,
    ] {
        assert_eq!(
            (refusal(&answer).0, refusal(&answer).1),
            (400, "EXCEEDED_ID_LIMIT")
        );
    }
    assert_eq!(bench.records("Lead").await.len(), 101);
    let all = results(bench.post(PATH, calling(&rows(200))).await);
    assert!(all.len() == 200 && all.iter().all(|result| result["success"] == true));
    assert_eq!(
        results(bench.post(PATH, calling(&[])).await),
        Vec::<Value>::new()
    );
}

#[tokio::test]
async fn types_may_mix_in_ten_chunks() {
    let bench = bench().await;
    let record = |at: usize| {
        if at.is_multiple_of(2) {
            lead(&format!("k{at}"))
        } else {
            json!({ "attributes": { "type": "Account" }, "Name": "Z" })
        }
    };
    let chunks = |count: usize| -> Vec<Value> { (0..count).map(record).collect() };
    assert_eq!(
        told(&results(bench.post(PATH, calling(&chunks(10))).await)),
        ["done"; 10]
    );
    let answer = bench.post(PATH, calling(&chunks(11))).await;
    assert_eq!(
        (refusal(&answer).0, refusal(&answer).1),
        (400, "LIMIT_EXCEEDED")
    );
}

#[tokio::test]
async fn each_rule_of_a_row_costs_that_row_alone() {
    let bench = bench().await;
    let with = |field: &str, value: Value| {
        let mut record = lead(field);
        record[field] = value;
        record
    };
    let mut unknown = lead("k0");
    unknown["attributes"] = json!({ "type": "Nix" });
    let conversation =
        json!({ "attributes": { "type": "Conversation__c" }, "Outcome__c": "maybe" });
    let lost = json!({ "attributes": { "type": "Conversation__c" }, "Lead__r": { "Bridged_Id__c": "nobody" } });
    let gone =
        json!({ "attributes": { "type": "Conversation__c" }, "Lead__c": "00Q000000000zzzEAA" });
    let other =
        json!({ "attributes": { "type": "Conversation__c" }, "Lead__c": "001000000000zzzEAA" });
    let cases = [
        (
            with("City", json!("x".repeat(41))),
            "STRING_TOO_LONG",
            json!(["City"]),
        ),
        (
            with("Email", json!("x@y")),
            "INVALID_EMAIL_ADDRESS",
            json!(["Email"]),
        ),
        (
            with("Lead_Score__c", json!(1000)),
            "NUMBER_OUTSIDE_VALID_RANGE",
            json!(["Lead_Score__c"]),
        ),
        (with("Nix__c", json!(1)), "INVALID_FIELD", json!([])),
        (
            with("Name", json!("A")),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            json!(["Name"]),
        ),
        (
            with("Id", json!("00Q000000000zzzEAA")),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            json!(["Id"]),
        ),
        (
            with("LastName", Value::Null),
            "REQUIRED_FIELD_MISSING",
            json!(["LastName"]),
        ),
        (unknown, "INVALID_TYPE", json!([])),
        (
            conversation,
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            json!(["Outcome__c"]),
        ),
        (lost, "INVALID_FIELD", json!([])),
        (gone, "INVALID_CROSS_REFERENCE_KEY", json!(["Lead__c"])),
        (other, "MALFORMED_ID", json!(["Lead__c"])),
    ];
    let records: Vec<Value> = cases.iter().map(|case| case.0.clone()).collect();
    let results = results(bench.post(PATH, calling(&records)).await);
    for (result, (record, code, fields)) in results.iter().zip(&cases) {
        let error = &result["errors"][0];
        assert_eq!(
            (&error["statusCode"], &error["fields"]),
            (&json!(code), fields),
            "{record}"
        );
        assert!(result.get("id").is_none() && error["message"].as_str().unwrap().len() > 3);
    }
    assert_eq!(bench.records("Lead").await.len(), 101);
}

#[tokio::test]
async fn methods_and_paths_that_are_not_there_are_refused() {
    let bench = bench().await;
    for (method, path, status) in [
        (Method::PUT, PATH.to_owned(), 405),
        (Method::DELETE, format!("{PATH}/Lead"), 405),
        (Method::POST, BY_KEY.to_owned(), 405),
        (Method::PATCH, format!("{BY_KEY}/k1"), 404),
        (Method::GET, format!("{PATH}/Nix?ids=x&fields=Id"), 404),
    ] {
        let answer = bench.send(method.clone(), &path, json!({})).await;
        assert_eq!(answer.0.as_u16(), status, "{method} {path}");
    }
}
