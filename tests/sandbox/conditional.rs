//! Requests that hold only for a row that changed, or did not, since an instant.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{V, bench, refusal, reply};

#[tokio::test]
async fn a_row_is_read_written_and_deleted_under_a_condition() {
    let bench = bench().await;
    let made = bench
        .post(
            &format!("{V}/sobjects/Lead"),
            json!({ "LastName": "X", "Company": "Y", "Bridged_Id__c": "k1" }),
        )
        .await
        .1;
    let path = format!("{V}/sobjects/Lead/{}", made["id"].as_str().unwrap());
    let answer = bench.request(Method::GET, &path).send().await.unwrap();
    let changed = answer.headers()["last-modified"]
        .to_str()
        .unwrap()
        .to_owned();
    bench.control("clock", json!({ "advance": "1h" })).await;
    let with = async |method: Method, path: &str, header: &str, at: &str| {
        let request = bench.request(method, path).header(header, at);
        reply(request.json(&json!({ "City": "Oslo" }))).await
    };
    let old = "Sat, 01 Jan 2000 00:00:00 GMT";
    for (header, at, status) in [
        ("If-Modified-Since", changed.as_str(), 304),
        ("If-Modified-Since", old, 200),
        ("If-Unmodified-Since", &changed, 200),
        ("If-Unmodified-Since", old, 412),
        ("If-Unmodified-Since", "no date", 200),
    ] {
        let answer = with(Method::GET, &path, header, at).await;
        assert_eq!(answer.0.as_u16(), status, "{header} {at}");
        assert_eq!(answer.1.is_null(), status == 304);
    }
    let by_key = format!("{V}/sobjects/Lead/Bridged_Id__c/k1");
    for path in [&path, &by_key] {
        for method in [Method::PATCH, Method::DELETE] {
            let answer = with(method, path, "If-Unmodified-Since", old).await;
            assert_eq!(
                (refusal(&answer).0, refusal(&answer).1),
                (412, "PRECONDITION_FAILED")
            );
        }
    }
    assert_eq!(bench.get(&path).await.1["City"], Value::Null);
    let answer = with(Method::PATCH, &path, "If-Unmodified-Since", &changed).await;
    assert_eq!(answer.0, StatusCode::NO_CONTENT);
    let answer = with(Method::PATCH, &path, "If-Unmodified-Since", &changed).await;
    assert_eq!(
        answer.0,
        StatusCode::PRECONDITION_FAILED,
        "the first write moved the row"
    );
    let answer = with(
        Method::DELETE,
        &path,
        "If-Unmodified-Since",
        "Fri, 01 Jan 2100 00:00:00 GMT",
    )
    .await;
    assert_eq!(answer.0, StatusCode::NO_CONTENT);
}
