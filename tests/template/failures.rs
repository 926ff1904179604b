//! What is wrong with a template, and what is wrong with a record: code, message, place and help of each, as goldens.

use std::fmt::Write as _;
use std::ops::Range;

use bridged::template::Template;
use bridged::template::error::EvaluateError;
use bridged::template::scope::Scope;

use super::record;
use crate::support::golden::assert_golden;

/// Templates that do not compile.
const REFUSED: &[&str] = &[
    "{{ A",
    "{{ A }",
    "{{ }}",
    "{{ A B }}",
    "{{ 1 +* 2 }}",
    "{{ 'open }}",
    "{{ A | }}",
    "{{ A.}}",
    "{{ A[ }}",
    "{{ A[] }}",
    "{% if A %}x",
    "{% endif %}",
    "{% if %}{% endif %}",
    "{% for t Tasks %}{% endfor %}",
    "{% for t in Tasks %}",
    "{% set = 1 %}",
    "{% set none = 1 %}",
    "{{ (A }}",
    "{{ A) }}",
    "{{ A if }}",
    "{{ 99999999999999999999999 }}",
    "{{ é }}",
    "{{ A ~ }} 😀",
    "😀 {{ A B }}",
    "{% unknown %}",
    "{{ A == }}",
    "{{ a = 1 }}",
    "{{ A is }}",
    "{# open",
    "{% include 'x' %}",
    "{% macro m() %}{% endmacro %}",
    "{{ e164(Phone) }}",
    "{{ Name.upper() }}",
    "{{ uper(Name) }}",
    "{{ foo() }}",
    "{{ (A or B)() }}",
    "{% for a, b in C %}{% endfor %}",
    "{% for a in C recursive %}{% endfor %}",
    "{% do A.x() %}",
    "{{ A | replace(*B) }}",
    "{{ A[::2] }}",
    "{{ {1: 2} }}",
    "{% set a.b = 1 %}",
    "{% set x | upper %}y{% endset %}",
    "{% autoescape true %}{% endautoescape %}",
    "{{ A | e146 }}",
    "{{ A | trimm }}",
    "{{ A | xyzzy }}",
    "{{ A | none }}",
    "{{ A | first.Name }}",
    "{{ A is nul }}",
    "{{ A is trim }}",
    "{{ A is zzzzzzz }}",
    "{{ T | selectattr('S', 'equal_to', 1) }}",
    "{{ T | map('uper') }}",
    "{{ A | trim('x') }}",
    "{{ A | replace('a') }}",
    "{{ A | replace('a', 'b', 'c') }}",
    "{{ A | replace(old='a', neu='b') }}",
    "{{ A | replace('a', old='b') }}",
    "{{ A | e164(country='USA') }}",
    "{{ A | e164(country='XX') }}",
    "{{ A | e164(contry='US') }}",
    "{{ A | e164(country=1) }}",
    "{{ A | e164(strict='yes') }}",
    "{{ A | date(timezone='Europe/Lodon') }}",
    "{{ A | date(timezone='Mars') }}",
    "{{ A | date('%Q-%!') }}",
    "{{ A | truncate }}",
    "{{ A | truncate(-1) }}",
    "{{ A | truncate('5') }}",
    "{{ T | map }}",
    "{{ T | map('trim', attribute='A') }}",
    "{{ T | map(attribute=X) }}",
    "{{ T | selectattr('A b') }}",
    "{{ T | selectattr('A', 'in') }}",
    "{{ T | select('odd', 1) }}",
    "{{ T | map('replace', 'a') }}",
    "{{ T | groupby }}",
    "{{ A is divisibleby }}",
    "{{ A | default }}",
    "{{ T | map('e164', 'ZZ') }}",
    "{{ Owner[Key__c] }}",
    "{{ Tasks[A ~ 'b'] }}",
    "{% for t in Tasks %}{{ t[A] }}{% endfor %}",
    "{% if A %}{% set x = 1 %}{% endif %}{{ x }}",
    "{% for t in Tasks %}{{ loop.idx }}{% endfor %}",
    "{% for t in Tasks %}{{ loop }}{% endfor %}",
    "{% for t in Tasks %}{{ loop.cycle('a') }}{% endfor %}",
];

/// Templates that compile, and records they have no value for.
const FAILED: &[(&str, &str)] = &[
    ("{{ Owner.Nmae }}", r#"{"Owner": {"Name": "Ng"}}"#),
    ("{{ Zzz }}", r#"{"A": 1}"#),
    ("x {{ Zzz }}", r#"{"A": 1}"#),
    ("{{ Name.First }}", r#"{"Name": "Ada"}"#),
    ("{{ A | trim }}", "{}"),
    ("{% set a = A %}{{ a }}", "{}"),
    (
        "{% for t in T %}{{ t.Statsu }}{% endfor %}",
        r#"{"T": [{"Status": 1}]}"#,
    ),
    (
        "{{ T | map(attribute='Statsu') }}",
        r#"{"T": [{"Status": 1}]}"#,
    ),
    (
        "{{ T | selectattr('Owner.Nmae') }}",
        r#"{"T": [{"Owner": {"Name": "x"}}]}"#,
    ),
    ("{{ T[0].X }}", r#"{"T": [{"Y": 1}]}"#),
    ("{{ A | default(B) }}", r#"{"A": null}"#),
    ("is {{ T }}", r#"{"T": [1]}"#),
    ("is {{ T }}", r#"{"T": {"A": 1}}"#),
    ("{% for t in T %}{{ T }}{% endfor %}", r#"{"T": [1]}"#),
    ("{{ A > 5 }}", r#"{"A": "6"}"#),
    ("{{ A < B }}", r#"{"A": [1], "B": 2}"#),
    ("{{ 1 in A }}", r#"{"A": "1"}"#),
    ("{{ 'a' in A }}", r#"{"A": 5}"#),
    ("{{ A + 1 }}", r#"{"A": null}"#),
    ("{{ A + 1 }}", r#"{"A": "1"}"#),
    ("{{ A / 0 }}", r#"{"A": 1}"#),
    ("{{ A % 0 }}", r#"{"A": 1}"#),
    ("{{ -A }}", r#"{"A": "x"}"#),
    ("{{ A ** 400 }}", r#"{"A": 10}"#),
    ("{{ A * 10 }}", r#"{"A": 9223372036854775807}"#),
    ("{{ A['x'] }}", r#"{"A": [1]}"#),
    ("{{ A[0] }}", r#"{"A": 5}"#),
    ("{{ A[1.5] }}", r#"{"A": [1, 2]}"#),
    ("{{ A[1:] }}", r#"{"A": 5}"#),
    ("{% for t in A %}{% endfor %}", r#"{"A": "text"}"#),
    ("{% for t in A %}{% endfor %}", r#"{"A": {"B": 1}}"#),
    ("{{ A | upper }}", r#"{"A": [1]}"#),
    ("{{ A | trim }}", r#"{"A": {"B": 1}}"#),
    ("{{ A | int }}", r#"{"A": "twelve"}"#),
    ("{{ A | int }}", r#"{"A": "inf"}"#),
    ("{{ A | int }}", r#"{"A": 1e300}"#),
    ("{{ A | float }}", r#"{"A": "1,5"}"#),
    ("{{ A | float }}", r#"{"A": []}"#),
    ("{{ A | round }}", r#"{"A": "1.5"}"#),
    ("{{ A | abs }}", r#"{"A": true}"#),
    ("{{ A | date }}", r#"{"A": "24.07.2024"}"#),
    ("{{ A | date }}", r#"{"A": "2024-07-24 14:05"}"#),
    ("{{ A | date }}", r#"{"A": "2024-02-30"}"#),
    ("{{ A | date('%H:%M') }}", r#"{"A": "2024-07-24"}"#),
    (
        "{{ A | date(timezone=Z) }}",
        r#"{"A": "2024-07-24", "Z": "Mars/Base"}"#,
    ),
    (
        "{{ A | days_since(B) }}",
        r#"{"A": "2024-07-24", "B": "soon"}"#,
    ),
    (
        "{{ A | e164(country='US', strict=true) }}",
        r#"{"A": "call me"}"#,
    ),
    ("{{ A | e164(strict=true) }}", r#"{"A": "(415) 555-0100"}"#),
    ("{{ A | e164(country=C) }}", r#"{"A": "1", "C": 1}"#),
    ("{{ A | e164(country='US') }}", r#"{"A": [1]}"#),
    ("{{ A | replace(B, 'x') }}", r#"{"A": "a", "B": ""}"#),
    ("{{ A | replace('a', B) }}", r#"{"A": "a", "B": 1}"#),
    ("{{ A | truncate(B) }}", r#"{"A": "abc", "B": -1}"#),
    ("{{ A | truncate(2, end='...') }}", r#"{"A": "abc"}"#),
    ("{{ A | split('') }}", r#"{"A": "abc"}"#),
    ("{{ A | length }}", r#"{"A": 5}"#),
    ("{{ A | first }}", r#"{"A": 5}"#),
    ("{{ A | join }}", r#"{"A": "text"}"#),
    ("{{ A | join }}", r#"{"A": [[1]]}"#),
    ("{{ A | sort }}", r#"{"A": [1, "a"]}"#),
    ("{{ A | sort }}", r#"{"A": [{"B": 1}]}"#),
    ("{{ A | sum }}", r#"{"A": ["1"]}"#),
    ("{{ A | min }}", r#"{"A": [1, "a"]}"#),
    ("{{ A | map('int') }}", r#"{"A": ["1", "x"]}"#),
    (
        "{{ A | selectattr('S', 'gt', 5) | list }}",
        r#"{"A": [{"S": "x"}]}"#,
    ),
    ("{{ A | map(attribute='S') }}", r#"{"A": [1]}"#),
];

/// The template with carets under its mistake.
fn underlined(template: &str, span: Range<usize>) -> String {
    let before = template[..span.start].chars().count();
    let width = template[span].chars().count().max(1);
    format!("{template}\n{}{}", " ".repeat(before), "^".repeat(width))
}

#[test]
fn every_mistake_of_an_author_is_named_and_shown() {
    let mut written = String::new();
    for template in REFUSED {
        let error = Template::compile(template)
            .err()
            .unwrap_or_else(|| panic!("{template} compiles"));
        let shown = underlined(template, error.span.clone());
        writeln!(written, "{shown} error[{}]: {}", error.code, error.message).unwrap();
        if let Some(help) = error.help {
            writeln!(written, "  help: {help}").unwrap();
        }
        written.push('\n');
    }
    assert_golden("template/refused.txt", &written);
}

fn failure(template: &str, given: &str) -> EvaluateError {
    let record = record(given);
    Template::compile(template)
        .unwrap_or_else(|error| panic!("{template}: {error:?}"))
        .evaluate(&Scope::new().with_record(&record))
        .expect_err(template)
}

#[test]
fn a_record_without_a_value_says_why_and_where() {
    let mut written = String::new();
    for (template, given) in FAILED {
        let error = failure(template, given);
        let span = error.span.clone().expect("a place");
        let shown = underlined(template, span);
        writeln!(written, "{shown} error[{}]: {}", error.code, error.message).unwrap();
        let name = error.name.as_deref().unwrap_or("-");
        writeln!(written, "  over {given}, name {name}\n").unwrap();
    }
    assert_golden("template/failed.txt", &written);
}

#[test]
fn no_value_of_a_record_is_in_an_error() {
    for (template, _) in FAILED {
        for secret in [
            r#""s3cr3t""#,
            r#"["s3cr3t"]"#,
            r#"{"K": "s3cr3t"}"#,
            "73313371",
        ] {
            let fields: Vec<_> = ["A", "B", "C", "T", "Z", "Name", "Owner"]
                .iter()
                .map(|name| format!("\"{name}\": {secret}"))
                .collect();
            let record = record(&format!("{{{}}}", fields.join(", ")));
            let compiled = Template::compile(template).expect("it compiles");
            if let Err(error) = compiled.evaluate(&Scope::new().with_record(&record)) {
                let written = format!("{error:?}");
                let shows = written.contains("s3cr3t") || written.contains("73313371");
                assert!(!shows, "{template} over {secret}: {written}");
            }
        }
    }
}

/// The same mistake is the same error whether a template needs the engine or not.
#[test]
fn errors_do_not_depend_on_the_way_of_evaluation() {
    const PREFIX: &str = "{% set unused = 1 %}";
    for (template, given) in FAILED {
        let mut direct = failure(template, given);
        direct.span = direct
            .span
            .map(|span| span.start + PREFIX.len()..span.end + PREFIX.len());
        assert_eq!(
            failure(&format!("{PREFIX}{template}"), given),
            direct,
            "{template} over {given}"
        );
    }
}
