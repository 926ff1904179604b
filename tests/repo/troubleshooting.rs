//! The table of troubleshooting says what the codes and their pages say, and each of its rows has a case.

use std::collections::BTreeSet;

use bridged::foundation::code::Code;
use bridged::foundation::fixed_by::FixedBy;

use super::tree::{assert_none, files};

/// One row of the tables of `docs/troubleshooting.md`.
struct Row {
    code: String,
    who: String,
    remedy: String,
}

fn rows() -> Vec<Row> {
    let page = files("docs", "troubleshooting.md").remove(0).text;
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let rows = rows.filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [_, code, _, who, remedy] = cells.as_slice() else {
            panic!("a row has five cells: {line}");
        };
        let code = code.strip_prefix('`')?.strip_suffix('`')?.to_owned();
        let (who, remedy) = ((*who).to_owned(), (*remedy).to_owned());
        Some(Row { code, who, remedy })
    });
    rows.collect()
}

/// Where the ways through Salesforce's and Meta's menus begin.
const MENUS: [&str; 3] = ["Setup →", "Business settings →", "WhatsApp Manager →"];

/// The ways through menus that a text spells as code.
fn menus(text: &str) -> Vec<&str> {
    let spans = text.split('`').skip(1).step_by(2);
    let begins = |span: &&str| MENUS.iter().any(|menu| span.starts_with(menu));
    spans.filter(begins).collect()
}

/// The text with every gap as one blank.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_row_names_a_code_who_fixes_it_and_the_menus_of_its_page() {
    let rows = rows();
    assert!(rows.len() >= 25, "{}", rows.len());
    let mut wrong = Vec::new();
    for Row { code, who, remedy } in &rows {
        let Ok(known) = code.parse::<Code>() else {
            wrong.push(format!("{code}: no such code"));
            continue;
        };
        let expected = match known.fixed_by() {
            Some(FixedBy::Author) => "author",
            Some(FixedBy::Operator) => "operator",
            Some(FixedBy::SalesforceAdmin) => "administrator",
            Some(FixedBy::MetaAdmin) => "Meta administrator",
            None => "nobody",
        };
        if who != expected {
            wrong.push(format!(
                "{code}: `{who}` in the table, `{expected}` by the code"
            ));
        }
        let page = joined(known.page());
        let found = menus(remedy);
        for menu in &found {
            if !page.contains(*menu) {
                wrong.push(format!("{code}: its page does not lead to `{menu}`"));
            }
        }
        if expected.ends_with("administrator") && found.is_empty() {
            wrong.push(format!("{code}: an administrator is shown no menu"));
        }
    }
    assert_none("the table, the codes and their pages say the same", &wrong);
}

#[test]
fn every_row_has_a_case_in_which_the_fault_is_committed() {
    // No binary can be made to resolve a name to a private address; the client's own tests do it with their resolver.
    const ELSEWHERE: [&str; 1] = ["address-refused"];
    let mut cases = files("tests/cli", "troubleshooting.rs").remove(0).text;
    for part in files("tests/cli/troubleshooting", ".rs") {
        cases.push_str(&part.text);
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let words: BTreeSet<&str> = cases.split(|c| !is_word(c)).chain(ELSEWHERE).collect();
    let wrong: Vec<_> = rows()
        .into_iter()
        .map(|row| row.code)
        .filter(|code| !words.contains(code.as_str()))
        .collect();
    assert_none("a row without a case", &wrong);
}

#[test]
fn every_code_that_an_administrator_fixes_leads_through_salesforces_menus() {
    let wrong: Vec<_> = Code::ALL
        .iter()
        .filter(|code| code.fixed_by() == Some(FixedBy::SalesforceAdmin))
        // An org that is switched off has no menus.
        .filter(|code| **code != Code::OrgInactive)
        .filter(|code| !joined(code.page()).contains("Setup →"))
        .map(ToString::to_string)
        .collect();
    assert_none("a remedy in Salesforce without its menus", &wrong);
}

#[test]
fn every_code_that_an_administrator_of_meta_fixes_leads_through_metas_menus() {
    let leads = |text: &str| MENUS[1..].iter().any(|menu| text.contains(menu));
    let codes = Code::ALL.iter();
    let wrong: Vec<_> = codes
        .filter(|code| code.fixed_by() == Some(FixedBy::MetaAdmin))
        .filter(|code| {
            let help = bridged::whatsapp::errors::meaning(**code).map(|(_, help)| help);
            !leads(&joined(code.page())) || !help.is_some_and(leads)
        })
        .map(ToString::to_string)
        .collect();
    assert_none("a remedy at Meta without its menus", &wrong);
}

#[test]
fn every_code_of_a_connection_says_who_fixes_it() {
    let codes = Code::ALL.iter();
    let wrong: Vec<_> = codes
        .filter(|code| {
            bridged::salesforce::errors::meaning(**code).is_some()
                || bridged::whatsapp::errors::meaning(**code).is_some()
        })
        .filter(|code| code.fixed_by().is_none())
        .map(ToString::to_string)
        .collect();
    assert_none("a code of the connection that nobody fixes", &wrong);
}
