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
