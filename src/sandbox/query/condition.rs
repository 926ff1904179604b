//! A condition on rows of one object, as rules of the org have it.

use jiff::Timestamp;

use super::error::{self, QueryError};
use super::filter::{Filter, Subject};
use super::resolve::Scope;
use super::run::{Options, compile_filter};
use crate::sandbox::org::Org;
use crate::sandbox::table::Row;
use crate::sandbox::user::User;
use crate::soql::parse;

/// A compiled condition. Its date literals are those of the instant at which it was compiled.
#[derive(Debug)]
pub struct RowCondition(Filter);

impl RowCondition {
    /// Compiles what may stand behind `WHERE` in a query of an object.
    ///
    /// # Errors
    /// What a query with this condition would be refused for.
    pub fn compile(
        org: &Org,
        user: &User,
        object: &str,
        text: &str,
        now: Timestamp,
    ) -> Result<Self, QueryError> {
        let select = format!("SELECT Id FROM {object}");
        let mut query = parse::query(&select).map_err(|error| error::of_soql(&select, &error))?;
        let condition = parse::condition(text).map_err(|error| error::of_soql(text, &error))?;
        query.filter = Some(condition);
        let scope = Scope::root(org, user, text, &query)?;
        let options = Options {
            include_deleted: false,
            now,
        };
        let filter = compile_filter(&scope, &query, options)?;
        Ok(Self(filter.unwrap_or(Filter::And(Vec::new()))))
    }

    /// Whether the condition holds for a row, which need not be in its table.
    pub fn holds(&self, org: &Org, row: &Row) -> bool {
        self.0.holds(org, Subject::Row(row))
    }
}
