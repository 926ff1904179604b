//! Calculation over JSON values, as Jinja has it: whole numbers stay exact, `/` gives a fraction, `//` and `%` round down.

use serde_json::{Number, Value};

use super::budget::Budget;
use super::error::EvaluateError;
use super::scope::kind;
use super::tree::Operator;
use super::value::size;

type Calculated = Result<Value, EvaluateError>;

/// The result of one operator.
pub(super) fn calculate(
    operator: Operator,
    left: &Value,
    right: &Value,
    budget: &Budget,
) -> Calculated {
    match (operator, left, right) {
        (_, Value::Number(a), Value::Number(b)) => match (exact(a), exact(b)) {
            (Some(a), Some(b)) => whole(operator, a, b),
            _ => fraction(
                operator,
                a.as_f64().unwrap_or_default(),
                b.as_f64().unwrap_or_default(),
            ),
        },
        (Operator::Add, Value::String(a), Value::String(b)) => {
            budget.charge_bytes(a.len() + b.len())?;
            Ok(Value::String(format!("{a}{b}")))
        }
        (Operator::Add, Value::Array(a), Value::Array(b)) => {
            budget.charge_bytes(size(left) + size(right))?;
            Ok(Value::Array(a.iter().chain(b).cloned().collect()))
        }
        (Operator::Multiply, Value::String(text), Value::Number(times)) => {
            let times = repetitions(times);
            budget.charge_bytes(text.len().saturating_mul(times))?;
            Ok(Value::String(text.repeat(times)))
        }
        (Operator::Multiply, Value::Array(items), Value::Number(times)) => {
            let times = repetitions(times);
            budget.charge_bytes(size(left).saturating_mul(times))?;
            let repeated = std::iter::repeat_n(items, times).flatten();
            Ok(Value::Array(repeated.cloned().collect()))
        }
        _ => Err(EvaluateError::mismatch(format!(
            "cannot calculate {} `{}` {}",
            kind(left),
            operator.sign(),
            kind(right)
        ))),
    }
}

/// A number with its sign turned.
pub(super) fn negate(value: &Value) -> Calculated {
    match value {
        Value::Number(number) => match exact(number) {
            Some(value) => integer(-value),
            None => float(-number.as_f64().unwrap_or_default()),
        },
        other => Err(EvaluateError::mismatch(format!(
            "cannot turn the sign of {}",
            kind(other)
        ))),
    }
}

/// A number that is written without a fraction.
fn exact(number: &Number) -> Option<i128> {
    number
        .as_i64()
        .map(i128::from)
        .or_else(|| number.as_u64().map(i128::from))
}

fn repetitions(times: &Number) -> usize {
    let times = exact(times).unwrap_or_default().max(0);
    usize::try_from(times).unwrap_or(usize::MAX)
}

fn integer(value: i128) -> Calculated {
    i64::try_from(value)
        .map(Value::from)
        .or_else(|_| u64::try_from(value).map(Value::from))
        .map_err(|_| too_large())
}

fn float(value: f64) -> Calculated {
    Number::from_f64(value)
        .map(Value::Number)
        .ok_or_else(too_large)
}

fn too_large() -> EvaluateError {
    EvaluateError::mismatch("the result of the calculation does not fit a number")
}

fn by_zero() -> EvaluateError {
    EvaluateError::mismatch("cannot divide by zero")
}

fn whole(operator: Operator, a: i128, b: i128) -> Calculated {
    let result = match operator {
        Operator::Add => a.checked_add(b),
        Operator::Subtract => a.checked_sub(b),
        Operator::Multiply => a.checked_mul(b),
        Operator::Divide | Operator::DivideWhole | Operator::Remainder if b == 0 => {
            return Err(by_zero());
        }
        Operator::Divide => return float(a as f64 / b as f64),
        Operator::DivideWhole => Some(floor(a, b)),
        Operator::Remainder => Some(a - floor(a, b) * b),
        Operator::Power => match u32::try_from(b) {
            Ok(exponent) => a.checked_pow(exponent),
            Err(_) => return fraction(operator, a as f64, b as f64),
        },
    };
    integer(result.ok_or_else(too_large)?)
}

/// Division rounded down. The operands are at most 64 bits wide, so nothing overflows.
fn floor(a: i128, b: i128) -> i128 {
    let quotient = a / b;
    if a % b != 0 && (a < 0) != (b < 0) {
        quotient - 1
    } else {
        quotient
    }
}

fn fraction(operator: Operator, a: f64, b: f64) -> Calculated {
    float(match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide | Operator::DivideWhole | Operator::Remainder if b == 0.0 => {
            return Err(by_zero());
        }
        Operator::Divide => a / b,
        Operator::DivideWhole => (a / b).floor(),
        Operator::Remainder => a - (a / b).floor() * b,
        Operator::Power => a.powf(b),
    })
}
