//! The documents' console examples run, and show what they say they show.
//!
//! A ```` ```console ```` block holds `$ command` lines, each with the lines it prints behind it. They run in order, in one
//! copy of the repository's pipelines a document, so that a later block sees what an earlier one did. `…` in an expected
//! line stands for any text, an expected line that is `…` alone for any lines; a command with no lines behind it may print
//! what it likes. Expected lines are those of stdout and stderr together, stdout first.

use std::fs;
use std::path::Path;

use crate::support::binary::{Ran, command};
use crate::support::project::Project;

use super::tree::{files, root};

/// One command of a document and what is shown behind it.
#[derive(Debug, PartialEq, Eq)]
struct Example {
    line: usize,
    command: String,
    shown: Vec<String>,
}

fn examples(text: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            inside = line.trim() == "```console";
        } else if let (true, Some(command)) = (inside, line.strip_prefix("$ ")) {
            found.push(Example {
                line: index + 1,
                command: command.to_owned(),
                shown: Vec::new(),
            });
        } else if let (true, Some(example)) = (inside, found.last_mut()) {
            example.shown.push(line.trim_end().to_owned());
        }
    }
    found
}

/// Whether printed lines fit expected ones, with `…` for any text and any lines.
fn fits(expected: &[String], printed: &[&str]) -> bool {
    match (expected.split_first(), printed.split_first()) {
        (None, printed) => printed.is_none(),
        (Some((first, rest)), _) if first.trim() == "…" => {
            (0..=printed.len()).any(|skipped| fits(rest, &printed[skipped..]))
        }
        (Some(_), None) => false,
        (Some((first, rest)), Some((line, printed))) => {
            line_fits(first, line.trim_end()) && fits(rest, printed)
        }
    }
}

fn line_fits(expected: &str, printed: &str) -> bool {
    let mut parts = expected.split('…');
    let head = parts.next().unwrap_or_default();
    let Some(mut rest) = printed.strip_prefix(head) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(tail) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(tail)
}

/// Splits a command at blanks outside of quotes; understands nothing else of a shell.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in command.chars() {
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (' ', None) => words.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
            (c, _) => word.push(c),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// A command of the documents as arguments of the binary; `None` for commands of other programs.
fn arguments(command: &str) -> Option<Vec<String>> {
    let words = words(command.split(" #").next().unwrap_or_default());
    let start = match words.first()?.as_str() {
        "bridged" => 1,
        "cargo" if words.get(1).map(String::as_str) == Some("run") => {
            words.iter().position(|word| word == "--")? + 1
        }
        _ => return None,
    };
    Some(words[start..].to_vec())
}

/// A copy of what the documents' commands work on.
fn copy() -> Project {
    let project = Project::empty();
    for folder in ["pipelines", "schemas", "docs/samples"] {
        for file in files(folder, "") {
            project.write(&file.path, &file.text);
        }
    }
    if let Ok(text) = fs::read_to_string(root().join("bridged.yaml")) {
        project.write("bridged.yaml", text);
    }
    project
}

fn check(document: &str, text: &str, project: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    for example in examples(text) {
        let Some(arguments) = arguments(&example.command) else {
            continue;
        };
        let output = command(project)
            .args(&arguments)
            .output()
            .expect("the binary starts");
        let ran = Ran::from(output);
        let printed = format!("{}{}", ran.stdout, ran.stderr);
        let printed: Vec<&str> = printed.lines().collect();
        let at = format!("{document}:{}: `{}`", example.line, example.command);
        if example.shown.is_empty() {
            if ran.code != Some(0) {
                wrong.push(format!(
                    "{at} exits {:?}:\n{}",
                    ran.code,
                    printed.join("\n")
                ));
            }
        } else if !fits(&example.shown, &printed) {
            let shown = example.shown.join("\n");
            wrong.push(format!(
                "{at} shows\n{shown}\nbut prints\n{}",
                printed.join("\n")
            ));
        }
    }
    wrong
}

#[test]
fn the_documents_examples_run() {
    let mut wrong = Vec::new();
    for document in files(".", ".md") {
        if document.path.matches('/').count() <= 1 && !document.path.starts_with("tests/") {
            let project = copy();
            wrong.extend(check(&document.path, &document.text, project.path()));
        }
    }
    super::tree::assert_none("examples of the documents", &wrong);
}

#[test]
fn expected_lines_are_compared_with_wildcards() {
    let owned = |lines: &[&str]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
    let cases: [(&[&str], &[&str], bool); 9] = [
        (&["a", "b"], &["a", "b"], true),
        (&["a"], &["a", "b"], false),
        (&["a", "…"], &["a", "b", "c"], true),
        (&["…", "c"], &["a", "b", "c"], true),
        (&["…", "x"], &["a", "b", "c"], false),
        (&["read … of …"], &["read 5 of 10"], true),
        (&["read … of 9"], &["read 5 of 10"], false),
        (&["exact"], &["exactly"], false),
        (&["a", "b"], &["a"], false),
    ];
    for (expected, printed, fit) in cases {
        assert_eq!(
            fits(&owned(expected), printed),
            fit,
            "{expected:?} {printed:?}"
        );
    }
}

#[test]
fn an_example_that_shows_something_else_is_found() {
    let text =
        "```console\n$ bridged explain bug\nno such page\n$ bridged explain nothing-like-it\n```\n";
    let project = Project::empty();
    assert_eq!(check("x.md", text, project.path()).len(), 2);
    let right = "```console\n$ bridged explain bug\nbug: …\n…\n```\n";
    assert_eq!(check("x.md", right, project.path()), Vec::<String>::new());
}
