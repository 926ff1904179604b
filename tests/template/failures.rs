//! What is wrong with a template, and what is wrong with a record: code, message, place and help of each.

use bridged::template::Template;
use bridged::template::scope::Scope;

use super::record;

/// Template, code, message, the text that is underlined, and the start of the help.
type Wrong = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

fn refused(rows: &[Wrong]) {
    for (template, code, message, underlined, help) in rows {
        let error = Template::compile(template)
            .err()
            .unwrap_or_else(|| panic!("{template} compiles"));
        let found = (
            error.code.as_str(),
            error.message.as_str(),
            &template[error.span.clone()],
        );
        assert_eq!(
            found,
            (*code, *message, *underlined),
            "{template}: {error:?}"
        );
        let written = error.help.unwrap_or_default();
        assert!(
            written.starts_with(help),
            "{template}: the help is `{written}`"
        );
    }
}

const SYNTAX: &[Wrong] = &[
    (
        "{{ A",
        "template-syntax",
        "the template ends before an expression is closed",
        "A",
        "close every `{{` with `}}`, every `{%` with `%}`, and every statement with its `end…`",
    ),
    (
        "{{ A }",
        "template-syntax",
        "unexpected `}`, expected `}}`",
        "}",
        "close the expression with `}}`; join names and texts with `~`, apply filters with `|`",
    ),
    (
        "{{ }}",
        "template-syntax",
        "an expression is missing before `}}`",
        "}}",
        "close the expression with `}}`; join names and texts with `~`, apply filters with `|`",
    ),
    (
        "{{ A B }}",
        "template-syntax",
        "unexpected name, expected `}}`",
        "B",
        "close the expression with `}}`; join names and texts with `~`, apply filters with `|`",
    ),
    (
        "{{ 1 +* 2 }}",
        "template-syntax",
        "unexpected `*`",
        "*",
        "write names, texts in quotes, numbers, and filters behind `|`",
    ),
    (
        "{{ 'open }}",
        "template-syntax",
        "a quotation mark is never closed",
        "'",
        "close the quotation mark",
    ),
    (
        "{{ A | }}",
        "template-syntax",
        "unexpected `}}`, expected a name",
        "}}",
        "close the expression with `}}`; join names and texts with `~`, apply filters with `|`",
    ),
    (
        "{{ A.}}",
        "template-syntax",
        "unexpected `}}`, expected a name or a number",
        "}}",
        "close the expression with `}}`; join names and texts with `~`, apply filters with `|`",
    ),
    (
        "{{ A[ }}",
        "template-syntax",
        "unexpected `}`",
        "}",
        "write names, texts in quotes, numbers, and filters behind `|`",
    ),
    (
        "{{ A[] }}",
        "template-syntax",
        "unexpected `]`",
        "]",
        "write names, texts in quotes, numbers, and filters behind `|`",
    ),
    (
        "{% if A %}x",
        "template-syntax",
        "the template ends before a statement is closed",
        "x",
        "close every `{{` with `}}`, every `{%` with `%}`, and every statement with its `end…`",
    ),
    (
        "{% endif %}",
        "template-syntax",
        "`endif` belongs to no open statement",
        "endif",
        "remove it, or write its `{% if … %}` or `{% for … %}`",
    ),
    (
        "{% if %}{% endif %}",
        "template-syntax",
        "an expression is missing before `%}`",
        "%}",
        "write names, texts in quotes, numbers, and filters behind `|`",
    ),
    (
        "{% for t Tasks %}{% endfor %}",
        "template-syntax",
        "unexpected name, expected `in`",
        "Tasks",
        "write names, texts in quotes, numbers, and filters behind `|`",
    ),
    (
        "{% for t in Tasks %}",
        "template-syntax",
        "the template ends before a statement is closed",
        "%}",
        "close every `{{` with `}}`, every `{%` with `%}`, and every statement with its `end…`",
    ),
    (
        "{% set = 1 %}",
        "template-syntax",
        "unexpected `=`, expected a name",
        "=",
        "write names, texts in quotes, numbers, and filters behind `|`",
    ),
    (
        "{% set none = 1 %}",
        "template-syntax",
        "`none` cannot be set",
        "none",
        "choose another name",
    ),
    (
        "{{ (A }}",
        "template-syntax",
        "unexpected `}`, expected `)`",
        "}",
        "write names, texts in quotes, numbers, and filters behind `|`",
    ),
    (
        "{{ A) }}",
        "template-syntax",
        "unexpected `)`, expected `}}`",
        ")",
        "close the expression with `}}`; join names and texts with `~`, apply filters with `|`",
    ),
    (
        "{{ A if }}",
        "template-syntax",
        "an expression is missing before `}}`",
        "}}",
        "close the expression with `}}`; join names and texts with `~`, apply filters with `|`",
    ),
    (
        "{{ 99999999999999999999999 }}",
        "template-syntax",
        "the whole number has more than 19 digits",
        "99999999999999999999999",
        "write a number of at most 19 digits",
    ),
    (
        "{{ é }}",
        "template-syntax",
        "unexpected character",
        "é",
        "write names, texts in quotes, numbers, and filters behind `|`",
    ),
    (
        "{{ A ~ }} 😀",
        "template-syntax",
        "an expression is missing before `}}`",
        "}}",
        "close the expression with `}}`; join names and texts with `~`, apply filters with `|`",
    ),
    (
        "😀 {{ A B }}",
        "template-syntax",
        "unexpected name, expected `}}`",
        "B",
        "close the expression with `}}`; join names and texts with `~`, apply filters with `|`",
    ),
    (
        "{{ A == }}",
        "template-syntax",
        "an expression is missing before `}}`",
        "}}",
        "close the expression with `}}`; join names and texts with `~`, apply filters with `|`",
    ),
    (
        "{{ a = 1 }}",
        "template-syntax",
        "unexpected `=`, expected `}}`",
        "=",
        "close the expression with `}}`; join names and texts with `~`, apply filters with `|`",
    ),
    (
        "{{ A is }}",
        "template-syntax",
        "unexpected `}}`, expected a name",
        "}}",
        "close the expression with `}}`; join names and texts with `~`, apply filters with `|`",
    ),
    (
        "{# open",
        "template-syntax",
        "a comment is never closed",
        "{#",
        "close it with `#}`",
    ),
    (
        "{% for t in Tasks %}{{ loop }}{% endfor %}",
        "template-syntax",
        "`loop` cannot be used without one of its fields",
        "loop",
        "write one of `loop.index`, `loop.index0`, `loop.revindex`, `loop.revindex0`, `loop.first`, `loop.last`, `loop.length`",
    ),
];

#[test]
fn what_cannot_be_read_is_shown_where_it_stops() {
    refused(SYNTAX);
}

const NOT_ALLOWED: &[Wrong] = &[
    (
        "{% unknown %}",
        "template-not-allowed",
        "there is no statement `unknown`",
        "unknown",
        "templates know `if`, `for`, `set` and `with`; they reach no other file and define no macros",
    ),
    (
        "{% include 'x' %}",
        "template-not-allowed",
        "there is no statement `include`",
        "include",
        "templates know `if`, `for`, `set` and `with`; they reach no other file and define no macros",
    ),
    (
        "{% macro m() %}{% endmacro %}",
        "template-not-allowed",
        "there is no statement `macro`",
        "macro",
        "templates know `if`, `for`, `set` and `with`; they reach no other file and define no macros",
    ),
    (
        "{{ e164(Phone) }}",
        "template-not-allowed",
        "there is no function `e164`",
        "e164(Phone)",
        "`e164` is a filter: write `… | e164`",
    ),
    (
        "{{ Name.upper() }}",
        "template-not-allowed",
        "there is no method `upper`",
        "Name.upper()",
        "`upper` is a filter: write `… | upper`",
    ),
    (
        "{{ uper(Name) }}",
        "template-not-allowed",
        "there is no function `uper`",
        "uper(Name)",
        "there is a filter `upper`: write `… | upper`",
    ),
    (
        "{{ foo() }}",
        "template-not-allowed",
        "there is no function `foo`",
        "foo()",
        "templates have filters and tests, and no functions",
    ),
    (
        "{{ (A or B)() }}",
        "template-not-allowed",
        "a value cannot be called",
        "(A or B)()",
        "apply a filter with `|`",
    ),
    (
        "{% for a, b in C %}{% endfor %}",
        "template-not-allowed",
        "only one plain name can be set",
        "a, b",
        "loops and `set` take one name: `{% for task in Tasks %}`",
    ),
    (
        "{% for a in C recursive %}{% endfor %}",
        "template-not-allowed",
        "a loop cannot be recursive",
        "for a in C recursive %}{% endfor",
        "name the fields of each level: `Owner.Manager.Name`",
    ),
    (
        "{% do A.x() %}",
        "template-not-allowed",
        "there is no statement `do`",
        "do A.x()",
        "templates know `if`, `for`, `set` and `with`; they reach no other file and define no macros",
    ),
    (
        "{{ A | replace(*B) }}",
        "template-not-allowed",
        "arguments cannot be unpacked with `*`",
        "B",
        "write each argument",
    ),
    (
        "{{ A[::2] }}",
        "template-not-allowed",
        "a slice cannot have a step",
        "2",
        "write `[start:stop]`, and `| reverse` to turn the order round",
    ),
    (
        "{{ {1: 2} }}",
        "template-not-allowed",
        "the keys of a map must be texts in quotes",
        "1",
        "",
    ),
    (
        "{% set a.b = 1 %}",
        "template-not-allowed",
        "only one plain name can be set",
        "b",
        "loops and `set` take one name: `{% for task in Tasks %}`",
    ),
    (
        "{% set x | upper %}y{% endset %}",
        "template-not-allowed",
        "a filter cannot stand in `{% set … %}` without a value",
        "upper",
        "apply the filter where the variable is used",
    ),
    (
        "{% autoescape true %}{% endautoescape %}",
        "template-not-allowed",
        "there is no statement `autoescape`",
        "autoescape true %}{% endautoescape",
        "templates know `if`, `for`, `set` and `with`; they reach no other file and define no macros",
    ),
    (
        "{% for t in Tasks %}{{ loop.cycle('a') }}{% endfor %}",
        "template-not-allowed",
        "there is no method `cycle`",
        "loop.cycle('a')",
        "templates have filters and tests, and no functions",
    ),
];

#[test]
fn what_templates_cannot_do_is_refused_with_what_they_can() {
    refused(NOT_ALLOWED);
}

const WORDS: &[Wrong] = &[
    (
        "{{ A | e146 }}",
        "template-unknown-filter",
        "there is no filter `e146`",
        "e146",
        "did you mean `e164`?",
    ),
    (
        "{{ A | trimm }}",
        "template-unknown-filter",
        "there is no filter `trimm`",
        "trimm",
        "did you mean `trim`?",
    ),
    (
        "{{ A | xyzzy }}",
        "template-unknown-filter",
        "there is no filter `xyzzy`",
        "xyzzy",
        "the filters are",
    ),
    (
        "{{ A | none }}",
        "template-unknown-filter",
        "there is no filter `none`",
        "none",
        "write it behind `is`: `… is none`",
    ),
    (
        "{{ A | first.Name }}",
        "template-unknown-filter",
        "there is no filter `first.Name`",
        "first.Name",
        "put brackets around the filter before you take a field of its result: `(… | first).Name`",
    ),
    (
        "{{ A is nul }}",
        "template-unknown-test",
        "there is no test `nul`",
        "nul",
        "did you mean `null`?",
    ),
    (
        "{{ A is trim }}",
        "template-unknown-test",
        "there is no test `trim`",
        "trim",
        "write it behind `|`: `… | trim`",
    ),
    (
        "{{ A is zzzzzzz }}",
        "template-unknown-test",
        "there is no test `zzzzzzz`",
        "zzzzzzz",
        "the tests are",
    ),
    (
        "{{ T | selectattr('S', 'equal_to', 1) }}",
        "template-unknown-test",
        "there is no test `equal_to`",
        "'equal_to'",
        "did you mean `equalto`?",
    ),
    (
        "{{ T | map('uper') }}",
        "template-unknown-filter",
        "there is no filter `uper`",
        "'uper'",
        "did you mean `upper`?",
    ),
];

#[test]
fn unknown_filters_and_tests_are_found_when_the_template_is_compiled() {
    refused(WORDS);
}

const ARGUMENTS: &[Wrong] = &[
    (
        "{{ A | trim('x') }}",
        "template-bad-argument",
        "`trim` takes no arguments",
        "'x'",
        "write `trim`",
    ),
    (
        "{{ A | replace('a') }}",
        "template-bad-argument",
        "`replace` needs `new`",
        "replace",
        "write `replace(old, new)`",
    ),
    (
        "{{ A | replace('a', 'b', 'c') }}",
        "template-bad-argument",
        "`replace` takes at most 2 arguments",
        "'c'",
        "write `replace(old, new)`",
    ),
    (
        "{{ A | replace(old='a', neu='b') }}",
        "template-bad-argument",
        "`replace` has no argument `neu`",
        "neu",
        "did you mean `new`?",
    ),
    (
        "{{ A | replace('a', old='b') }}",
        "template-bad-argument",
        "`old` is given twice",
        "'b'",
        "write `replace(old, new)`",
    ),
    (
        "{{ A | e164(country='USA') }}",
        "template-bad-argument",
        "there is no country `USA`",
        "'USA'",
        "use the two letters of ISO 3166-1, such as `US`, `GB` or `BR`",
    ),
    (
        "{{ A | e164(country='XX') }}",
        "template-bad-argument",
        "there is no country `XX`",
        "'XX'",
        "use the two letters of ISO 3166-1, such as `US`, `GB` or `BR`",
    ),
    (
        "{{ A | e164(contry='US') }}",
        "template-bad-argument",
        "`e164` has no argument `contry`",
        "contry",
        "did you mean `country`?",
    ),
    (
        "{{ A | e164(country=1) }}",
        "template-bad-argument",
        "`country` must be a text in quotes, and it is a number",
        "1",
        "write `e164(country=none, strict=false)`",
    ),
    (
        "{{ A | e164(strict='yes') }}",
        "template-bad-argument",
        "`strict` must be `true` or `false`, and it is a text",
        "'yes'",
        "write `e164(country=none, strict=false)`",
    ),
    (
        "{{ A | date(timezone='Europe/Lodon') }}",
        "template-bad-argument",
        "there is no time zone `Europe/Lodon`",
        "'Europe/Lodon'",
        "did you mean `Europe/London`?",
    ),
    (
        "{{ A | date(timezone='Mars') }}",
        "template-bad-argument",
        "there is no time zone `Mars`",
        "'Mars'",
        "use a name of the IANA database, such as `Europe/London`",
    ),
    (
        "{{ A | date('%Q-%!') }}",
        "template-bad-argument",
        "the date format cannot be used: unrecognized specifier directive `!`",
        "'%Q-%!'",
        "use the directives of `strftime`, such as `%Y-%m-%d %H:%M`",
    ),
    (
        "{{ A | truncate }}",
        "template-bad-argument",
        "`truncate` needs `length`",
        "truncate",
        "write `truncate(length, end='…')`",
    ),
    (
        "{{ A | truncate(-1) }}",
        "template-bad-argument",
        "`length` must be a whole number from 0 to 1000000",
        "-1",
        "write `truncate(length, end='…')`",
    ),
    (
        "{{ A | truncate('5') }}",
        "template-bad-argument",
        "`length` must be a whole number from 0 to 1000000, and it is a text",
        "'5'",
        "write `truncate(length, end='…')`",
    ),
    (
        "{{ T | map }}",
        "template-bad-argument",
        "`map` needs a filter or `attribute`",
        "map",
        "write `map(filter=none, attribute=none, …)`",
    ),
    (
        "{{ T | map('trim', attribute='A') }}",
        "template-bad-argument",
        "`map` takes a filter or `attribute`, not both",
        "'A'",
        "write `map(filter=none, attribute=none, …)`",
    ),
    (
        "{{ T | map(attribute=X) }}",
        "template-bad-argument",
        "`attribute` must be a text in quotes",
        "X",
        "write `map(filter=none, attribute=none, …)`",
    ),
    (
        "{{ T | selectattr('A b') }}",
        "template-bad-argument",
        "a field is named by letters, digits and `_`, parents with dots",
        "'A b'",
        "write `selectattr(attribute, test=none, …)`",
    ),
    (
        "{{ T | selectattr('A', 'in') }}",
        "template-bad-argument",
        "`in` needs `other`",
        "selectattr",
        "write `in(other)`",
    ),
    (
        "{{ T | select('odd', 1) }}",
        "template-bad-argument",
        "`odd` takes no arguments",
        "1",
        "write `odd`",
    ),
    (
        "{{ T | map('replace', 'a') }}",
        "template-bad-argument",
        "`replace` needs `new`",
        "map",
        "write `replace(old, new)`",
    ),
    (
        "{{ T | groupby }}",
        "template-bad-argument",
        "`groupby` needs `attribute`",
        "groupby",
        "write `groupby(attribute)`",
    ),
    (
        "{{ A is divisibleby }}",
        "template-bad-argument",
        "`divisibleby` needs `other`",
        "divisibleby",
        "write `divisibleby(other)`",
    ),
    (
        "{{ A | default }}",
        "template-bad-argument",
        "`default` needs `value`",
        "default",
        "write `default(value)`",
    ),
    (
        "{{ T | map('e164', 'ZZ') }}",
        "template-bad-argument",
        "there is no country `ZZ`",
        "'ZZ'",
        "use the two letters of ISO 3166-1, such as `US`, `GB` or `BR`",
    ),
];

#[test]
fn wrong_arguments_are_found_when_the_template_is_compiled() {
    refused(ARGUMENTS);
}

const NAMES: &[Wrong] = &[
    (
        "{{ Owner[Key__c] }}",
        "template-name-unclear",
        "the field between `[` and `]` is computed, so it cannot be told which one is read",
        "Key__c",
        "write the name (`Owner['Name']`), or choose with `… if … else …`",
    ),
    (
        "{{ Tasks[A ~ 'b'] }}",
        "template-name-unclear",
        "the field between `[` and `]` is computed, so it cannot be told which one is read",
        "A ~ 'b'",
        "write the name (`Owner['Name']`), or choose with `… if … else …`",
    ),
    (
        "{% for t in Tasks %}{{ t[A] }}{% endfor %}",
        "template-name-unclear",
        "the field between `[` and `]` is computed, so it cannot be told which one is read",
        "A",
        "write the name (`Owner['Name']`), or choose with `… if … else …`",
    ),
    (
        "{% if A %}{% set x = 1 %}{% endif %}{{ x }}",
        "template-name-unclear",
        "`x` is set in one branch of an `if` only",
        "x",
        "set `x` before the `if` too",
    ),
    (
        "{% for t in Tasks %}{{ loop.idx }}{% endfor %}",
        "template-unknown-name",
        "`loop` has no field `idx`",
        "loop.idx",
        "write one of `loop.index`, `loop.index0`, `loop.revindex`, `loop.revindex0`, `loop.first`, `loop.last`, `loop.length`",
    ),
];

#[test]
fn names_that_cannot_be_told_are_refused() {
    refused(NAMES);
}

/// Template, record, code, message, the name at fault, and the text that is underlined.
type Failed = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
);

const RECORDS: &[Failed] = &[
    (
        "{{ Owner.Nmae }}",
        r#"{"Owner": {"Name": "Ng"}}"#,
        "template-undefined",
        "`Owner.Nmae` is not there; did you mean `Owner.Name`?",
        Some("Owner.Nmae"),
        Some("Owner.Nmae"),
    ),
    (
        "{{ Zzz }}",
        r#"{"A": 1}"#,
        "template-undefined",
        "`Zzz` is not there",
        Some("Zzz"),
        Some("Zzz"),
    ),
    (
        "x {{ Zzz }}",
        r#"{"A": 1}"#,
        "template-undefined",
        "`Zzz` is not there",
        Some("Zzz"),
        Some("Zzz"),
    ),
    (
        "{{ Name.First }}",
        r#"{"Name": "Ada"}"#,
        "template-type-mismatch",
        "`Name` is a text and has no field `First`",
        Some("Name.First"),
        Some("Name.First"),
    ),
    (
        "{{ A | trim }}",
        r#"{}"#,
        "template-undefined",
        "`A` is not there",
        Some("A"),
        Some("A"),
    ),
    (
        "{% set a = A %}{{ a }}",
        r#"{}"#,
        "template-undefined",
        "`A` is not there",
        Some("A"),
        Some("A"),
    ),
    (
        "{% for t in T %}{{ t.Statsu }}{% endfor %}",
        r#"{"T": [{"Status": 1}]}"#,
        "template-undefined",
        "`Statsu` is not there; did you mean `Status`?",
        Some("Statsu"),
        Some("t.Statsu"),
    ),
    (
        "{{ T | map(attribute='Statsu') }}",
        r#"{"T": [{"Status": 1}]}"#,
        "template-undefined",
        "`Statsu` is not there; did you mean `Status`?",
        Some("Statsu"),
        Some("map(attribute='Statsu')"),
    ),
    (
        "{{ T | selectattr('Owner.Nmae') }}",
        r#"{"T": [{"Owner": {"Name": "x"}}]}"#,
        "template-undefined",
        "`Nmae` is not there; did you mean `Name`?",
        Some("Nmae"),
        Some("selectattr('Owner.Nmae')"),
    ),
    (
        "{{ T[0].X }}",
        r#"{"T": [{"Y": 1}]}"#,
        "template-undefined",
        "`X` is not there",
        Some("X"),
        Some("T[0].X"),
    ),
    (
        "{{ A | default(B) }}",
        r#"{"A": null}"#,
        "template-undefined",
        "`B` is not there",
        Some("B"),
        Some("B"),
    ),
    (
        "is {{ T }}",
        r#"{"T": [1]}"#,
        "template-type-mismatch",
        "a list cannot stand in text: join it with `| join(', ')`, or pick one item with `| first`",
        None,
        Some("T"),
    ),
    (
        "is {{ T }}",
        r#"{"T": {"A": 1}}"#,
        "template-type-mismatch",
        "a map cannot stand in text: pick one of its fields, or write it with `| tojson`",
        None,
        Some("T"),
    ),
    (
        "{% for t in T %}{{ T }}{% endfor %}",
        r#"{"T": [1]}"#,
        "template-type-mismatch",
        "a list cannot stand in text: join it with `| join(', ')`, or pick one item with `| first`",
        None,
        Some("T"),
    ),
    (
        "{{ A > 5 }}",
        r#"{"A": "6"}"#,
        "template-type-mismatch",
        "a text and a number cannot be put in order",
        None,
        Some("A > 5"),
    ),
    (
        "{{ A < B }}",
        r#"{"A": [1], "B": 2}"#,
        "template-type-mismatch",
        "a list and a number cannot be put in order",
        None,
        Some("A < B"),
    ),
    (
        "{{ 1 in A }}",
        r#"{"A": "1"}"#,
        "template-type-mismatch",
        "a number cannot be searched for in a text",
        None,
        Some("1 in A"),
    ),
    (
        "{{ 'a' in A }}",
        r#"{"A": 5}"#,
        "template-type-mismatch",
        "a text cannot be searched for in a number",
        None,
        Some("'a' in A"),
    ),
    (
        "{{ A + 1 }}",
        r#"{"A": null}"#,
        "template-type-mismatch",
        "cannot calculate null `+` a number",
        None,
        Some("A + 1"),
    ),
    (
        "{{ A + 1 }}",
        r#"{"A": "1"}"#,
        "template-type-mismatch",
        "cannot calculate a text `+` a number",
        None,
        Some("A + 1"),
    ),
    (
        "{{ A / 0 }}",
        r#"{"A": 1}"#,
        "template-type-mismatch",
        "cannot divide by zero",
        None,
        Some("A / 0"),
    ),
    (
        "{{ A % 0 }}",
        r#"{"A": 1}"#,
        "template-type-mismatch",
        "cannot divide by zero",
        None,
        Some("A % 0"),
    ),
    (
        "{{ -A }}",
        r#"{"A": "x"}"#,
        "template-type-mismatch",
        "cannot turn the sign of a text",
        None,
        Some("-A"),
    ),
    (
        "{{ A ** 400 }}",
        r#"{"A": 10}"#,
        "template-type-mismatch",
        "the result of the calculation does not fit a number",
        None,
        Some("A ** 400"),
    ),
    (
        "{{ A * 10 }}",
        r#"{"A": 9223372036854775807}"#,
        "template-type-mismatch",
        "the result of the calculation does not fit a number",
        None,
        Some("A * 10"),
    ),
    (
        "{{ A['x'] }}",
        r#"{"A": [1]}"#,
        "template-type-mismatch",
        "`A` is a list and has no field `x`",
        Some("A.x"),
        Some("A['x']"),
    ),
    (
        "{{ A[0] }}",
        r#"{"A": 5}"#,
        "template-type-mismatch",
        "a number has no items named by a number",
        None,
        Some("A[0]"),
    ),
    (
        "{{ A[1.5] }}",
        r#"{"A": [1, 2]}"#,
        "template-type-mismatch",
        "the number of an item must be a whole number",
        None,
        Some("A[1.5]"),
    ),
    (
        "{{ A[1:] }}",
        r#"{"A": 5}"#,
        "template-type-mismatch",
        "a number cannot be sliced",
        None,
        Some("A[1:]"),
    ),
    (
        "{% for t in A %}{% endfor %}",
        r#"{"A": "text"}"#,
        "template-type-mismatch",
        "a loop goes over a list, and it is given a text",
        None,
        Some("A"),
    ),
    (
        "{% for t in A %}{% endfor %}",
        r#"{"A": {"B": 1}}"#,
        "template-type-mismatch",
        "a loop goes over a list, and it is given a map",
        None,
        Some("A"),
    ),
    (
        "{{ A | upper }}",
        r#"{"A": [1]}"#,
        "template-type-mismatch",
        "`upper` works on text, and it is given a list",
        None,
        Some("upper"),
    ),
    (
        "{{ A | trim }}",
        r#"{"A": {"B": 1}}"#,
        "template-type-mismatch",
        "`trim` works on text, and it is given a map",
        None,
        Some("trim"),
    ),
    (
        "{{ A | int }}",
        r#"{"A": "twelve"}"#,
        "template-filter-failed",
        "`int` is given a text that is not a number",
        None,
        Some("int"),
    ),
    (
        "{{ A | int }}",
        r#"{"A": "inf"}"#,
        "template-filter-failed",
        "`int` is given a text that is not a number",
        None,
        Some("int"),
    ),
    (
        "{{ A | int }}",
        r#"{"A": 1e300}"#,
        "template-filter-failed",
        "the number has more digits than a whole number may have",
        None,
        Some("int"),
    ),
    (
        "{{ A | float }}",
        r#"{"A": "1,5"}"#,
        "template-filter-failed",
        "`float` is given a text that is not a number",
        None,
        Some("float"),
    ),
    (
        "{{ A | float }}",
        r#"{"A": []}"#,
        "template-type-mismatch",
        "`float` works on numbers, and it is given a list",
        None,
        Some("float"),
    ),
    (
        "{{ A | round }}",
        r#"{"A": "1.5"}"#,
        "template-type-mismatch",
        "`round` works on numbers, and it is given a text",
        None,
        Some("round"),
    ),
    (
        "{{ A | abs }}",
        r#"{"A": true}"#,
        "template-type-mismatch",
        "`abs` works on numbers, and it is given a boolean",
        None,
        Some("abs"),
    ),
    (
        "{{ A | date }}",
        r#"{"A": "24.07.2024"}"#,
        "template-filter-failed",
        "`date` is given a text that is neither a date nor a date-time with its offset",
        None,
        Some("date"),
    ),
    (
        "{{ A | date }}",
        r#"{"A": "2024-07-24 14:05"}"#,
        "template-filter-failed",
        "`date` is given a text that is neither a date nor a date-time with its offset",
        None,
        Some("date"),
    ),
    (
        "{{ A | date }}",
        r#"{"A": "2024-02-30"}"#,
        "template-filter-failed",
        "`date` is given a text that is neither a date nor a date-time with its offset",
        None,
        Some("date"),
    ),
    (
        "{{ A | date('%H:%M') }}",
        r#"{"A": "2024-07-24"}"#,
        "template-filter-failed",
        "the format asks for a time or a zone, and the value is a date without one",
        None,
        Some("date('%H:%M')"),
    ),
    (
        "{{ A | date(timezone=Z) }}",
        r#"{"A": "2024-07-24", "Z": "Mars/Base"}"#,
        "template-filter-failed",
        "the time zone is not in the IANA database",
        None,
        Some("date(timezone=Z)"),
    ),
    (
        "{{ A | days_since(B) }}",
        r#"{"A": "2024-07-24", "B": "soon"}"#,
        "template-filter-failed",
        "`days_since` is given a text that is neither a date nor a date-time with its offset",
        None,
        Some("days_since(B)"),
    ),
    (
        "{{ A | e164(country='US', strict=true) }}",
        r#"{"A": "call me"}"#,
        "template-filter-failed",
        "the text is not a valid telephone number",
        None,
        Some("e164(country='US', strict=true)"),
    ),
    (
        "{{ A | e164(strict=true) }}",
        r#"{"A": "(415) 555-0100"}"#,
        "template-filter-failed",
        "the text is not a valid telephone number with its country's code",
        None,
        Some("e164(strict=true)"),
    ),
    (
        "{{ A | e164(country=C) }}",
        r#"{"A": "1", "C": 1}"#,
        "template-type-mismatch",
        "`country` must be a text, and it is a number",
        None,
        Some("e164(country=C)"),
    ),
    (
        "{{ A | e164(country='US') }}",
        r#"{"A": [1]}"#,
        "template-type-mismatch",
        "`e164` works on text, and it is given a list",
        None,
        Some("e164(country='US')"),
    ),
    (
        "{{ A | replace(B, 'x') }}",
        r#"{"A": "a", "B": ""}"#,
        "template-filter-failed",
        "`replace` needs a text to look for",
        None,
        Some("replace(B, 'x')"),
    ),
    (
        "{{ A | replace('a', B) }}",
        r#"{"A": "a", "B": 1}"#,
        "template-type-mismatch",
        "`new` must be a text, and it is a number",
        None,
        Some("replace('a', B)"),
    ),
    (
        "{{ A | truncate(B) }}",
        r#"{"A": "abc", "B": -1}"#,
        "template-type-mismatch",
        "`length` must be a whole number from 0 to 1000000",
        None,
        Some("truncate(B)"),
    ),
    (
        "{{ A | truncate(2, end='...') }}",
        r#"{"A": "abc"}"#,
        "template-filter-failed",
        "`truncate` to 2 characters leaves no room for an end of 3",
        None,
        Some("truncate(2, end='...')"),
    ),
    (
        "{{ A | split('') }}",
        r#"{"A": "abc"}"#,
        "template-filter-failed",
        "`split` needs a separator that is not empty",
        None,
        Some("split('')"),
    ),
    (
        "{{ A | length }}",
        r#"{"A": 5}"#,
        "template-type-mismatch",
        "`length` works on lists, maps and text, and it is given a number",
        None,
        Some("length"),
    ),
    (
        "{{ A | first }}",
        r#"{"A": 5}"#,
        "template-type-mismatch",
        "`first` works on lists, and it is given a number",
        None,
        Some("first"),
    ),
    (
        "{{ A | join }}",
        r#"{"A": "text"}"#,
        "template-type-mismatch",
        "`join` works on lists, and it is given a text",
        None,
        Some("join"),
    ),
    (
        "{{ A | join }}",
        r#"{"A": [[1]]}"#,
        "template-type-mismatch",
        "a list cannot stand in text: join it with `| join(', ')`, or pick one item with `| first`",
        None,
        Some("join"),
    ),
    (
        "{{ A | sort }}",
        r#"{"A": [1, "a"]}"#,
        "template-type-mismatch",
        "`sort` is given values of several kinds, which stand in no order",
        None,
        Some("sort"),
    ),
    (
        "{{ A | sort }}",
        r#"{"A": [{"B": 1}]}"#,
        "template-type-mismatch",
        "`sort` puts texts and numbers in order, and it is given a map; name a field with `attribute`",
        None,
        Some("sort"),
    ),
    (
        "{{ A | sum }}",
        r#"{"A": ["1"]}"#,
        "template-type-mismatch",
        "`sum` adds up numbers, and it is given a text",
        None,
        Some("sum"),
    ),
    (
        "{{ A | min }}",
        r#"{"A": [1, "a"]}"#,
        "template-type-mismatch",
        "`min` is given values of several kinds, which stand in no order",
        None,
        Some("min"),
    ),
    (
        "{{ A | map('int') }}",
        r#"{"A": ["1", "x"]}"#,
        "template-filter-failed",
        "`int` is given a text that is not a number",
        None,
        Some("map('int')"),
    ),
    (
        "{{ A | selectattr('S', 'gt', 5) | list }}",
        r#"{"A": [{"S": "x"}]}"#,
        "template-type-mismatch",
        "a text and a number cannot be put in order",
        None,
        Some("selectattr('S', 'gt', 5)"),
    ),
    (
        "{{ A | map(attribute='S') }}",
        r#"{"A": [1]}"#,
        "template-type-mismatch",
        "a number has no field `S`",
        Some("S"),
        Some("map(attribute='S')"),
    ),
];

#[test]
fn a_record_without_a_value_says_why_and_where() {
    for (template, given, code, message, name, underlined) in RECORDS {
        let record = record(given);
        let compiled =
            Template::compile(template).unwrap_or_else(|error| panic!("{template}: {error:?}"));
        let error = compiled
            .evaluate(&Scope::new().with_record(&record))
            .expect_err(template);
        let span = error.span.clone().map(|span| &template[span]);
        let found = (
            error.code.as_str(),
            error.message.as_str(),
            error.name.as_deref(),
            span,
        );
        assert_eq!(
            found,
            (*code, *message, *name, *underlined),
            "{template} over {given}"
        );
    }
}

#[test]
fn no_value_of_a_record_is_in_an_error() {
    for (template, _, ..) in RECORDS {
        for secret in [
            r#""s3cr3t""#,
            r#"["s3cr3t"]"#,
            r#"{"s3cr3t": "s3cr3t"}"#,
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
    for (template, given, code, message, name, underlined) in RECORDS {
        let template = format!("{{% set unused = 1 %}}{template}");
        let record = record(given);
        let compiled = Template::compile(&template).expect("it compiles");
        let Err(error) = compiled.evaluate(&Scope::new().with_record(&record)) else {
            panic!("{template} has a value");
        };
        let span = error.span.clone().map(|span| &template[span]);
        let found = (
            error.code.as_str(),
            error.message.as_str(),
            error.name.as_deref(),
            span,
        );
        // In a text, a list or a map is an error of its own.
        if error.message.contains("cannot stand in text") {
            continue;
        }
        assert_eq!(
            found,
            (*code, *message, *name, *underlined),
            "{template} over {given}"
        );
    }
}
