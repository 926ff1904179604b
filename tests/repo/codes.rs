//! Every code has its page, every page its code, and every code a case.

use std::collections::BTreeSet;

use bridged::foundation::code::Code;

use super::tree::{assert_none, files};

#[test]
fn every_page_has_a_code() {
    let known: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let wrong: Vec<_> = files("src/foundation/codes", "")
        .iter()
        .filter(|page| {
            let name = page.path.rsplit('/').next().unwrap_or_default();
            !name
                .strip_suffix(".md")
                .is_some_and(|code| known.contains(code))
        })
        .map(|page| page.path.clone())
        .collect();
    assert_none("a page that no code shows", &wrong);
    assert_eq!(known.len(), Code::ALL.len(), "a code is listed twice");
}

#[test]
fn every_page_has_its_sections() {
    let mut wrong = Vec::new();
    for code in Code::ALL {
        let page = code.page();
        let headings: Vec<&str> = page.lines().filter(|line| line.starts_with('#')).collect();
        let sections = headings.get(1..).unwrap_or_default();
        let well_formed = page.starts_with("# ")
            && (sections == ["## Cause", "## Remedy"]
                || sections == ["## Cause", "## Remedy", "## Example"]);
        if !well_formed {
            wrong.push(format!("{code}: {headings:?}"));
        }
        let bare = page
            .lines()
            .zip(page.lines().skip(1))
            .any(|(heading, text)| {
                heading.starts_with("## ") && (text.trim().is_empty() || text.starts_with('#'))
            });
        if bare {
            wrong.push(format!(
                "{code}: a section starts with an empty line or is empty"
            ));
        }
        if code.title().ends_with('.') || !page.ends_with('\n') {
            wrong.push(format!(
                "{code}: a title has no final period, a page ends with a newline"
            ));
        }
    }
    assert_none(
        "a page is `# title`, `## Cause`, `## Remedy` and, where it helps, `## Example`",
        &wrong,
    );
}

#[test]
fn codes_are_kebab_case_words() {
    let wrong: Vec<_> = Code::ALL
        .iter()
        .map(|code| code.as_str())
        .filter(|code| {
            let letters = code
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
            !letters || code.starts_with('-') || code.ends_with('-') || code.contains("--")
        })
        .map(str::to_owned)
        .collect();
    assert_none("codes are kebab-case", &wrong);
}

#[test]
fn every_code_has_a_case_that_raises_it() {
    let mut cases: String = files("tests", "")
        .iter()
        .filter(|file| {
            !file.path.starts_with("tests/repo/") && !file.path.starts_with("tests/data/")
        })
        .map(|file| file.text.as_str())
        .collect();
    for file in files("src", ".rs") {
        cases.push_str(&file.text[file.without_tests().len()..]);
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let words: BTreeSet<&str> = cases.split(|c| !is_word(c)).collect();
    let wrong: Vec<_> = Code::ALL
        .iter()
        .filter(|code| {
            !words.contains(code.as_str()) && !words.contains(format!("{code:?}").as_str())
        })
        .map(ToString::to_string)
        .collect();
    assert_none("no test and no golden names these codes", &wrong);
}

#[test]
fn every_code_is_raised_somewhere() {
    let raised: String = files("src", ".rs")
        .iter()
        .map(|file| file.without_tests().to_owned())
        .collect();
    let wrong: Vec<_> = Code::ALL
        .iter()
        .filter(|code| {
            let name = format!("Code::{code:?}");
            !raised.match_indices(&name).any(|(at, found)| {
                !raised[at + found.len()..].starts_with(|c: char| c.is_alphanumeric())
            })
        })
        .map(ToString::to_string)
        .collect();
    assert_none("no source raises these codes", &wrong);
}
