//! Which names a template takes from its data: follows each value through filters, loops and variables.

use std::collections::HashMap;
use std::ops::Range;

use crate::foundation::code::Code;

use super::Name;
use super::catalogue::{Gives, ParameterKind, Work};
use super::error::TemplateError;
use super::tree::{Apply, Kind, Node, Statement};

/// How many alternatives and parts one value may have before its names cannot be told any more.
const MAX_PARTS: usize = 500;

/// What is known of a value from the text alone.
#[derive(Debug, Clone, PartialEq)]
enum Shape {
    /// Computed: whatever it was made of is already counted.
    Computed,
    /// A place in the data.
    Place(Place),
    /// A list whose elements have this shape.
    List(Box<Shape>),
    /// What `groupby` makes of a list with such elements: `{grouper, list}`.
    Group(Box<Shape>),
    /// A map written in the template.
    Map(Vec<(String, Shape)>),
    /// One of several.
    Either(Vec<Shape>),
}

/// A path of names, and below it a path into the elements of the list that stands there.
#[derive(Debug, Clone)]
struct Place {
    path: Vec<String>,
    item: Option<Vec<String>>,
    span: Range<usize>,
}

/// Two places are the same wherever they are written.
impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path && self.item == other.item
    }
}

/// The names of a template, each once, in the order they stand in the text.
pub(super) fn names(statements: &[Statement]) -> Result<Vec<Name>, TemplateError> {
    let mut finder = Finder::default();
    finder.block(statements)?;
    finder.names.sort_by_key(|name| name.span.start);
    Ok(finder.names)
}

#[derive(Default)]
struct Finder {
    names: Vec<Name>,
    locals: HashMap<usize, Shape>,
}

impl Finder {
    fn block(&mut self, statements: &[Statement]) -> Result<(), TemplateError> {
        statements
            .iter()
            .try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), TemplateError> {
        match statement {
            Statement::Text(_) => Ok(()),
            Statement::Emit(node) => self.read(node),
            Statement::If {
                test,
                then,
                otherwise,
            } => {
                self.read(test)?;
                self.block(then)?;
                self.block(otherwise)
            }
            Statement::For {
                local,
                list,
                filter,
                body,
                empty,
            } => {
                let list = self.shape(list)?;
                self.touch(&list, true);
                let element = self.element(&list);
                self.set(*local, element, 0..0)?;
                if let Some(filter) = filter {
                    self.read(filter)?;
                }
                self.block(body)?;
                self.block(empty)
            }
            Statement::Set { local, value } => {
                let shape = self.shape(value)?;
                self.set(*local, shape, value.span.clone())
            }
            Statement::Capture { local, body } => {
                self.block(body)?;
                self.set(*local, Shape::Computed, 0..0)
            }
            Statement::With { locals, body } => {
                for (local, value) in locals {
                    let shape = self.shape(value)?;
                    self.set(*local, shape, value.span.clone())?;
                }
                self.block(body)
            }
        }
    }

    /// A variable that is set twice may hold either value.
    fn set(&mut self, local: usize, shape: Shape, span: Range<usize>) -> Result<(), TemplateError> {
        let shape = match self.locals.remove(&local) {
            Some(before) => either([before, shape]),
            None => shape,
        };
        bounded(&shape, span)?;
        self.locals.insert(local, shape);
        Ok(())
    }

    /// Counts what an expression reads.
    fn read(&mut self, node: &Node) -> Result<(), TemplateError> {
        let shape = self.shape(node)?;
        self.touch(&shape, false);
        Ok(())
    }

    fn read_all<'a>(
        &mut self,
        nodes: impl IntoIterator<Item = &'a Node>,
    ) -> Result<Shape, TemplateError> {
        for node in nodes {
            self.read(node)?;
        }
        Ok(Shape::Computed)
    }

    fn shape(&mut self, node: &Node) -> Result<Shape, TemplateError> {
        let shape = self.follow(node)?;
        bounded(&shape, node.span.clone())?;
        Ok(shape)
    }

    fn follow(&mut self, node: &Node) -> Result<Shape, TemplateError> {
        match &node.kind {
            Kind::Constant(_) | Kind::Loop(_) => Ok(Shape::Computed),
            Kind::Reference(reference) => Ok(Shape::Place(Place {
                path: reference.path.clone(),
                item: None,
                span: node.span.clone(),
            })),
            Kind::Local(local) => Ok(self.locals.get(local).cloned().unwrap_or(Shape::Computed)),
            Kind::Field(base, name) => {
                let base = self.shape(base)?;
                Ok(field(&base, name))
            }
            Kind::Item(base, index) => self.item(base, index),
            Kind::Slice(base, start, stop) => {
                self.read_all(start.iter().chain(stop).map(AsRef::as_ref))?;
                let base = self.shape(base)?;
                self.touch(&base, false);
                Ok(base)
            }
            Kind::Not(operand) | Kind::Negate(operand) => self.read_all([operand.as_ref()]),
            Kind::And(left, right) | Kind::Or(left, right) => {
                let left = self.shape(left)?;
                self.touch(&left, false);
                Ok(either([left, self.shape(right)?]))
            }
            Kind::Concat(left, right) | Kind::Calculate(_, left, right) => {
                self.read_all([left.as_ref(), right.as_ref()])
            }
            Kind::Compare(first, rest) => self
                .read_all(std::iter::once(first.as_ref()).chain(rest.iter().map(|(_, node)| node))),
            Kind::If(choice) => {
                self.read(&choice.test)?;
                let mut shapes = vec![self.shape(&choice.then)?];
                if let Some(otherwise) = &choice.otherwise {
                    shapes.push(self.shape(otherwise)?);
                }
                Ok(either(shapes))
            }
            Kind::Apply(apply) => self.apply(apply),
            Kind::List(items) => {
                let shapes: Result<Vec<_>, _> = items.iter().map(|item| self.shape(item)).collect();
                Ok(Shape::List(Box::new(either(shapes?))))
            }
            Kind::Map(pairs) => {
                let mut fields = Vec::new();
                for (name, value) in pairs {
                    fields.push((name.clone(), self.shape(value)?));
                }
                Ok(Shape::Map(fields))
            }
        }
    }

    /// An item by its number is an element; by a computed name it is only clear in a map of the template's own.
    fn item(&mut self, base: &Node, index: &Node) -> Result<Shape, TemplateError> {
        self.read(index)?;
        let shape = self.shape(base)?;
        let is_number = match &index.kind {
            Kind::Constant(value) => value.is_number(),
            Kind::Loop(_) => true,
            _ => false,
        };
        if is_number {
            self.touch(&shape, false);
            return Ok(self.element(&shape));
        }
        if has_place(&shape) {
            return Err(TemplateError::new(
                Code::TemplateNameUnclear,
                "the field between `[` and `]` is computed, so it cannot be told which one is read",
                index.span.clone(),
            )
            .help("write the name (`Owner['Name']`), or choose with `… if … else …`"));
        }
        self.touch(&shape, false);
        Ok(Shape::Computed)
    }

    fn apply(&mut self, apply: &Apply) -> Result<Shape, TemplateError> {
        let input = self.shape(&apply.input)?;
        let entry = apply.entry;
        let mut attribute = None;
        for (parameter, argument) in entry.parameters.iter().zip(&apply.arguments) {
            let Some(argument) = argument else { continue };
            if parameter.kind == ParameterKind::Field {
                attribute = argument.literal();
            } else if !matches!(entry.work, Work::Default) {
                self.read(argument)?;
            }
        }
        self.read_all(&apply.rest)?;
        if entry.gives == Gives::Either {
            let mut shapes = vec![input];
            for argument in apply.arguments.iter().flatten() {
                shapes.push(self.shape(argument)?);
            }
            return Ok(either(shapes));
        }
        // Some filters take a text as well as a list, so that only the others tell what the name is.
        let is_list = match entry.gives {
            Gives::Value | Gives::Either => false,
            Gives::Folded | Gives::Mapped | Gives::Groups => true,
            Gives::Elements => entry.name != "reverse",
            Gives::Element => matches!(entry.name, "min" | "max"),
        };
        // A list written in the template is taken apart without reading its items, unless the filter looks at them.
        let looks = matches!(
            entry.name,
            "select" | "reject" | "sort" | "unique" | "min" | "max"
        );
        let handed_on = matches!(entry.gives, Gives::Elements | Gives::Element);
        if !(handed_on && matches!(input, Shape::List(_))) || (looks && attribute.is_none()) {
            self.touch(&input, is_list);
        }
        let element = match entry.gives {
            Gives::Value => return Ok(Shape::Computed),
            _ => self.element(&input),
        };
        let key = attribute.map(|path| {
            path.split('.')
                .fold(element.clone(), |shape, name| field(&shape, name))
        });
        if let Some(key) = &key {
            self.touch(key, false);
        }
        Ok(match entry.gives {
            Gives::Elements => input,
            Gives::Element => element,
            Gives::Groups => Shape::List(Box::new(Shape::Group(Box::new(element)))),
            Gives::Mapped => {
                if key.is_none() {
                    self.touch(&element, false);
                }
                Shape::List(Box::new(key.unwrap_or(Shape::Computed)))
            }
            Gives::Value | Gives::Folded | Gives::Either => {
                self.touch(&element, false);
                Shape::Computed
            }
        })
    }

    fn element(&mut self, shape: &Shape) -> Shape {
        match shape {
            Shape::Place(place) if place.item.is_none() => Shape::Place(Place {
                item: Some(Vec::new()),
                ..place.clone()
            }),
            Shape::List(element) => (**element).clone(),
            Shape::Either(shapes) => {
                let elements: Vec<_> = shapes.iter().map(|shape| self.element(shape)).collect();
                either(elements)
            }
            // The list inside an element is counted as a whole; its own elements have no name here.
            other => {
                self.touch(other, false);
                Shape::Computed
            }
        }
    }

    /// Counts a value as read.
    fn touch(&mut self, shape: &Shape, is_list: bool) {
        match shape {
            Shape::Computed => {}
            Shape::Place(place) => self.count(place, is_list && place.item.is_none()),
            Shape::List(element) | Shape::Group(element) => self.touch(element, false),
            Shape::Map(fields) => fields
                .iter()
                .for_each(|(_, field)| self.touch(field, false)),
            Shape::Either(shapes) => shapes.iter().for_each(|shape| self.touch(shape, is_list)),
        }
    }

    fn count(&mut self, place: &Place, is_list: bool) {
        let known = self
            .names
            .iter()
            .position(|name| same(&name.path, &place.path));
        let index = known.unwrap_or(self.names.len());
        if known.is_none() {
            self.names.push(Name {
                path: place.path.clone(),
                items: Vec::new(),
                is_list: false,
                span: place.span.clone(),
            });
        }
        let name = &mut self.names[index];
        if place.span.start < name.span.start {
            name.span = place.span.clone();
        }
        name.is_list |= is_list;
        let Some(item) = place.item.as_ref().filter(|item| !item.is_empty()) else {
            return;
        };
        name.is_list = true;
        if !name.items.iter().any(|known| same(known, item)) {
            name.items.push(item.clone());
        }
    }
}

/// Whether two paths name one field: Salesforce compares names without regard to case.
fn same(left: &[String], right: &[String]) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .all(|(left, right)| left.eq_ignore_ascii_case(right))
}

/// One of several shapes, each once.
fn either(shapes: impl IntoIterator<Item = Shape>) -> Shape {
    let mut several: Vec<Shape> = Vec::new();
    for shape in shapes {
        let alternatives = match shape {
            Shape::Either(alternatives) => alternatives,
            shape => vec![shape],
        };
        for alternative in alternatives {
            if !several.contains(&alternative) {
                several.push(alternative);
            }
        }
    }
    match several.len() {
        1 => several.remove(0),
        _ => Shape::Either(several),
    }
}

fn parts(shape: &Shape) -> usize {
    match shape {
        Shape::Computed => 1,
        Shape::Place(place) => place.path.len() + place.item.as_ref().map_or(0, Vec::len),
        Shape::List(element) | Shape::Group(element) => 1 + parts(element),
        Shape::Map(fields) => 1 + fields.iter().map(|(_, field)| parts(field)).sum::<usize>(),
        Shape::Either(shapes) => 1 + shapes.iter().map(parts).sum::<usize>(),
    }
}

fn bounded(shape: &Shape, span: Range<usize>) -> Result<(), TemplateError> {
    if parts(shape) <= MAX_PARTS {
        return Ok(());
    }
    let message = "the value can come from too many fields to tell which ones are read";
    Err(TemplateError::new(Code::TemplateTooCostly, message, span)
        .help("split the template into several fields"))
}

fn field(shape: &Shape, name: &str) -> Shape {
    match shape {
        Shape::Place(place) => {
            let mut place = place.clone();
            place
                .item
                .as_mut()
                .unwrap_or(&mut place.path)
                .push(name.to_owned());
            Shape::Place(place)
        }
        Shape::Group(element) if name == "list" => Shape::List(element.clone()),
        Shape::Map(fields) => fields
            .iter()
            .find(|(known, _)| known == name)
            .map_or(Shape::Computed, |(_, shape)| shape.clone()),
        Shape::Either(shapes) => either(shapes.iter().map(|shape| field(shape, name))),
        Shape::Computed | Shape::List(_) | Shape::Group(_) => Shape::Computed,
    }
}

fn has_place(shape: &Shape) -> bool {
    match shape {
        Shape::Place(_) | Shape::Group(_) => true,
        Shape::Computed | Shape::List(_) | Shape::Map(_) => false,
        Shape::Either(shapes) => shapes.iter().any(has_place),
    }
}
