//! `updated` and `deleted`, and rows that are committed late.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{Bench, Reply, V, bench, refusal, reply};

/// Noon of a day, held, with a fresh session.
async fn noon() -> Bench {
    let bench = bench().await;
    bench
        .control(
            "clock",
            json!({ "set": "2027-06-15T12:00:00Z", "hold": true }),
        )
        .await;
    let token = super::client::sign_in(&bench.http, bench.sandbox.ready()).await;
    Bench { token, ..bench }
}

async fn ask(bench: &Bench, resource: &str, start: &str, end: &str) -> Reply {
    let path = format!("{V}/sobjects/Lead/{resource}/");
    reply(
        bench
            .request(Method::GET, &path)
            .query(&[("start", start), ("end", end)]),
    )
    .await
}

fn lead(stamp: &str) -> Value {
    json!({ "LastName": "X", "Company": "Y", "SystemModstamp": stamp })
}

#[tokio::test]
async fn changed_and_deleted_rows_are_listed_for_a_span() {
    let bench = noon().await;
    let rows = json!([
        lead("2027-06-15T10:00:00Z"),
        lead("2027-06-15T10:30:00Z"),
        lead("2027-06-15T11:00:00Z"),
        { "LastName": "Z", "Company": "Y", "SystemModstamp": "2027-06-15T10:45:00Z", "IsDeleted": true },
    ]);
    let ids = bench.control("records/Lead", rows).await["ids"].clone();
    let span = ("2027-06-15T10:00:00+00:00", "2027-06-15T11:00:00.000Z");
    let (status, updated) = ask(&bench, "updated", span.0, span.1).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(updated["ids"], json!([ids[0], ids[1]]));
    assert_eq!(updated["latestDateCovered"], "2027-06-15T11:00:00.000+0000");
    let (_, deleted) = ask(&bench, "deleted", span.0, span.1).await;
    let row = json!({ "id": ids[3], "deletedDate": "2027-06-15T10:45:00.000+0000" });
    assert_eq!(deleted["deletedRecords"], json!([row]));
    assert_eq!(
        deleted["earliestDateAvailable"],
        "2027-05-31T12:00:00.000+0000"
    );
}

#[tokio::test]
async fn nothing_behind_the_clock_or_a_transaction_under_way_is_covered() {
    let bench = noon().await;
    let covered = async |end: &str| {
        ask(&bench, "updated", "2027-06-15T11:00:00Z", end).await.1["latestDateCovered"].clone()
    };
    assert_eq!(
        covered("2027-06-15T13:00:00Z").await,
        "2027-06-15T12:00:00.000+0000"
    );
    let mut late = lead("2027-06-15T11:58:00Z");
    late["visible_after"] = "10m".into();
    bench.control("records/Lead", late).await;
    assert_eq!(
        covered("2027-06-15T13:00:00Z").await,
        "2027-06-15T11:57:59.000+0000"
    );
    bench.control("clock", json!({ "advance": "10m" })).await;
    assert_eq!(
        covered("2027-06-15T13:00:00Z").await,
        "2027-06-15T12:10:00.000+0000"
    );
}

#[tokio::test]
async fn spans_that_make_no_sense_are_refused() {
    let bench = noon().await;
    for (resource, start, end) in [
        ("updated", "2027-06-15T10:00:00Z", "2027-06-15T10:00:59Z"),
        ("updated", "2027-06-15T10:00:00Z", "2027-06-14T10:00:00Z"),
        ("updated", "2027-05-01T10:00:00Z", "2027-06-14T10:00:00Z"),
        ("updated", "yesterday", "2027-06-14T10:00:00Z"),
        ("deleted", "2027-05-25T10:00:00Z", "2027-06-14T10:00:00Z"),
    ] {
        let answer = ask(&bench, resource, start, end).await;
        assert_eq!(
            (refusal(&answer).0, refusal(&answer).1),
            (400, "INVALID_REPLICATION_DATE"),
            "{start} {end}"
        );
    }
    let answer = bench
        .get(&format!(
            "{V}/sobjects/User/updated?start=2027-06-14T10:00:00Z&end=2027-06-15T10:00:00Z"
        ))
        .await;
    assert_eq!(refusal(&answer).1, "INVALID_TYPE");
}

#[tokio::test]
async fn a_late_row_keeps_its_stamp_and_shows_when_it_commits() {
    let bench = noon().await;
    let mut late = lead("2027-06-15T11:50:00Z");
    late["LastName"] = "Late".into();
    late["visible_at"] = "2027-06-15T12:04:00Z".into();
    let id = bench.control("records/Lead", late).await["ids"][0].clone();
    let soql = "SELECT Id, SystemModstamp FROM Lead WHERE LastName = 'Late'";
    assert_eq!(bench.query(soql).await.1["totalSize"], 0);
    bench.control("clock", json!({ "advance": "4m" })).await;
    let (_, page) = bench.query(soql).await;
    assert_eq!(page["records"][0]["Id"], id);
    assert_eq!(
        page["records"][0]["SystemModstamp"],
        "2027-06-15T11:50:00.000+0000"
    );
}

#[tokio::test]
async fn a_late_change_leaves_the_old_row_visible_until_it_commits() {
    let bench = noon().await;
    let id = bench
        .control("records/Lead", lead("2027-06-15T11:00:00Z"))
        .await["ids"][0]
        .clone();
    let change = json!({ "Id": id, "City": "Oslo", "visible_after": "5m" });
    bench.control("records/Lead", change).await;
    let soql = format!(
        "SELECT City FROM Lead WHERE Id = '{}'",
        id.as_str().unwrap()
    );
    let city = async || bench.query(&soql).await.1["records"][0]["City"].clone();
    assert_eq!(city().await, Value::Null);
    bench.control("clock", json!({ "advance": "5m" })).await;
    assert_eq!(city().await, "Oslo");
}

#[tokio::test]
async fn thousands_of_rows_can_share_a_stamp() {
    let bench = noon().await;
    let rows: Vec<Value> = (0..5_000).map(|_| lead("2027-06-15T11:00:00Z")).collect();
    bench.control("records/Lead", json!(rows)).await;
    let soql = "SELECT COUNT() FROM Lead WHERE SystemModstamp = 2027-06-15T11:00:00Z";
    assert_eq!(bench.query(soql).await.1["totalSize"], 5_000);
}

#[tokio::test]
async fn rows_that_cannot_be_placed_are_refused() {
    let bench = bench().await;
    for (object, body) in [
        ("Nix", json!({})),
        ("Lead", json!({ "Nix": 1 })),
        ("Lead", json!([1])),
        ("Lead", json!({ "visible_after": "soon" })),
        ("Lead", json!({ "SystemModstamp": "soon" })),
    ] {
        let url = bench.url(&format!("/_sandbox/records/{object}"));
        assert_eq!(
            reply(bench.http.post(url).json(&body)).await.0,
            StatusCode::BAD_REQUEST,
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_row_can_be_removed_for_good() {
    let bench = bench().await;
    let id = bench.records("Lead").await[0]["Id"]
        .as_str()
        .unwrap()
        .to_owned();
    let url = bench.url(&format!("/_sandbox/records/Lead/{id}"));
    assert_eq!(
        reply(bench.http.delete(&url)).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        reply(bench.http.delete(&url)).await.0,
        StatusCode::BAD_REQUEST
    );
    assert!(
        bench
            .records("Lead")
            .await
            .iter()
            .all(|row| row["Id"] != id.as_str())
    );
    let answer = bench.get(&format!("{V}/sobjects/Lead/{id}")).await;
    assert_eq!(refusal(&answer).1, "NOT_FOUND");
}
