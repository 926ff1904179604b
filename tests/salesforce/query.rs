//! Pages, locators, child lists, values, and queries too long for an address.

use bridged::foundation::code::Code;
use bridged::salesforce::client::Client;
use bridged::salesforce::query::Scope;
use serde_json::{Value, json};

use super::org::{client, lead, org, page, settings, shown};
use crate::support::wire::{Reply, answer, json as reply};

const SOQL: &str = "SELECT Id, LastName FROM Lead WHERE LastName = 'O\\'Neil & Søn + 1'";

/// Undoes the encoding of a query in an address.
fn asked(target: &str) -> String {
    let (_, query) = target.split_once("?q=").expect("a query");
    url::form_urlencoded::parse(format!("q={query}").as_bytes())
        .next()
        .unwrap()
        .1
        .into_owned()
}

#[tokio::test]
async fn pages_follow_their_locators_to_the_end() {
    let wire = org(|request| {
        assert_eq!(request.header("sforce-query-options"), "batchSize=2000");
        match request.target.rsplit('-').next() {
            Some("2000") => page(5, Some("/services/data/v67.0/query/01gxx-4000"), &lead(3)),
            Some("4000") => page(5, None, &format!("{},{}", lead(4), lead(5))),
            _ => page(
                5,
                Some("/services/data/v67.0/query/01gxx-2000"),
                &format!("{},{}", lead(1), lead(2)),
            ),
        }
    })
    .await;
    let client = client(&wire);
    let mut page = client.query(SOQL, Scope::Live, Some(5000)).await.unwrap();
    let mut names = Vec::new();
    loop {
        assert_eq!(page.total_size, 5);
        for record in &page.records {
            assert_eq!(record.columns().names().len(), 2, "no `attributes`");
            names.push(record.get("lastname").unwrap().as_str().unwrap().to_owned());
        }
        let Some(next) = page.next else { break };
        page = client.next(&next).await.unwrap();
    }
    assert_eq!(names, ["L1", "L2", "L3", "L4", "L5"]);
    let requests = wire.requests_to("/services/data/v67.0/query");
    assert_eq!(asked(&requests[0].target), SOQL);
    assert_eq!(requests[1].target, "/services/data/v67.0/query/01gxx-2000");
    assert_eq!(client.usage().api_calls, 3);
}

#[tokio::test]
async fn deleted_rows_are_asked_for_by_query_all() {
    let wire = org(|_| page(0, None, "")).await;
    let client = client(&wire);
    client
        .query(SOQL, Scope::WithDeleted, Some(1))
        .await
        .unwrap();
    client.query(SOQL, Scope::Live, None).await.unwrap();
    let requests = wire.requests_to("/services/data/v67.0/query");
    assert!(
        requests[0]
            .target
            .starts_with("/services/data/v67.0/queryAll?q=")
    );
    assert_eq!(requests[0].header("sforce-query-options"), "batchSize=200");
    assert!(
        requests[1]
            .target
            .starts_with("/services/data/v67.0/query?q=")
    );
    assert_eq!(requests[1].header("sforce-query-options"), "");
}

#[tokio::test]
async fn s14_a_lost_locator_has_a_code_of_its_own_and_is_not_asked_again() {
    let wire = org(|request| {
        if request.target.contains("01g") {
            reply(
                400,
                r#"[{"message":"invalid query locator","errorCode":"INVALID_QUERY_LOCATOR"}]"#,
            )
        } else {
            page(9, Some("/services/data/v67.0/query/01gxx-2000"), &lead(1))
        }
    })
    .await;
    let client = client(&wire);
    let first = client.query(SOQL, Scope::Live, None).await.unwrap();
    let error = client.next(&first.next.unwrap()).await.unwrap_err();
    assert_eq!(error.code(), Code::QueryLocatorLost);
    assert_eq!(wire.requests_to("/services/data/").len(), 2);
}

#[tokio::test]
async fn a_page_that_names_itself_as_the_next_one_is_no_endless_loop() {
    let wire = org(|_| page(9, Some("/services/data/v67.0/query/01gxx-2000"), &lead(1))).await;
    let client = client(&wire);
    let first = client.query(SOQL, Scope::Live, None).await.unwrap();
    let error = client.next(&first.next.unwrap()).await.unwrap_err();
    assert_eq!(error.code(), Code::AnswerUnreadable);
}

#[tokio::test]
async fn parents_are_objects_and_children_are_lists() {
    let row = r#"{"attributes":{"type":"Lead"},"Id":"1",
        "Owner":{"attributes":{"type":"User","url":"/x"},"Name":"Ada","Manager":{"attributes":{},"Name":null}},
        "Account":null,
        "Tasks":{"totalSize":2,"done":true,"records":[
            {"attributes":{"type":"Task"},"Status":"Open","Owner":{"attributes":{},"Name":"Bo"}},
            {"attributes":{"type":"Task"},"Status":"Done","Owner":null}]},
        "Events":null,
        "Address":{"city":"Oslo","latitude":59.9,"street":null}}"#;
    let wire = org(move |_| page(1, None, row)).await;
    let result = client(&wire).query(SOQL, Scope::Live, None).await.unwrap();
    assert_eq!(
        result.records[0].to_value(),
        json!({
            "Id": "1", "Owner": {"Name": "Ada", "Manager": {"Name": null}}, "Account": null,
            "Tasks": [{"Status": "Open", "Owner": {"Name": "Bo"}}, {"Status": "Done", "Owner": null}],
            "Events": null, "Address": {"city": "Oslo", "latitude": 59.9, "street": null},
        })
    );
}

#[tokio::test]
async fn child_lists_are_fetched_to_their_end_at_any_depth() {
    let wire = org(|request| {
        let more = |next: &str, rows: &str| {
            let done = next.is_empty();
            let next = if done { String::new() } else { format!(r#","nextRecordsUrl":"/services/data/v67.0/query/{next}""#) };
            format!(r#"{{"totalSize":4,"done":{done}{next},"records":[{rows}]}}"#)
        };
        let task = |n: u32| format!(r#"{{"attributes":{{"type":"Task"}},"N":{n}}}"#);
        let with_notes = format!(
            r#"{{"attributes":{{"type":"Task"}},"N":4,"Notes":{}}}"#,
            more("01gnotes-1", &task(90))
        );
        match request.target.rsplit('/').next() {
            Some("01gchild-1") => reply(200, &more("01gchild-2", &format!("{},{}", task(2), task(3)))),
            Some("01gchild-2") => reply(200, &more("", &with_notes)),
            Some("01gnotes-1") => reply(200, &more("", &task(91))),
            Some("01gother-1") => reply(200, &more("", &task(8))),
            _ => page(2, None, &format!(
                r#"{{"attributes":{{}},"Id":"1","Tasks":{}}},{{"attributes":{{}},"Id":"2","Tasks":{}}}"#,
                more("01gchild-1", &task(1)),
                more("01gother-1", &task(7))
            )),
        }
    })
    .await;
    let client = client(&wire);
    let result = client.query(SOQL, Scope::Live, None).await.unwrap();
    assert_eq!(
        result
            .records
            .iter()
            .map(|record| record.get("Tasks").unwrap().clone())
            .collect::<Value>(),
        json!([
            [{"N": 1}, {"N": 2}, {"N": 3}, {"N": 4, "Notes": [{"N": 90}, {"N": 91}]}],
            [{"N": 7}, {"N": 8}]
        ])
    );
    assert_eq!(client.usage().requests.query, 5);
}

#[tokio::test]
async fn child_lists_without_an_end_are_given_up() {
    let wire = org(|request| {
        let number = request
            .target
            .rsplit('-')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0_u32);
        let next = format!("/services/data/v67.0/query/01g-{}", number + 1);
        if number == 0 {
            let child =
                format!(r#"{{"totalSize":9,"done":false,"nextRecordsUrl":"{next}","records":[]}}"#);
            return page(
                1,
                None,
                &format!(r#"{{"attributes":{{}},"Tasks":{child}}}"#),
            );
        }
        page(9, Some(&next), "")
    })
    .await;
    let error = client(&wire)
        .query(SOQL, Scope::Live, None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::TooManyRelated);
    assert_eq!(wire.requests_to("/services/data/").len(), 101);
}

#[tokio::test]
async fn counts_and_aggregates_are_rows_like_others() {
    let wire = org(|request| {
        if asked(&request.target).contains("COUNT()") {
            page(1234, None, "")
        } else {
            page(
                1,
                None,
                r#"{"attributes":{"type":"AggregateResult"},"expr0":7,"Status":"Open"}"#,
            )
        }
    })
    .await;
    let client = client(&wire);
    let count = client
        .query("SELECT COUNT() FROM Lead", Scope::Live, None)
        .await
        .unwrap();
    assert_eq!((count.total_size, count.records.len()), (1234, 0));
    let grouped = client.query(
        "SELECT Status, COUNT(Id) FROM Lead GROUP BY Status",
        Scope::Live,
        None,
    );
    assert_eq!(
        grouped.await.unwrap().records[0].to_value(),
        json!({"expr0": 7, "Status": "Open"})
    );
}

#[tokio::test]
async fn s30_values_come_through_unharmed() {
    let long = "é😀".repeat(65_536);
    let value = json!({
        "Id": "1", "Emoji": "👩‍👩‍👧‍👦 🏳️‍🌈", "Rtl": "שלום \u{202e}abc", "FourByte": "𝔘𐍈", "Lines": "a\r\nb\tc",
        "Quotes": "\"'\\/`", "Long": long, "Big": 9_007_199_254_740_993_i64, "Negative": -9_007_199_254_740_993_i64,
        "Half": 0.5, "Latitude": 37.433_125_956_118_964, "Money": 97_710_865_156_039.19, "Sum": 0.1 + 0.2, "Old": "1582-10-14", "Stamp": "2024-07-24T14:05:58.000+0000", "Nothing": null, "Yes": true,
        "Escaped\u{e9}": "\u{0}\u{7f}\u{2028}", "Empty": "",
    });
    let mut sent = value.clone();
    sent["attributes"] = json!({"type": "Lead"});
    let sent = sent.to_string();
    assert!(sent.contains("37.433125956118964") && sent.contains("97710865156039.19"));
    let wire = org(move |_| page(1, None, &sent)).await;
    let result = client(&wire).query(SOQL, Scope::Live, None).await.unwrap();
    assert_eq!(result.records[0].to_value(), value);
}

#[tokio::test]
async fn records_of_one_page_share_their_columns_and_odd_ones_keep_their_own() {
    let rows = r#"{"attributes":{},"A":1,"B":2},{"B":4,"attributes":{},"A":3},{"A":5},{"A":6,"B":7,"C":8},{"A":9,"B":10,"C":11},{}"#;
    let wire = org(move |_| page(6, None, rows)).await;
    let result = client(&wire).query(SOQL, Scope::Live, None).await.unwrap();
    let values: Value = result
        .records
        .iter()
        .map(bridged::foundation::record::Record::to_value)
        .collect();
    assert_eq!(
        values,
        json!([{"A": 1, "B": 2}, {"B": 4, "A": 3}, {"A": 5}, {"A": 6, "B": 7, "C": 8}, {"A": 9, "B": 10, "C": 11}, {}])
    );
    assert!(std::sync::Arc::ptr_eq(
        result.records[3].columns(),
        result.records[4].columns()
    ));
}

/// A query whose encoded form has about so many bytes.
fn long_query(bytes: usize) -> String {
    let ids = bytes / 26;
    let list: Vec<_> = (0..ids).map(|n| format!("'00Q{n:015}'")).collect();
    format!("SELECT Id FROM Lead WHERE Id IN ({})", list.join(","))
}

fn batch(status: u16, result: &str) -> Reply {
    let errors = status >= 300;
    reply(
        200,
        &format!(
            r#"{{"hasErrors":{errors},"results":[{{"statusCode":{status},"result":{result}}}]}}"#
        ),
    )
}

#[tokio::test]
async fn a_query_too_long_for_an_address_travels_in_a_body() {
    for (bytes, in_body) in [
        (1_000, false),
        (14_000, false),
        (17_000, true),
        (60_000, true),
    ] {
        let result = format!(r#"{{"totalSize":1,"done":true,"records":[{}]}}"#, lead(1));
        let wire = org(move |request| {
            assert!(request.target.len() < 16_384);
            if request.method == "POST" {
                batch(200, &result)
            } else {
                page(1, None, &lead(1))
            }
        })
        .await;
        let soql = long_query(bytes);
        let result = client(&wire)
            .query(&soql, Scope::Live, Some(2000))
            .await
            .unwrap();
        assert_eq!(result.records.len(), 1);
        let sent = wire.requests_to("/services/data/").pop().unwrap();
        assert_eq!(
            sent.target == "/services/data/v67.0/composite/batch",
            in_body,
            "{bytes}"
        );
        if in_body {
            let body: Value = serde_json::from_str(&sent.body).unwrap();
            let inner = &body["batchRequests"][0];
            assert_eq!(
                (&body["haltOnError"], &inner["method"]),
                (&json!(true), &json!("GET"))
            );
            let url = inner["url"].as_str().unwrap();
            assert!(url.starts_with("v67.0/query?q="), "{}", &url[..40]);
            assert_eq!(asked(url), soql);
        } else {
            assert_eq!(asked(&sent.target), soql);
        }
    }
}

#[tokio::test]
async fn an_address_leaves_room_for_the_header() {
    let wire = org(|request| {
        if request.method == "POST" {
            batch(200, r#"{"totalSize":0,"done":true,"records":[]}"#)
        } else {
            page(0, None, "")
        }
    })
    .await;
    let client = client(&wire);
    for (bytes, method) in [(15_200, "GET"), (15_500, "POST"), (16_384, "POST")] {
        let soql = "x".repeat(bytes - "/services/data/v67.0/query?q=".len());
        client.query(&soql, Scope::Live, None).await.unwrap();
        let sent = wire.requests().pop().unwrap();
        assert_eq!(sent.method, method, "{bytes}");
        let header = sent
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len() + 4);
        assert!(
            sent.target.len() + header.sum::<usize>() <= 16_384,
            "{bytes}"
        );
    }
}

#[tokio::test]
async fn an_address_refused_on_the_way_is_tried_in_a_body() {
    for status in [414, 431] {
        let wire = org(move |request| {
            if request.method == "POST" {
                batch(200, r#"{"totalSize":0,"done":true,"records":[]}"#)
            } else {
                answer(
                    status,
                    &[],
                    "<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>",
                )
            }
        })
        .await;
        client(&wire)
            .query(&long_query(9_000), Scope::WithDeleted, None)
            .await
            .unwrap();
        assert!(
            wire.requests_to("/services/data/")[1]
                .body
                .contains("v67.0/queryAll?q=")
        );
    }
}

#[tokio::test]
async fn a_query_that_fits_nowhere_says_what_to_shorten() {
    for inner in [true, false] {
        let wire = org(move |_| {
            if inner {
                batch(414, "null")
            } else {
                answer(413, &[], "<html>")
            }
        })
        .await;
        let error = client(&wire)
            .query(&long_query(40_000), Scope::Live, None)
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::QueryTooLong, "{}", shown(&error));
        assert!(error.help_text().unwrap().contains("shorten"));
    }
    let wire = org(|_| page(0, None, "")).await;
    let error = client(&wire)
        .query(&"x".repeat(100_001), Scope::Live, None)
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), wire.requests().len()),
        (Code::QueryTooLong, 0)
    );
}

#[tokio::test]
async fn an_error_inside_a_batch_is_the_query_s_own() {
    let refused =
        r#"[{"message":"No such column 'X' on entity 'Lead'","errorCode":"INVALID_FIELD"}]"#;
    let wire = org(move |_| batch(400, refused)).await;
    let error = client(&wire)
        .query(&long_query(40_000), Scope::Live, None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::FieldUnavailable);
    assert_eq!(
        error.message(),
        "Salesforce has no such field for this user: No such column 'X' on entity 'Lead'"
    );
    for body in [
        r#"{"hasErrors":false,"results":[]}"#,
        r#"{"results":[{"statusCode":200}]}"#,
        "[]",
    ] {
        let wire = org(move |_| reply(200, body)).await;
        let error = client(&wire)
            .query(&long_query(40_000), Scope::Live, None)
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::AnswerUnreadable, "{body}");
    }
}

#[tokio::test]
async fn past_the_daily_share_nothing_is_sent() {
    let used = std::sync::atomic::AtomicUsize::new(77);
    let wire = org(move |_| {
        let used = used.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        answer(
            200,
            &[&format!("Sforce-Limit-Info: api-bursts=1/750; api-usage={used}/100; per-app-api-usage=1/2(appName=x)")],
            r#"{"totalSize":0,"done":true,"records":[]}"#,
        )
    })
    .await;
    let mut settings = settings(wire.url("http"));
    settings.budget.daily_share = 0.8;
    let client = Client::new(settings).unwrap();
    for _ in 0..3 {
        client.query(SOQL, Scope::Live, None).await.unwrap();
    }
    let error = client.query(SOQL, Scope::Live, None).await.unwrap_err();
    assert_eq!(error.code(), Code::BudgetSpent);
    assert_eq!(
        error.message(),
        "the org has used 80 of its 100 API calls of the last 24 hours, and `daily_share` ends reading at 80% (80 calls)"
    );
    assert_eq!(wire.requests_to("/services/data/").len(), 3);
    let daily = client.usage().daily.unwrap();
    assert_eq!((daily.used, daily.max), (80, 100));
}

#[tokio::test]
async fn requests_keep_their_pace() {
    let wire = org(|_| page(0, None, "")).await;
    let mut settings = settings(wire.url("http"));
    settings.budget.requests_per_second = std::num::NonZeroU32::new(20);
    let client = Client::new(settings).unwrap();
    client.sign_in().await.unwrap();
    let started = std::time::Instant::now();
    for _ in 0..25 {
        client.query(SOQL, Scope::Live, None).await.unwrap();
    }
    let took = started.elapsed().as_millis();
    assert!(
        took >= 240,
        "twenty at once, then one every 50 ms: {took} ms"
    );
}
