//! Whether there is anything to read: rows the user sees, rows the filter meets, attributes that get a value.

use serde_json::Value;

use crate::engine::absent::{self, Filled};
use crate::engine::conflict::value_at;
use crate::engine::map::Mapper;
use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, Severity};
use crate::foundation::error::Error;
use crate::foundation::record::{Record, RecordError};
use crate::plan::Plan;
use crate::plan::expression::Expression;
use crate::plan::query::Window;
use crate::salesforce::client::Client;
use crate::salesforce::query::Scope;

use super::step::Step;

/// How many rows are looked at: one page, as a pipeline reads by default.
const SAMPLE: u32 = 50;

/// Reads one page of a pipeline whose fields can all be read; one API call more where it is empty.
pub(super) async fn check(client: &Client, plan: &Plan) -> Vec<Step> {
    const NAME: &str = "rows";
    let Some(read) = plan.read() else {
        return Vec::new();
    };
    let query = &read.query;
    let scope = if query.include_deleted {
        Scope::WithDeleted
    } else {
        Scope::Live
    };
    let soql = query.page(&Window::Whole { after: None }, SAMPLE);
    let rows = match client.query(&soql, scope, None).await {
        Ok(page) => page.records,
        Err(error) => return vec![Step::failed(NAME, unanswered(&error))],
    };
    if rows.is_empty() {
        let found = absent::no_rows(client, query).await;
        let found = found.unwrap_or_else(|error| unanswered(&error));
        return vec![Step::failed(NAME, found)];
    }
    let many = if rows.len() < SAMPLE as usize {
        format!("{} found", rows.len())
    } else {
        format!("the first {SAMPLE} looked at")
    };
    let met = if query.condition.is_some() {
        ", all meet `where`"
    } else {
        ""
    };
    let mut steps = vec![Step::found(NAME, format!("{many}{met}"))];
    steps.extend(mapping(plan, &rows));
    steps
}

/// A run reads windows of an index, which this question does not: what takes too long here may be quick there.
fn unanswered(error: &Error) -> Diagnostic {
    let finding = Diagnostic::from(error);
    if error.code() == Code::QueryTimeout {
        return Diagnostic {
            severity: Severity::Warning,
            ..finding
        };
    }
    finding
}

/// Maps the rows of the sample, and looks for attributes that stay empty.
fn mapping(plan: &Plan, rows: &[Record]) -> Vec<Step> {
    const NAME: &str = "mapping";
    let Some((mapper, map)) = Mapper::of(plan).zip(plan.map()) else {
        return Vec::new();
    };
    let filled = Filled::none(map);
    let mapper = mapper.watched(&filled);
    let reasons: Vec<RecordError> = rows
        .iter()
        .filter_map(|row| mapper.map(row).err())
        .collect();
    if let Some(reason) = reasons.first() {
        let which = if reasons.len() == rows.len() {
            "each row".to_owned()
        } else {
            format!("{} of {} rows", reasons.len(), rows.len())
        };
        let at = reason.field.as_deref();
        let at = at.map_or_else(String::new, |field| format!(" at `{field}`"));
        let message = format!("{which} would be rejected{at}: {}", reason.message);
        let finding = if reasons.len() == rows.len() {
            Diagnostic::error(reason.code, message)
        } else {
            Diagnostic::warning(reason.code, message)
        };
        let help = format!(
            "`bridged dry-run {} --full --limit 10` shows what is wrong with each record",
            plan.pipeline
        );
        return vec![Step::failed(NAME, finding.help(help))];
    }
    let never = filled.never(map);
    if never.is_empty() {
        return vec![Step::found(NAME, "every attribute gets values")];
    }
    let empty = never.into_iter().map(|attribute| {
        let seen = fields_seen(&attribute.1, rows);
        let finding = absent::yields_nothing(&plan.pipeline, attribute, rows.len() as u64, seen);
        Step::failed(&attribute.0, finding)
    });
    empty.collect()
}

/// In how many of the rows the fields of a template have a value: it tells an empty field from a template that drops it.
fn fields_seen(expression: &Expression, rows: &[Record]) -> Option<String> {
    let mut told: Vec<String> = Vec::new();
    for used in expression.names() {
        let path = used.path.join(".");
        let has_value =
            |row: &&Record| value_at(row, &path).is_some_and(|value| *value != Value::Null);
        let told_one = match rows.iter().filter(has_value).count() {
            0 => format!("`{path}` has a value in none of them"),
            some => format!("`{path}` has a value in {some} of them"),
        };
        if !told.contains(&told_one) {
            told.push(told_one);
        }
    }
    (!told.is_empty()).then(|| told.join(", "))
}
