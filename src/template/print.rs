//! Writes a checked tree as a template for the engine, in which every rule of ours is a call of a filter of ours.
//!
//! Texts, numbers and references become variables (`c0`, `r0`, `u0`), so that nothing needs quoting and nothing of
//! the data is ever read as a template.

use std::ops::Range;

use serde_json::Value;

use super::catalogue::{Work, position};
use super::tree::{Apply, Kind, Node, Statement};

/// A template for the engine, with what its variables stand for.
#[derive(Debug, Default)]
pub(super) struct Printed {
    pub(super) text: String,
    /// What `c0`, `c1`, … stand for.
    pub(super) constants: Vec<Value>,
    /// The paths that are read, each once.
    pub(super) paths: Vec<Vec<String>>,
    /// What `r0`, `r1`, … (must be there) and `u0`, `u1`, … (may be absent) stand for: a path by its position, and the
    /// place in the author's text, so that each reference fails where it stands.
    pub(super) references: Vec<(usize, Range<usize>)>,
    /// Which bytes of the printed text stand for which bytes of the author's text.
    marks: Vec<(Range<usize>, Range<usize>)>,
}

/// Prints one expression.
pub(super) fn expression(node: &Node) -> Printed {
    let mut printed = Printed::default();
    printed.node(node);
    printed
}

/// Prints a whole template.
pub(super) fn template(statements: &[Statement]) -> Printed {
    let mut printed = Printed::default();
    printed.block(statements);
    printed
}

impl Printed {
    /// The author's bytes for a range of the printed text.
    pub(super) fn original(&self, range: &Range<usize>) -> Option<Range<usize>> {
        self.marks
            .iter()
            .filter(|(printed, _)| printed.start <= range.start && range.end <= printed.end)
            .min_by_key(|(printed, _)| printed.len())
            .map(|(_, original)| original.clone())
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn constant(&mut self, value: Value) {
        self.push(&format!("c{}", self.constants.len()));
        self.constants.push(value);
    }

    fn reference(&mut self, prefix: char, path: &[String], span: &Range<usize>) {
        let known = self.paths.iter().position(|known| known == path);
        let position = known.unwrap_or(self.paths.len());
        if known.is_none() {
            self.paths.push(path.to_vec());
        }
        self.push(&format!("{prefix}{}", self.references.len()));
        self.references.push((position, span.clone()));
    }

    fn block(&mut self, statements: &[Statement]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Text(raw) => {
                self.push("{{");
                self.constant(Value::String(raw.clone()));
                self.push("}}");
            }
            Statement::Emit(node) => {
                let start = self.text.len();
                self.push("{{");
                self.node(node);
                self.push("}}");
                // A value that cannot stand in text is found only when the whole expression is written.
                self.marks.push((start..self.text.len(), node.span.clone()));
            }
            Statement::If {
                test,
                then,
                otherwise,
            } => {
                self.tag("if ", test);
                self.block(then);
                self.otherwise(otherwise);
                self.push("{%endif%}");
            }
            Statement::For {
                local,
                list,
                filter,
                body,
                empty,
            } => {
                self.push(&format!("{{%for v{local} in "));
                let start = self.text.len();
                self.node(list);
                self.push("|each");
                self.marks.push((start..self.text.len(), list.span.clone()));
                if let Some(filter) = filter {
                    self.push(" if ");
                    self.node(filter);
                }
                self.push("%}");
                self.block(body);
                self.push("{%else%}");
                self.block(empty);
                self.push("{%endfor%}");
            }
            Statement::Set { local, value } => self.tag(&format!("set v{local}="), value),
            Statement::Capture { local, body } => {
                self.push(&format!("{{%set v{local}%}}"));
                self.block(body);
                self.push("{%endset%}");
            }
            Statement::With { locals, body } => {
                self.push("{%with ");
                for (index, (local, value)) in locals.iter().enumerate() {
                    if index > 0 {
                        self.push(",");
                    }
                    self.push(&format!("v{local}="));
                    self.node(value);
                }
                self.push("%}");
                self.block(body);
                self.push("{%endwith%}");
            }
        }
    }

    /// An `if` that is all of an `else` is an `elif`, which does not nest.
    fn otherwise(&mut self, mut otherwise: &[Statement]) {
        while let [
            Statement::If {
                test,
                then,
                otherwise: next,
            },
        ] = otherwise
        {
            self.tag("elif ", test);
            self.block(then);
            otherwise = next;
        }
        self.push("{%else%}");
        self.block(otherwise);
    }

    fn tag(&mut self, start: &str, node: &Node) {
        self.push("{%");
        self.push(start);
        self.node(node);
        self.push("%}");
    }

    /// An expression that can stand anywhere; brackets only where they are needed, because the engine bounds them.
    fn node(&mut self, node: &Node) {
        if is_tight(&node.kind) {
            self.bare(node);
        } else {
            self.bracketed(node);
        }
    }

    fn bare(&mut self, node: &Node) {
        let start = self.text.len();
        self.kind(&node.kind, &node.span);
        self.marks.push((start..self.text.len(), node.span.clone()));
    }

    fn bracketed(&mut self, node: &Node) {
        self.push("(");
        self.bare(node);
        self.push(")");
    }

    fn two(&mut self, left: &Node, operator: &str, right: &Node, is_chain: bool) {
        if is_chain {
            self.bare(left);
        } else {
            self.node(left);
        }
        self.push(operator);
        self.node(right);
    }

    fn kind(&mut self, kind: &Kind, span: &Range<usize>) {
        match kind {
            Kind::Constant(value) => self.constant(value.clone()),
            Kind::Reference(reference) => self.reference('r', &reference.path, span),
            Kind::Local(local) => self.push(&format!("v{local}")),
            Kind::Loop(field) => self.push(&format!("loop.{field}")),
            Kind::Field(base, name) => {
                self.node(base);
                self.push("|get(");
                self.constant(Value::String(name.clone()));
                self.push(")");
            }
            Kind::Item(base, index) => {
                self.node(base);
                self.push("|item(");
                self.node(index);
                self.push(")");
            }
            Kind::Slice(base, start, stop) => {
                self.node(base);
                self.push("|cut(");
                self.optional(start.as_deref());
                self.push(",");
                self.optional(stop.as_deref());
                self.push(")");
            }
            Kind::Negate(operand) => {
                self.node(operand);
                self.push("|negate");
            }
            Kind::Calculate(operator, left, right) => {
                self.node(left);
                self.push(&format!("|calculate({},", operator.index()));
                self.node(right);
                self.push(")");
            }
            Kind::Compare(first, rest) => {
                self.node(first);
                self.push("|compare(");
                for (comparison, node) in rest {
                    self.push(&format!("{},", comparison.index()));
                    self.node(node);
                    self.push(",");
                }
                self.push(")");
            }
            Kind::Apply(apply) => self.apply(apply),
            Kind::List(items) => {
                self.push("[");
                self.separated(items.iter());
                self.push("]");
            }
            Kind::Map(pairs) => {
                self.push("{");
                for (name, value) in pairs {
                    self.constant(Value::String(name.clone()));
                    self.push(":");
                    self.node(value);
                    self.push(",");
                }
                self.push("}");
            }
            operator => self.operator(operator),
        }
    }

    fn operator(&mut self, kind: &Kind) {
        match kind {
            Kind::Not(operand) => {
                self.push("not ");
                if matches!(operand.kind, Kind::Not(_)) {
                    self.bare(operand);
                } else {
                    self.node(operand);
                }
            }
            Kind::And(left, right) => {
                self.two(left, " and ", right, matches!(left.kind, Kind::And(..)));
            }
            Kind::Or(left, right) => {
                self.two(left, " or ", right, matches!(left.kind, Kind::Or(..)));
            }
            Kind::Concat(left, right) => {
                if matches!(left.kind, Kind::Concat(..)) {
                    self.bare(left);
                } else {
                    self.as_text(left);
                }
                self.push("~");
                self.as_text(right);
            }
            Kind::If(choice) => {
                self.two(&choice.then, " if ", &choice.test, false);
                self.push(" else ");
                match &choice.otherwise {
                    Some(node) if matches!(node.kind, Kind::If(_)) => self.bare(node),
                    otherwise => self.optional(otherwise.as_ref()),
                }
            }
            // The others are printed by the caller.
            _ => {}
        }
    }

    fn as_text(&mut self, node: &Node) {
        let start = self.text.len();
        self.node(node);
        self.push("|text");
        self.marks.push((start..self.text.len(), node.span.clone()));
    }

    fn optional(&mut self, node: Option<&Node>) {
        match node {
            Some(node) => self.node(node),
            None => self.push("none"),
        }
    }

    fn separated<'a>(&mut self, nodes: impl Iterator<Item = &'a Node>) {
        for node in nodes {
            self.node(node);
            self.push(",");
        }
    }

    fn apply(&mut self, apply: &Apply) {
        match apply.entry.work {
            Work::Defined(wanted) => {
                self.lenient(&apply.input);
                self.push(&format!("|exists({wanted})"));
            }
            Work::Default => {
                let other = apply.arguments.first().and_then(Option::as_ref);
                self.lenient(&apply.input);
                if let Kind::Reference(reference) = &apply.input.kind {
                    // What stands behind a plain name is read only when it is needed.
                    self.push(" if ");
                    self.reference('u', &reference.path, &apply.input.span);
                    self.push("|is_given else ");
                    self.optional(other);
                } else {
                    self.push("|given(");
                    self.optional(other);
                    self.push(")");
                }
            }
            Work::Filter(_) | Work::List(_) | Work::Test(_) => {
                self.node(&apply.input);
                let given = apply.arguments.iter().enumerate();
                let mask: u64 = given
                    .filter(|(_, argument)| argument.is_some())
                    .map(|(index, _)| 1 << index)
                    .sum();
                self.push(&format!("|call({},{mask},", position(apply.entry)));
                self.separated(apply.arguments.iter().flatten());
                self.separated(apply.rest.iter());
                self.push(")");
            }
        }
    }

    /// A value that may be absent.
    fn lenient(&mut self, node: &Node) {
        let start = self.text.len();
        match &node.kind {
            Kind::Reference(reference) => self.reference('u', &reference.path, &node.span),
            Kind::Field(base, name) => {
                self.lenient(base);
                self.push("|find(");
                self.constant(Value::String(name.clone()));
                self.push(")");
            }
            _ => self.node(node),
        }
        self.marks.push((start..self.text.len(), node.span.clone()));
    }
}

/// Whether an expression is printed as one operand: a variable, a bracket, or either with filters behind it.
fn is_tight(kind: &Kind) -> bool {
    match kind {
        Kind::Not(_) | Kind::And(..) | Kind::Or(..) | Kind::Concat(..) | Kind::If(_) => false,
        Kind::Apply(apply) => {
            !(matches!(apply.entry.work, Work::Default)
                && matches!(apply.input.kind, Kind::Reference(_)))
        }
        _ => true,
    }
}
