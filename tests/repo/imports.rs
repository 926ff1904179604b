//! Imports go one way.

use std::collections::BTreeSet;

use super::tree::{assert_none, files, root};

/// The modules in reading order, each with what it may import. `ARCHITECTURE.md` shows the same table.
const TABLE: [(&str, &[&str]); 19] = [
    ("foundation", &[]),
    ("soql", &["foundation"]),
    ("spec", &["foundation", "soql"]),
    ("schedule", &["foundation", "spec"]),
    ("template", &["foundation", "spec"]),
    ("store", &["foundation"]),
    ("vault", &["foundation", "store"]),
    ("import", &["foundation", "store"]),
    ("salesforce", &["foundation", "soql", "spec"]),
    ("whatsapp", &["foundation", "spec", "salesforce"]),
    (
        "connections",
        &[
            "foundation",
            "spec",
            "store",
            "vault",
            "salesforce",
            "whatsapp",
        ],
    ),
    (
        "plan",
        &["foundation", "soql", "spec", "template", "salesforce"],
    ),
    (
        "engine",
        &[
            "foundation",
            "spec",
            "template",
            "store",
            "salesforce",
            "whatsapp",
            "plan",
        ],
    ),
    (
        "check",
        &[
            "foundation",
            "soql",
            "spec",
            "salesforce",
            "whatsapp",
            "plan",
            "engine",
        ],
    ),
    ("inbound", &["foundation", "store", "whatsapp"]),
    ("privacy", &["foundation", "store", "inbound"]),
    ("sandbox", &["foundation", "soql"]),
    (
        "serve",
        &[
            "foundation",
            "spec",
            "schedule",
            "store",
            "import",
            "whatsapp",
            "connections",
            "plan",
            "engine",
            "inbound",
            "privacy",
        ],
    ),
    (
        "cli",
        &[
            "foundation",
            "soql",
            "spec",
            "schedule",
            "template",
            "store",
            "vault",
            "import",
            "salesforce",
            "whatsapp",
            "connections",
            "plan",
            "engine",
            "check",
            "inbound",
            "privacy",
            "sandbox",
            "serve",
        ],
    ),
];

fn may_import(module: &str) -> &'static [&'static str] {
    let row = TABLE.iter().find(|(name, _)| *name == module);
    row.unwrap_or_else(|| panic!("`{module}` has no row in the table"))
        .1
}

/// The modules of this crate that a line of code names.
fn named(line: &str) -> BTreeSet<&'static str> {
    TABLE
        .iter()
        .map(|(module, _)| *module)
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
    let ordered: Vec<&str> = TABLE.iter().map(|(module, _)| *module).collect();
    assert_eq!(listed, ordered);
}

#[test]
fn the_table_itself_goes_one_way() {
    for (place, (module, imports)) in TABLE.iter().enumerate() {
        for other in *imports {
            let before = TABLE[..place].iter().any(|(name, _)| name == other);
            assert!(
                before,
                "{module} imports {other}, which does not stand before it"
            );
        }
    }
    assert_eq!(
        may_import("sandbox"),
        ["foundation", "soql"],
        "the engine and the sandbox prove each other"
    );
}

#[test]
fn the_map_shows_the_same_table() {
    let map = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the map");
    let shown: Vec<(String, Vec<String>)> = map
        .lines()
        .skip_while(|line| !line.starts_with("| module |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let names = |cell: &str| {
                let words = cell
                    .split(',')
                    .map(|word| word.trim().trim_matches('`').to_owned());
                words.filter(|word| !word.is_empty()).collect::<Vec<_>>()
            };
            (names(cells[0]).concat(), names(cells[2]))
        })
        .collect();
    let expected: Vec<(String, Vec<String>)> = TABLE
        .iter()
        .map(|(module, imports)| {
            let imports = imports.iter().map(ToString::to_string).collect();
            ((*module).to_owned(), imports)
        })
        .collect();
    assert_eq!(shown, expected);
}
