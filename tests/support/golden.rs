//! Goldens: whole outputs kept as files under `tests/golden`, rewritten with `UPDATE_GOLDENS=1`.

use std::fs;
use std::path::{Path, PathBuf};

/// Where the goldens are kept.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Compares `actual` with the file `tests/golden/NAME`.
///
/// With `UPDATE_GOLDENS=1` in the environment the file is written instead, for review in the diff.
#[track_caller]
pub(crate) fn assert_golden(name: &str, actual: &str) {
    let path = folder().join(name);
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        fs::create_dir_all(path.parent().expect("a golden lies in a folder")).expect("folder");
        fs::write(&path, actual).expect("golden written");
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("no golden `{name}` ({error}); run with UPDATE_GOLDENS=1 to write it\n{actual}")
    });
    assert!(
        expected == actual,
        "golden `{name}` differs; UPDATE_GOLDENS=1 rewrites it\n{}",
        difference(&expected, actual)
    );
}

/// The lines that differ, `-` expected and `+` actual, between their common head and tail.
fn difference(expected: &str, actual: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (expected.lines().collect(), actual.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[head..]
        .iter()
        .rev()
        .zip(new[head..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let removed = old[head..old.len() - tail]
        .iter()
        .map(|line| format!("- {line}"));
    let added = new[head..new.len() - tail]
        .iter()
        .map(|line| format!("+ {line}"));
    format!("from line {}:\n", head + 1) + &removed.chain(added).collect::<Vec<_>>().join("\n")
}

/// The text with everything replaced that differs from run to run: ids, fingerprints, instants, durations, rates, ports.
pub(crate) fn masked(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(masked_line).collect();
    lines.join("\n") + if text.ends_with('\n') { "\n" } else { "" }
}

fn masked_line(line: &str) -> String {
    let mut words: Vec<String> = line.split(' ').map(masked_word).collect();
    for at in 1..words.len() {
        let is_amount = words[at - 1].starts_with(|c: char| c.is_ascii_digit());
        let unit = words[at].trim_end_matches(',');
        if is_amount && matches!(unit, "ms" | "s" | "records/s") {
            "N".clone_into(&mut words[at - 1]);
            words[at] = words[at].replace("ms", "s");
        }
    }
    words.join(" ")
}

fn masked_word(word: &str) -> String {
    let core = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    if core.is_empty() {
        return word.to_owned();
    }
    let is_hex = core.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let has_digit = core.contains(|c: char| c.is_ascii_digit());
    let is_time =
        |text: &str| text.len() >= 8 && text.matches(':').count() == 2 && text.ends_with('Z');
    let is_date = core.len() == 10 && core.matches('-').count() == 2 && has_digit;
    let shown = match core.len() {
        12 | 64 if is_hex => "HEX",
        36 if is_hex && core.matches('-').count() == 4 => "UUID",
        _ if is_date => "DATE",
        _ if is_time(core) => "TIME",
        _ if core.starts_with("http://127.0.0.1:") => "http://127.0.0.1:PORT",
        _ => return word.to_owned(),
    };
    word.replace(core, shown)
}

#[test]
fn masks_hide_what_differs_and_nothing_else() {
    let text = "lead-sync: run 0880da66d395, plan 5241a8d839b3\n4 API calls in 7.3 s, 65 records/s\n2026-11-23 06:49:05Z read 479\n";
    let shown =
        "lead-sync: run HEX, plan HEX\n4 API calls in N s, N records/s\nDATE TIME read 479\n";
    assert_eq!(masked(text), shown);
}
