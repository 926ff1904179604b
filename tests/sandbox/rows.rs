//! One row: made, read, changed, deleted, and every way it can be refused.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{Bench, V, bench, refusal, reply};

/// Makes a lead; returns its id.
async fn lead(bench: &Bench, body: Value) -> String {
    let (status, answer) = bench.post(&format!("{V}/sobjects/Lead/"), body).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    assert_eq!(
        (&answer["success"], &answer["errors"]),
        (&true.into(), &json!([]))
    );
    answer["id"].as_str().unwrap().to_owned()
}

async fn read(bench: &Bench, id: &str) -> Value {
    let (status, row) = bench.get(&format!("{V}/sobjects/Lead/{id}")).await;
    assert_eq!(status, StatusCode::OK, "{row}");
    row
}

#[tokio::test]
async fn a_row_is_made_read_changed_and_deleted() {
    let bench = bench().await;
    bench
        .control(
            "clock",
            json!({ "set": "2027-01-01T00:00:00.9Z", "hold": true }),
        )
        .await;
    bench
        .control("sessions", json!({ "lifetime": "100000h" }))
        .await;
    let bench = Bench {
        token: super::client::sign_in(&bench.http, bench.sandbox.ready()).await,
        ..bench
    };
    let body = json!({ "attributes": { "type": "Lead" }, "lastname": "Lovelace", "FirstName": " Ada ", "Company": "Analytical", "AnnualRevenue": 1234.5, "NumberOfEmployees": "7", "Email": "" });
    let id = lead(&bench, body).await;
    assert_eq!((id.len(), &id[..3]), (18, "00Q"));
    let row = read(&bench, &id).await;
    for (field, value) in [
        ("Name", json!("Ada Lovelace")),
        ("Status", json!("Open - Not Contacted")),
        ("AnnualRevenue", json!(1235.0)),
        ("NumberOfEmployees", json!(7)),
        ("Email", Value::Null),
        ("IsDeleted", json!(false)),
        ("WhatsApp_Opt_In__c", json!(false)),
        ("CreatedDate", json!("2027-01-01T00:00:00.000+0000")),
        ("SystemModstamp", json!("2027-01-01T00:00:00.000+0000")),
        ("Address", Value::Null),
    ] {
        assert_eq!(row[field], value, "{field}");
    }
    bench.control("clock", json!({ "advance": "90s" })).await;
    let change = json!({ "Company": null, "FirstName": null, "City": "London" });
    let path = format!("{V}/sobjects/Lead/{id}");
    assert_eq!(
        refusal(&bench.patch(&path, change).await).1,
        "REQUIRED_FIELD_MISSING"
    );
    let change = json!({ "FirstName": null, "City": "London" });
    assert_eq!(
        bench.patch(&path, change).await,
        (StatusCode::NO_CONTENT, Value::Null)
    );
    let row = read(&bench, &id).await;
    assert_eq!(
        (&row["Name"], &row["Company"]),
        (&json!("Lovelace"), &json!("Analytical"))
    );
    assert_eq!(row["Address"]["city"], "London");
    assert_eq!(row["CreatedDate"], "2027-01-01T00:00:00.000+0000");
    assert_eq!(row["SystemModstamp"], "2027-01-01T00:01:30.000+0000");
    assert_eq!(bench.delete(&path).await.0, StatusCode::NO_CONTENT);
    for answer in [
        bench.get(&path).await,
        bench.delete(&path).await,
        bench.patch(&path, json!({})).await,
    ] {
        assert_eq!(
            refusal(&answer),
            (404, "ENTITY_IS_DELETED", "entity is deleted")
        );
    }
    let deleted = bench
        .records("Lead")
        .await
        .into_iter()
        .find(|row| row["Id"] == id.as_str());
    assert_eq!(deleted.unwrap()["IsDeleted"], true);
}

#[tokio::test]
async fn a_made_row_is_told_with_its_address() {
    let bench = bench().await;
    let request = bench.request(Method::POST, &format!("{V}/sobjects/lead"));
    let answer = request
        .json(&json!({ "lastname": "X", "company": "Y" }))
        .send()
        .await
        .unwrap();
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(
        location,
        format!("{V}/sobjects/Lead/{}", body["id"].as_str().unwrap())
    );
}

#[tokio::test]
async fn chosen_fields_and_parents_are_shown() {
    let bench = bench().await;
    let id = lead(&bench, json!({ "LastName": "X", "Company": "Y" })).await;
    let (_, row) = bench
        .get(&format!(
            "{V}/sobjects/Lead/{id}?fields=company,Owner.Name,ConvertedAccount.Name"
        ))
        .await;
    let keys: Vec<&str> = row
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(keys, ["attributes", "Company", "Owner", "ConvertedAccount"]);
    assert_eq!(row["Owner"]["Name"], "Integration User");
    assert_eq!(row["Owner"]["attributes"]["type"], "User");
    assert!(row["ConvertedAccount"].is_null());
    let answer = bench
        .get(&format!("{V}/sobjects/Lead/{id}?fields=Nix"))
        .await;
    assert_eq!(refusal(&answer).1, "INVALID_FIELD");
}

#[tokio::test]
async fn what_does_not_fit_a_field_is_refused_with_the_field() {
    let bench = bench().await;
    let long = "x".repeat(81);
    for (field, value, code, message) in [
        (
            "LastName",
            json!(long),
            "STRING_TOO_LONG",
            "Last Name: data value too large: x",
        ),
        (
            "Email",
            json!("nobody"),
            "INVALID_EMAIL_ADDRESS",
            "Email: invalid email address: nobody",
        ),
        (
            "NumberOfEmployees",
            json!(3_000_000_000_u64),
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Employees: value outside",
        ),
        (
            "Lead_Score__c",
            json!(1000),
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Lead Score: value outside",
        ),
        (
            "OwnerId",
            json!("nobody"),
            "MALFORMED_ID",
            "Owner ID: id value of incorrect type: nobody",
        ),
        (
            "OwnerId",
            json!("00Q000000000zzz"),
            "MALFORMED_ID",
            "Owner ID: id value of incorrect type",
        ),
        (
            "OwnerId",
            json!("005000000000zzz"),
            "INVALID_CROSS_REFERENCE_KEY",
            "invalid cross reference id",
        ),
        (
            "IsConverted",
            json!(true),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields: IsConverted.",
        ),
    ] {
        let mut body = json!({ "LastName": "X", "Company": "Y" });
        body[field] = value;
        let answer = bench.post(&format!("{V}/sobjects/Lead"), body).await;
        let (status, found, text) = refusal(&answer);
        assert_eq!((status, found), (400, code));
        assert!(text.starts_with(message), "{text}");
        assert_eq!(answer.1[0]["fields"], json!([field]));
    }
    assert_eq!(bench.records("Lead").await.len(), 101);
}

#[tokio::test]
async fn what_a_row_must_have_is_listed() {
    let bench = bench().await;
    for (body, fields) in [
        (json!({ "Company": "Y" }), "LastName"),
        (
            json!({ "Company": " ", "LastName": "" }),
            "LastName, Company",
        ),
        (json!({}), "LastName, Company"),
    ] {
        let answer = bench.post(&format!("{V}/sobjects/Lead"), body).await;
        let message = format!("Required fields are missing: [{fields}]");
        assert_eq!(
            refusal(&answer),
            (400, "REQUIRED_FIELD_MISSING", message.as_str())
        );
        let listed: Vec<&str> = fields.split(", ").collect();
        assert_eq!(answer.1[0]["fields"], json!(listed));
    }
}

#[tokio::test]
async fn a_value_of_another_type_spoils_the_request() {
    let bench = bench().await;
    for (field, value, part) in [
        ("LastName", json!(5), "string from VALUE_NUMBER_INT value 5"),
        (
            "DoNotCall",
            json!("maybe"),
            "boolean from VALUE_STRING value maybe",
        ),
        (
            "NumberOfEmployees",
            json!("many"),
            "int from VALUE_STRING value many",
        ),
        (
            "NumberOfEmployees",
            json!(1.5),
            "int from VALUE_NUMBER_FLOAT value 1.5",
        ),
        ("AnnualRevenue", json!([]), "currency from START_ARRAY"),
        ("Company", json!({ "a": 1 }), "string from START_OBJECT"),
    ] {
        let answer = bench
            .post(&format!("{V}/sobjects/Lead"), json!({ field: value }))
            .await;
        let (status, code, message) = refusal(&answer);
        assert_eq!((status, code), (400, "JSON_PARSER_ERROR"));
        let begin = format!("Cannot deserialize instance of {part}");
        assert!(message.starts_with(&begin), "{message}");
        assert!(answer.1[0].get("fields").is_none());
    }
    let path = format!("{V}/sobjects/Conversation__c");
    let answer = bench.post(&path, json!({ "Occurred_At__c": "soon" })).await;
    assert!(
        refusal(&answer)
            .2
            .contains("datetime from VALUE_STRING value soon")
    );
}

#[tokio::test]
async fn a_body_that_is_no_object_of_known_fields_is_refused() {
    let bench = bench().await;
    let path = format!("{V}/sobjects/Lead");
    for (body, code, message) in [
        ("{\"a\":", "JSON_PARSER_ERROR", "Unexpected character"),
        ("", "JSON_PARSER_ERROR", "Unexpected character"),
        (
            "[]",
            "JSON_PARSER_ERROR",
            "Cannot deserialize instance of sobject from START_ARRAY",
        ),
        (
            "{\"Nix\":1}",
            "INVALID_FIELD",
            "No such column 'Nix' on sobject of type Lead",
        ),
    ] {
        let request = bench
            .request(Method::POST, &path)
            .header("Content-Type", "application/json");
        let answer = reply(request.body(body)).await;
        let (status, found, text) = refusal(&answer);
        assert_eq!((status, found), (400, code), "{body}");
        assert!(text.starts_with(message), "{text}");
    }
}

#[tokio::test]
async fn a_unique_value_belongs_to_one_row_at_a_time() {
    let bench = bench().await;
    let id = lead(
        &bench,
        json!({ "LastName": "X", "Company": "Y", "Bridged_Id__c": "k1" }),
    )
    .await;
    let twin = async || {
        let body = json!({ "LastName": "Z", "Company": "Y", "Bridged_Id__c": "K1" });
        bench.post(&format!("{V}/sobjects/Lead"), body).await
    };
    let answer = twin().await;
    let message =
        format!("duplicate value found: Bridged_Id__c duplicates value on record with id: {id}");
    assert_eq!(refusal(&answer), (400, "DUPLICATE_VALUE", message.as_str()));
    let own = bench
        .patch(
            &format!("{V}/sobjects/Lead/{id}"),
            json!({ "Bridged_Id__c": "k1" }),
        )
        .await;
    assert_eq!(own.0, StatusCode::NO_CONTENT);
    bench.delete(&format!("{V}/sobjects/Lead/{id}")).await;
    assert_eq!(twin().await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn a_restricted_picklist_takes_listed_values_only() {
    let bench = bench().await;
    let make = async |outcome: &str| {
        let body = json!({ "Outcome__c": outcome });
        bench
            .post(&format!("{V}/sobjects/Conversation__c"), body)
            .await
    };
    let answer = make("bought").await;
    let message = "Outcome: bad value for restricted picklist field: bought";
    assert_eq!(
        refusal(&answer),
        (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message)
    );
    assert_eq!(make("qualified").await.0, StatusCode::CREATED);
    let loose = lead(
        &bench,
        json!({ "LastName": "X", "Company": "Y", "Status": "Made up" }),
    )
    .await;
    assert_eq!(read(&bench, &loose).await["Status"], "Made up");
}

#[tokio::test]
async fn a_converted_lead_does_not_change() {
    let bench = bench().await;
    let body = json!({ "LastName": "X", "Company": "Y", "IsConverted": true });
    let placed = bench.control("records/Lead", body).await;
    let id = placed["ids"][0].as_str().unwrap();
    let answer = bench
        .patch(
            &format!("{V}/sobjects/Lead/{id}"),
            json!({ "City": "Rome" }),
        )
        .await;
    assert_eq!(refusal(&answer).1, "CANNOT_UPDATE_CONVERTED_LEAD");
}

#[tokio::test]
async fn a_parent_can_be_named_by_its_external_id() {
    let bench = bench().await;
    let id = lead(
        &bench,
        json!({ "LastName": "X", "Company": "Y", "Bridged_Id__c": "k1" }),
    )
    .await;
    let body = |key: &str| json!({ "Lead__r": { "Bridged_Id__c": key } });
    let (status, made) = bench
        .post(&format!("{V}/sobjects/Conversation__c"), body("k1"))
        .await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let rows = bench.records("Conversation__c").await;
    assert_eq!(rows[0]["Lead__c"], id.as_str());
    let answer = bench
        .post(&format!("{V}/sobjects/Conversation__c"), body("k2"))
        .await;
    assert!(
        refusal(&answer)
            .2
            .starts_with("Foreign key external ID: k2 not found")
    );
}

#[tokio::test]
async fn ids_that_lead_nowhere_are_told_apart() {
    let bench = bench().await;
    let answer = bench
        .get(&format!("{V}/sobjects/Lead/00Q000000000zzzEAA"))
        .await;
    assert_eq!(
        refusal(&answer),
        (404, "NOT_FOUND", "The requested resource does not exist")
    );
    let answer = bench.get(&format!("{V}/sobjects/Lead/nonsense")).await;
    let message = "Provided external ID field does not exist or is not accessible: nonsense";
    assert_eq!(refusal(&answer), (404, "NOT_FOUND", message));
    let answer = bench.post(&format!("{V}/sobjects/Nix"), json!({})).await;
    assert_eq!(refusal(&answer).0, 404);
    let answer = bench
        .post(&format!("{V}/sobjects/User"), json!({ "LastName": "X" }))
        .await;
    assert_eq!(refusal(&answer).1, "INSUFFICIENT_ACCESS");
}
