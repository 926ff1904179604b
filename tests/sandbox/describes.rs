//! Objects and fields as clients ask for them.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::client::{V, bench, refusal};

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    list.as_array()
        .unwrap()
        .iter()
        .find(|item| item["name"] == name)
        .unwrap_or(&Value::Null)
}

#[tokio::test]
async fn every_object_is_listed_with_its_addresses() {
    let bench = bench().await;
    let (_, body) = bench.get(&format!("{V}/sobjects/")).await;
    assert_eq!(
        (&body["encoding"], &body["maxBatchSize"]),
        (&"UTF-8".into(), &200.into())
    );
    let lead = named(&body["sobjects"], "Lead");
    assert_eq!(lead["keyPrefix"], "00Q");
    assert_eq!(
        lead["urls"]["describe"],
        format!("{V}/sobjects/Lead/describe")
    );
    assert_eq!(named(&body["sobjects"], "Conversation__c")["custom"], true);
    assert_eq!(named(&body["sobjects"], "User")["createable"], false);
}

#[tokio::test]
async fn a_describe_tells_what_a_client_must_know_of_a_field() {
    let bench = bench().await;
    let (_, lead) = bench.get(&format!("{V}/sobjects/lead/describe/")).await;
    let field = |name: &str| named(&lead["fields"], name).clone();
    for (name, key, value) in [
        ("Id", "type", Value::from("id")),
        ("LastName", "nillable", false.into()),
        ("LastName", "length", 80.into()),
        ("FirstName", "compoundFieldName", "Name".into()),
        ("Status", "defaultedOnCreate", true.into()),
        ("AnnualRevenue", "precision", 18.into()),
        ("OwnerId", "relationshipName", "Owner".into()),
        ("SystemModstamp", "updateable", false.into()),
        ("Bridged_Id__c", "externalId", true.into()),
        ("Bridged_Id__c", "unique", true.into()),
        ("Lead_Score__c", "custom", true.into()),
        ("Address", "type", "address".into()),
        ("Description", "filterable", false.into()),
        ("NumberOfEmployees", "digits", 9.into()),
        ("Email", "soapType", "xsd:string".into()),
    ] {
        assert_eq!(field(name)[key], value, "{name}.{key}");
    }
    let statuses = field("Status")["picklistValues"].as_array().unwrap().len();
    assert_eq!(statuses, 5);
    let children = lead["childRelationships"].as_array().unwrap();
    let tasks = children
        .iter()
        .find(|child| child["relationshipName"] == "Tasks")
        .unwrap();
    assert_eq!(
        (&tasks["childSObject"], &tasks["field"]),
        (&"Task".into(), &"WhoId".into())
    );
    let (_, task) = bench.get(&format!("{V}/sobjects/Task/describe")).await;
    let who = named(&task["fields"], "WhoId").clone();
    assert_eq!(who["polymorphicForeignKey"], true);
    assert_eq!(who["referenceTo"], serde_json::json!(["Contact", "Lead"]));
}

#[tokio::test]
async fn a_describe_that_has_not_changed_is_not_sent_again() {
    let bench = bench().await;
    for path in ["sobjects", "sobjects/Lead/describe"] {
        let path = format!("{V}/{path}");
        let first = bench.request(Method::GET, &path).send().await.unwrap();
        let modified = first.headers()["last-modified"]
            .to_str()
            .unwrap()
            .to_owned();
        let again = |since: &str| {
            bench
                .request(Method::GET, &path)
                .header("If-Modified-Since", since)
                .send()
        };
        let second = again(&modified).await.unwrap();
        assert_eq!(second.status(), StatusCode::NOT_MODIFIED);
        assert!(second.headers().contains_key("sforce-limit-info"));
        assert!(second.bytes().await.unwrap().is_empty());
        let older = again("Sat, 01 Jan 2000 00:00:00 GMT").await.unwrap();
        assert_eq!(older.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn an_unknown_object_does_not_exist() {
    let bench = bench().await;
    for path in [
        "sobjects/Nothing",
        "sobjects/Nothing/describe",
        "sobjects/Lead/describe/x/y",
    ] {
        let answer = bench.get(&format!("{V}/{path}")).await;
        let gone = (404, "NOT_FOUND", "The requested resource does not exist");
        assert_eq!(refusal(&answer), gone, "{path}");
    }
}
