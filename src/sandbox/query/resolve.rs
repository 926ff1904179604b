//! Names of a query to fields of objects, as far as the user may see them.

use std::fmt;
use std::sync::Arc;

use super::error::{self, QueryError};
use crate::sandbox::describe::{Field, FieldType, Flag, ObjectType};
use crate::sandbox::org::Org;
use crate::sandbox::table::{Row, Table};
use crate::sandbox::user::User;
use crate::sandbox::value::Value;
use crate::soql::ast::{FieldPath, FromItem, Name, Query};

static NULL: Value = Value::Null;

/// Where a value is found from a row: in it, or behind its references.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// A field of the row itself, by its index.
    Field(usize),
    /// The name of the object a polymorphic reference points to.
    ObjectName(Value),
    /// A field behind a reference.
    Hop(Box<Hop>),
}

/// One step over a reference.
#[derive(Debug, Clone)]
pub(super) struct Hop {
    /// The reference field's index.
    pub(super) reference: usize,
    /// What to read, by the object the reference points to.
    pub(super) targets: Vec<(Arc<ObjectType>, Node)>,
}

impl Node {
    /// The value; null where a reference on the way is empty or points to a row that is gone.
    pub(super) fn get<'a>(&'a self, org: &'a Org, row: &'a Row) -> &'a Value {
        match self {
            Node::Field(index) => row.get(*index),
            Node::ObjectName(name) => name,
            Node::Hop(hop) => {
                let parent = row.get(hop.reference).as_id().and_then(|id| org.row(id));
                let Some((table, row)) = parent else {
                    return &NULL;
                };
                hop.targets
                    .iter()
                    .find(|(object, _)| Arc::ptr_eq(object, table.object()))
                    .map_or(&NULL, |(_, node)| node.get(org, row))
            }
        }
    }
}

/// A path that was found: where its value is and which field it is.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    pub(super) node: Node,
    /// The object of the field; for polymorphic references one of them.
    pub(super) object: Arc<ObjectType>,
    /// The field's index; `None` for `Type` of a polymorphic reference.
    pub(super) index: Option<usize>,
}

impl Resolved {
    pub(super) fn field(&self) -> Option<&Field> {
        self.index.map(|index| &self.object.fields[index])
    }

    pub(super) fn kind(&self) -> FieldType {
        self.field().map_or(FieldType::String, |field| field.kind)
    }

    pub(super) fn name(&self) -> &str {
        self.field().map_or("Type", |field| &field.name)
    }

    pub(super) fn is(&self, flag: Flag) -> bool {
        self.field().is_none_or(|field| field.is(flag))
    }
}

/// What the names of one query mean.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) org: &'a Org,
    pub(super) user: &'a User,
    /// The whole query, for messages.
    pub(super) text: &'a str,
    pub(super) table: &'a Table,
    query: &'a Query,
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("object", &self.table.object().name)
            .finish_non_exhaustive()
    }
}

impl<'a> Scope<'a> {
    /// The scope of a query whose `FROM` names an object.
    pub(super) fn root(
        org: &'a Org,
        user: &'a User,
        text: &'a str,
        query: &'a Query,
    ) -> Result<Self, QueryError> {
        let name = &query.from.path;
        let table = match name.segments.as_slice() {
            [one] => readable_table(org, user, &one.text),
            _ => None,
        };
        let Some(table) = table else {
            return Err(error::at(
                text,
                name.span().start,
                "INVALID_TYPE",
                format!(
                    "sObject type '{}' is not supported. If you are attempting to use a custom object, be sure to \
                     append the '__c' after the entity name. Please reference your WSDL or the describe call for \
                     the appropriate names.",
                    name.dotted()
                ),
            ));
        };
        Ok(Self {
            org,
            user,
            text,
            table,
            query,
        })
    }

    /// The scope of a child subquery, and the reference field that points to this scope's object.
    pub(super) fn child(&self, query: &'a Query) -> Result<(Scope<'a>, usize), QueryError> {
        let path = &query.from.path;
        let own = path.segments.len() == 2 && self.is_own_name(&path.segments[0].text);
        let name = match path.segments.as_slice() {
            [one] => Some(one),
            [_, one] if own => Some(one),
            _ => None,
        };
        let found = name.and_then(|name| {
            let link = self.table.object().child(&name.text)?;
            let table = readable_table(self.org, self.user, &link.child_object)?;
            let object = table.object();
            let field = object.index_of(&link.field)?;
            let readable = self
                .user
                .permissions
                .field(object, &object.fields[field])
                .read;
            readable.then_some((table, field))
        });
        let Some((table, field)) = found else {
            return Err(error::at(
                self.text,
                path.span().start,
                "INVALID_TYPE",
                format!(
                    "Didn't understand relationship '{}' in FROM part of query call. If you are attempting to use a \
                     custom relationship, be sure to append the '__r' after the custom relationship name. Please \
                     reference your WSDL or the describe call for the appropriate names.",
                    path.dotted()
                ),
            ));
        };
        Ok((
            Scope {
                table,
                query,
                ..*self
            },
            field,
        ))
    }

    /// Finds a field. The object's name or its alias may stand in front.
    pub(super) fn field(&self, path: &FieldPath) -> Result<Resolved, QueryError> {
        self.walk(self.table.object(), &self.own_names(path))
    }

    /// The names of a path from the object on: without the object's name or alias in front.
    pub(super) fn own_names(&self, path: &FieldPath) -> Vec<Name> {
        let names = path.segments.as_slice();
        match names {
            [first, rest @ ..] if !rest.is_empty() => match self.joined(&first.text) {
                Some(from) => [&from.path.segments[1..], rest].concat(),
                None if self.is_own_name(&first.text) => rest.to_vec(),
                None => names.to_vec(),
            },
            _ => names.to_vec(),
        }
    }

    /// Whether a field of an object can be seen.
    pub(super) fn readable(&self, object: &ObjectType, field: &Field) -> bool {
        self.user.permissions.field(object, field).read
    }

    /// `FROM Contact c, c.Account a`: the item whose alias this is.
    fn joined(&self, name: &str) -> Option<&'a FromItem> {
        self.query.more_from.iter().find(|item| {
            item.alias
                .as_ref()
                .is_some_and(|alias| alias.text.eq_ignore_ascii_case(name))
                && self.is_own_name(&item.path.segments[0].text)
        })
    }

    fn is_own_name(&self, name: &str) -> bool {
        let alias = self.query.from.alias.as_ref();
        let object = self.table.object();
        alias.is_some_and(|alias| alias.text.eq_ignore_ascii_case(name))
            || (object.name.eq_ignore_ascii_case(name) && object.parent(name).is_none())
    }

    /// Finds a field from an object on.
    pub(super) fn walk(
        &self,
        object: &Arc<ObjectType>,
        names: &[Name],
    ) -> Result<Resolved, QueryError> {
        let Some((first, rest)) = names.split_first() else {
            return Err(error::plain("MALFORMED_QUERY", "a field is missing"));
        };
        if rest.is_empty() {
            let index = object
                .index_of(&first.text)
                .filter(|&index| self.readable(object, &object.fields[index]));
            return match index {
                Some(index) => Ok(Resolved {
                    node: Node::Field(index),
                    object: object.clone(),
                    index: Some(index),
                }),
                None => Err(self.no_column(first, &object.name)),
            };
        }
        let (reference, targets) = self.parent(object, first)?;
        let polymorphic = targets.len() > 1;
        let mut found: Option<Resolved> = None;
        let mut nodes = Vec::with_capacity(targets.len());
        let mut refused = None;
        for target in targets {
            if polymorphic && rest.len() == 1 && rest[0].text.eq_ignore_ascii_case("Type") {
                let name = Node::ObjectName(Value::text(&target.name));
                nodes.push((target.clone(), name.clone()));
                found.get_or_insert(Resolved {
                    node: name,
                    object: target,
                    index: None,
                });
                continue;
            }
            match self.walk(&target, rest) {
                Ok(resolved) => {
                    nodes.push((target, resolved.node.clone()));
                    found.get_or_insert(resolved);
                }
                Err(error) => refused = Some(error),
            }
        }
        match (found, refused) {
            (Some(resolved), _) => Ok(Resolved {
                node: Node::Hop(Box::new(Hop {
                    reference,
                    targets: nodes,
                })),
                ..resolved
            }),
            (None, Some(_)) if polymorphic && rest.len() == 1 => {
                Err(self.no_column(&rest[0], "Name"))
            }
            (None, Some(error)) => Err(error),
            (None, None) => Err(self.no_relationship(first)),
        }
    }

    /// The reference field behind the name of a relationship, and the objects it may point to.
    pub(super) fn parent(
        &self,
        object: &ObjectType,
        name: &Name,
    ) -> Result<(usize, Vec<Arc<ObjectType>>), QueryError> {
        let reference = object
            .parent(&name.text)
            .filter(|&index| self.readable(object, &object.fields[index]));
        let Some(reference) = reference else {
            return Err(self.no_relationship(name));
        };
        let targets: Vec<Arc<ObjectType>> = object.fields[reference]
            .reference_to
            .iter()
            .filter_map(|target| readable_table(self.org, self.user, target))
            .map(|table| table.object().clone())
            .collect();
        if targets.is_empty() {
            return Err(self.no_relationship(name));
        }
        Ok((reference, targets))
    }

    pub(super) fn no_column(&self, name: &Name, entity: &str) -> QueryError {
        error::at(
            self.text,
            name.span.start,
            "INVALID_FIELD",
            format!(
                "No such column '{}' on entity '{entity}'. If you are attempting to use a custom field, be sure to \
                 append the '__c' after the custom field name. Please reference your WSDL or the describe call for \
                 the appropriate names.",
                name.text
            ),
        )
    }

    fn no_relationship(&self, name: &Name) -> QueryError {
        error::at(
            self.text,
            name.span.start,
            "INVALID_FIELD",
            format!(
                "Didn't understand relationship '{}' in field path. If you are attempting to use a custom \
                 relationship, be sure to append the '__r' after the custom relationship name. Please reference \
                 your WSDL or the describe call for the appropriate names.",
                name.text
            ),
        )
    }
}

/// The table of an object the user may read.
fn readable_table<'a>(org: &'a Org, user: &User, object: &str) -> Option<&'a Table> {
    let table = org.table(object)?;
    user.permissions
        .object(table.object())
        .read
        .then_some(table)
}
