//! What a query selects, compiled: a projection from rows to the fields of an answer.

use std::collections::HashSet;
use std::sync::Arc;

use super::children::ChildPlan;
use super::error::{self, QueryError};
use super::resolve::{Node, Scope};
use super::run::Options;
use crate::sandbox::describe::{Field, FieldType, Flag, ObjectType};
use crate::soql::ast::{Expression, FieldPath, FieldSet, Function, Name, SelectItem, TypeOf};

/// Which fields of a row an answer shows, in order.
#[derive(Debug)]
pub struct Projection {
    pub(super) object: Arc<ObjectType>,
    pub(super) columns: Vec<Column>,
}

/// One field of an answer.
#[derive(Debug)]
pub(super) struct Column {
    /// The name.
    pub(super) name: String,
    pub(super) content: Content,
}

/// Where the value of a field comes from.
#[derive(Debug)]
pub(super) enum Content {
    /// The row itself.
    Field(usize),
    /// A field under another name, or in the form in which people read it.
    Function {
        node: Node,
        kind: FieldType,
        format: bool,
    },
    /// Always null: the object behind a polymorphic reference does not have the field.
    Null,
    /// The name of the row's own object.
    ObjectName,
    /// A parent.
    Parent(Parent),
    /// Child rows.
    Children(Arc<ChildPlan>),
}

/// The row behind a reference.
#[derive(Debug)]
pub(super) struct Parent {
    pub(super) reference: usize,
    /// Whether its `attributes` say `Name` instead of the object, as for polymorphic references.
    pub(super) as_name: bool,
    /// The fields, by the object the reference points to.
    pub(super) targets: Vec<Projection>,
}

/// Compiles the list behind SELECT of a query that does not group.
pub(super) fn compile(
    scope: &Scope<'_>,
    select: &[SelectItem],
    options: Options,
) -> Result<Projection, QueryError> {
    let mut projection = Projection {
        object: scope.table.object().clone(),
        columns: Vec::new(),
    };
    for item in select {
        match item {
            SelectItem::Expression { expression, alias } => {
                add_expression(scope, &mut projection, expression, alias.as_ref())?;
            }
            SelectItem::Fields { set, .. } => add_fields(scope, &mut projection, *set)?,
            SelectItem::TypeOf(type_of) => add_type_of(scope, &mut projection, type_of)?,
            SelectItem::Children(query) => {
                let (child, reference) = scope.child(query)?;
                let name = scope.table.object().children.iter().find_map(|link| {
                    let name = link.relationship_name.as_ref()?;
                    let wanted = &query.from.path.segments.last()?.text;
                    name.eq_ignore_ascii_case(wanted).then(|| name.clone())
                });
                let plan = ChildPlan::compile(&child, query, reference, options)?;
                projection.columns.push(Column {
                    name: name.unwrap_or_default(),
                    content: Content::Children(Arc::new(plan)),
                });
            }
            SelectItem::CountAll { .. } => {}
        }
    }
    match repeated(projection.columns.iter().map(|column| column.name.as_str())) {
        Some(name) => Err(error::plain(
            "MALFORMED_QUERY",
            format!("duplicate field selected: {name}"),
        )),
        None => Ok(projection),
    }
}

/// The first name that stands twice, without regard to case: an answer cannot show both.
pub(super) fn repeated<'n>(names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let mut seen = HashSet::new();
    let mut names = names;
    names.find(|name| !seen.insert(name.to_ascii_lowercase()))
}

fn add_expression(
    scope: &Scope<'_>,
    projection: &mut Projection,
    expression: &Expression,
    alias: Option<&Name>,
) -> Result<(), QueryError> {
    let path = match expression {
        Expression::Field(path) => {
            scope.field(path)?;
            return scope.project(projection, path);
        }
        Expression::Call(call) => call.argument.as_deref().and_then(Expression::field),
    };
    let Some(path) = path else {
        return Err(error::plain("MALFORMED_QUERY", "a function has no field"));
    };
    let resolved = scope.field(path)?;
    let format = matches!(expression, Expression::Call(call) if call.function == Function::Format);
    let name = alias.map_or_else(|| resolved.name().to_owned(), |alias| alias.text.clone());
    projection.columns.push(Column {
        name,
        content: Content::Function {
            kind: resolved.kind(),
            node: resolved.node,
            format,
        },
    });
    Ok(())
}

fn add_fields(
    scope: &Scope<'_>,
    projection: &mut Projection,
    set: FieldSet,
) -> Result<(), QueryError> {
    let object = scope.table.object();
    let wanted = |field: &Field| match set {
        FieldSet::All => true,
        FieldSet::Standard => !field.is(Flag::Custom),
        FieldSet::Custom => field.is(Flag::Custom),
    };
    for (index, field) in object.fields.iter().enumerate() {
        if wanted(field) && scope.readable(object, field) {
            push_field(projection, index)?;
        }
    }
    Ok(())
}

fn push_field(projection: &mut Projection, index: usize) -> Result<(), QueryError> {
    let name = projection.object.fields[index].name.clone();
    let known = |column: &Column| matches!(column.content, Content::Field(other) if other == index);
    if projection.columns.iter().any(known) {
        return Err(error::plain(
            "MALFORMED_QUERY",
            format!("duplicate field selected: {name}"),
        ));
    }
    projection.columns.push(Column {
        name,
        content: Content::Field(index),
    });
    Ok(())
}

impl Scope<'_> {
    /// Adds a path that is known to exist.
    fn project(&self, projection: &mut Projection, path: &FieldPath) -> Result<(), QueryError> {
        let names = self.own_names(path);
        self.project_names(projection, &names)
    }

    fn project_names(&self, projection: &mut Projection, names: &[Name]) -> Result<(), QueryError> {
        let Some((first, rest)) = names.split_first() else {
            return Ok(());
        };
        if rest.is_empty() {
            return match projection.object.index_of(&first.text) {
                Some(index) => push_field(projection, index),
                None => Err(self.no_column(first, &projection.object.name)),
            };
        }
        let parent = self.parent_of(projection, first)?;
        let polymorphic = parent.targets.len() > 1;
        for target in &mut parent.targets {
            let is_type = rest.len() == 1 && rest[0].text.eq_ignore_ascii_case("Type");
            if polymorphic && is_type {
                target.columns.push(Column {
                    name: "Type".to_owned(),
                    content: Content::ObjectName,
                });
                continue;
            }
            // What the user may not see of one of the objects is as if it were not there.
            let missing = polymorphic && self.walk(&target.object, rest).is_err();
            if missing {
                target.columns.push(Column {
                    name: rest[0].text.clone(),
                    content: Content::Null,
                });
            } else {
                self.project_names(target, rest)?;
            }
        }
        Ok(())
    }

    /// The column of a parent, made where there is none.
    fn parent_of<'p>(
        &self,
        projection: &'p mut Projection,
        name: &Name,
    ) -> Result<&'p mut Parent, QueryError> {
        let (reference, targets) = self.parent(&projection.object, name)?;
        let same = |column: &Column| matches!(&column.content, Content::Parent(parent) if parent.reference == reference);
        let found = projection.columns.iter().position(same);
        let at = found.unwrap_or(projection.columns.len());
        if found.is_none() {
            let field = &projection.object.fields[reference];
            let shown = field.relationship_name.clone().unwrap_or_default();
            let as_name = targets.len() > 1;
            let empty = |object| Projection {
                object,
                columns: Vec::new(),
            };
            projection.columns.push(Column {
                name: shown,
                content: Content::Parent(Parent {
                    reference,
                    as_name,
                    targets: targets.into_iter().map(empty).collect(),
                }),
            });
        }
        match &mut projection.columns[at].content {
            Content::Parent(parent) => Ok(parent),
            _ => Err(error::plain("UNKNOWN_EXCEPTION", "a parent is no parent")),
        }
    }
}

/// `TYPEOF`: for each object the fields of its branch, or those behind ELSE.
fn add_type_of(
    scope: &Scope<'_>,
    projection: &mut Projection,
    type_of: &TypeOf,
) -> Result<(), QueryError> {
    let [name] = type_of.path.segments.as_slice() else {
        return Err(error::at(
            scope.text,
            type_of.path.span().start,
            "MALFORMED_QUERY",
            "TYPEOF takes a relationship of the object itself",
        ));
    };
    let parent = scope.parent_of(projection, name)?;
    if parent.targets.len() < 2 || !parent.as_name {
        return Err(error::at(
            scope.text,
            name.span.start,
            "INVALID_FIELD",
            format!("Relationship '{}' is not polymorphic", name.text),
        ));
    }
    parent.as_name = false;
    for branch in &type_of.branches {
        let known = parent
            .targets
            .iter()
            .any(|target| target.object.name.eq_ignore_ascii_case(&branch.object.text));
        if !known {
            return Err(error::at(
                scope.text,
                branch.object.span.start,
                "INVALID_TYPE",
                format!("sObject type '{}' is not supported.", branch.object.text),
            ));
        }
    }
    for target in &mut parent.targets {
        let branch = type_of
            .branches
            .iter()
            .find(|branch| branch.object.text.eq_ignore_ascii_case(&target.object.name));
        for path in branch.map_or(&type_of.otherwise, |branch| &branch.fields) {
            scope.project_checked(target, &path.segments)?;
        }
    }
    Ok(())
}

impl Scope<'_> {
    /// Adds a path of an object other than the scope's own, checking that it may be seen.
    fn project_checked(
        &self,
        projection: &mut Projection,
        names: &[Name],
    ) -> Result<(), QueryError> {
        self.walk(&projection.object.clone(), names)?;
        self.project_names(projection, names)
    }
}
