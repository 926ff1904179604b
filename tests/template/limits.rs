//! What templates may not do, and that nothing of the data is read as a template.

use std::time::{Duration, Instant};

use bridged::foundation::code::Code;
use bridged::template::Template;
use bridged::template::scope::Scope;
use serde_json::{Value, json};

use super::{evaluate, record};

/// What an unoptimised build on a busy machine needs for work that takes some milliseconds otherwise.
const SOON: Duration = Duration::from_millis(if cfg!(debug_assertions) { 2_000 } else { 100 });

/// The code of what stops a template, in compiling or in evaluating it, and that it is stopped soon.
fn stopped(template: &str, given: &str) -> Code {
    let record = record(given);
    let start = Instant::now();
    let code = match Template::compile(template) {
        Err(error) => error.code,
        Ok(compiled) => match compiled.evaluate(&Scope::new().with_record(&record)) {
            Err(error) => error.code,
            Ok(value) => {
                let length = value.to_string().len();
                panic!(
                    "{} made a value of {length} bytes",
                    &template[..template.len().min(80)]
                );
            }
        },
    };
    let taken = start.elapsed();
    assert!(
        taken < SOON,
        "{} took {taken:?}",
        &template[..template.len().min(80)]
    );
    code
}

#[test]
fn x26_values_of_records_are_never_read_as_templates() {
    for value in [
        "{{ env.SECRET }}",
        "{{ Secret }}",
        "{% for i in [1,2] %}{{ i }}{% endfor %}",
        "{# comment #}",
        "{% raw %}",
        "}} {{ Secret }}",
        "{{ '{{' }}",
    ] {
        let given = json!({"A": value, "Secret": "s3cr3t"}).to_string();
        for template in [
            "{{ A }}",
            "{{ A | trim }}",
            "{{ A ~ '' }}",
            "{% set a = A %}{{ a }}",
            "{% for x in [A] %}{{ x }}{% endfor %}",
            "{{ [A] | map('replace', 'zzz', 'y') | join }}",
            "{{ A | replace('zzz', '{{ Secret }}') }}",
        ] {
            assert_eq!(evaluate(template, &given), Ok(json!(value)), "{template}");
        }
        assert_eq!(
            evaluate("<{{ A }}>", &given),
            Ok(json!(format!("<{value}>"))),
        );
    }
}

#[test]
fn x26_bombs_are_stopped_soon() {
    let hundred: Vec<u32> = (0..100).collect();
    let given = json!({"L": hundred, "T": "x".repeat(1000), "N": null}).to_string();
    let nested = |depth: usize| {
        let open: Vec<_> = (0..depth)
            .map(|i| format!("{{% for a{i} in L %}}"))
            .collect();
        open.concat() + "x" + &"{% endfor %}".repeat(depth)
    };
    let rows = [
        nested(4),
        nested(10),
        "{{ T * 1000000000 }}".to_owned(),
        "{{ [1] * 1000000000 }}".to_owned(),
        "{% for i in L %}{{ T * 100000 }}{% endfor %}".to_owned(),
        format!("{{{{ T {} }}}}", "| replace('x', 'xxxxxxxxxx') ".repeat(20)),
        format!(
            "{{{{ T {} }}}}",
            "~ T ".repeat(100) + &"| replace('x', T) ".repeat(3)
        ),
        "{% set a = T %}".to_owned() + &"{% set a = a ~ a %}".repeat(60) + "{{ a }}",
        "{% set a = [T] %}".to_owned() + &"{% set a = a + a %}".repeat(60) + "{{ a | length }}",
        "{% set a %}{{ T }}{% endset %}".to_owned()
            + &"{% set a %}{{ a }}{{ a }}{% endset %}".repeat(40)
            + "{{ a }}",
        "{% for i in L %}{% for j in L %}{{ '+14155550100' | e164 }}{% endfor %}{% endfor %}"
            .to_owned(),
        "{% for i in L %}{% for j in L %}{{ T | upper | lower | sha256 }}{% endfor %}{% endfor %}"
            .to_owned(),
        "{% for i in L %}{% for j in L %}{{ L | sort | unique | length }}{% endfor %}{% endfor %}"
            .to_owned(),
    ];
    for template in rows {
        let code = stopped(&template, &given);
        assert_eq!(
            code,
            Code::TemplateTooCostly,
            "{}",
            &template[..template.len().min(80)]
        );
    }
}

#[test]
fn x26_templates_too_deep_or_too_long_are_refused_before_anything_recurses() {
    let given = r#"{"A": "x", "B": [1]}"#;
    let deep = [
        format!("{{{{ {}A{} }}}}", "(".repeat(10_000), ")".repeat(10_000)),
        format!("{{{{ {}A }}}}", "(".repeat(400)),
        format!("{{{{ {}A{} }}}}", "[".repeat(10_000), "]".repeat(10_000)),
        format!("{{{{ {}A }}}}", "not ".repeat(10_000)),
        format!("{{{{ {}1 }}}}", "-".repeat(10_000)),
        format!("{{{{ A{} }}}}", " | trim".repeat(5_000)),
        format!("{{{{ A{} }}}}", ".a".repeat(10_000)),
        format!("{{{{ A{} }}}}", " + 1".repeat(10_000)),
        format!("{{{{ A{} }}}}", "[0]".repeat(10_000)),
        format!("{{{{ A{} }}}}", " if A else A".repeat(3_000)),
        "{% if A %}".repeat(5_000),
        format!("{}{}", "{% if A %}".repeat(190), "{% endif %}".repeat(10)),
        format!("{{% if A %}}{}{{% endif %}}", "{% elif A %}x".repeat(5_000)),
        "{{ A }}".repeat(5_000),
        format!("{{{{ A }}}}{}", "x".repeat(100_000)),
        "{% set x = {'a': x, 'b': x} %}".repeat(60) + "{{ x }}",
        "{% set x = x.a or x.b %}".repeat(60) + "{{ x }}",
    ];
    for template in deep {
        let code = stopped(&template, given);
        assert!(
            matches!(code, Code::TemplateTooCostly | Code::TemplateSyntax),
            "{code} for {}",
            &template[..80]
        );
    }
}

#[test]
fn templates_near_the_limits_still_work() {
    let long = format!("{{{{ A{} }}}}", " | trim".repeat(110));
    assert_eq!(evaluate(&long, r#"{"A": " x "}"#), Ok(json!("x")));
    let states: Vec<_> = (0..40)
        .map(|index| format!("'{index}' if A == {index} else "))
        .collect();
    let states = states.concat();
    assert_eq!(
        evaluate(&format!("{{{{ {states}'none' }}}}"), r#"{"A": 39}"#),
        Ok(json!("39"))
    );
    let countries: Vec<_> = (0..249)
        .map(|index| format!("'C{index}': {index}"))
        .collect();
    assert_eq!(
        evaluate(
            &format!("{{{{ {{{}}}[A] }}}}", countries.join(", ")),
            r#"{"A": "C248"}"#
        ),
        Ok(json!(248))
    );
    let branches: Vec<_> = (0..100)
        .map(|index| format!("{{% elif A == {index} %}}{index}"))
        .collect();
    let branches = branches.concat();
    assert_eq!(
        evaluate(
            &format!("{{% if A == 'x' %}}x{branches}{{% endif %}}"),
            r#"{"A": 99}"#
        ),
        Ok(json!("99"))
    );
    let rows: Vec<Value> = (0..2_000)
        .map(|index| json!({"S": format!("task {index}"), "N": index}))
        .collect();
    let given = json!({"Tasks": rows}).to_string();
    assert_eq!(
        evaluate(
            "{{ Tasks | selectattr('N', 'ge', 1000) | sort(attribute='S') | map(attribute='N') | unique | sum }}",
            &given
        ),
        Ok(json!((1_000..2_000).sum::<i32>()))
    );
    let listed = evaluate("{% for t in Tasks %}{{ t.N }},{% endfor %}", &given).unwrap();
    assert_eq!(
        listed.as_str().map(|text| text.matches(',').count()),
        Some(2_000)
    );
}

#[test]
fn x27_there_is_no_way_to_files_environment_network_or_other_templates() {
    let given = r#"{"A": "x"}"#;
    for template in [
        "{% include '/etc/passwd' %}",
        "{% import 'x' as y %}",
        "{% from 'x' import y %}",
        "{% extends 'x' %}",
        "{% block x %}{% endblock %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% call m() %}{% endcall %}",
        "{% do A.pop() %}",
        "{% autoescape false %}{{ A }}{% endautoescape %}",
        "{% filter upper %}x{% endfilter %}",
        "{{ env('SECRET') }}",
        "{{ getenv('SECRET') }}",
        "{{ open('/etc/passwd') }}",
        "{{ range(1000000000) }}",
        "{{ debug() }}",
        "{{ namespace(x=1) }}",
        "{{ dict(a=1) }}",
        "{{ now() }}",
        "{{ A.__class__() }}",
        "{{ ''.join([A]) }}",
        "{{ loop(A) }}",
        "{{ self.x() }}",
        "{% for a in A recursive %}{% endfor %}",
    ] {
        assert_eq!(
            stopped(template, given),
            Code::TemplateNotAllowed,
            "{template}"
        );
    }
    for template in [
        "{{ env.SECRET }}",
        "{{ self }}",
        "{{ os }}",
        "{{ A | default(config) ~ config }}",
    ] {
        assert_eq!(
            stopped(template, given),
            Code::TemplateUndefined,
            "{template}"
        );
    }
    for template in [
        "{{ A | debug }}",
        "{{ A | attr('x') }}",
        "{{ A | safe }}",
        "{{ A | pprint }}",
    ] {
        assert_eq!(
            stopped(template, given),
            Code::TemplateUnknownFilter,
            "{template}"
        );
    }
}

/// Templates as deep as they may be, for each way to be deep.
fn near_the_limits() -> Vec<String> {
    let around = |open: &str, middle: &str, close: &str, count: usize| {
        format!(
            "{{{{ {}{middle}{} }}}}",
            open.repeat(count),
            close.repeat(count)
        )
    };
    let mut templates = vec![
        around("", "A", ".a", 118),
        around("", "A", " | trim", 118),
        around("", "A", "[0]", 118),
        around("", "A", " + 1", 118),
        around("", "A", " ~ A", 78),
        around("", "A", " or A", 118),
        around("", "A", " if A else A", 58),
        around("", "A", "|default(A)", 46),
        around("not ", "A", "", 58),
        around("-", "A", "", 58),
        around("(", "A", ")", 70),
        around("[", "A", "]", 60),
        around("(1 + ", "A", ")", 58),
        around("(1 == ", "A", ")", 58),
        around("-(", "A", ")", 38),
        "{% if A %}".repeat(60) + &"{% endif %}".repeat(60),
        "{% for a in A %}".repeat(60) + &"{% endfor %}".repeat(60),
        format!("{{% if A %}}{}{{% endif %}}", "{% elif A %}x".repeat(118)),
    ];
    let with_variable: Vec<_> = templates
        .iter()
        .map(|template| format!("{{% with A = A %}}{template}{{% endwith %}}"))
        .filter(|template| template.matches("{%").count() < 120)
        .collect();
    templates.extend(with_variable);
    templates
}

#[test]
fn limits_hold_on_a_small_stack() {
    let work = || {
        for template in near_the_limits() {
            let record = record(r#"{"A": null}"#);
            let compiled = Template::compile(&template)
                .unwrap_or_else(|error| panic!("{template}: {error:?}"));
            let value = compiled.evaluate(&Scope::new().with_record(&record));
            if let Err(error) = value {
                assert_ne!(error.code, Code::Bug, "{template}: {error:?}");
            }
        }
    };
    std::thread::Builder::new()
        .stack_size(2 * 1024 * 1024)
        .spawn(work)
        .expect("a thread starts")
        .join()
        .expect("the stack is large enough");
}
