//! Evaluates templates over JSON without the template engine: everything but loops and variables.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::atomic::Ordering as Memory;

use serde_json::{Map, Value};

use crate::foundation::code::Code;
use crate::foundation::diagnostic::nearest;

use super::arithmetic::{calculate, negate};
use super::budget::{Budget, MAX_OUTPUT};
use super::catalogue::{Arguments, Entry, Work};
use super::error::EvaluateError;
use super::predicate;
use super::scope::{Scope, field, kind};
use super::tree::{Apply, Comparison, Kind, Node, Reference, Statement};
use super::value::{contains, equal, integer, order, size, text, truth};

type Evaluated<'v> = Result<Cow<'v, Value>, EvaluateError>;

const NULL: Cow<'static, Value> = Cow::Owned(Value::Null);

/// Whether everything in a template can be evaluated here.
pub(super) fn covers(statements: &[Statement]) -> bool {
    statements.iter().all(|statement| match statement {
        Statement::Text(_) => true,
        Statement::Emit(node) => covers_node(node),
        Statement::If {
            test,
            then,
            otherwise,
        } => covers_node(test) && covers(then) && covers(otherwise),
        Statement::For { .. }
        | Statement::Set { .. }
        | Statement::Capture { .. }
        | Statement::With { .. } => false,
    })
}

fn covers_node(node: &Node) -> bool {
    match &node.kind {
        Kind::Constant(_) | Kind::Reference(_) => true,
        Kind::Local(_) | Kind::Loop(_) => false,
        Kind::Field(base, _) | Kind::Not(base) | Kind::Negate(base) => covers_node(base),
        Kind::Item(left, right)
        | Kind::And(left, right)
        | Kind::Or(left, right)
        | Kind::Calculate(_, left, right)
        | Kind::Concat(left, right) => covers_node(left) && covers_node(right),
        Kind::Slice(base, start, stop) => {
            covers_node(base) && start.iter().chain(stop).all(|bound| covers_node(bound))
        }
        Kind::Compare(first, rest) => {
            covers_node(first) && rest.iter().all(|(_, node)| covers_node(node))
        }
        Kind::If(choice) => {
            covers_node(&choice.test)
                && covers_node(&choice.then)
                && choice.otherwise.as_ref().is_none_or(covers_node)
        }
        Kind::Apply(apply) => {
            covers_node(&apply.input)
                && apply.arguments.iter().flatten().all(covers_node)
                && apply.rest.iter().all(covers_node)
        }
        Kind::List(items) => items.iter().all(covers_node),
        Kind::Map(pairs) => pairs.iter().all(|(_, value)| covers_node(value)),
    }
}

impl Reference {
    /// The value it leads to.
    pub(super) fn value<'v>(&self, scope: &'v Scope<'_>) -> Result<&'v Value, EvaluateError> {
        let hint = self.hint.load(Memory::Relaxed);
        match scope.path(&self.path, hint) {
            Ok((value, place)) => {
                if place != hint {
                    self.hint.store(place, Memory::Relaxed);
                }
                Ok(value)
            }
            Err(lost) => Err(scope.explain(&self.path, &lost)),
        }
    }
}

/// One evaluation: the data and what is left of its work.
pub(super) struct Evaluation<'v> {
    pub(super) scope: &'v Scope<'v>,
    pub(super) budget: &'v Budget,
}

impl<'v> Evaluation<'v> {
    /// Adds what the statements make to the text.
    pub(super) fn render(
        &self,
        statements: &'v [Statement],
        output: &mut String,
    ) -> Result<(), EvaluateError> {
        for statement in statements {
            match statement {
                Statement::Text(raw) => output.push_str(raw),
                Statement::Emit(node) => {
                    self.emit(node, output)
                        .map_err(|error| error.at(&node.span))?;
                }
                Statement::If {
                    test,
                    then,
                    otherwise,
                } => {
                    let branch = if truth(&*self.value(test)?) {
                        then
                    } else {
                        otherwise
                    };
                    self.render(branch, output)?;
                }
                _ => return Err(not_covered()),
            }
            if output.len() > MAX_OUTPUT {
                return Err(EvaluateError::too_costly(format!(
                    "the text has more than {MAX_OUTPUT} bytes"
                )));
            }
        }
        Ok(())
    }

    fn reference(&self, reference: &Reference) -> Result<&'v Value, EvaluateError> {
        reference.value(self.scope)
    }

    fn emit(&self, node: &'v Node, output: &mut String) -> Result<(), EvaluateError> {
        if let Kind::Reference(reference) = &node.kind {
            output.push_str(&text(self.reference(reference)?)?);
        } else {
            output.push_str(&text(&*self.value(node)?)?);
        }
        Ok(())
    }

    /// The value of an expression.
    pub(super) fn value(&self, node: &'v Node) -> Evaluated<'v> {
        self.kind(node).map_err(|error| error.at(&node.span))
    }

    fn kind(&self, node: &'v Node) -> Evaluated<'v> {
        match &node.kind {
            Kind::Constant(value) => Ok(Cow::Borrowed(value)),
            Kind::Reference(reference) => self.reference(reference).map(Cow::Borrowed),
            Kind::Field(base, name) => field_of(self.value(base)?, name),
            Kind::Item(base, index) => item(self.value(base)?, &*self.value(index)?),
            Kind::Slice(base, start, stop) => {
                let start = self.optional(start.as_deref())?;
                let stop = self.optional(stop.as_deref())?;
                slice(&*self.value(base)?, start.as_deref(), stop.as_deref()).map(Cow::Owned)
            }
            Kind::Apply(apply) => self.apply(apply),
            Kind::List(items) => {
                let items: Result<Vec<Value>, _> =
                    items.iter().map(|item| self.copied(item)).collect();
                Ok(Cow::Owned(Value::Array(items?)))
            }
            Kind::Map(pairs) => {
                let mut fields = Map::new();
                for (name, value) in pairs {
                    fields.insert(name.clone(), self.copied(value)?);
                }
                Ok(Cow::Owned(Value::Object(fields)))
            }
            _ => self.operator(node),
        }
    }

    fn operator(&self, node: &'v Node) -> Evaluated<'v> {
        match &node.kind {
            Kind::Not(operand) => Ok(boolean(!truth(&*self.value(operand)?))),
            Kind::And(left, right) => {
                let left = self.value(left)?;
                if truth(&left) {
                    self.value(right)
                } else {
                    Ok(left)
                }
            }
            Kind::Or(left, right) => {
                let left = self.value(left)?;
                if truth(&left) {
                    Ok(left)
                } else {
                    self.value(right)
                }
            }
            Kind::Negate(operand) => negate(&*self.value(operand)?).map(Cow::Owned),
            Kind::Calculate(operator, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                calculate(*operator, &left, &right, self.budget).map(Cow::Owned)
            }
            Kind::Compare(first, rest) => {
                let first = self.value(first)?;
                if let [(comparison, node)] = rest.as_slice() {
                    let step = [(*comparison, self.value(node)?)];
                    return compare(&first, &step).map(boolean);
                }
                let mut operands = Vec::with_capacity(rest.len());
                for (comparison, node) in rest {
                    operands.push((*comparison, self.value(node)?));
                }
                compare(&first, &operands).map(boolean)
            }
            Kind::If(choice) => {
                if truth(&*self.value(&choice.test)?) {
                    return self.value(&choice.then);
                }
                choice
                    .otherwise
                    .as_ref()
                    .map_or(Ok(NULL), |node| self.value(node))
            }
            Kind::Concat(left, right) => {
                let mut joined = part(&*self.value(left)?, left)?;
                joined.push_str(&part(&*self.value(right)?, right)?);
                self.budget.charge_bytes(joined.len())?;
                Ok(Cow::Owned(Value::String(joined)))
            }
            _ => Err(not_covered()),
        }
    }

    /// A value that becomes part of a list or a map.
    fn copied(&self, node: &'v Node) -> Result<Value, EvaluateError> {
        let value = self.value(node)?;
        self.budget.charge_bytes(size(&value))?;
        Ok(value.into_owned())
    }

    fn optional(&self, node: Option<&'v Node>) -> Result<Option<Cow<'v, Value>>, EvaluateError> {
        node.map(|node| self.value(node)).transpose()
    }

    fn apply(&self, apply: &'v Apply) -> Evaluated<'v> {
        match apply.entry.work {
            Work::Defined(wanted) => {
                let present = self.lenient(&apply.input)?.is_some();
                return Ok(boolean(present == wanted));
            }
            Work::Default => {
                let other = apply.arguments.first().and_then(Option::as_ref);
                let value = self.lenient(&apply.input)?;
                let is_given = value.as_ref().is_some_and(|value| !value.is_null());
                // What stands behind a plain name is read only when it is needed.
                if is_given && matches!(apply.input.kind, Kind::Reference(_)) {
                    return Ok(value.unwrap_or(NULL));
                }
                let other = self.optional(other)?.unwrap_or(NULL);
                return Ok(value.filter(|_| is_given).unwrap_or(other));
            }
            Work::Filter(_) | Work::List(_) | Work::Test(_) => {}
        }
        let input = self.value(&apply.input)?;
        let mut values = Vec::with_capacity(apply.arguments.len());
        for argument in &apply.arguments {
            values.push(self.optional(argument.as_ref())?);
        }
        let mut rest = Vec::with_capacity(apply.rest.len());
        for node in &apply.rest {
            rest.push(self.value(node)?);
        }
        let arguments = Arguments {
            values,
            rest,
            budget: self.budget,
        };
        self::apply(apply.entry, input, &arguments)
    }

    /// A value that may be absent: only a name, or a field of a map, can be.
    fn lenient(&self, node: &'v Node) -> Result<Option<Cow<'v, Value>>, EvaluateError> {
        match &node.kind {
            Kind::Reference(reference) => Ok(self
                .scope
                .path(&reference.path, reference.hint.load(Memory::Relaxed))
                .ok()
                .map(|(value, _)| Cow::Borrowed(value))),
            Kind::Field(base, name) => match self.lenient(base)? {
                Some(base) => Ok(field_of(base, name).ok()),
                None => Ok(None),
            },
            _ => self.value(node).map(Some),
        }
    }
}

/// Runs a filter or a test over a value that is there.
pub(super) fn apply<'v>(
    entry: &Entry,
    input: Cow<'v, Value>,
    arguments: &Arguments<'v>,
) -> Evaluated<'v> {
    arguments.budget.charge(1)?;
    if let Value::String(text) = &*input {
        arguments.budget.charge_bytes(text.len())?;
    }
    match entry.work {
        Work::Filter(filter) => filter(&input, arguments).map(Cow::Owned),
        Work::List(filter) => filter(input, arguments),
        Work::Test(_) | Work::Defined(_) => predicate::check(entry, &input, arguments).map(boolean),
        Work::Default if input.is_null() => {
            Ok(arguments.values.first().cloned().flatten().unwrap_or(NULL))
        }
        Work::Default => Ok(input),
    }
}

fn boolean(truth: bool) -> Cow<'static, Value> {
    Cow::Owned(Value::Bool(truth))
}

fn part(value: &Value, node: &Node) -> Result<String, EvaluateError> {
    text(value)
        .map(Cow::into_owned)
        .map_err(|error| error.at(&node.span))
}

fn not_covered() -> EvaluateError {
    EvaluateError::new(
        Code::Bug,
        "a statement reached the evaluator of expressions",
    )
}

/// Whether every step of a chain of comparisons holds: `0 < score <= 100`.
pub(super) fn compare(
    first: &Value,
    rest: &[(Comparison, Cow<'_, Value>)],
) -> Result<bool, EvaluateError> {
    let mut left = first;
    for (comparison, right) in rest {
        let ordered = |wanted: fn(Ordering) -> bool| {
            order(left, right).map(|order| order.is_some_and(wanted))
        };
        let holds = match comparison {
            Comparison::Equal => equal(left, right),
            Comparison::NotEqual => !equal(left, right),
            Comparison::Less => ordered(Ordering::is_lt)?,
            Comparison::LessOrEqual => ordered(Ordering::is_le)?,
            Comparison::Greater => ordered(Ordering::is_gt)?,
            Comparison::GreaterOrEqual => ordered(Ordering::is_ge)?,
            Comparison::In => contains(right, left)?,
            Comparison::NotIn => !contains(right, left)?,
        };
        if !holds {
            return Ok(false);
        }
        left = right;
    }
    Ok(true)
}

/// A field of a value; null of null, as Salesforce's own parents.
pub(super) fn field_of<'v>(base: Cow<'v, Value>, name: &str) -> Evaluated<'v> {
    match base {
        Cow::Borrowed(base) => one_field(base, name).map(Cow::Borrowed),
        Cow::Owned(base) => one_field(&base, name).map(|value| Cow::Owned(value.clone())),
    }
}

fn one_field<'v>(base: &'v Value, name: &str) -> Result<&'v Value, EvaluateError> {
    match base {
        Value::Null => Ok(&Value::Null),
        Value::Object(fields) => field(fields, name).ok_or_else(|| {
            let mut message = format!("`{name}` is not there");
            if let Some(near) = nearest(name, fields.keys().map(String::as_str)) {
                message = format!("{message}; did you mean `{near}`?");
            }
            let mut error = EvaluateError::new(Code::TemplateUndefined, message);
            error.name = Some(name.to_owned());
            error
        }),
        other => {
            let mut error =
                EvaluateError::mismatch(format!("{} has no field `{name}`", kind(other)));
            error.name = Some(name.to_owned());
            Err(error)
        }
    }
}

/// A field by a path with dots.
pub(super) fn field_path<'v>(base: &'v Value, path: &str) -> Result<&'v Value, EvaluateError> {
    path.split('.').try_fold(base, one_field)
}

/// An item of a list or a character of a text by its number (negative from the end), or a field by its name; null
/// where the number is beyond the end.
pub(super) fn item<'v>(base: Cow<'v, Value>, index: &Value) -> Evaluated<'v> {
    match (&*base, index) {
        (Value::Null, _) => Ok(NULL),
        (Value::Object(_), Value::String(name)) => field_of(base, name),
        (Value::Array(items), Value::Number(_)) => {
            let Some(place) = position(index, items.len())? else {
                return Ok(NULL);
            };
            Ok(match base {
                Cow::Borrowed(base) => base.get(place).map_or(NULL, Cow::Borrowed),
                Cow::Owned(base) => base.get(place).cloned().map_or(NULL, Cow::Owned),
            })
        }
        (Value::String(whole), Value::Number(_)) => {
            let place = position(index, whole.chars().count())?;
            let letter = place.and_then(|place| whole.chars().nth(place));
            Ok(letter.map_or(NULL, |letter| Cow::Owned(Value::String(letter.to_string()))))
        }
        (base, index) => Err(EvaluateError::mismatch(format!(
            "{} has no items named by {}",
            kind(base),
            kind(index)
        ))),
    }
}

fn whole(index: &Value) -> Result<i128, EvaluateError> {
    match index {
        Value::Number(number) => integer(number),
        _ => None,
    }
    .ok_or_else(|| EvaluateError::mismatch("the number of an item must be a whole number"))
}

fn position(index: &Value, length: usize) -> Result<Option<usize>, EvaluateError> {
    let index = whole(index)?;
    let place = if index < 0 {
        index + length as i128
    } else {
        index
    };
    Ok(usize::try_from(place).ok().filter(|place| *place < length))
}

/// Part of a list or of a text, by characters; null of null.
pub(super) fn slice(
    base: &Value,
    start: Option<&Value>,
    stop: Option<&Value>,
) -> Result<Value, EvaluateError> {
    let bound = |bound: Option<&Value>, default: usize, length: usize| match bound {
        None | Some(Value::Null) => Ok(default),
        Some(bound) => {
            let bound = whole(bound)?;
            let place = if bound < 0 {
                bound + length as i128
            } else {
                bound
            };
            Ok(place.clamp(0, length as i128) as usize)
        }
    };
    match base {
        Value::Null => Ok(Value::Null),
        Value::Array(items) => {
            let start = bound(start, 0, items.len())?;
            let stop = bound(stop, items.len(), items.len())?.max(start);
            Ok(Value::Array(items[start..stop].to_vec()))
        }
        Value::String(whole) => {
            let length = whole.chars().count();
            let start = bound(start, 0, length)?;
            let stop = bound(stop, length, length)?.max(start);
            let part = whole.chars().skip(start).take(stop - start);
            Ok(Value::String(part.collect()))
        }
        other => Err(EvaluateError::mismatch(format!(
            "{} cannot be sliced",
            kind(other)
        ))),
    }
}
