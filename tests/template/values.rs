//! What templates give: a table of template, record and value.

use bridged::template::Template;
use bridged::template::scope::Scope;
use serde_json::{Value, json};

use super::{evaluate, record};

fn check(rows: &[(&str, &str, Value)]) {
    for (template, given, wanted) in rows {
        assert_eq!(
            evaluate(template, given).as_ref(),
            Ok(wanted),
            "{template} over {given}"
        );
    }
}

#[test]
fn one_expression_keeps_the_type_of_its_value() {
    check(&[
        ("{{ A }}", r#"{"A": 42}"#, json!(42)),
        ("{{ A }}", r#"{"A": -7}"#, json!(-7)),
        ("{{ A }}", r#"{"A": 25.0}"#, json!(25.0)),
        (
            "{{ A }}",
            r#"{"A": 9007199254740993}"#,
            json!(9_007_199_254_740_993_i64),
        ),
        ("{{ A }}", r#"{"A": 18446744073709551615}"#, json!(u64::MAX)),
        ("{{ A }}", r#"{"A": -9223372036854775808}"#, json!(i64::MIN)),
        ("{{ A }}", r#"{"A": true}"#, json!(true)),
        ("{{ A }}", r#"{"A": null}"#, json!(null)),
        ("{{ A }}", r#"{"A": [1, "b", null]}"#, json!([1, "b", null])),
        (
            "{{ A }}",
            r#"{"A": {"B": 1, "A": 2}}"#,
            json!({"B": 1, "A": 2}),
        ),
        ("  {{ A }}\n", r#"{"A": 42}"#, json!(42)),
        ("{# a note #}{{ A }}", r#"{"A": 42}"#, json!(42)),
        ("{{- A -}}", r#"{"A": false}"#, json!(false)),
        ("{{ 'Hot' }}", "{}", json!("Hot")),
        ("{{ 12 }}", "{}", json!(12)),
        ("{{ -12 }}", "{}", json!(-12)),
        ("{{ 1.50 }}", "{}", json!(1.5)),
        ("{{ [A, 'x'] }}", r#"{"A": 1}"#, json!([1, "x"])),
        ("{{ {'a': A} }}", r#"{"A": 1}"#, json!({"a": 1})),
    ]);
}

#[test]
fn text_around_an_expression_makes_a_text() {
    check(&[
        ("no template", "{}", json!("no template")),
        ("  padded  ", "{}", json!("padded")),
        ("", "{}", json!(null)),
        ("   ", "{}", json!(null)),
        ("a }} b", "{}", json!("a }} b")),
        ("{ A }", "{}", json!("{ A }")),
        (
            "{{ First }} {{ Last }}",
            r#"{"First": "Ada", "Last": "Lovelace"}"#,
            json!("Ada Lovelace"),
        ),
        (
            "{{ First }} {{ Last }}",
            r#"{"First": null, "Last": "Lovelace"}"#,
            json!("Lovelace"),
        ),
        (
            "{{ First }} {{ Last }}",
            r#"{"First": null, "Last": null}"#,
            json!(null),
        ),
        ("{{ A }}{{ A }}", r#"{"A": 1}"#, json!("11")),
        (
            "score {{ A }}",
            r#"{"A": 9007199254740993}"#,
            json!("score 9007199254740993"),
        ),
        ("score {{ A }}", r#"{"A": 25.0}"#, json!("score 25.0")),
        ("is {{ A }}", r#"{"A": true}"#, json!("is true")),
        ("is {{ A }}", r#"{"A": false}"#, json!("is false")),
        ("is {{ A }}", r#"{"A": null}"#, json!("is")),
        ("{{ A }}", r#"{"A": ""}"#, json!(null)),
        ("{{ A }}", r#"{"A": " \t"}"#, json!(null)),
        ("{{ A }}", r#"{"A": " x "}"#, json!(" x ")),
        ("{% raw %}{{ A }}{% endraw %}", "{}", json!("{{ A }}")),
    ]);
}

#[test]
fn names_reach_parents_and_ignore_case() {
    check(&[
        ("{{ firstname }}", r#"{"FirstName": "Ada"}"#, json!("Ada")),
        (
            "{{ Owner.Name }}",
            r#"{"Owner": {"Name": "Ng"}}"#,
            json!("Ng"),
        ),
        (
            "{{ owner.NAME }}",
            r#"{"Owner": {"Name": "Ng"}}"#,
            json!("Ng"),
        ),
        (
            "{{ Owner['Name'] }}",
            r#"{"Owner": {"Name": "Ng"}}"#,
            json!("Ng"),
        ),
        ("{{ Owner.Name }}", r#"{"Owner": null}"#, json!(null)),
        (
            "{{ Owner.Manager.Name }}",
            r#"{"Owner": {"Manager": null}}"#,
            json!(null),
        ),
        ("by {{ Owner.Name }}", r#"{"Owner": null}"#, json!("by")),
        (
            "{{ (Owner).Name }}",
            r#"{"Owner": {"Name": "Ng"}}"#,
            json!("Ng"),
        ),
        (
            "{{ Tasks[0].Status }}",
            r#"{"Tasks": [{"Status": "Open"}]}"#,
            json!("Open"),
        ),
        (
            "{{ Tasks[-1].Status }}",
            r#"{"Tasks": [{"Status": "Open"}]}"#,
            json!("Open"),
        ),
        ("{{ Tasks[3].Status }}", r#"{"Tasks": []}"#, json!(null)),
        ("{{ Tasks[0] }}", r#"{"Tasks": null}"#, json!(null)),
        ("{{ A[1:3] }}", r#"{"A": [1, 2, 3, 4]}"#, json!([2, 3])),
        ("{{ A[:3] }}", r#"{"A": "Łódź"}"#, json!("Łód")),
        ("{{ A[-2:] }}", r#"{"A": "Łódź"}"#, json!("dź")),
        ("{{ {'a': 1}[A] }}", r#"{"A": "a"}"#, json!(1)),
    ]);
}

#[test]
fn operators_and_conditions() {
    check(&[
        ("{{ A == 1.0 }}", r#"{"A": 1}"#, json!(true)),
        (
            "{{ A == 9007199254740992.0 }}",
            r#"{"A": 9007199254740993}"#,
            json!(false),
        ),
        ("{{ A != 'x' }}", r#"{"A": null}"#, json!(true)),
        ("{{ A > 5 }}", r#"{"A": null}"#, json!(false)),
        ("{{ A <= 5 }}", r#"{"A": null}"#, json!(false)),
        ("{{ 0 < A <= 10 }}", r#"{"A": 10}"#, json!(true)),
        (
            "{{ A < '2024-08-01' }}",
            r#"{"A": "2024-07-24"}"#,
            json!(true),
        ),
        ("{{ A == true }}", r#"{"A": 1}"#, json!(false)),
        ("{{ A in ['a', 'b'] }}", r#"{"A": "b"}"#, json!(true)),
        ("{{ A not in ['a', 'b'] }}", r#"{"A": "b"}"#, json!(false)),
        ("{{ 'b' in A }}", r#"{"A": "abc"}"#, json!(true)),
        ("{{ 'b' in A }}", r#"{"A": null}"#, json!(false)),
        ("{{ 'k' in A }}", r#"{"A": {"k": 1}}"#, json!(true)),
        ("{{ A and B }}", r#"{"A": "x", "B": 0}"#, json!(0)),
        ("{{ A or B }}", r#"{"A": null, "B": "b"}"#, json!("b")),
        ("{{ not A }}", r#"{"A": 0.0}"#, json!(true)),
        (
            "{{ 'Hot' if A >= 80 else 'Cold' }}",
            r#"{"A": 80}"#,
            json!("Hot"),
        ),
        ("{{ 'Hot' if A >= 80 }}", r#"{"A": 10}"#, json!(null)),
        ("{{ A ~ '-' ~ B }}", r#"{"A": 1, "B": null}"#, json!("1-")),
        ("{{ A + 1 }}", r#"{"A": 41}"#, json!(42)),
        ("{{ A * 1.5 }}", r#"{"A": 2}"#, json!(3.0)),
        ("{{ A / 2 }}", r#"{"A": 3}"#, json!(1.5)),
        ("{{ A // 2 }}", r#"{"A": 3}"#, json!(1)),
        ("{{ A % 2 }}", r#"{"A": 3}"#, json!(1)),
        ("{{ A ** 2 }}", r#"{"A": 3}"#, json!(9)),
        ("{{ -A }}", r#"{"A": 3}"#, json!(-3)),
        ("{{ (A - 1) | round(1) }}", r#"{"A": 1.25}"#, json!(0.3)),
        (
            "{% if A %}yes{% else %}no{% endif %}",
            r#"{"A": []}"#,
            json!("no"),
        ),
        (
            "{% if A > 80 %}hot{% elif A > 50 %}warm{% else %}cold{% endif %}",
            r#"{"A": 60}"#,
            json!("warm"),
        ),
    ]);
}

#[test]
fn loops_and_variables() {
    let tasks = r#"{"Tasks": [{"S": "a", "Owner": {"Name": "Ng"}}, {"S": "b", "Owner": null}], "S": "outer"}"#;
    check(&[
        (
            "{% for t in Tasks %}{{ loop.index }}{{ t.S }}{{ t.Owner.Name }};{% endfor %}",
            tasks,
            json!("1aNg;2b;"),
        ),
        (
            "{% for t in Tasks if t.S == 'b' %}{{ t.s }}{% else %}none{% endfor %}",
            tasks,
            json!("b"),
        ),
        (
            "{% for t in Tasks %}x{% else %}none{% endfor %}",
            r#"{"Tasks": null}"#,
            json!("none"),
        ),
        (
            "{% for t in Tasks %}{% if not loop.first %}, {% endif %}{{ t.S }}{% endfor %}",
            tasks,
            json!("a, b"),
        ),
        (
            "{% set n = Tasks | length %}{{ n }} tasks",
            tasks,
            json!("2 tasks"),
        ),
        (
            "{% set x %}<{{ S }}>{% endset %}{{ x }}",
            tasks,
            json!("<outer>"),
        ),
        (
            "{% if S == 'outer' %}{% set x = 1 %}{% else %}{% set x = 2 %}{% endif %}x{{ x }}",
            tasks,
            json!("x1"),
        ),
        (
            "{% with t = Tasks | first %}{{ t.Owner.Name }} {{ t.S }}{% endwith %}",
            tasks,
            json!("Ng a"),
        ),
        (
            "{% for S in Tasks %}{{ S.S }}{% endfor %}{{ S }}",
            tasks,
            json!("abouter"),
        ),
        (
            "{% set best = Tasks | sort(attribute='S', reverse=true) | first %}{{ best.S }}!",
            tasks,
            json!("b!"),
        ),
        (
            "{% for t in Tasks %}{{ t.X | default('?') }}{{ t.S is defined }}{% endfor %}",
            tasks,
            json!("?true?true"),
        ),
    ]);
}

#[test]
fn absent_differs_from_null() {
    check(&[
        ("{{ A | default('d') }}", "{}", json!("d")),
        ("{{ A | default('d') }}", r#"{"A": null}"#, json!("d")),
        ("{{ A | default('d') }}", r#"{"A": 0}"#, json!(0)),
        ("{{ A | default('d') }}", r#"{"A": false}"#, json!(false)),
        ("{{ A.B | default('d') }}", r#"{"A": null}"#, json!("d")),
        ("{{ A.B | default('d') }}", r#"{"A": {}}"#, json!("d")),
        ("{{ A.B.C | default(B) }}", r#"{"B": 5}"#, json!(5)),
        ("{{ A | default(Absent) }}", r#"{"A": 1}"#, json!(1)),
        ("{{ A is defined }}", r#"{"A": null}"#, json!(true)),
        ("{{ A is defined }}", "{}", json!(false)),
        ("{{ A.B is undefined }}", r#"{"A": {}}"#, json!(true)),
        ("{{ (A + 1) if A is defined else 0 }}", "{}", json!(0)),
        (
            "{{ (A + 1) if A is defined else 0 }}",
            r#"{"A": 1}"#,
            json!(2),
        ),
    ]);
}

/// Template, record and value, both as JSON.
const FILTERS: &[(&str, &str, &str)] = &[
    ("{{ A | trim }}", r#"{"A": null}"#, "null"),
    ("{{ A | trim }}", r#"{"A": "  "}"#, "null"),
    ("{{ A | upper }}", r#"{"A": "straße"}"#, r#""STRASSE""#),
    (
        "{{ A | title }}",
        r#"{"A": "mary-jane o'neill"}"#,
        r#""Mary-Jane O'Neill""#,
    ),
    (
        "{{ A | title }}",
        r#"{"A": "it's j.r.r. TOLKIEN"}"#,
        r#""It's J.R.R. Tolkien""#,
    ),
    (
        "{{ A | title }}",
        r#"{"A": "ángela DÍAZ"}"#,
        r#""Ángela Díaz""#,
    ),
    (
        "{{ A | replace('a', 'b') }}",
        r#"{"A": "banana"}"#,
        r#""bbnbnb""#,
    ),
    ("{{ A | truncate(3) }}", r#"{"A": "abc"}"#, r#""abc""#),
    (
        "{{ A | truncate(2, end='') }}",
        r#"{"A": "😀😀😀"}"#,
        r#""😀😀""#,
    ),
    ("{{ A | split | length }}", r#"{"A": " a  b "}"#, "2"),
    (
        "{{ A | int }}",
        r#"{"A": "9007199254740993"}"#,
        "9007199254740993",
    ),
    ("{{ A | int }}", r#"{"A": "1e3"}"#, "1000"),
    ("{{ A | int }}", r#"{"A": -7.9}"#, "-7"),
    ("{{ A | float }}", r#"{"A": "7"}"#, "7.0"),
    ("{{ A | round(2) }}", r#"{"A": 1.005}"#, "1.01"),
    ("{{ A | round(2) }}", r#"{"A": -1.005}"#, "-1.01"),
    ("{{ A | round(1) }}", r#"{"A": 9.95}"#, "10.0"),
    ("{{ A | round }}", r#"{"A": -0.5}"#, "-1"),
    (
        "{{ A | round }}",
        r#"{"A": 9007199254740993}"#,
        "9007199254740993",
    ),
    ("{{ A | abs }}", r#"{"A": -2.5}"#, "2.5"),
    ("{{ A | string }}", r#"{"A": false}"#, r#""false""#),
    (
        "{{ A | tojson }}",
        r#"{"A": {"b": [1, "x\"y"]}}"#,
        r#""{\"b\":[1,\"x\\\"y\"]}""#,
    ),
    (
        "{{ A | urlencode }}",
        r#"{"A": "a/b c+é"}"#,
        r#""a%2Fb%20c%2B%C3%A9""#,
    ),
    (
        "{{ A | sha256(salt='s') | truncate(8, end='') }}",
        r#"{"A": "x"}"#,
        r#""9740c9dc""#,
    ),
    (
        "{{ A | join('; ') }}",
        r#"{"A": ["a", null, "", "b", 3]}"#,
        r#""a; b; 3""#,
    ),
    (
        "{{ A | sort }}",
        r#"{"A": ["b", null, "A", "c"]}"#,
        r#"[null, "A", "b", "c"]"#,
    ),
    (
        "{{ A | sort(reverse=true) }}",
        r#"{"A": [2, 10, 1.5]}"#,
        "[10, 2, 1.5]",
    ),
    (
        "{{ A | unique }}",
        r#"{"A": [1, 1.0, "1", "a", "A"]}"#,
        r#"[1, "1", "a"]"#,
    ),
    ("{{ A | sum }}", r#"{"A": [1, null, 2.5]}"#, "3.5"),
    ("{{ A | sum }}", r#"{"A": null}"#, "0"),
    ("{{ A | min }}", r#"{"A": []}"#, "null"),
    ("{{ A | max }}", r#"{"A": ["b", "a", null]}"#, r#""b""#),
    ("{{ A | first }}", r#"{"A": "émile"}"#, r#""é""#),
    ("{{ A | reverse }}", r#"{"A": "abc"}"#, r#""cba""#),
    (
        "{{ A | map('default', 0) }}",
        r#"{"A": [1, null]}"#,
        "[1, 0]",
    ),
    (
        "{{ A | select('greaterthan', 1) }}",
        r#"{"A": [1, 2, null]}"#,
        "[2]",
    ),
    (
        "{{ A | map(attribute='B.C') | list }}",
        r#"{"A": [{"b": {"c": 1}}, {"B": null}]}"#,
        "[1, null]",
    ),
    (
        "{{ A | selectattr('S') | length }}",
        r#"{"A": [{"S": 0}, {"S": "x"}]}"#,
        "1",
    ),
    (
        "{{ A | rejectattr('S', 'none') | length }}",
        r#"{"A": [{"S": null}, {"S": 0}]}"#,
        "1",
    ),
];

#[test]
fn filters_take_what_records_hold() {
    for (template, given, wanted) in FILTERS {
        let wanted: Value = serde_json::from_str(wanted).expect("JSON");
        assert_eq!(
            evaluate(template, given),
            Ok(wanted),
            "{template} over {given}"
        );
    }
}

#[test]
fn dates_read_what_salesforce_writes() {
    check(&[
        ("{{ A | date }}", r#"{"A": null}"#, json!(null)),
        (
            "{{ A | date('%Y-%m-%dT%H:%M:%S%:z', timezone='America/Los_Angeles') }}",
            r#"{"A": "2024-07-24T14:05:58.000+0000"}"#,
            json!("2024-07-24T07:05:58-07:00"),
        ),
        (
            "{{ A | date('%H:%M', timezone='Asia/Kathmandu') }}",
            r#"{"A": "2024-07-24T14:05:58Z"}"#,
            json!("19:50"),
        ),
        (
            "{{ A | date(timezone='Pacific/Auckland') }}",
            r#"{"A": "2024-07-24T14:05:58.000+0000"}"#,
            json!("2024-07-25"),
        ),
        (
            "{{ A | date('%d/%m/%Y') }}",
            r#"{"A": "1582-10-04"}"#,
            json!("04/10/1582"),
        ),
        (
            "{{ A | date }}",
            r#"{"A": "1582-10-15T00:00:00.000+0000"}"#,
            json!("1582-10-15"),
        ),
        (
            "{{ A | date(timezone=Zone) }}",
            r#"{"A": "2024-12-31T23:30:00.000+0000", "Zone": "Europe/Paris"}"#,
            json!("2025-01-01"),
        ),
        (
            "{{ A | days_since(B) }}",
            r#"{"A": "2024-03-10T12:00:00Z", "B": "2024-03-09T12:00:01Z"}"#,
            json!(0),
        ),
        (
            "{{ A | days_since(B) }}",
            r#"{"A": "2024-01-01", "B": "2024-01-31"}"#,
            json!(-30),
        ),
        (
            "{{ A | days_since(B) }}",
            r#"{"A": "2024-01-01", "B": null}"#,
            json!(null),
        ),
    ]);
}

/// Numbers as people type them; the row of the catalogue lists a missing country code, letters, three digits, twenty
/// digits, Brazilian punctuation, full-width digits and a leading 00.
#[test]
fn w24_telephone_numbers_are_written_as_e164_or_are_null_and_no_country_is_guessed() {
    let rows = [
        ("(415) 555-0100", "US", json!("+14155550100")),
        ("415.555.0100 ext. 7", "US", json!("+14155550100")),
        ("+1 415 555 0100", "GB", json!("+14155550100")),
        ("+55 (11) 91234-5678", "US", json!("+5511912345678")),
        ("11 91234-5678", "BR", json!("+5511912345678")),
        ("011 55 11 91234-5678", "US", json!("+5511912345678")),
        ("0055 11 91234-5678", "US", json!("+5511912345678")),
        ("0011 44 20 7946 0958", "AU", json!("+442079460958")),
        ("+44 (0)20 7946 0958", "US", json!("+442079460958")),
        ("+39 06 698 12345", "BR", json!("+390669812345")),
        ("1-800-FLOWERS", "US", json!("+18003569377")),
        ("020 7946 0958", "GB", json!("+442079460958")),
        ("0044 20 7946 0958", "GB", json!("+442079460958")),
        ("0044 20 7946 0958", "US", json!("+442079460958")),
        ("011 44 20 7946 0958", "US", json!("+442079460958")),
        ("４１５５５５０１００", "US", json!("+14155550100")),
        ("＋１ ４１５ ５５５ ０１００", "US", json!("+14155550100")),
        ("call me", "US", json!(null)),
        ("123", "US", json!(null)),
        ("12345678901234567890", "US", json!(null)),
        ("", "US", json!(null)),
        ("+", "US", json!(null)),
        ("+999 123 456 789", "US", json!(null)),
        ("(415) 555-0100", "XX", json!(null)),
        ("(415) 555-0100", "", json!(null)),
    ];
    for (phone, country, wanted) in rows {
        let given = json!({"Phone": phone, "Country": country}).to_string();
        let value = evaluate("{{ Phone | e164(country=Country) }}", &given);
        assert_eq!(value, Ok(wanted), "{phone} in {country}");
    }
    let given = r#"{"Phone": "(415) 555-0100", "Nothing": null}"#;
    for template in ["{{ Phone | e164 }}", "{{ Phone | e164(country=Nothing) }}"] {
        assert_eq!(evaluate(template, given), Ok(json!(null)), "{template}");
    }
}

/// Values that other systems are known to break: each comes out as it went in.
#[test]
fn s30_hard_values_come_out_as_they_went_in() {
    let long = "x".repeat(131_072);
    let wide = "😀".repeat(131_072);
    let values = [
        json!("emoji 😀👩‍👩‍👧"),
        json!("שלום עולם"),
        json!("\u{10348}\u{1F600}"),
        json!("line one\r\nline two"),
        json!("quotes \" ' ` “ ”"),
        json!("back\\slash \u{0001} \u{202E}reversed"),
        json!(long),
        json!(wide),
        json!(9_007_199_254_740_993_i64),
        json!(-9_007_199_254_740_993_i64),
        json!(1.797_693_134_862_315_7e308),
        json!(5e-324),
        json!("1582-10-10"),
        json!("NaN"),
    ];
    for value in values {
        let given = json!({"A": value}).to_string();
        assert_eq!(evaluate("{{ A }}", &given), Ok(value.clone()));
        // Through the engine too: a variable makes it necessary.
        let text = match &value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        assert_eq!(
            evaluate("{% set a = A %}{{ a }}", &given),
            Ok(json!(text)),
            "through a variable"
        );
    }
}

#[test]
fn one_template_serves_many_threads() {
    fn shared<T: Send + Sync + Clone>(value: T) -> T {
        value
    }
    let templates = [
        "{{ A | e164('US') }}",
        "{{ A }}!",
        "{% for x in [A] %}{{ x }}{% endfor %}",
    ];
    let templates = shared(templates.map(|text| Template::compile(text).expect("it compiles")));
    std::thread::scope(|threads| {
        for number in 0..4 {
            let templates = templates.clone();
            threads.spawn(move || {
                for round in 0..50 {
                    let phone = format!("+1415555{:04}", number * 100 + round);
                    let record = record(&json!({"Z": 1, "A": phone}).to_string());
                    let scope = Scope::new().with_record(&record);
                    let values = templates.each_ref().map(|one| one.evaluate(&scope));
                    let text = format!("{phone}!");
                    assert_eq!(
                        values,
                        [Ok(json!(phone)), Ok(json!(text)), Ok(json!(phone))]
                    );
                }
            });
        }
    });
}

/// The first layer that knows a name answers; named values are exact, fields are not.
#[test]
fn layers_of_a_scope_are_asked_in_their_order() {
    let record = record(r#"{"Phone": "raw", "Object": "field", "LastName": "Ng"}"#);
    let attributes = json!({"phone": "+14155550100"});
    let points = json!(70);
    let scope = Scope::new()
        .with("score", &points)
        .with_owned("object", "Lead")
        .with_fields(attributes.as_object().expect("a map"))
        .with_record(&record);
    for (template, wanted) in [
        ("{{ phone }}", json!("+14155550100")),
        ("{{ Phone }}", json!("+14155550100")),
        ("{{ lastname }}", json!("Ng")),
        ("{{ score }}", json!(70)),
        ("{{ object }}", json!("Lead")),
        ("{{ Object }}", json!("field")),
    ] {
        let compiled = Template::compile(template).expect("it compiles");
        assert_eq!(compiled.evaluate(&scope), Ok(wanted), "{template}");
    }
    let misspelt = Template::compile("{{ lastnmae }}").expect("it compiles");
    let error = misspelt.evaluate(&scope).expect_err("it is not there");
    assert_eq!(
        error.message,
        "`lastnmae` is not there; did you mean `LastName`?"
    );
    assert_eq!(
        scope.names(),
        ["score", "object", "phone", "Phone", "Object", "LastName"]
    );
}
