//! X28: what YAML can do to its reader ends in an error with a line, in less than a second, in bounded memory.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use bridged::foundation::code::Code;
use bridged::spec::read;

use super::examples::{MINIMAL, pipeline};

/// The first finding's code and line, and that it came soon.
fn first(text: &[u8]) -> (Code, usize) {
    let start = Instant::now();
    let read = read::pipeline("demo.yaml", text);
    let took = start.elapsed();
    // An unoptimised build takes about ten times as long.
    let most = if cfg!(debug_assertions) { 10 } else { 1 };
    assert!(took < Duration::from_secs(most), "{took:?}");
    let finding = read.findings.first().expect("a finding");
    let place = finding.place.as_ref().expect("a place");
    assert!(
        read.findings.len() <= 200,
        "{} findings",
        read.findings.len()
    );
    (finding.code, place.start().line)
}

#[test]
fn x28_billion_laughs_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let before = level - 1;
        let aliases = vec![format!("*a{before}"); 9].join(", ");
        writeln!(text, "a{level}: &a{level} [{aliases}]").unwrap();
    }
    assert_eq!(first(text.as_bytes()), (Code::YamlTooLarge, 5));
}

#[test]
fn x28_a_million_anchors_are_refused() {
    let mut text = String::new();
    for index in 0..1_000_000 {
        write!(text, "&a{index} ").unwrap();
    }
    assert_eq!(
        first(text.as_bytes()).0,
        Code::YamlTooLarge,
        "the file is too large"
    );
    let many = format!("x: [{}]\n", "&a 1,".repeat(200_000));
    assert_eq!(first(many.as_bytes()), (Code::YamlTooLarge, 1));
    let nested = format!("x: {}\n", "&a [".repeat(10_000));
    assert_eq!(first(nested.as_bytes()), (Code::YamlTooLarge, 1));
}

#[test]
fn x28_depth_of_ten_thousand_is_refused() {
    for text in [
        "[".repeat(10_000),
        "{a: ".repeat(10_000),
        "- ".repeat(10_000),
        format!("x: {}{}", "[".repeat(65), "]".repeat(65)),
    ] {
        let shown = &text[..8];
        assert_eq!(first(text.as_bytes()), (Code::YamlTooLarge, 1), "{shown}");
    }
    let mut block = String::new();
    for level in 0..1000 {
        writeln!(block, "{}a:", " ".repeat(level)).unwrap();
    }
    assert_eq!(first(block.as_bytes()).0, Code::YamlTooLarge);
    let deep_enough = format!(
        "{MINIMAL}tests: [{{ name: deep, given: {{ a: {}{} }}, expect: {{}} }}]\n",
        "[".repeat(50),
        "]".repeat(50)
    );
    pipeline(&deep_enough);
}

#[test]
fn x28_a_scalar_of_a_hundred_megabytes_is_refused() {
    let text = format!("{MINIMAL}description: {}", "x".repeat(100 * 1024 * 1024));
    assert_eq!(first(text.as_bytes()), (Code::YamlTooLarge, 1));
}

#[test]
fn x28_merge_keys_and_cycles_are_refused() {
    for text in ["a: &a\n  <<: *a\n", "a: &a { <<: *a }\n"] {
        let code = first(text.as_bytes()).0;
        assert!(matches!(code, Code::MergeKey | Code::YamlSyntax), "{code}");
    }
    assert_eq!(first(b"x: 1\na: &a [1, *a]\n"), (Code::YamlSyntax, 2));
    let quoted =
        format!("{MINIMAL}tests: [{{ name: quoted, given: {{ \"<<\": 1 }}, expect: {{}} }}]\n");
    pipeline(&quoted);
}

#[test]
fn x28_duplicate_keys_name_both_places() {
    let text = format!("{MINIMAL}name: again\n");
    let read = read::pipeline("demo.yaml", text.as_bytes());
    let finding = &read.findings[0];
    assert_eq!(finding.code, Code::DuplicateKey);
    assert_eq!(finding.place.as_ref().unwrap().start().line, 6);
    assert_eq!(finding.related.as_ref().unwrap().0.start().line, 2);
    let many = format!(
        "{MINIMAL}tests: [{{ name: x, given: {{ {} }}, expect: {{}} }}]\n",
        "a: 1, ".repeat(50_000)
    );
    assert_eq!(first(many.as_bytes()), (Code::DuplicateKey, 6));
}

#[test]
fn x28_tabs_nul_and_invalid_bytes_are_refused_with_their_line() {
    assert_eq!(
        first(b"version: 1\nsource:\n\tobject: Lead\n"),
        (Code::YamlSyntax, 3)
    );
    assert_eq!(
        first(b"version: 1\nname: a\0b\n"),
        (Code::HiddenCharacter, 2)
    );
    assert_eq!(
        first(b"version: 1\nname: a\x1b[31mb\n"),
        (Code::HiddenCharacter, 2)
    );
    assert_eq!(first(b"version: 1\nname: \xff\xfe\n"), (Code::NotUtf8, 2));
    assert_eq!(
        first(b"version: 1\nname: \xed\xa0\x80\n"),
        (Code::NotUtf8, 2)
    );
    assert_eq!(first(b"version: 1\n\n\xc3"), (Code::NotUtf8, 3));
}

#[test]
fn x28_a_byte_order_mark_and_windows_line_ends_change_nothing() {
    let plain = pipeline(MINIMAL).spec;
    assert_eq!(pipeline(&format!("\u{feff}{MINIMAL}")).spec, plain);
    assert_eq!(pipeline(&MINIMAL.replace('\n', "\r\n")).spec, plain);
    assert_eq!(
        first(format!("{MINIMAL}# x\u{feff}\n").as_bytes()),
        (Code::HiddenCharacter, 6)
    );
}

#[test]
fn x28_words_and_numbers_are_not_guessed() {
    let given = |value: &str| {
        let text =
            format!("{MINIMAL}tests: [{{ name: x, given: {{ a: {value} }}, expect: {{}} }}]\n");
        let read = read::pipeline("demo.yaml", text.as_bytes());
        match read.findings.first() {
            Some(finding) => Err(finding.code),
            None => Ok(read.document.unwrap().spec.tests[0].given["a"].clone()),
        }
    };
    for word in [
        "no",
        "yes",
        "on",
        "off",
        "y",
        "n",
        "2027-01-01",
        "21:00",
        "1:30:00",
        "1.2.3",
        "=",
        "0b1",
    ] {
        assert_eq!(given(word), Ok(word.into()), "{word}");
    }
    for number in ["0o7", "012", "1_000", "0xFF"] {
        assert_eq!(given(number), Err(Code::AmbiguousNumber), "{number}");
    }
    for number in ["1e999", "-1e999", ".inf", ".nan", "99999999999999999999"] {
        assert_eq!(given(number), Err(Code::NumberOutOfRange), "{number}");
    }
    assert_eq!(given("1e3"), Ok(1000.0.into()));
    assert_eq!(given("!!str 5"), Err(Code::YamlTag));
}

#[test]
fn aliases_of_whole_values_work_and_lead_back_to_what_they_repeat() {
    let text = format!(
        "{MINIMAL}tests:\n  - {{ name: a, given: &ada {{ Name: Ada }}, expect: {{}} }}\n  - {{ name: b, given: *ada, expect: {{}} }}\n"
    );
    let document = pipeline(&text);
    assert_eq!(document.spec.tests[0].given, document.spec.tests[1].given);
    assert_eq!(
        document.place("/tests/1/given"),
        document.place("/tests/0/given")
    );
}

#[test]
fn a_file_at_the_bounds_is_read() {
    let padding = "# x\n".repeat((1024 * 1024 - MINIMAL.len()) / 4);
    pipeline(&format!("{MINIMAL}{padding}"));
    let over = format!("{MINIMAL}{padding}# xxxxxxxx\n");
    assert_eq!(first(over.as_bytes()), (Code::YamlTooLarge, 1));
}

#[test]
fn texts_that_almost_look_like_credentials_cost_no_more_than_others() {
    let size = if cfg!(debug_assertions) {
        200_000
    } else {
        1_000_000
    };
    for part in [
        "00D",
        "EAA",
        "eyJ",
        "5Aep",
        "://",
        "://a:",
        "-----BEGIN ",
        "token:",
        "=EAA",
        "token: ",
        "password",
        "00D5f000000abcdEAA!",
    ] {
        let repeated = part.repeat(size / part.len());
        for text in [
            format!("x: [\"{repeated}\""),
            format!("# {repeated}\n{MINIMAL}"),
            repeated,
        ] {
            let start = Instant::now();
            read::project("bridged.yaml", text.as_bytes());
            let took = start.elapsed();
            let most = if cfg!(debug_assertions) { 10 } else { 1 };
            assert!(took < Duration::from_secs(most), "{part}: {took:?}");
        }
    }
}
