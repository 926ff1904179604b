//! The round trip of one test lead: created, read, marked as qualified, seen written back, removed.
//!
//! It shows what no description can: that rules, flows and triggers of the org let a lead through. The lead carries a name
//! of its own and is removed whatever else fails.

use serde_json::{Map, Value, json};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::id::RunId;
use crate::foundation::record::Record;
use crate::salesforce::errors;
use crate::salesforce::write::{
    RowOutcome, RowRefusal, WriteBatch, WriteOperation, WriteOptions, Writer,
};

/// The object of the test.
pub const OBJECT: &str = "Lead";

/// What stands in `Rating` of a qualified lead; the standard picklist has it.
const QUALIFIED: &str = "Hot";

/// One part of the trip, in its order.
#[derive(Debug)]
pub struct Leg {
    /// What was done.
    pub name: &'static str,
    /// What was seen, or what went wrong.
    pub result: Result<String>,
}

/// Makes the trip; the first leg that fails ends it, but for the removal.
pub async fn run(writer: &Writer) -> Vec<Leg> {
    let name = format!("bridged test {}", RunId::generate());
    let mut legs = Vec::new();
    let id = match create(writer, &name).await {
        Ok(id) => id,
        Err(error) => {
            legs.push(leg("create a test lead", Err(error)));
            return legs;
        }
    };
    legs.push(leg("create a test lead", Ok(id.clone())));
    let mut good = true;
    let mut take = |legs: &mut Vec<Leg>, name, result: Result<String>| {
        good &= result.is_ok();
        legs.push(leg(name, result));
        good
    };
    let read = read(writer, &id, &[("LastName", &name)]).await;
    if take(&mut legs, "read it", read) {
        let marked = mark(writer, &id).await;
        if take(&mut legs, "mark it as qualified", marked) {
            let seen = self::read(writer, &id, &[("Rating", QUALIFIED)]).await;
            take(&mut legs, "see it written back", seen);
        }
    }
    let removed = remove(writer, &id).await;
    legs.push(leg("remove it", removed));
    legs
}

const fn leg(name: &'static str, result: Result<String>) -> Leg {
    Leg { name, result }
}

async fn create(writer: &Writer, name: &str) -> Result<String> {
    let record = fields(&json!({ "LastName": name, "Company": "bridged check", "Rating": "Cold" }));
    one(writer, WriteOperation::Create { key: None }, record).await
}

async fn mark(writer: &Writer, id: &str) -> Result<String> {
    let record = fields(&json!({ "Id": id, "Rating": QUALIFIED }));
    one(writer, WriteOperation::Update, record).await?;
    Ok(format!("Rating: {QUALIFIED}"))
}

fn fields(record: &Value) -> Map<String, Value> {
    record.as_object().cloned().unwrap_or_default()
}

async fn one(
    writer: &Writer,
    operation: WriteOperation<'_>,
    record: Map<String, Value>,
) -> Result<String> {
    let outcomes = writer
        .write(&WriteBatch {
            object: OBJECT,
            operation,
            records: &[record],
            options: &WriteOptions::default(),
        })
        .await?;
    match outcomes.into_iter().next() {
        Some(RowOutcome::Written { id, .. }) => Ok(id),
        Some(RowOutcome::Refused(refusal)) => Err(refused(refusal)),
        None => Err(Error::bug(
            "one record was written and no outcome came back",
        )),
    }
}

/// A refusal of the one row, with the object it is about and what to do.
fn refused(refusal: RowRefusal) -> Error {
    let error = Error::new(
        refusal.code,
        format!("{}; the object is `{OBJECT}`", refusal.message),
    )
    .with(|context| context.remote_code = Some(refusal.remote_code));
    match errors::meaning(refusal.code) {
        Some((_, help)) => error.help(help),
        None => error,
    }
}

/// Reads the lead and compares what it holds.
async fn read(writer: &Writer, id: &str, expected: &[(&str, &str)]) -> Result<String> {
    let names: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
    let client = writer.client();
    let rows = client.rows_by_key(OBJECT, "Id", &[id], &names).await?;
    let row: &Record = rows.first().ok_or_else(|| {
        Error::new(
            Code::NotFound,
            "the test lead was created and cannot be read",
        )
        .help("give the signed-in user `View All` on Lead, or look at the org's sharing rules")
    })?;
    for (name, value) in expected {
        let found = row.get(name).and_then(Value::as_str).unwrap_or_default();
        if found != *value {
            return Err(Error::new(
                Code::RecordRefused,
                format!("`{name}` is `{found}` after `{value}` was written"),
            )
            .help("look for a flow, a trigger or another program that changes the field"));
        }
    }
    let shown: Vec<String> = expected
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    Ok(shown.join(", "))
}

async fn remove(writer: &Writer, id: &str) -> Result<String> {
    let left = |error: Error| error.help(format!("remove the lead `{id}` by hand"));
    let outcomes = writer.delete(&[id]).await.map_err(left)?;
    match outcomes.into_iter().next() {
        Some(RowOutcome::Refused(refusal)) => Err(left(refused(refusal))),
        _ => Ok("gone".to_owned()),
    }
}
