//! Where templates say nothing else, they mean what Jinja means: a table checked against minijinja as it is.

use minijinja::Environment;
use serde_json::{Value, json};

use super::evaluate;

const GIVEN: &str = r#"{"A": 7, "B": 2, "F": 2.5, "S": "Ada Lovelace", "T": "  x ", "L": [3, 1, 2], "W": ["b", "A", "c"], "Y": true, "N": false}"#;

/// Expressions without null: what null means is said in the document, and differs.
const EXPRESSIONS: &[&str] = &[
    "A + B * 3",
    "A - B - 1",
    "(A - B) * 2",
    "A / B",
    "A // B",
    "-A // B",
    "-A % B",
    "A % B",
    "A ** B",
    "2 ** 3 ** 2",
    "-A",
    "F * 2",
    "F + A",
    "F // 1",
    "A > B and B > 1",
    "A < B or N",
    "not Y",
    "not A == 7",
    "A == 7.0",
    "A != B",
    "S == 'Ada Lovelace'",
    "S < 'B'",
    "1 < B < 3",
    "B in L",
    "9 not in L",
    "'Love' in S",
    "'yes' if Y else 'no'",
    "'a' if N else 'b' if Y else 'c'",
    "A or 5",
    "0 or 5",
    "A and 5",
    "0 and 5",
    "'' or 'x'",
    "S ~ '-' ~ A ~ F",
    "S + '!'",
    "S[0]",
    "S[-1]",
    "S[4:]",
    "S[:3]",
    "S[-8:-4]",
    "L[0] + L[-1]",
    "S | upper",
    "S | lower",
    "T | trim",
    "S | length",
    "L | length",
    "L | first",
    "L | last",
    "L | sum",
    "L | min",
    "L | max",
    "L | sort | first",
    "L | sort(reverse=true) | first",
    "W | sort | join(',')",
    "W | sort(case_sensitive=true) | join(',')",
    "L | join(', ')",
    "L | reverse | first",
    "L | map('string') | join",
    "L | select('odd') | join",
    "L | reject('gt', 1) | join",
    "S | replace('a', 'o')",
    "S | split | last",
    "S | split('L') | first",
    "'42' | int + 1",
    "'2.5' | float * 2",
    "F | abs",
    "F | round(1)",
    "S | first",
    "S | reverse",
    "A is odd",
    "A is even",
    "A is divisibleby 7",
    "S is string",
    "A is number",
    "L is sequence",
    "S is startingwith 'Ada'",
    "S is endingwith('lace')",
    "A is gt B",
    "A is eq 7",
    "Y is true",
    "{'a': A}['a']",
    "{'a': A}.a",
    "[A, B] | last",
    "(A, B) | first",
];

/// Whole templates.
const TEMPLATES: &[&str] = &[
    "{{ S }}: {{ A }}",
    "a  {{- S -}}  b",
    "{% if A > B %}more{% else %}less{% endif %}!",
    "{% for x in L %}{{ loop.index }}:{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}.",
    "{% for x in L if x > 1 %}{{ x }}{% else %}none{% endfor %}.",
    "{% for x in [] %}{{ x }}{% else %}none{% endfor %}.",
    "{% for x in L %}{% for y in W %}{{ loop.length }}{{ x }}{{ y }}{% endfor %}{% endfor %}.",
    "{% set x = A * 2 %}x is {{ x }}",
    "{% set x = 1 %}{% for y in L %}{% set x = y %}{{ x }}{% endfor %} {{ x }}",
    "{% set x %}<{{ S }}>{% endset %}{{ x }}{{ x }}",
    "{% with x = A, y = x %}{{ x }}{{ y }}{% endwith %}.",
    "{% if Y %}{% set x = 'a' %}{% else %}{% set x = 'b' %}{% endif %}-{{ x }}-",
    "{# note #}text {{ '{{' }} {% raw %}{{ S }}{% endraw %}",
    "line\n  {%- if Y %} yes{% endif %}\nend",
];

#[test]
fn expressions_give_what_jinja_gives() {
    let record: Value = serde_json::from_str(GIVEN).unwrap();
    let environment = Environment::new();
    for expression in EXPRESSIONS {
        let wanted = environment
            .compile_expression(expression)
            .and_then(|compiled| compiled.eval(context(&record)))
            .unwrap_or_else(|error| panic!("{expression}: {error}"));
        let ours = evaluate(&format!("{{{{ {expression} }}}}"), GIVEN)
            .unwrap_or_else(|error| panic!("{expression}: {error:?}"));
        assert_eq!(context(&ours), wanted, "{expression}");
    }
}

#[test]
fn templates_give_what_jinja_gives() {
    let record: Value = serde_json::from_str(GIVEN).unwrap();
    let environment = Environment::new();
    for template in TEMPLATES {
        let wanted = environment
            .render_str(template, context(&record))
            .unwrap_or_else(|error| panic!("{template}: {error}"));
        let ours = evaluate(template, GIVEN);
        assert_eq!(ours, Ok(json!(wanted.trim())), "{template}");
    }
}

/// The record as minijinja takes it.
fn context(value: &Value) -> minijinja::Value {
    match value {
        Value::Null => minijinja::Value::from(()),
        Value::Bool(truth) => minijinja::Value::from(*truth),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => minijinja::Value::from(whole),
            None => minijinja::Value::from(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => minijinja::Value::from(text.as_str()),
        Value::Array(items) => items.iter().map(context).collect(),
        Value::Object(fields) => minijinja::Value::from_pairs(
            fields
                .iter()
                .map(|(name, value)| (name.as_str(), context(value))),
        ),
    }
}
