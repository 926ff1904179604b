//! Paging by (`SystemModstamp`, `Id`): every row once, whatever the stamps.

use bridged::sandbox::org::Pending;
use bridged::sandbox::table::Row;

use super::query_fixture::{Fixture, NOW, stamp};

/// Seven hundred leads: hundreds with one stamp, every tenth deleted.
fn leads() -> Fixture {
    let mut org = Fixture::empty();
    for at in 0..700_u64 {
        let second = if at < 500 { 0 } else { at % 7 };
        let deleted = if at % 10 == 3 { "|IsDeleted=true" } else { "" };
        let number = at * 37 % 701 + 1;
        let row = format!("Name=n{at}|SystemModstamp=2026-02-01T00:00:0{second}Z{deleted}");
        org.add("Lead", number, &row);
    }
    org
}

fn pages(org: &Fixture, size: usize, extra: &str) -> Vec<String> {
    let mut read = Vec::new();
    let mut after: Option<(String, String)> = None;
    loop {
        let position = match &after {
            None => "SystemModstamp >= 2026-01-01T00:00:00Z".to_owned(),
            Some((stamp, id)) => {
                format!("(SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > '{id}'))")
            }
        };
        let soql = format!(
            "SELECT Id, SystemModstamp FROM Lead WHERE {position} AND SystemModstamp <= 2026-02-01T00:00:05Z{extra} \
             ORDER BY SystemModstamp ASC, Id ASC LIMIT {size}"
        );
        let answer = org.ask(&soql).unwrap();
        let records = answer["records"].as_array().unwrap();
        let text =
            |record: &serde_json::Value, field: &str| record[field].as_str().unwrap().to_owned();
        read.extend(records.iter().map(|record| text(record, "Id")));
        let Some(last) = records.last().filter(|_| records.len() == size) else {
            return read;
        };
        after = Some((text(last, "SystemModstamp"), text(last, "Id")));
    }
}

#[test]
fn keyset_pages_hold_every_row_of_the_window_once() {
    let mut org = leads();
    for include_deleted in [false, true] {
        org.include_deleted = include_deleted;
        let whole = org.column(
            "Id",
            "SELECT Id FROM Lead WHERE SystemModstamp <= 2026-02-01T00:00:05Z AND Name LIKE '%' \
             ORDER BY SystemModstamp, Id",
        );
        for size in [1, 7, 50, 200, 2_000] {
            assert_eq!(pages(&org, size, ""), whole, "{size}");
        }
    }
}

#[test]
fn a_further_condition_narrows_the_pages() {
    let org = leads();
    let wanted = org.column(
        "Id",
        "SELECT Id FROM Lead WHERE Name LIKE 'n1%' AND SystemModstamp <= 2026-02-01T00:00:05Z \
         ORDER BY SystemModstamp, Id",
    );
    assert!(wanted.len() > 50);
    assert_eq!(pages(&org, 11, " AND (Name LIKE 'n1%')"), wanted);
}

#[test]
fn orders_that_an_index_has_equal_those_that_are_sorted() {
    let org = leads();
    // A second key that changes nothing makes the order one that no index has.
    for (indexed, sorted) in [
        (
            "SystemModstamp DESC, Id DESC",
            "SystemModstamp DESC, CreatedDate, Id DESC",
        ),
        ("SystemModstamp, Id", "SystemModstamp, CreatedDate, Id"),
        ("Id DESC", "CreatedDate, Id DESC"),
    ] {
        for rest in ["", " LIMIT 33 OFFSET 12"] {
            let ask = |by: &str| {
                let filter = "SystemModstamp > 2026-02-01T00:00:00Z";
                org.column(
                    "Id",
                    &format!("SELECT Id FROM Lead WHERE {filter} ORDER BY {by}{rest}"),
                )
            };
            assert_eq!(ask(indexed), ask(sorted), "{indexed}{rest}");
        }
    }
}

#[test]
fn counting_a_range_of_stamps_equals_counting_rows() {
    let mut org = leads();
    for include_deleted in [false, true] {
        org.include_deleted = include_deleted;
        for range in [
            "SystemModstamp > 2026-02-01T00:00:00Z",
            "SystemModstamp >= 2026-02-01T00:00:01Z AND SystemModstamp < 2026-02-01T00:00:03Z",
            "SystemModstamp = 2026-02-01T00:00:00Z",
            "SystemModstamp > 2026-02-01T00:00:03Z AND SystemModstamp < 2026-02-01T00:00:02Z",
            "SystemModstamp != 2026-02-01T00:00:00Z",
            "SystemModstamp > 2026-02-01T00:00:00.500Z",
            "(SystemModstamp > 2026-02-01T00:00:00Z OR SystemModstamp < 2026-01-01T00:00:00Z)",
            "(NOT SystemModstamp > 2026-02-01T00:00:02Z)",
        ] {
            let count = |condition: &str| {
                org.ask(&format!("SELECT COUNT() FROM Lead WHERE {condition}"))
                    .unwrap()["totalSize"]
                    .clone()
            };
            assert_eq!(
                count(range),
                count(&format!("{range} AND Name LIKE '%'")),
                "{range}"
            );
        }
    }
}

#[test]
fn an_empty_window_is_an_empty_answer() {
    let org = leads();
    for condition in [
        "SystemModstamp > 2026-02-01T00:00:05Z AND SystemModstamp <= 2026-02-01T00:00:01Z",
        "SystemModstamp = 2026-02-01T00:00:00Z AND SystemModstamp > 2026-02-01T00:00:00Z",
        "Id > '00Qbg0000009999' AND Id < '00Qbg0000000001'",
    ] {
        for order in ["SystemModstamp, Id", "Id", "Name"] {
            let soql = format!("SELECT Id FROM Lead WHERE {condition} ORDER BY {order}");
            assert_eq!(org.ask(&soql).unwrap()["totalSize"], 0, "{soql}");
        }
    }
}

#[test]
fn a_late_commit_is_seen_from_its_instant_on_with_its_earlier_stamp() {
    let mut org = leads();
    let count = "SELECT COUNT() FROM Lead WHERE SystemModstamp = 2026-01-31T23:59:00Z";
    let mut staging = Fixture::empty();
    staging.add("Lead", 900, "Name=late|SystemModstamp=2026-01-31T23:59:00Z");
    let table = staging.org.table("Lead").unwrap();
    let (_, row) = table.rows().next().unwrap();
    let row: Row = row.clone();
    let pending = Pending {
        object: "Lead".to_owned(),
        row,
        begun: stamp("2026-01-31T23:59:00Z"),
    };
    org.org.commit_later(stamp(NOW), pending);
    org.org.settle(stamp("2026-02-11T15:29:59Z"));
    assert_eq!(org.ask(count).unwrap()["totalSize"], 0);
    org.org.settle(stamp(NOW));
    assert_eq!(org.ask(count).unwrap()["totalSize"], 1);
}
