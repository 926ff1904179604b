//! Pages of a query: sizes, locators, their life and their end.

use std::collections::HashSet;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{Bench, Reply, V, bench, bench_with, refusal, reply};
use bridged::sandbox::settings::Settings;

const LOST: (u16, &str, &str) = (400, "INVALID_QUERY_LOCATOR", "invalid query locator");

async fn first_page(bench: &Bench, resource: &str, soql: &str, size: &str) -> Value {
    let request = bench
        .request(Method::GET, &format!("{V}/{resource}"))
        .query(&[("q", soql)])
        .header("Sforce-Query-Options", format!("batchSize={size}"));
    let (status, page) = reply(request).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    page
}

fn records(page: &Value) -> &Vec<Value> {
    page["records"].as_array().unwrap()
}

async fn thousand() -> Bench {
    bench_with(Settings {
        leads: 1_000,
        ..Settings::default()
    })
    .await
}

#[tokio::test]
async fn pages_follow_each_other_until_every_row_was_seen_once() {
    let bench = thousand().await;
    let mut page = first_page(&bench, "query/", "SELECT Id FROM Lead", "300").await;
    let mut seen = HashSet::new();
    let mut sizes = Vec::new();
    loop {
        sizes.push(records(&page).len());
        assert_eq!(page["totalSize"], 1_000);
        for record in records(&page) {
            assert!(seen.insert(record["Id"].as_str().unwrap().to_owned()));
        }
        let Some(next) = page["nextRecordsUrl"].as_str() else {
            break;
        };
        assert!(next.starts_with(&format!("{V}/query/01g")), "{next}");
        page = bench.get(next).await.1;
    }
    assert_eq!((seen.len(), sizes), (1_000, vec![300, 300, 300, 100]));
    assert_eq!(page["done"], true);
    assert!(page.get("nextRecordsUrl").is_none());
}

#[tokio::test]
async fn the_page_size_is_kept_within_its_bounds() {
    let bench = thousand().await;
    for (asked, given) in [
        ("1", 200),
        ("200", 200),
        ("999", 999),
        ("5000", 1_000),
        ("x", 1_000),
    ] {
        let page = first_page(&bench, "query", "SELECT Id FROM Lead", asked).await;
        assert_eq!(records(&page).len(), given, "{asked}");
    }
}

#[tokio::test]
async fn a_locator_is_found_by_its_id_alone() {
    let bench = thousand().await;
    let page = first_page(&bench, "queryAll", "SELECT Id FROM Lead", "200").await;
    assert_eq!(page["totalSize"], 1_010);
    let locator = page["nextRecordsUrl"]
        .as_str()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap();
    let second = bench.get(&format!("{V}/query/{locator}")).await.1;
    for path in [
        format!("{V}/queryAll/{locator}"),
        format!("{V}/tooling/query/{locator}"),
        format!("{V}/query/{locator}?q=SELECT+Name+FROM+Contact"),
        format!("/services/data/v60.0/query/{locator}"),
    ] {
        assert_eq!(
            bench.get(&path).await.1["records"],
            second["records"],
            "{path}"
        );
    }
    let (id, _) = locator.split_once('-').unwrap();
    assert_eq!((id.len(), &id[..3]), (18, "01g"));
}

#[tokio::test]
async fn later_pages_keep_the_version_of_the_first() {
    let bench = thousand().await;
    let page = first_page(&bench, "query", "SELECT Id FROM Lead", "200").await;
    let next = page["nextRecordsUrl"]
        .as_str()
        .unwrap()
        .replace("v67.0", "v60.0");
    let (_, page) = bench.get(&next).await;
    assert!(page["nextRecordsUrl"].as_str().unwrap().contains("/v67.0/"));
    assert!(
        records(&page)[0]["attributes"]["url"]
            .as_str()
            .unwrap()
            .contains("/v67.0/")
    );
}

#[tokio::test]
async fn locators_that_never_were_or_are_over_are_refused() {
    let bench = thousand().await;
    let page = first_page(&bench, "query", "SELECT Id FROM Lead", "200").await;
    let next = page["nextRecordsUrl"].as_str().unwrap().to_owned();
    for locator in [
        "01g000000000001AAA-200",
        "nonsense",
        "01g-x",
        &next[next.len() - 22..next.len() - 4],
    ] {
        let answer = bench.get(&format!("{V}/query/{locator}")).await;
        assert_eq!(refusal(&answer), LOST, "{locator}");
    }
    let behind = next.replace("-200", "-1000");
    assert_eq!(refusal(&bench.get(&behind).await), LOST);
    assert_eq!(bench.get(&next).await.0, StatusCode::OK);
    bench
        .control("sessions", json!({ "lifetime": "1000h" }))
        .await;
    bench.control("clock", json!({ "advance": "47h" })).await;
    assert_eq!(bench.get(&next).await.0, StatusCode::OK);
    bench.control("clock", json!({ "advance": "2h" })).await;
    assert_eq!(refusal(&bench.get(&next).await), LOST);
}

#[tokio::test]
async fn children_beyond_a_page_have_a_page_of_their_own() {
    let bench = bench().await;
    let lead = bench.query("SELECT Id FROM Lead LIMIT 1").await.1["records"][0]["Id"].clone();
    let task = |number: i32| json!({ "WhoId": lead, "Subject": format!("Call {number}"), "Status": "Completed" });
    bench
        .control("records/Task", (0..450).map(task).collect())
        .await;
    let soql = format!(
        "SELECT Id, (SELECT Subject FROM Tasks WHERE Subject LIKE 'Call %') FROM Lead WHERE Id = '{}'",
        lead.as_str().unwrap()
    );
    let page = first_page(&bench, "query", &soql, "200").await;
    let mut tasks = records(&page)[0]["Tasks"].clone();
    assert_eq!(
        (&tasks["totalSize"], &tasks["done"]),
        (&450.into(), &false.into())
    );
    let mut subjects = HashSet::new();
    loop {
        subjects.extend(
            records(&tasks)
                .iter()
                .map(|task| task["Subject"].as_str().unwrap().to_owned()),
        );
        let Some(next) = tasks["nextRecordsUrl"].as_str() else {
            break;
        };
        tasks = bench.get(next).await.1;
    }
    assert_eq!(subjects.len(), 450);
}

#[tokio::test]
async fn column_metadata_is_told_on_request() {
    let bench = bench().await;
    let request = bench.request(Method::GET, &format!("{V}/query")).query(&[
        ("q", "select id, AnnualRevenue from Lead"),
        ("columns", "true"),
    ]);
    let (_, body) = reply(request).await;
    assert_eq!(body["entityName"], "Lead");
    assert_eq!(body["idSelected"], true);
    assert_eq!(body["columnMetadata"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_no_query_is_refused() {
    let bench = bench().await;
    let ask = async |query: &str| -> Reply { bench.get(&format!("{V}/query{query}")).await };
    assert_eq!(refusal(&ask("").await).1, "MALFORMED_QUERY");
    assert_eq!(refusal(&ask("?q=").await).1, "MALFORMED_QUERY");
    assert_eq!(
        refusal(&ask("?q=SELECT+Id+FROM").await).1,
        "MALFORMED_QUERY"
    );
    assert_eq!(
        refusal(&ask("?q=SELECT+Nix+FROM+Lead").await).1,
        "INVALID_FIELD"
    );
    assert_eq!(
        refusal(&ask("?q=SELECT+Id+FROM+Nix").await).1,
        "INVALID_TYPE"
    );
    assert_eq!(refusal(&ask("?explain=SELECT+Id+FROM+Lead").await).0, 400);
}

#[tokio::test]
async fn the_sample_leads_come_first() {
    let bench = bench().await;
    let (_, page) = bench
        .query("SELECT Name, Company FROM Lead ORDER BY Id LIMIT 2")
        .await;
    let names: Vec<&str> = records(&page)
        .iter()
        .map(|row| row["Name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Bertha Boxer", "Phyllis Cotton"]);
    let (_, count) = bench.query("SELECT COUNT() FROM Lead").await;
    assert_eq!(count["totalSize"], 100);
}
