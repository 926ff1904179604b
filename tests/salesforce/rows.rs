//! Looking rows up by key, and counting them.

use bridged::foundation::code::Code;
use bridged::soql::parse;

use super::org::{client, lead, org, page};
use crate::support::wire::Request;

/// The query of a request, however it travelled.
fn asked(request: &Request) -> String {
    let text = if request.body.is_empty() {
        request.target.clone()
    } else {
        let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        body["batchRequests"][0]["url"].as_str().unwrap().to_owned()
    };
    let (_, query) = text.split_once("?q=").expect("a query");
    url::form_urlencoded::parse(format!("q={query}").as_bytes())
        .next()
        .unwrap()
        .1
        .into_owned()
}

#[tokio::test]
async fn rows_are_asked_for_with_their_key_and_the_fields() {
    let wire = org(|_| page(1, None, &lead(1))).await;
    let client = client(&wire);
    let fields = ["LastName", "Owner.Name", "id", "bridged_id__C", "lastname"];
    let rows = client
        .rows_by_key("Lead", "Bridged_Id__c", &["a", "O'Neil\\", "ü"], &fields)
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    let requests = wire.requests_to("/services/data");
    assert_eq!(
        asked(&requests[0]),
        r"SELECT Id, Bridged_Id__c, LastName, Owner.Name FROM Lead WHERE Bridged_Id__c IN ('a', 'O\'Neil\\', 'ü')"
    );
    let usage = client.usage();
    assert_eq!((usage.requests.query, usage.requests.write), (1, 0));
    client
        .rows_by_key("Lead", "Id", &["00Q"], &[])
        .await
        .unwrap();
    let requests = wire.requests_to("/services/data");
    assert_eq!(
        asked(&requests[1]),
        "SELECT Id FROM Lead WHERE Id IN ('00Q')"
    );
}

#[tokio::test]
async fn many_keys_take_several_queries_and_each_follows_its_pages() {
    let wire = org(|request| {
        if request.target.ends_with("-2000") {
            return page(2, None, &lead(2));
        }
        page(2, Some("/services/data/v67.0/query/01gxx-2000"), &lead(1))
    })
    .await;
    let client = client(&wire);
    let keys: Vec<String> = (0..450).map(|number| format!("key-{number}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let rows = client
        .rows_by_key("Lead", "K__c", &keys, &["LastName"])
        .await;
    assert_eq!(rows.unwrap().len(), 6);
    let queries: Vec<String> = wire
        .requests_to("/services/data/v67.0/query?")
        .iter()
        .map(asked)
        .collect();
    let counts: Vec<usize> = queries
        .iter()
        .map(|soql| soql.matches("key-").count())
        .collect();
    assert_eq!(counts, [200, 200, 50]);
    assert!(queries[1].contains("'key-200'") && queries[2].contains("'key-449'"));
    assert_eq!(client.usage().requests.query, 6);
}

#[tokio::test]
async fn long_keys_take_smaller_queries_that_travel_in_a_body() {
    let wire = org(|_| {
        let body = r#"{"hasErrors":false,"results":[{"statusCode":200,"result":{"totalSize":0,"done":true,"records":[]}}]}"#;
        crate::support::wire::json(200, body)
    })
    .await;
    let keys: Vec<String> = (0..100).map(|number| format!("{number:'>255}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    client(&wire)
        .rows_by_key("Lead", "K__c", &keys, &[])
        .await
        .unwrap();
    let queries: Vec<String> = wire
        .requests_to("/services/data/v67.0/composite/batch")
        .iter()
        .map(asked)
        .collect();
    assert!(queries.len() > 1);
    for soql in &queries {
        assert!(soql.chars().count() <= 100_000);
        parse::query(soql).unwrap();
    }
    let found: usize = queries
        .iter()
        .map(|soql| soql.matches(", '").count() + 1)
        .sum();
    assert_eq!(found, 100, "each key is in one query");
}

#[tokio::test]
async fn nothing_is_asked_for_no_keys_nor_by_what_is_no_name() {
    let wire = org(|_| page(0, None, "")).await;
    let client = client(&wire);
    assert_eq!(
        client
            .rows_by_key("Lead", "Id", &[], &["Name"])
            .await
            .unwrap(),
        []
    );
    for (object, key, field) in [
        ("Lead WHERE", "Id", "Name"),
        ("Lead", "Id, Name", "Name"),
        ("Lead", "Id", "Name FROM User"),
        ("Lead", "Id", "(SELECT Id FROM Tasks)"),
    ] {
        let error = client.rows_by_key(object, key, &["x"], &[field]).await;
        assert_eq!(error.unwrap_err().code(), Code::Bug);
    }
    assert_eq!(wire.requests().len(), 0);
}

#[tokio::test]
async fn rows_are_counted_by_the_size_of_the_result() {
    let wire = org(|_| page(12_345, None, "")).await;
    let client = client(&wire);
    let count = client.count("SELECT COUNT() FROM Lead").await.unwrap();
    assert_eq!(count, 12_345);
    assert_eq!(
        asked(&wire.requests_to("/services")[1]),
        "SELECT COUNT() FROM Lead"
    );
    assert_eq!(client.usage().requests.query, 1);
}
