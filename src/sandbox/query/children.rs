//! Child subqueries: compiled once, answered for each parent that is written.

use std::sync::Arc;

use super::columns::{self, Projection};
use super::error::QueryError;
use super::filter::{Filter, Subject};
use super::order::{self, Key};
use super::resolve::Scope;
use super::run::{Options, compile_filter, compile_order};
use crate::sandbox::ids::RecordId;
use crate::sandbox::org::Org;
use crate::sandbox::table::{RowNumber, Table};
use crate::sandbox::user::User;
use crate::soql::ast::Query;

/// A subquery of a relationship.
#[derive(Debug)]
pub(super) struct ChildPlan {
    pub(super) projection: Arc<Projection>,
    reference: usize,
    filter: Option<Filter>,
    order: Vec<Key>,
    offset: usize,
    limit: Option<usize>,
    include_deleted: bool,
    /// Who asks: sharing hides children too.
    user: User,
}

impl ChildPlan {
    /// Compiles a subquery whose rows point to their parent by the field `reference`.
    pub(super) fn compile(
        scope: &Scope<'_>,
        query: &Query,
        reference: usize,
        options: Options,
    ) -> Result<Self, QueryError> {
        let number =
            |count: &crate::soql::ast::Count| usize::try_from(count.value).unwrap_or(usize::MAX);
        Ok(Self {
            projection: Arc::new(columns::compile(scope, &query.select, options)?),
            reference,
            filter: compile_filter(scope, query, options)?,
            order: compile_order(scope, query)?,
            offset: query.offset.as_ref().map_or(0, number),
            limit: query.limit.as_ref().map(number),
            include_deleted: options.include_deleted,
            user: scope.user.clone(),
        })
    }

    /// The children of one parent, in order.
    pub(super) fn rows(&self, org: &Org, parent: RecordId) -> Vec<RowNumber> {
        let Some(table) = org.table(&self.projection.object.name) else {
            return Vec::new();
        };
        let listed;
        let candidates = if let Some(rows) = table.children_of(self.reference, parent) {
            rows
        } else {
            listed = self.search(table, parent);
            &listed
        };
        let passes = |number: &RowNumber| {
            let Some(row) = table.row(*number) else {
                return false;
            };
            (self.include_deleted || !row.deleted)
                && self.user.record(table.object(), row).read
                && self
                    .filter
                    .as_ref()
                    .is_none_or(|filter| filter.holds(org, Subject::Row(row)))
        };
        let mut rows: Vec<RowNumber> = candidates.iter().copied().filter(passes).collect();
        if !self.order.is_empty() {
            let keyed = rows.iter().filter_map(|&number| {
                let row = table.row(number)?;
                Some((order::values(&self.order, org, Subject::Row(row)), number))
            });
            let mut keyed: Vec<_> = keyed.collect();
            let first = self.limit.map(|limit| limit.saturating_add(self.offset));
            order::sort(&self.order, &mut keyed, first);
            rows = keyed.into_iter().map(|(_, number)| number).collect();
        }
        rows.drain(..self.offset.min(rows.len()));
        rows.truncate(self.limit.unwrap_or(usize::MAX));
        rows
    }

    fn search(&self, table: &Table, parent: RecordId) -> Vec<RowNumber> {
        let rows = table.rows();
        rows.filter(|(_, row)| row.get(self.reference).as_id() == Some(parent))
            .map(|(number, _)| number)
            .collect()
    }
}
