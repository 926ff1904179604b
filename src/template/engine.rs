//! Runs what is printed for the template engine: templates with loops and variables.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::sync::{Arc, OnceLock};

use minijinja::value::{Object, Rest};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Expression, State, UndefinedBehavior,
    Value as Engine,
};
use serde_json::Value;

use super::arithmetic::{calculate, negate};
use super::budget::{Budget, WORK};
use super::catalogue::{Arguments, at};
use super::convert::{engine, json, json_within};
use super::error::EvaluateError;
use super::native;
use super::print::{self, Printed};
use super::scope::{Scope, kind};
use super::tree::{Comparison, Node, Operator, Statement};
use super::value::{settle, settle_text, text};

/// The name of the one template of an environment.
const NAME: &str = "template";

/// A template compiled for the engine.
pub(super) struct Program {
    work: Work,
    printed: Arc<Printed>,
    constants: Arc<[Engine]>,
}

enum Work {
    Expression(Expression<'static, 'static>),
    Text(Box<Environment<'static>>),
}

/// The variables of one evaluation.
#[derive(Debug)]
struct Variables {
    constants: Arc<[Engine]>,
    printed: Arc<Printed>,
    /// The values of the paths.
    values: Vec<Result<Engine, EvaluateError>>,
}

impl Object for Variables {
    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Engine> {
        let (prefix, number) = key.split_at_checked(1)?;
        let number: usize = number.parse().ok()?;
        if prefix == "c" {
            return self.constants.get(number).cloned();
        }
        let (path, span) = self.printed.references.get(number)?;
        match (prefix, self.values.get(*path)?) {
            ("r" | "u", Ok(value)) => Some(value.clone()),
            // A value that carries its error: reading it fails with that error.
            ("r", Err(error)) => Some(Engine::from(failure(error.clone().at(span)))),
            _ => None,
        }
    }

    fn get_value(self: &Arc<Self>, key: &Engine) -> Option<Engine> {
        self.get_value_by_str(key.as_str()?)
    }
}

impl Program {
    /// One expression, whose value keeps its type.
    pub(super) fn expression(node: &Node) -> Result<Self, EvaluateError> {
        let printed = print::expression(node);
        let compiled = environment().compile_expression_owned(printed.text.clone());
        let work = Work::Expression(compiled.map_err(|error| bug(&error))?);
        Ok(Self::new(work, printed))
    }

    /// A text with statements.
    pub(super) fn text(statements: &[Statement]) -> Result<Self, EvaluateError> {
        let printed = print::template(statements);
        let mut environment = environment().clone();
        environment
            .add_template_owned(NAME, printed.text.clone())
            .map_err(|error| bug(&error))?;
        Ok(Self::new(Work::Text(Box::new(environment)), printed))
    }

    fn new(work: Work, printed: Printed) -> Self {
        let constants = printed.constants.iter().map(engine).collect();
        Self {
            work,
            printed: Arc::new(printed),
            constants,
        }
    }

    /// The value over one scope.
    pub(super) fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, EvaluateError> {
        let values = self.printed.paths.iter().map(|path| {
            let found = scope.path(path, 0).map(|(value, _)| engine(value));
            found.map_err(|lost| scope.explain(path, &lost))
        });
        let variables = Engine::from_object(Variables {
            constants: Arc::clone(&self.constants),
            printed: Arc::clone(&self.printed),
            values: values.collect(),
        });
        match &self.work {
            Work::Expression(expression) => {
                let value = expression
                    .eval(variables)
                    .map_err(|error| self.cause(&error))?;
                Ok(settle(Cow::Owned(json(&value)?)).into_owned())
            }
            Work::Text(environment) => {
                let template = environment
                    .get_template(NAME)
                    .map_err(|error| bug(&error))?;
                let rendered = template
                    .render(variables)
                    .map_err(|error| self.cause(&error))?;
                let budget = Budget::new(WORK);
                budget.charge_bytes(rendered.len())?;
                Ok(settle_text(rendered))
            }
        }
    }

    /// Our words for an error of the engine. Its own details may hold values of the record, so they stay out.
    fn cause(&self, error: &Error) -> EvaluateError {
        let span = error
            .range()
            .and_then(|range| self.printed.original(&range));
        let mut source: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(cause) = source {
            if let Some(known) = cause.downcast_ref::<EvaluateError>() {
                let mut known = known.clone();
                known.span = known.span.or(span);
                return known;
            }
            source = cause.source();
        }
        let mut ours = match error.kind() {
            ErrorKind::OutOfFuel => {
                EvaluateError::too_costly("the template does more work than one record may cost")
            }
            _ if error
                .detail()
                .is_some_and(|detail| detail.contains("too large")) =>
            {
                EvaluateError::too_costly("the repeated value is too large")
            }
            _ => EvaluateError::mismatch("the values do not fit the operation"),
        };
        ours.span = span;
        ours
    }
}

fn bug(error: &Error) -> EvaluateError {
    EvaluateError::new(
        crate::foundation::code::Code::Bug,
        format!(
            "the template engine refused what was written for it: {}",
            error.kind()
        ),
    )
}

fn failure(error: EvaluateError) -> Error {
    let kind = if error.code == crate::foundation::code::Code::TemplateTooCostly {
        ErrorKind::OutOfFuel
    } else {
        ErrorKind::InvalidOperation
    };
    Error::new(kind, error.message.clone()).with_source(error)
}

/// The environment that all templates share: our filters, and nothing else.
fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: OnceLock<Environment<'static>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_fuel(Some(WORK));
        environment.set_formatter(|output, _, value| {
            let value = json(value).map_err(failure)?;
            let text = text(&value).map_err(failure)?;
            output.write_str(&text).map_err(Error::from)
        });
        environment.add_filter("call", call);
        environment.add_filter("get", |state: &State, base: Engine, name: Engine| {
            two(state, &base, &name, |base, name| {
                native::field_of(base, name.as_str().unwrap_or_default()).map(Cow::into_owned)
            })
        });
        environment.add_filter("item", |state: &State, base: Engine, index: Engine| {
            two(state, &base, &index, |base, index| {
                native::item(base, index).map(Cow::into_owned)
            })
        });
        environment.add_filter("find", find);
        environment.add_filter("exists", |value: &Engine, wanted: bool| {
            value.is_undefined() != wanted
        });
        environment.add_filter("is_given", |value: &Engine| is_given(value));
        environment.add_filter("given", |value: Engine, other: Option<Engine>| {
            if is_given(&value) {
                value
            } else {
                other.unwrap_or_else(|| Engine::from(()))
            }
        });
        environment.add_filter("cut", cut);
        environment.add_filter("compare", compare);
        environment.add_filter("negate", |state: &State, value: &Engine| {
            negate(&taken(state, value)?)
                .map(|value| engine(&value))
                .map_err(failure)
        });
        environment.add_filter("calculate", calculated);
        environment.add_filter("text", |state: &State, value: Engine| {
            let value = taken(state, &value)?;
            text(&value).map(Cow::into_owned).map_err(failure)
        });
        environment.add_filter("each", each);
        environment
    })
}

/// A value as JSON, its size counted as work.
fn taken(state: &State, value: &Engine) -> Result<Value, Error> {
    let left = state.fuel_levels().map_or(WORK, |(_, left)| left);
    let budget = Budget::new(left);
    let value = json_within(value, &budget).map_err(failure)?;
    state.consume_fuel(left.saturating_sub(budget.left()))?;
    Ok(value)
}

fn two(
    state: &State,
    left: &Engine,
    right: &Engine,
    work: impl FnOnce(Cow<'_, Value>, &Value) -> Result<Value, EvaluateError>,
) -> Result<Engine, Error> {
    let (left, right) = (taken(state, left)?, taken(state, right)?);
    work(Cow::Owned(left), &right)
        .map(|value| engine(&value))
        .map_err(failure)
}

/// `input | call(entry, mask, arguments…)`: a filter or a test by its position, with the parameters whose bits are set.
fn call(state: &State, input: &Engine, arguments: Rest<Engine>) -> Result<Engine, Error> {
    let mut given = arguments.0.into_iter();
    let mut number = || {
        given
            .next()
            .and_then(|value| u64::try_from(value.clone()).ok())
    };
    let (position, mask) = (number().unwrap_or(u64::MAX), number().unwrap_or(0));
    let Some(entry) = usize::try_from(position).ok().and_then(at) else {
        return Err(Error::from(ErrorKind::UnknownFilter));
    };
    let input = taken(state, input)?;
    let mut values = Vec::with_capacity(entry.parameters.len());
    for place in 0..entry.parameters.len() {
        let value = if mask & (1 << place) == 0 {
            None
        } else {
            given.next()
        };
        let value = value.map(|value| taken(state, &value)).transpose()?;
        values.push(value.map(Cow::Owned));
    }
    let rest: Result<Vec<_>, _> = given
        .map(|value| taken(state, &value).map(Cow::Owned))
        .collect();
    let rest = rest?;
    charged(state, |budget| {
        let arguments = Arguments {
            values,
            rest,
            budget,
        };
        native::apply(entry, Cow::Owned(input), &arguments).map(Cow::into_owned)
    })
}

/// A field that may be absent: undefined where it is.
fn find(state: &State, base: &Engine, name: &Engine) -> Result<Engine, Error> {
    if base.is_undefined() {
        return Ok(Engine::UNDEFINED);
    }
    let base = taken(state, base)?;
    let found = native::field_of(Cow::Owned(base), name.as_str().unwrap_or_default());
    Ok(found.map_or(Engine::UNDEFINED, |value| engine(&value)))
}

fn cut(state: &State, base: &Engine, start: &Engine, stop: &Engine) -> Result<Engine, Error> {
    let base = taken(state, base)?;
    let (start, stop) = (taken(state, start)?, taken(state, stop)?);
    native::slice(&base, Some(&start), Some(&stop))
        .map(|value| engine(&value))
        .map_err(failure)
}

/// `first | compare(operator, value, …)`: whether every step of the chain holds.
fn compare(state: &State, first: &Engine, rest: Rest<Engine>) -> Result<bool, Error> {
    let first = taken(state, first)?;
    let mut steps = Vec::with_capacity(rest.len() / 2);
    let mut rest = rest.0.into_iter();
    while let (Some(index), Some(value)) = (rest.next(), rest.next()) {
        let comparison = usize::try_from(index).ok().and_then(Comparison::from_index);
        let Some(comparison) = comparison else {
            return Err(Error::from(ErrorKind::InvalidOperation));
        };
        steps.push((comparison, Cow::Owned(taken(state, &value)?)));
    }
    native::compare(&first, &steps).map_err(failure)
}

fn is_given(value: &Engine) -> bool {
    !value.is_undefined() && !value.is_none()
}

/// `left | calculate(operator, right)`
fn calculated(state: &State, left: &Engine, index: usize, right: &Engine) -> Result<Engine, Error> {
    let (left, right) = (taken(state, left)?, taken(state, right)?);
    let Some(operator) = Operator::from_index(index) else {
        return Err(Error::from(ErrorKind::InvalidOperation));
    };
    charged(state, |budget| calculate(operator, &left, &right, budget))
}

/// Runs work whose cost is taken from what is left of the evaluation's.
fn charged(
    state: &State,
    work: impl FnOnce(&Budget) -> Result<Value, EvaluateError>,
) -> Result<Engine, Error> {
    let left = state.fuel_levels().map_or(WORK, |(_, left)| left);
    let budget = Budget::new(left);
    let value = work(&budget).map_err(failure)?;
    state.consume_fuel(left.saturating_sub(budget.left()))?;
    Ok(engine(&value))
}

/// What a loop goes over: a list, or nothing for null.
fn each(value: Engine) -> Result<Engine, Error> {
    if value.is_none() {
        return Ok(Engine::from(Vec::<Engine>::new()));
    }
    if matches!(
        value.kind(),
        minijinja::value::ValueKind::Seq | minijinja::value::ValueKind::Iterable
    ) {
        return Ok(value);
    }
    let value = json(&value).map_err(failure)?;
    Err(failure(EvaluateError::mismatch(format!(
        "a loop goes over a list, and it is given {}",
        kind(&value)
    ))))
}
