//! What sharing hides: single rows, all rows of an object, and rows behind a reference.

use serde_json::{Value, json};

use super::client::{Bench, V, bench, refusal};

async fn ids(bench: &Bench, soql: &str) -> Vec<String> {
    let (status, answer) = bench.query(soql).await;
    assert_eq!(status, 200, "{answer}");
    let records = answer["records"].as_array().unwrap();
    let id = |row: &Value| row["Id"].as_str().unwrap().to_owned();
    records.iter().map(id).collect()
}

async fn count(bench: &Bench, soql: &str) -> u64 {
    bench.query(soql).await.1["totalSize"].as_u64().unwrap()
}

/// A row of an object that is not deleted.
async fn some(bench: &Bench, object: &str) -> String {
    ids(bench, &format!("SELECT Id FROM {object} LIMIT 1")).await[0].clone()
}

async fn record(bench: &Bench, id: &str, rights: Value) {
    bench
        .control("permissions", json!({ "records": { id: rights } }))
        .await;
}

#[tokio::test]
async fn a_row_that_may_not_be_read_is_in_no_answer() {
    let bench = bench().await;
    let all = count(&bench, "SELECT COUNT() FROM Lead").await;
    let id = some(&bench, "Lead").await;
    record(&bench, &id, json!({ "read": false })).await;
    assert_eq!(count(&bench, "SELECT COUNT() FROM Lead").await, all - 1);
    let since = "SELECT COUNT() FROM Lead WHERE SystemModstamp > 2000-01-01T00:00:00Z";
    assert_eq!(count(&bench, since).await, all - 1);
    let rows = ids(&bench, "SELECT Id FROM Lead ORDER BY SystemModstamp, Id").await;
    assert!(rows.len() as u64 == all - 1 && !rows.contains(&id));
    assert!(
        ids(&bench, &format!("SELECT Id FROM Lead WHERE Id = '{id}'"))
            .await
            .is_empty()
    );
    let (_, total) = bench.query("SELECT COUNT(Id) c FROM Lead").await;
    assert_eq!(total["records"][0]["c"], all - 1);
    let path = format!("{V}/sobjects/Lead/{id}");
    assert_eq!(refusal(&bench.get(&path).await).1, "NOT_FOUND");
    let path = format!("{V}/composite/sobjects/Lead?ids={id}&fields=Id");
    assert_eq!(bench.get(&path).await.1, json!([null]));
    // A right that is given back is there again.
    record(&bench, &id, json!({})).await;
    assert_eq!(count(&bench, "SELECT COUNT() FROM Lead").await, all);
}

#[tokio::test]
async fn a_row_that_may_not_be_edited_refuses_writes_and_no_other_does() {
    let bench = bench().await;
    let two = ids(
        &bench,
        "SELECT Id FROM Lead WHERE IsConverted = false LIMIT 2",
    )
    .await;
    record(&bench, &two[0], json!({ "edit": false })).await;
    let message = format!("insufficient access rights on object id {}", two[0]);
    let path = format!("{V}/sobjects/Lead/{}", two[0]);
    assert_eq!(bench.get(&path).await.0, 200);
    let code = "INSUFFICIENT_ACCESS_OR_READONLY";
    for answer in [
        bench.patch(&path, json!({ "City": "Oslo" })).await,
        bench.delete(&path).await,
    ] {
        assert_eq!(refusal(&answer), (403, code, message.as_str()));
    }
    let row = |id: &str| json!({ "attributes": { "type": "Lead" }, "id": id, "City": "Oslo" });
    let body = json!({ "records": [row(&two[0]), row(&two[1])] });
    let (_, results) = bench.patch(&format!("{V}/composite/sobjects"), body).await;
    assert_eq!(results[0]["errors"][0]["statusCode"], code);
    assert_eq!(results[0]["errors"][0]["message"], message);
    assert_eq!(results[1]["success"], true);
    // What may not be read may not be edited either.
    record(&bench, &two[0], json!({ "read": false, "edit": true })).await;
    let answer = bench.patch(&path, json!({ "City": "Oslo" })).await;
    assert_eq!(refusal(&answer).1, code);
}

#[tokio::test]
async fn a_reference_to_a_row_that_may_not_be_read_is_refused() {
    let bench = bench().await;
    let lead = some(&bench, "Lead").await;
    let key = json!({ "Bridged_Id__c": "parent-1" });
    bench
        .control(
            "records/Lead",
            json!({ "Id": lead, "Bridged_Id__c": "parent-1" }),
        )
        .await;
    let post = |body: Value| {
        let bench = &bench;
        async move {
            bench
                .post(&format!("{V}/sobjects/Conversation__c"), body)
                .await
        }
    };
    let by_id = json!({ "Bridged_Id__c": "c-1", "Lead__c": lead });
    let by_key = json!({ "Bridged_Id__c": "c-2", "Lead__r": key });
    let code = "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY";
    let message = format!("insufficient access rights on cross-reference id: {lead}");
    record(&bench, &lead, json!({ "read": false })).await;
    for body in [&by_id, &by_key] {
        assert_eq!(
            refusal(&post(body.clone()).await),
            (400, code, message.as_str())
        );
    }
    let made = post(json!({ "Bridged_Id__c": "c-3" })).await.1["id"].clone();
    let path = format!("{V}/sobjects/Conversation__c/{}", made.as_str().unwrap());
    let answer = bench.patch(&path, json!({ "Lead__c": lead })).await;
    assert_eq!(refusal(&answer).1, code);
    // The object's right counts like the row's.
    record(&bench, &lead, json!({})).await;
    let hidden = json!({ "objects": { "Lead": { "read": false } } });
    bench.control("permissions", hidden).await;
    assert_eq!(refusal(&post(by_id.clone()).await).1, code);
    bench
        .control("permissions", json!({ "objects": { "Lead": {} } }))
        .await;
    for body in [by_id, by_key] {
        assert_eq!(post(body).await.0, 201);
    }
}

#[tokio::test]
async fn an_object_can_be_empty_for_a_user_while_it_has_rows() {
    let bench = bench().await;
    let sees = |which: &str| json!({ "objects": { "Lead": { "sees": which } } });
    let all = count(&bench, "SELECT COUNT() FROM Lead").await;
    bench.control("permissions", sees("none")).await;
    assert_eq!(count(&bench, "SELECT COUNT() FROM Lead").await, 0);
    assert!(ids(&bench, "SELECT Id FROM Lead").await.is_empty());
    // The object is there, with every right to it.
    let (_, lead) = bench.get(&format!("{V}/sobjects/Lead/describe")).await;
    assert_eq!(
        (&lead["queryable"], &lead["updateable"]),
        (&json!(true), &json!(true))
    );
    // What they make belongs to them.
    bench.control("permissions", sees("own")).await;
    assert_eq!(count(&bench, "SELECT COUNT() FROM Lead").await, 0);
    let row = json!({ "LastName": "X", "Company": "Y" });
    let (_, made) = bench.post(&format!("{V}/sobjects/Lead"), row).await;
    assert_eq!(
        ids(&bench, "SELECT Id FROM Lead").await,
        [made["id"].as_str().unwrap()]
    );
    bench.control("permissions", sees("all")).await;
    assert_eq!(count(&bench, "SELECT COUNT() FROM Lead").await, all + 1);
}

#[tokio::test]
async fn children_and_changes_are_hidden_too() {
    let bench = bench().await;
    let (_, answer) = bench
        .query("SELECT Id, (SELECT Id FROM Contacts) FROM Account WHERE Id IN (SELECT AccountId FROM Contact) LIMIT 1")
        .await;
    let account = answer["records"][0]["Id"].as_str().unwrap().to_owned();
    let before = answer["records"][0]["Contacts"]["totalSize"]
        .as_u64()
        .unwrap();
    let child = answer["records"][0]["Contacts"]["records"][0]["Id"]
        .as_str()
        .unwrap()
        .to_owned();
    record(&bench, &child, json!({ "read": false })).await;
    let soql = format!("SELECT Id, (SELECT Id FROM Contacts) FROM Account WHERE Id = '{account}'");
    let (_, answer) = bench.query(&soql).await;
    let after = answer["records"][0]["Contacts"]["totalSize"]
        .as_u64()
        .unwrap_or(0);
    assert_eq!(after, before - 1);
    let none = json!({ "objects": { "Contact": { "sees": "none" } } });
    bench.control("permissions", none).await;
    assert_eq!(
        bench.query(&soql).await.1["records"][0]["Contacts"],
        Value::Null
    );
    let inner = "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact)";
    assert!(ids(&bench, inner).await.is_empty());
    let lead = some(&bench, "Lead").await;
    let path = format!("{V}/sobjects/Lead/{lead}");
    assert_eq!(bench.patch(&path, json!({ "City": "Oslo" })).await.0, 204);
    let now = jiff::Timestamp::now();
    let at = |hours: i64| (now + jiff::SignedDuration::from_hours(hours)).to_string();
    let updated = format!("{V}/sobjects/Lead/updated?start={}&end={}", at(-1), at(1));
    let listed = async || {
        bench.get(&updated).await.1["ids"]
            .as_array()
            .unwrap()
            .clone()
    };
    assert_eq!(listed().await, [json!(lead)]);
    record(&bench, &lead, json!({ "read": false })).await;
    assert!(listed().await.is_empty());
}

#[tokio::test]
async fn rights_to_rows_that_are_not_there_are_an_error() {
    let bench = bench().await;
    for body in [
        json!({ "records": { "00Q000000000zzz": {} } }),
        json!({ "records": { "x": {} } }),
        json!({ "records": { "00Q000000000zzz": { "create": true } } }),
        json!({ "objects": { "Lead": { "sees": "some" } } }),
        json!({ "fields": { "Lead.Phone": { "sees": "none" } } }),
    ] {
        let url = bench.url("/_sandbox/permissions");
        let answer = super::client::reply(bench.http.post(url).json(&body)).await;
        assert_eq!(answer.0, 400, "{body}");
    }
}
