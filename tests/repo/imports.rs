//! Imports go one way.

use std::collections::BTreeSet;

use super::tree::{assert_none, files};

/// The modules in reading order. Each may import what stands before it and itself; the sandbox only what its line says, so
/// that the engine and the sandbox prove each other.
const ORDER: [&str; 10] = [
    "foundation",
    "soql",
    "spec",
    "template",
    "store",
    "salesforce",
    "plan",
    "engine",
    "sandbox",
    "cli",
];

fn may_import(module: &str) -> Vec<&'static str> {
    match module {
        "sandbox" => vec!["foundation", "soql"],
        _ => ORDER
            .into_iter()
            .take_while(|other| *other != module)
            .collect(),
    }
}

/// The modules of this crate that a line of code names.
fn named(line: &str) -> BTreeSet<&'static str> {
    ORDER
        .into_iter()
        .filter(|module| {
            line.match_indices("crate::").any(|(at, found)| {
                let rest = &line[at + found.len()..];
                rest.strip_prefix(module).is_some_and(|rest| {
                    !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
                })
            })
        })
        .collect()
}

#[test]
fn every_module_imports_only_what_stands_before_it() {
    let mut wrong = Vec::new();
    for file in files("src", ".rs") {
        let module = file
            .path
            .split('/')
            .nth(1)
            .unwrap_or_default()
            .trim_end_matches(".rs");
        if matches!(module, "lib" | "main") {
            continue;
        }
        assert!(
            ORDER.contains(&module),
            "`{module}` has no place in the order"
        );
        let allowed = may_import(module);
        for (number, line) in file.code() {
            for other in named(line) {
                if other != module && !allowed.contains(&other) {
                    wrong.push(format!("{}:{number}: {module} imports {other}", file.path));
                }
            }
            if line.trim_start().starts_with("use crate::{") {
                wrong.push(format!(
                    "{}:{number}: name the module in each `use crate::…`",
                    file.path
                ));
            }
        }
    }
    assert_none("imports go one way", &wrong);
}

#[test]
fn the_library_lists_its_modules_in_reading_order() {
    let lib = files("src", "lib.rs");
    let listed: Vec<&str> = lib[0]
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    assert_eq!(listed, ORDER);
}
