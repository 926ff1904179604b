//! Why a read brought nothing: the user sees no row, the filter meets none, or attributes never get a value.
//!
//! None of it is a failure: an org may be new and a filter may wait for its first row. So all of it are warnings.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::Value;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::Diagnostic;
use crate::foundation::error::Result;
use crate::foundation::id::PipelineName;
use crate::foundation::shown::thousands;
use crate::plan::Plan;
use crate::plan::expression::Expression;
use crate::plan::query::{Query, Window};
use crate::plan::step::map::Map;
use crate::salesforce::client::Client;
use crate::salesforce::query::Scope;

/// Why a query that was asked without a lower bound gave no row. Costs one API call, and none where there is no filter.
///
/// # Errors
/// What the client says.
pub async fn no_rows(client: &Client, query: &Query) -> Result<Diagnostic> {
    let object = &query.object;
    if query.condition.is_some() {
        let bare = Query {
            condition: None,
            ..query.clone()
        };
        let soql = bare.count(&Window::Whole { after: None });
        let seen = client.query(&soql, Scope::Live, None).await?.total_size;
        if seen > 0 {
            let rows = if seen == 1 {
                "the one row".to_owned()
            } else {
                format!("none of the {} rows", thousands(seen))
            };
            let verb = if seen == 1 { "does not meet" } else { "meets" };
            return Ok(Diagnostic::warning(
                Code::FilterMatchesNothing,
                format!("{rows} of `{object}` that the signed-in user sees {verb} `source.where`"),
            )
            .help(
                "compare the condition with the data, or take `where` out to see what there is",
            ));
        }
    }
    Ok(Diagnostic::warning(
        Code::NoRowsVisible,
        format!(
            "the signed-in user sees no row of `{object}`: it is empty, or none of its rows is shared with the user"
        ),
    )
    .help(format!(
        "share its rows, where it has some: Setup → Sharing Settings, or Setup → Permission Sets → a set of the user → \
         Object Settings → {object} → View All Records"
    )))
}

/// Which attributes of a map got a value in any record.
#[derive(Debug)]
pub struct Filled {
    records: AtomicU64,
    attributes: Vec<AtomicBool>,
}

impl Filled {
    /// No attribute has got one.
    pub fn none(map: &Map) -> Self {
        let attributes = map.attributes.iter();
        Self {
            records: AtomicU64::new(0),
            attributes: attributes.map(|_| AtomicBool::new(false)).collect(),
        }
    }

    /// Takes in the values of one record, in the order of the map.
    pub fn note<'v>(&self, values: impl Iterator<Item = &'v Value>) {
        self.records.fetch_add(1, Ordering::Relaxed);
        for (filled, value) in self.attributes.iter().zip(values) {
            // Reading costs other threads nothing, and writing is over after a few records.
            if !value.is_null() && !filled.load(Ordering::Relaxed) {
                filled.store(true, Ordering::Relaxed);
            }
        }
    }

    /// How many records were mapped; those that a template failed for are not among them.
    pub fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// The attributes that are read from fields and never got a value, in the order of the map.
    pub fn never<'m>(&self, map: &'m Map) -> Vec<&'m (String, Expression)> {
        let never =
            |(_, filled): &(&(String, Expression), &AtomicBool)| !filled.load(Ordering::Relaxed);
        let pairs = map.attributes.iter().zip(&self.attributes).filter(never);
        pairs
            .map(|(attribute, _)| attribute)
            .filter(|(_, expression)| !expression.names().is_empty())
            .collect()
    }
}

/// The finding for an attribute that is empty in all of `records` records; `seen` says more of the fields it is made of.
pub fn yields_nothing(
    pipeline: &PipelineName,
    (name, expression): &(String, Expression),
    records: u64,
    seen: Option<String>,
) -> Diagnostic {
    let all = match records {
        1 => "the one record".to_owned(),
        more => format!("all {} records", thousands(more)),
    };
    let mut fields: Vec<String> = Vec::new();
    for used in expression.names() {
        let field = format!("`{}`", used.path.join("."));
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    let seen = seen.unwrap_or_else(|| format!("it is made of {}", fields.join(" and ")));
    Diagnostic::warning(
        Code::MappingYieldsNothing,
        format!("`{name}` is empty in {all} that were read; {seen}"),
    )
    .help(format!(
        "compare its template in `field_map` with the values of a record: `bridged dry-run {pipeline} --full --limit 10`"
    ))
}

/// Everything there is to say of a read without a lower bound that ended.
///
/// # Errors
/// What the client says.
pub async fn explain(
    client: &Client,
    plan: &Plan,
    read: u64,
    filled: Option<&Filled>,
) -> Result<Vec<Diagnostic>> {
    let Some(query) = plan.read().map(|read| &read.query) else {
        return Ok(Vec::new());
    };
    if read == 0 {
        return Ok(vec![no_rows(client, query).await?]);
    }
    let mapped = plan.map().zip(filled);
    let Some((map, filled)) = mapped.filter(|(_, filled)| filled.records() > 0) else {
        return Ok(Vec::new());
    };
    let never = filled.never(map).into_iter();
    Ok(never
        .map(|attribute| yields_nothing(&plan.pipeline, attribute, filled.records(), None))
        .collect())
}

/// Findings as warnings of a report, each `CODE: message; help`. A run that is done is not spoilt by a question about it
/// that nobody answered.
pub fn warnings(found: Result<Vec<Diagnostic>>) -> Vec<String> {
    let found = found.unwrap_or_else(|error| {
        tracing::warn!(code = %error.code(), "nobody says why nothing was read: {error}");
        Vec::new()
    });
    let told = found.iter().map(|finding| {
        let help = finding.help.as_deref();
        let help = help.map_or_else(String::new, |help| format!("; {help}"));
        format!("{}: {}{help}", finding.code, finding.message)
    });
    told.collect()
}
