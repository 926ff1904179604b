//! Field-map templates: compile once, know the names used, evaluate per record.
//!
//! A template is plain text with `{{ expressions }}` and `{% statements %}` in the syntax of Jinja. Its parser and the
//! engine behind loops and variables are minijinja; everything else is evaluated directly over JSON, by the same
//! functions that the engine calls (a property test holds the two ways together).
//!
//! # Rules
//! * One expression alone keeps the type of its value. Text around it makes a text: null renders as nothing, the
//!   result is trimmed, and an empty one is null. White space alone is no text.
//! * A name that is not there is an error. A name that is there and null is null, and so is every field of it.
//! * Names of fields are compared without regard to case, as Salesforce does.
//! * What a template reads is never read as a template.
//! * Every evaluation has a bound on its work and on the size of its result.

pub mod catalogue;
pub mod error;
pub mod scope;

mod arithmetic;
mod bind;
mod budget;
mod convert;
mod engine;
mod filters;
mod locals;
mod lower;
mod names;
mod native;
mod predicate;
mod print;
mod syntax;
mod tree;
mod value;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use self::budget::{Budget, WORK};
use self::error::{EvaluateError, TemplateError};
use self::native::Evaluation;
use self::scope::Scope;
use self::tree::{Kind, Node, Statement};
use self::value::{settle, settle_text};

/// Bytes made ready for a text, so that a name or an address needs no second allocation.
const TEXT_CAPACITY: usize = 64;

/// A compiled template: shared, immutable, cheap to clone.
#[derive(Clone)]
pub struct Template(Arc<Compiled>);

struct Compiled {
    source: String,
    names: Vec<Name>,
    program: Program,
}

enum Program {
    /// A text without any expression.
    Constant(Value),
    /// One expression, evaluated directly.
    Value(Node),
    /// Text with expressions in it, evaluated directly.
    Text(Vec<Statement>),
    /// What the engine evaluates.
    Engine(engine::Program),
}

/// A name that a template takes from its data, with what it needs of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The parts between the dots, as first written: `["Owner", "Name"]`.
    pub path: Vec<String>,
    /// The field paths used of the elements, where the name is used as a list: `Tasks | selectattr('Status', …)` gives
    /// `[["Status"]]`. Each once, in order of use.
    pub items: Vec<Vec<String>>,
    /// Whether the name can only be a list: looped over, given to a filter of lists, or with fields used of its
    /// elements. A name given to `length`, `first`, `last` or `reverse` alone may be a text as well.
    pub is_list: bool,
    /// Where it first stands: bytes of the template's text.
    pub span: Range<usize>,
}

impl Template {
    /// Compiles a template.
    ///
    /// # Errors
    /// `template-syntax`, `template-not-allowed`, `template-unknown-filter`, `template-unknown-test`,
    /// `template-bad-argument`, `template-name-unclear`, `template-too-costly`, and `unknown-name` for a field of `loop`.
    pub fn compile(text: &str) -> Result<Self, TemplateError> {
        if syntax::is_plain(text) {
            return Ok(Self(Arc::new(Compiled {
                source: text.to_owned(),
                names: Vec::new(),
                program: Program::Constant(settle_text(text.to_owned())),
            })));
        }
        let statements = lower::lower(text, &syntax::tree(text)?)?;
        let names = names::names(&statements)?;
        let program = program(statements)
            .map_err(|error| TemplateError::new(error.code, error.message, 0..text.len()))?;
        Ok(Self(Arc::new(Compiled {
            source: text.to_owned(),
            names,
            program,
        })))
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The names it takes from its data, each once, in the order they stand in the text.
    pub fn names(&self) -> &[Name] {
        &self.0.names
    }

    /// The path, where the template is exactly one reference: `{{ Owner.Name }}`.
    pub fn is_field_reference(&self) -> Option<&[String]> {
        match &self.0.program {
            Program::Value(node) => match &node.kind {
                Kind::Reference(reference) => Some(&reference.path),
                _ => None,
            },
            _ => None,
        }
    }

    /// The value over one record.
    ///
    /// # Errors
    /// `template-undefined`, `template-type-mismatch`, `template-filter-failed`, `template-too-costly`. They hold no
    /// value of the record.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, EvaluateError> {
        self.borrow(scope).map(Cow::into_owned)
    }

    /// The value over one record, borrowed where it stands in the record or in the template as it is.
    ///
    /// # Errors
    /// Those of [`Template::evaluate`].
    pub fn borrow<'v>(&'v self, scope: &'v Scope<'_>) -> Result<Cow<'v, Value>, EvaluateError> {
        match &self.0.program {
            Program::Constant(value) => Ok(Cow::Borrowed(value)),
            Program::Value(Node {
                kind: Kind::Reference(reference),
                span,
            }) => match reference.value(scope) {
                Ok(value) => Ok(settle(Cow::Borrowed(value))),
                Err(error) => Err(error.at(span)),
            },
            program => compute(program, scope).map(Cow::Owned),
        }
    }
}

/// The value of a program that has to make one.
fn compute(program: &Program, scope: &Scope<'_>) -> Result<Value, EvaluateError> {
    let budget = Budget::new(WORK);
    let evaluation = Evaluation {
        scope,
        budget: &budget,
    };
    match program {
        Program::Constant(value) => Ok(value.clone()),
        Program::Value(node) => evaluation
            .value(node)
            .map(|value| settle(value).into_owned()),
        Program::Text(statements) => {
            let mut text = String::with_capacity(TEXT_CAPACITY);
            evaluation.render(statements, &mut text)?;
            Ok(settle_text(text))
        }
        Program::Engine(program) => program.evaluate(scope),
    }
}

fn program(statements: Vec<Statement>) -> Result<Program, EvaluateError> {
    let direct = native::covers(&statements);
    match single(statements) {
        Ok(node) if direct => Ok(Program::Value(node)),
        Ok(node) => engine::Program::expression(&node).map(Program::Engine),
        Err(statements) if direct => Ok(Program::Text(statements)),
        Err(statements) => engine::Program::text(&statements).map(Program::Engine),
    }
}

/// The expression of a template that has nothing else but white space; else the statements as they were.
fn single(mut statements: Vec<Statement>) -> Result<Node, Vec<Statement>> {
    let is_blank =
        |statement: &Statement| matches!(statement, Statement::Text(raw) if raw.trim().is_empty());
    let mut others = (0..statements.len()).filter(|index| !is_blank(&statements[*index]));
    let (Some(index), None) = (others.next(), others.next()) else {
        return Err(statements);
    };
    if !matches!(statements[index], Statement::Emit(_)) {
        return Err(statements);
    }
    match statements.swap_remove(index) {
        Statement::Emit(node) => Ok(node),
        _ => Err(statements),
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.source()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, prop_oneof, proptest};
    use proptest::strategy::Union;
    use proptest::test_runner::Config;
    use serde_json::json;

    use super::catalogue::{EntryKind, catalogue};
    use super::tree::{Kind, Node, Statement};
    use super::{Budget, Evaluation, Scope, Template, WORK, engine, lower, native, settle};
    use super::{settle_text, single, syntax};

    const NAMES: [&str; 12] = [
        "N",
        "F",
        "S",
        "Blank",
        "Null",
        "Yes",
        "List",
        "Mixed",
        "Rows",
        "Owner.Name",
        "Gone.Name",
        "Missing",
    ];

    fn data() -> serde_json::Map<String, serde_json::Value> {
        let data = json!({
            "N": 7, "F": 2.5, "S": "Ada o'Brien", "Blank": " ", "Null": null, "Yes": true,
            "List": [3, 1, null, 2], "Mixed": ["b", 1, null, [true]],
            "Rows": [{"S": "x", "N": 2, "O": {"M": 1}}, {"S": null, "N": 1, "O": null}],
            "Owner": {"Name": "Ng"}, "Gone": null,
        });
        data.as_object().cloned().unwrap_or_default()
    }

    /// Every filter and test without arguments, and those with arguments that are worth trying.
    fn applications() -> Vec<String> {
        let bare = catalogue().filter(|entry| entry.parameters.iter().all(|p| p.default.is_some()));
        let mut applications: Vec<String> = bare
            .map(|entry| match entry.kind {
                EntryKind::Filter => format!("| {}", entry.name),
                EntryKind::Test => format!("is {}", entry.name),
            })
            .collect();
        applications.extend(
            [
                "| default('d')",
                "| default(Missing)",
                "| replace('a', 'b')",
                "| truncate(3)",
                "| split('')",
                "| join(', ')",
                "| join('-', attribute='S')",
                "| map(attribute='O.M')",
                "| map(attribute='Zip')",
                "| map('string')",
                "| map('default', 0)",
                "| select('odd')",
                "| selectattr('S')",
                "| selectattr('N', 'gt', 1)",
                "| rejectattr('O.M', 'none')",
                "| sort(reverse=true)",
                "| sort(attribute='N')",
                "| unique(attribute='S')",
                "| groupby('S')",
                "| sum(attribute='N')",
                "| min(attribute='N')",
                "| round(1)",
                "| date('%Y')",
                "| days_since(S)",
                "| e164('US')",
                "| sha256(salt=S)",
                "is equalto 7",
                "is gt 2",
                "is in List",
                "is containing 'a'",
                "is divisibleby 0",
                "is startingwith 'A'",
                ".Name",
                "['S']",
                "[0]",
                "[-1]",
                "[9]",
                "[1:]",
                "[:-1]",
            ]
            .map(str::to_owned),
        );
        applications
    }

    fn expressions() -> impl Strategy<Value = String> {
        let leaves = prop_oneof![
            proptest::sample::select(NAMES.to_vec()).prop_map(str::to_owned),
            proptest::sample::select(vec![
                "1", "0", "2.5", "'a'", "''", "none", "true", "[]", "{'N': 1}"
            ])
            .prop_map(str::to_owned),
        ];
        leaves.prop_recursive(4, 24, 3, |inner| {
            let two = proptest::sample::select(vec![
                "+", "-", "*", "/", "//", "%", "==", "!=", "<", "<=", ">", ">=", "in", "not in",
                "and", "or", "~",
            ]);
            let apply = proptest::sample::select(applications());
            Union::new(vec![
                (inner.clone(), apply)
                    .prop_map(|(a, apply)| format!("({a}) {apply}"))
                    .boxed(),
                (inner.clone(), two, inner.clone())
                    .prop_map(|(a, operator, b)| format!("({a}) {operator} ({b})"))
                    .boxed(),
                (inner.clone(), inner.clone(), inner.clone())
                    .prop_map(|(a, b, c)| format!("({a}) if ({b}) else ({c})"))
                    .boxed(),
                (inner.clone(), inner.clone())
                    .prop_map(|(a, b)| format!("[{a}, {b}]"))
                    .boxed(),
                (inner.clone(), inner.clone())
                    .prop_map(|(a, b)| format!("{{'S': {a}, 'N': {b}}}"))
                    .boxed(),
                inner.clone().prop_map(|a| format!("not ({a})")).boxed(),
                inner.prop_map(|a| format!("-({a})")).boxed(),
            ])
        })
    }

    fn templates() -> impl Strategy<Value = String> {
        let expression = expressions().boxed();
        prop_oneof![
            4 => expression.clone().prop_map(|a| format!("{{{{ {a} }}}}")),
            1 => (expression.clone(), expression.clone()).prop_map(|(a, b)| format!("<{{{{ {a} }}}}|{{{{ {b} }}}}>")),
            1 => (expression.clone(), expression.clone(), expression)
                .prop_map(|(a, b, c)| format!("{{% if {a} %}}{{{{ {b} }}}}{{% elif {c} %}}x{{% endif %}}.")),
            1 => Just("plain".to_owned()),
        ]
    }

    /// The value by the engine, whatever the template would be evaluated by.
    fn by_engine(statements: Vec<Statement>, scope: &Scope<'_>) -> Outcome {
        match single(statements) {
            Ok(node) => engine::Program::expression(&node)?.evaluate(scope),
            Err(statements) => engine::Program::text(&statements)?.evaluate(scope),
        }
    }

    type Outcome = Result<serde_json::Value, super::EvaluateError>;

    fn directly(statements: Vec<Statement>, scope: &Scope<'_>) -> Outcome {
        let budget = Budget::new(WORK);
        let evaluation = Evaluation {
            scope,
            budget: &budget,
        };
        let mut text = String::new();
        match single(statements) {
            Ok(node) => evaluation
                .value(&node)
                .map(|value| settle(value).into_owned()),
            Err(statements) => evaluation
                .render(&statements, &mut text)
                .map(|()| settle_text(text)),
        }
    }

    fn statements(template: &str) -> Option<Vec<Statement>> {
        lower::lower(template, &syntax::tree(template).ok()?).ok()
    }

    #[test]
    fn a_blank_text_around_an_expression_does_not_count() {
        let kind = |text: &str| single(statements(text).unwrap()).map(|node: Node| node.kind);
        assert!(matches!(kind(" {{ A }}\n"), Ok(Kind::Reference(_))));
        assert!(kind("{{ A }}.").is_err());
        assert!(kind("\n{% if A %}{% endif %}\n").is_err());
    }

    proptest! {
        #![proptest_config(Config { cases: 400, failure_persistence: None, ..Config::default() })]

        #[test]
        fn both_ways_of_evaluation_agree(template in templates()) {
            let fields = data();
            let scope = Scope::new().with_fields(&fields);
            if let (Some(first), Some(second)) = (statements(&template), statements(&template)) {
                assert!(native::covers(&first), "{template}");
                let direct = directly(first, &scope);
                let engine = by_engine(second, &scope);
                assert_eq!(direct, engine, "{template}");
            }
        }

        #[test]
        fn no_text_makes_the_compiler_panic(text in "\\PC{0,40}", middle in "[A-Za-z0-9_ .|()\\[\\]{}%'\"~+*,:=<>!-]{0,60}") {
            for template in [text.clone(), format!("{{{{{middle}}}}}"), format!("{{%{middle}%}}{text}"), format!("{text}{{{{ {text} | {middle} }}}}")] {
                if let Err(error) = Template::compile(&template) {
                    assert!(template.get(error.span.clone()).is_some(), "{template}: {error:?}");
                }
            }
        }

        #[test]
        fn no_text_makes_a_filter_panic(text in "\\PC{0,40}", digits in "[+0-9() ./-]{0,24}") {
            let mut fields = data();
            fields.insert("S".to_owned(), json!(text));
            fields.insert("P".to_owned(), json!(digits));
            let scope = Scope::new().with_fields(&fields);
            for entry in catalogue().filter(|entry| entry.kind == EntryKind::Filter) {
                for name in ["S", "P"] {
                    let arguments = vec![name; entry.parameters.iter().filter(|p| p.default.is_none()).count()];
                    let template = format!("{{{{ {name} | {}({}) }}}}", entry.name, arguments.join(", "));
                    if let Ok(compiled) = Template::compile(&template) {
                        let _ = compiled.evaluate(&scope);
                    }
                }
            }
            for country in ["US", "BR", "GB", "JP"] {
                let template = format!("{{{{ P | e164('{country}') }}}}");
                let value = Template::compile(&template).unwrap().evaluate(&scope).unwrap();
                let is_number = |text: &str| text.starts_with('+') && text[1..].bytes().all(|b| b.is_ascii_digit());
                assert!(value.is_null() || value.as_str().is_some_and(is_number), "{digits}: {value}");
            }
        }
    }
}
