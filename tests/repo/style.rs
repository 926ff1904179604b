//! What every file must have, and what none may hold.

use super::tree::{assert_none, files};

/// This file names what it forbids.
const SELF: &str = "tests/repo/style.rs";

#[test]
fn every_source_file_says_in_its_first_line_what_it_is() {
    let wrong: Vec<_> = files(".", ".rs")
        .iter()
        .filter(|file| {
            let first = file.text.lines().next().unwrap_or_default();
            !first.starts_with("//! ") || first.len() < 15
        })
        .map(|file| file.path.clone())
        .collect();
    assert_none("the first line is `//! ` and one sentence", &wrong);
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let wrong: Vec<_> = files(".", ".rs")
        .iter()
        .map(|file| (file.without_tests().lines().count(), &file.path))
        // Files of tests are tables of cases, which are looked up rather than read.
        .filter(|(lines, path)| {
            *lines
                > if path.starts_with("tests/") {
                    1000
                } else {
                    600
                }
        })
        .map(|(lines, path)| format!("{path}: {lines}"))
        .collect();
    assert_none(
        "at most 600 lines without the test module, 1000 of tests",
        &wrong,
    );
}

#[test]
fn every_command_stays_thin() {
    let wrong: Vec<_> = files("src/cli", ".rs")
        .iter()
        .filter(|file| file.text.contains("pub struct Args"))
        .map(|file| (file.without_tests().lines().count(), &file.path))
        .filter(|(lines, _)| *lines > 180)
        .map(|(lines, path)| format!("{path}: {lines}"))
        .collect();
    assert_none("a command is at most 180 lines", &wrong);
}

#[test]
fn nothing_is_left_for_later() {
    let words = [
        "TODO",
        "FIXME",
        "unimplemented!",
        "todo!",
        "not yet implemented",
    ];
    let mut wrong = Vec::new();
    for file in files(".", "") {
        if file.path == SELF || file.path == "Cargo.lock" || file.path.starts_with("tests/data/") {
            continue;
        }
        for (index, line) in file.text.lines().enumerate() {
            for word in words {
                if line.contains(word) {
                    wrong.push(format!("{}:{}: {word}", file.path, index + 1));
                }
            }
        }
    }
    assert_none("no unfinished work is committed", &wrong);
}

#[test]
fn nothing_names_a_machine_or_a_registry() {
    let words = [
        concat!("/wo", "rk/"),
        "/home/",
        "/root/",
        "/Users/",
        "crates.io",
        "npmjs.",
        "pypi.org",
        "artifactory",
        "proxy.golang",
    ];
    let mut wrong = Vec::new();
    for file in files(".", "") {
        // The lock file is cargo's, and names the index in cargo's way.
        if file.path == SELF || file.path == "Cargo.lock" {
            continue;
        }
        for (index, line) in file.text.lines().enumerate() {
            for word in words {
                if line.contains(word) {
                    wrong.push(format!("{}:{}: {word}", file.path, index + 1));
                }
            }
        }
    }
    assert_none("the repository stands anywhere", &wrong);
}

#[test]
fn i1_checking_is_pure_and_only_the_command_line_prints() {
    let io = [
        "tokio::",
        "std::fs",
        "std::env",
        "TcpStream",
        "ToSocketAddrs",
        "reqwest",
        "std::process",
        "SystemTime",
        "Timestamp::now",
    ];
    let printing = [
        "println!",
        "eprintln!",
        "print!(",
        "io::stdout",
        "io::stderr",
    ];
    let mut wrong = Vec::new();
    for file in files("src", ".rs") {
        let folder = file.path.split('/').nth(1).unwrap_or_default();
        let pure = matches!(folder, "spec" | "schedule" | "template" | "soql" | "plan");
        let banned: Vec<&str> = io
            .iter()
            .filter(|_| pure && file.path != "src/spec/load.rs")
            .chain(printing.iter().filter(|_| folder != "cli"))
            .copied()
            .collect();
        for (number, line) in file.code() {
            for word in &banned {
                if line.contains(word) {
                    wrong.push(format!("{}:{number}: {word}", file.path));
                }
            }
        }
    }
    assert_none(
        "no I/O in spec, template, soql and plan; no printing outside cli",
        &wrong,
    );
}

#[test]
fn the_changelog_names_what_is_unreleased_or_this_version() {
    let changelog = files(".", "CHANGELOG.md");
    let headings: Vec<&str> = changelog[0]
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    let first = headings.first().copied().unwrap_or_default();
    assert!(
        first == "Unreleased" || first.starts_with(version),
        "{headings:?}"
    );
    let entry = changelog[0].text.split("\n## ").nth(1).unwrap_or_default();
    assert!(
        entry.lines().any(|line| line.starts_with("- ")),
        "the first section has no entry"
    );
}
