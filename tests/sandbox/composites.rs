//! Several requests in one.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::client::{V, bench, refusal};

fn encode(soql: &str) -> String {
    url::form_urlencoded::byte_serialize(soql.as_bytes()).collect()
}

#[tokio::test]
async fn a_batch_runs_queries_whose_addresses_would_be_too_long() {
    let bench = bench().await;
    let ids: Vec<Value> = bench
        .records("Lead")
        .await
        .iter()
        .map(|row| row["Id"].clone())
        .collect();
    let list: Vec<String> = (0..10)
        .flat_map(|_| &ids)
        .map(|id| format!("'{}'", id.as_str().unwrap()))
        .collect();
    let soql = format!("SELECT Id FROM Lead WHERE Id IN ({})", list.join(","));
    let url = format!("v67.0/query?q={}", encode(&soql));
    assert!(url.len() > 16_384);
    let (status, body) = bench
        .post(
            &format!("{V}/composite/batch"),
            json!({ "batchRequests": [{ "method": "GET", "url": url }] }),
        )
        .await;
    assert_eq!(
        (status, &body["hasErrors"]),
        (StatusCode::OK, &json!(false))
    );
    let result = &body["results"][0];
    assert_eq!(
        (&result["statusCode"], &result["result"]["totalSize"]),
        (&json!(200), &json!(100))
    );
    let ledger = bench.ledger().await;
    assert_eq!(
        ledger["totals"],
        json!({ "requests": 2, "records": 100, "api_calls": 1 })
    );
}

#[tokio::test]
async fn a_batch_tells_each_failure_and_can_halt() {
    let bench = bench().await;
    let parts = json!([
        { "method": "GET", "url": "v67.0/query?q=nonsense" },
        { "method": "GET", "url": "/services/data/v67.0/limits" },
    ]);
    let run = async |halt: bool| {
        let body = json!({ "haltOnError": halt, "batchRequests": parts });
        bench.post(&format!("{V}/composite/batch"), body).await.1
    };
    let body = run(false).await;
    assert_eq!(body["hasErrors"], true);
    assert_eq!(
        body["results"][0]["result"][0]["errorCode"],
        "MALFORMED_QUERY"
    );
    assert_eq!(body["results"][1]["statusCode"], 200);
    let halted = &run(true).await["results"][1];
    assert_eq!(halted["statusCode"], 412);
    assert_eq!(halted["result"][0]["errorCode"], "BATCH_PROCESSING_HALTED");
}

#[tokio::test]
async fn a_composite_hands_results_on() {
    let bench = bench().await;
    let query = format!(
        "{V}/query?q={}",
        encode("SELECT Id FROM Lead ORDER BY Id LIMIT 1")
    );
    let parts = json!([
        { "method": "GET", "url": query, "referenceId": "first" },
        { "method": "GET", "url": format!("{V}/sobjects/Lead/@{{first.records[0].Id}}?fields=Name"), "referenceId": "row" },
        { "method": "GET", "url": format!("{V}/sobjects/Lead/@{{nobody.id}}"), "referenceId": "lost" },
        { "method": "POST", "url": format!("{V}/sobjects/Task"), "referenceId": "made", "body": { "WhoId": "@{first.records[0].Id}", "Subject": "Call" } },
    ]);
    let (status, body) = bench
        .post(
            &format!("{V}/composite"),
            json!({ "compositeRequest": parts }),
        )
        .await;
    assert_eq!(status, StatusCode::OK);
    let results = body["compositeResponse"].as_array().unwrap();
    assert_eq!(results[1]["body"]["Name"], "Bertha Boxer");
    assert_eq!(
        (&results[1]["httpStatusCode"], &results[1]["referenceId"]),
        (&json!(200), &json!("row"))
    );
    assert_eq!(results[2]["httpStatusCode"], 400);
    assert_eq!(results[3]["httpStatusCode"], 201);
    assert!(
        results[3]["httpHeaders"]["Location"]
            .as_str()
            .unwrap()
            .contains("/sobjects/Task/00T")
    );
}

#[tokio::test]
async fn a_sub_request_may_ask_for_a_describe_that_changed() {
    let bench = bench().await;
    let part = |since: &str| {
        let headers = json!({ "If-Modified-Since": since });
        json!({ "method": "GET", "url": format!("{V}/sobjects/Account/describe"), "referenceId": "a", "httpHeaders": headers })
    };
    for (since, status) in [
        ("Sat, 01 Jan 2000 00:00:00 GMT", 200),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 304),
    ] {
        let body = json!({ "compositeRequest": [part(since)] });
        let (_, body) = bench.post(&format!("{V}/composite"), body).await;
        assert_eq!(body["compositeResponse"][0]["httpStatusCode"], status);
    }
}

#[tokio::test]
async fn too_many_or_malformed_sub_requests_are_refused() {
    let bench = bench().await;
    let parts = |count: usize, url: &str| vec![json!({ "method": "GET", "url": url }); count];
    for (body, code) in [
        (
            json!({ "batchRequests": parts(26, "v67.0/limits") }),
            "LIMIT_EXCEEDED",
        ),
        (
            json!({ "batchRequests": parts(6, "v67.0/query?q=x") }),
            "LIMIT_EXCEEDED",
        ),
        (json!({ "batchRequest": [] }), "INVALID_INPUT"),
    ] {
        let answer = bench.post(&format!("{V}/composite/batch"), body).await;
        assert_eq!((refusal(&answer).0, refusal(&answer).1), (400, code));
    }
    let nested = json!({ "batchRequests": parts(1, "v67.0/composite/batch") });
    let (_, body) = bench.post(&format!("{V}/composite/batch"), nested).await;
    assert_eq!(body["results"][0]["statusCode"], 404);
    let six = vec![
        json!({ "method": "POST", "url": format!("{V}/composite/sobjects"), "referenceId": "a", "body": { "records": [] } });
        6
    ];
    let answer = bench
        .post(
            &format!("{V}/composite"),
            json!({ "compositeRequest": six }),
        )
        .await;
    assert_eq!(refusal(&answer).1, "LIMIT_EXCEEDED");
}

/// A sub-request that makes a lead.
fn make(reference: &str, body: &Value) -> Value {
    json!({ "method": "POST", "url": format!("{V}/sobjects/Lead"), "referenceId": reference, "body": body })
}

fn statuses(body: &Value) -> Vec<u64> {
    let results = body["compositeResponse"].as_array().unwrap();
    results
        .iter()
        .map(|result| result["httpStatusCode"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_composite_of_all_or_none_takes_everything_back() {
    let bench = bench().await;
    let before = bench.records("Lead").await;
    let id = before[0]["Id"].as_str().unwrap();
    let good = json!({ "LastName": "X", "Company": "Y" });
    let rows = json!({ "allOrNone": true, "records": [{ "attributes": { "type": "Lead" }, "LastName": "X", "Company": "Y" }] });
    let parts = json!([
        make("made", &good),
        { "method": "PATCH", "url": format!("{V}/sobjects/Lead/{id}"), "referenceId": "moved", "body": { "City": "Oslo" } },
        { "method": "PATCH", "url": format!("{V}/sobjects/Lead/Bridged_Id__c/k1"), "referenceId": "upserted", "body": good },
        { "method": "POST", "url": format!("{V}/composite/sobjects"), "referenceId": "rows", "body": rows },
        { "method": "DELETE", "url": format!("{V}/sobjects/Lead/@{{made.id}}"), "referenceId": "gone" },
        make("bad", &json!({ "LastName": "X" })),
        make("after", &json!({ "LastName": "X", "Company": "Y" })),
    ]);
    let body = json!({ "allOrNone": true, "compositeRequest": parts });
    let (status, answer) = bench.post(&format!("{V}/composite"), body).await;
    assert_eq!((status, statuses(&answer)), (StatusCode::OK, vec![400; 7]));
    let codes: Vec<&Value> = answer["compositeResponse"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| &result["body"][0]["errorCode"])
        .collect();
    let halted = "PROCESSING_HALTED";
    assert_eq!(
        codes,
        [
            halted,
            halted,
            halted,
            halted,
            halted,
            "REQUIRED_FIELD_MISSING",
            halted
        ]
    );
    assert_eq!(bench.records("Lead").await, before);
    let ledger = bench.ledger().await;
    assert_eq!(ledger["totals"]["api_calls"], 1);
}

#[tokio::test]
async fn a_composite_of_all_or_none_keeps_what_succeeds() {
    let bench = bench().await;
    let good = json!({ "LastName": "X", "Company": "Y" });
    let task = json!({ "method": "POST", "url": format!("{V}/sobjects/Task"), "referenceId": "task", "body": { "WhoId": "@{made.id}", "Subject": "Call" } });
    let rows = json!({ "records": [{ "attributes": { "type": "Lead" }, "Id": "@{made.id}", "City": "Oslo" }] });
    let moved = json!({ "method": "PATCH", "url": format!("{V}/composite/sobjects"), "referenceId": "rows", "body": rows });
    let body = json!({ "allOrNone": true, "compositeRequest": [make("made", &good), task, moved] });
    let (_, answer) = bench.post(&format!("{V}/composite"), body).await;
    assert_eq!(statuses(&answer), [201, 201, 200]);
    let results = answer["compositeResponse"].as_array().unwrap();
    let id = results[0]["body"]["id"].as_str().unwrap();
    let (_, row) = bench.get(&format!("{V}/sobjects/Lead/{id}")).await;
    assert_eq!(row["City"], "Oslo");
    assert_eq!(results[2]["body"][0]["success"], true);
}

#[tokio::test]
async fn without_all_or_none_a_failure_costs_those_that_need_it() {
    let bench = bench().await;
    let task = json!({ "method": "POST", "url": format!("{V}/sobjects/Task"), "referenceId": "task", "body": { "WhoId": "@{bad.id}" } });
    let good = json!({ "LastName": "X", "Company": "Y" });
    let parts = [make("bad", &json!({})), task, make("good", &good)];
    let body = json!({ "compositeRequest": parts });
    let (_, answer) = bench.post(&format!("{V}/composite"), body).await;
    assert_eq!(statuses(&answer), [400, 400, 201]);
    assert_eq!(
        answer["compositeResponse"][1]["body"][0]["errorCode"],
        "PROCESSING_HALTED"
    );
    assert_eq!(bench.records("Lead").await.len(), 102);
}

#[tokio::test]
async fn a_batch_writes_and_takes_nothing_back() {
    let bench = bench().await;
    let good = json!({ "LastName": "X", "Company": "Y" });
    let rows = json!({ "records": [{ "attributes": { "type": "Lead" }, "LastName": "X" }] });
    let parts = json!([
        { "method": "POST", "url": "v67.0/sobjects/Lead", "richInput": good },
        { "method": "POST", "url": "v67.0/composite/sobjects", "richInput": rows },
        { "method": "POST", "url": "v67.0/sobjects/Lead", "richInput": {} },
        { "method": "POST", "url": "v67.0/sobjects/Lead", "richInput": good },
    ]);
    for (halt, last, rows) in [(true, 412, 102), (false, 201, 104)] {
        let body = json!({ "haltOnError": halt, "batchRequests": parts });
        let (_, answer) = bench.post(&format!("{V}/composite/batch"), body).await;
        assert_eq!(answer["hasErrors"], true);
        let results = answer["results"].as_array().unwrap();
        let statuses: Vec<&Value> = results.iter().map(|part| &part["statusCode"]).collect();
        assert_eq!(statuses, [201, 200, 400, last]);
        assert_eq!(results[1]["result"][0]["success"], false);
        assert_eq!(bench.records("Lead").await.len(), rows);
    }
}
