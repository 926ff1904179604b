//! From the parser's syntax tree to ours: resolves names, binds arguments, refuses what templates may not do.

use std::ops::Range;

use minijinja::machinery::ast::{self, BinOpKind, CallArg, CompareOpKind, Expr, Stmt, UnaryOpKind};
use serde_json::Value;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::nearest;

use super::bind::{self, Argument};
use super::catalogue::{EntryKind, find};
use super::convert::json;
use super::error::TemplateError;
use super::locals::{Locals, Seen};
use super::syntax::{bytes, unknown_statement};
use super::tree::{Apply, Comparison, If, Kind, Node, Operator, Reference, Statement};

type Lowered<T> = Result<T, TemplateError>;

/// The fields of `loop`.
const LOOP: [&str; 7] = [
    "index",
    "index0",
    "revindex",
    "revindex0",
    "first",
    "last",
    "length",
];

/// The statements of a whole template.
pub(super) fn lower(text: &str, tree: &Stmt<'_>) -> Lowered<Vec<Statement>> {
    let mut lowering = Lowering {
        text,
        locals: Locals::default(),
    };
    match tree {
        Stmt::Template(template) => lowering.block(&template.children),
        other => Ok(vec![lowering.statement(other)?]),
    }
}

struct Lowering<'t> {
    text: &'t str,
    locals: Locals,
}

fn refused(message: impl Into<String>, span: Range<usize>) -> TemplateError {
    TemplateError::new(Code::TemplateNotAllowed, message, span)
}

impl Lowering<'_> {
    fn block(&mut self, children: &[Stmt<'_>]) -> Lowered<Vec<Statement>> {
        children.iter().map(|child| self.statement(child)).collect()
    }

    fn statement(&mut self, statement: &Stmt<'_>) -> Lowered<Statement> {
        match statement {
            Stmt::EmitRaw(raw) => Ok(Statement::Text(raw.raw.to_owned())),
            Stmt::EmitExpr(emit) => Ok(Statement::Emit(self.node(&emit.expr)?)),
            Stmt::IfCond(condition) => self.condition(condition),
            Stmt::ForLoop(for_loop) => self.for_loop(for_loop, bytes(for_loop.span())),
            Stmt::Set(set) => {
                let value = self.node(&set.expr)?;
                let local = self.target(&set.target)?;
                Ok(Statement::Set { local, value })
            }
            Stmt::SetBlock(capture) => {
                if let Some(filter) = &capture.filter {
                    return Err(refused(
                        "a filter cannot stand in `{% set … %}` without a value",
                        bytes(filter.span()),
                    )
                    .help("apply the filter where the variable is used"));
                }
                let body = self.block(&capture.body)?;
                let local = self.target(&capture.target)?;
                Ok(Statement::Capture { local, body })
            }
            Stmt::WithBlock(with) => {
                self.locals.enter();
                let mut assigned = Vec::new();
                for (target, value) in &with.assignments {
                    let value = self.node(value)?;
                    assigned.push((self.target(target)?, value));
                }
                let body = self.block(&with.body)?;
                self.locals.leave();
                Ok(Statement::With {
                    locals: assigned,
                    body,
                })
            }
            Stmt::AutoEscape(block) => Err(unknown_statement("autoescape", bytes(block.span()))),
            Stmt::FilterBlock(block) => Err(unknown_statement("filter", bytes(block.span()))),
            Stmt::Do(block) => Err(unknown_statement("do", bytes(block.span()))),
            Stmt::Template(template) => Err(unknown_statement("template", bytes(template.span()))),
        }
    }

    fn condition(&mut self, condition: &ast::IfCond<'_>) -> Lowered<Statement> {
        let test = self.node(&condition.expr)?;
        let before = self.locals.branch();
        let then = self.block(&condition.true_body)?;
        let after_then = self.locals.turn(before);
        let otherwise = self.block(&condition.false_body)?;
        self.locals.join(&after_then);
        Ok(Statement::If {
            test,
            then,
            otherwise,
        })
    }

    fn for_loop(&mut self, for_loop: &ast::ForLoop<'_>, span: Range<usize>) -> Lowered<Statement> {
        if for_loop.recursive {
            return Err(refused("a loop cannot be recursive", span)
                .help("name the fields of each level: `Owner.Manager.Name`"));
        }
        let list = self.node(&for_loop.iter)?;
        self.locals.enter_loop();
        let local = self.target(&for_loop.target)?;
        let filter = match &for_loop.filter_expr {
            Some(filter) => Some(self.node(filter)?),
            None => None,
        };
        let body = self.block(&for_loop.body)?;
        self.locals.leave();
        let empty = self.block(&for_loop.else_body)?;
        Ok(Statement::For {
            local,
            list,
            filter,
            body,
            empty,
        })
    }

    fn target(&mut self, target: &Expr<'_>) -> Lowered<usize> {
        match target {
            Expr::Var(var) => Ok(self.locals.set(var.id)),
            other => Err(
                refused("only one plain name can be set", bytes(other.span()))
                    .help("loops and `set` take one name: `{% for task in Tasks %}`"),
            ),
        }
    }

    fn boxed(&mut self, expression: &Expr<'_>) -> Lowered<Box<Node>> {
        self.node(expression).map(Box::new)
    }

    fn nodes(&mut self, expressions: &[Expr<'_>]) -> Lowered<Vec<Node>> {
        expressions.iter().map(|item| self.node(item)).collect()
    }

    fn node(&mut self, expression: &Expr<'_>) -> Lowered<Node> {
        let span = bytes(expression.span());
        let kind = match expression {
            Expr::Var(var) => self.name(var.id, &span)?,
            Expr::Const(constant) => Kind::Constant(literal(&constant.value, &span)?),
            Expr::GetAttr(get) => return self.field(&get.expr, get.name, &span),
            Expr::GetItem(get) => return self.item(&get.expr, &get.subscript_expr, &span),
            Expr::Slice(slice) => self.slice(slice)?,
            Expr::UnaryOp(unary) => self.unary(unary)?,
            Expr::BinOp(binary) => self.binary(binary)?,
            Expr::Compare(compare) => {
                let first = self.boxed(&compare.expr)?;
                let mut rest = Vec::new();
                for step in &compare.ops {
                    rest.push((comparison(step.op), self.node(&step.expr)?));
                }
                Kind::Compare(first, rest)
            }
            Expr::IfExpr(condition) => {
                let test = self.node(&condition.test_expr)?;
                let then = self.node(&condition.true_expr)?;
                let otherwise = match &condition.false_expr {
                    Some(otherwise) => Some(self.node(otherwise)?),
                    None => None,
                };
                let start = then.span.start;
                let choice = If {
                    test,
                    then,
                    otherwise,
                };
                return Ok(Node::new(Kind::If(Box::new(choice)), start..span.end));
            }
            Expr::Filter(filter) => {
                let Some(input) = &filter.expr else {
                    return Err(unknown_statement("filter", span));
                };
                let input = self.node(input)?;
                self.apply(EntryKind::Filter, filter.name, input, &filter.args)?
            }
            Expr::Test(test) => {
                let input = self.node(&test.expr)?;
                self.apply(EntryKind::Test, test.name, input, &test.args)?
            }
            Expr::Call(call) => return Err(call_error(call, span)),
            Expr::List(list) => Kind::List(self.nodes(&list.items)?),
            Expr::Tuple(tuple) => Kind::List(self.nodes(&tuple.items)?),
            Expr::Map(map) => self.map(map)?,
        };
        let start = self.start(&kind, span.start);
        Ok(Node::new(kind, start..span.end))
    }

    fn name(&self, name: &str, span: &Range<usize>) -> Lowered<Kind> {
        match self.locals.find(name) {
            Seen::Bound(local) => Ok(Kind::Local(local)),
            Seen::InOneBranch => Err(TemplateError::new(
                Code::TemplateNameUnclear,
                format!("`{name}` is set in one branch of an `if` only"),
                span.clone(),
            )
            .help(format!("set `{name}` before the `if` too"))),
            Seen::Nowhere if name == "loop" && self.locals.in_loop() => Err(TemplateError::new(
                Code::TemplateSyntax,
                "`loop` cannot be used without one of its fields",
                span.clone(),
            )
            .help(format!("write one of {}", list_of(&LOOP, "loop.")))),
            Seen::Nowhere => Ok(Kind::Reference(Reference {
                path: vec![name.to_owned()],
                hint: 0.into(),
            })),
        }
    }

    fn field(&mut self, base: &Expr<'_>, name: &str, span: &Range<usize>) -> Lowered<Node> {
        if let Expr::Var(var) = base
            && var.id == "loop"
            && self.locals.in_loop()
        {
            return match LOOP.iter().find(|known| **known == name) {
                Some(known) => Ok(Node::new(Kind::Loop(known), span.clone())),
                None => Err(loop_error(name, span)),
            };
        }
        let base = self.node(base)?;
        Ok(extend(base, name, span))
    }

    fn item(&mut self, base: &Expr<'_>, index: &Expr<'_>, span: &Range<usize>) -> Lowered<Node> {
        let index = self.node(index)?;
        if let Some(name) = index.literal().map(str::to_owned) {
            return self.field(base, &name, span);
        }
        let base = self.node(base)?;
        let start = base.span.start.min(span.start);
        let kind = Kind::Item(Box::new(base), Box::new(index));
        Ok(Node::new(kind, start..span.end))
    }

    fn slice(&mut self, slice: &ast::Slice<'_>) -> Lowered<Kind> {
        if let Some(step) = &slice.step {
            return Err(refused("a slice cannot have a step", bytes(step.span()))
                .help("write `[start:stop]`, and `| reverse` to turn the order round"));
        }
        let base = self.boxed(&slice.expr)?;
        let mut bound = |bound: &Option<Expr<'_>>| match bound {
            Some(bound) => self.boxed(bound).map(Some),
            None => Ok(None),
        };
        let start = bound(&slice.start)?;
        Ok(Kind::Slice(base, start, bound(&slice.stop)?))
    }

    fn unary(&mut self, unary: &ast::UnaryOp<'_>) -> Lowered<Kind> {
        let operand = self.boxed(&unary.expr)?;
        Ok(match unary.op {
            UnaryOpKind::Not => Kind::Not(operand),
            UnaryOpKind::Neg => match &operand.kind {
                Kind::Constant(value) if negative(value).is_some() => {
                    Kind::Constant(negative(value).unwrap_or_default())
                }
                _ => Kind::Negate(operand),
            },
        })
    }

    fn binary(&mut self, binary: &ast::BinOp<'_>) -> Lowered<Kind> {
        let left = self.boxed(&binary.left)?;
        let right = self.boxed(&binary.right)?;
        let compare =
            |left, comparison, right: Box<Node>| Kind::Compare(left, vec![(comparison, *right)]);
        Ok(match binary.op {
            BinOpKind::ScAnd => Kind::And(left, right),
            BinOpKind::ScOr => Kind::Or(left, right),
            BinOpKind::Concat => Kind::Concat(left, right),
            BinOpKind::Eq => compare(left, Comparison::Equal, right),
            BinOpKind::Ne => compare(left, Comparison::NotEqual, right),
            BinOpKind::Lt => compare(left, Comparison::Less, right),
            BinOpKind::Lte => compare(left, Comparison::LessOrEqual, right),
            BinOpKind::Gt => compare(left, Comparison::Greater, right),
            BinOpKind::Gte => compare(left, Comparison::GreaterOrEqual, right),
            BinOpKind::In => compare(left, Comparison::In, right),
            BinOpKind::Add => Kind::Calculate(Operator::Add, left, right),
            BinOpKind::Sub => Kind::Calculate(Operator::Subtract, left, right),
            BinOpKind::Mul => Kind::Calculate(Operator::Multiply, left, right),
            BinOpKind::Div => Kind::Calculate(Operator::Divide, left, right),
            BinOpKind::FloorDiv => Kind::Calculate(Operator::DivideWhole, left, right),
            BinOpKind::Rem => Kind::Calculate(Operator::Remainder, left, right),
            BinOpKind::Pow => Kind::Calculate(Operator::Power, left, right),
        })
    }

    fn map(&mut self, map: &ast::Map<'_>) -> Lowered<Kind> {
        let mut pairs = Vec::new();
        for (key, value) in map.keys.iter().zip(&map.values) {
            let key = self.node(key)?;
            let Some(name) = key.literal().map(str::to_owned) else {
                return Err(refused(
                    "the keys of a map must be texts in quotes",
                    key.span,
                ));
            };
            pairs.push((name, self.node(value)?));
        }
        Ok(Kind::Map(pairs))
    }

    fn apply(
        &mut self,
        kind: EntryKind,
        name: &str,
        input: Node,
        arguments: &[CallArg<'_>],
    ) -> Lowered<Kind> {
        let span = self.place(name);
        let entry = match name.split_once('.') {
            Some((filter, field)) if find(kind, filter).is_some() => {
                return Err(TemplateError::new(
                    Code::TemplateUnknownFilter,
                    format!("there is no filter `{name}`"),
                    span,
                )
                .help(format!(
                    "put brackets around the filter before you take a field of its result: `(… | {filter}).{field}`"
                )));
            }
            _ => bind::entry(kind, name, &span)?,
        };
        let mut written = Vec::new();
        for argument in arguments {
            written.push(match argument {
                CallArg::Pos(value) => Argument {
                    name: None,
                    node: self.node(value)?,
                },
                CallArg::Kwarg(name, value) => Argument {
                    name: Some(((*name).to_owned(), self.place(name))),
                    node: self.node(value)?,
                },
                CallArg::PosSplat(value) | CallArg::KwargSplat(value) => {
                    return Err(refused(
                        "arguments cannot be unpacked with `*`",
                        bytes(value.span()),
                    )
                    .help("write each argument"));
                }
            });
        }
        let (arguments, rest) = bind::bind(entry, written, &span)?;
        Ok(Kind::Apply(Box::new(Apply {
            entry,
            input,
            arguments,
            rest,
        })))
    }

    /// Where an expression begins: the parser's spans of comparisons begin a token too early, others too late.
    fn start(&self, kind: &Kind, parsed: usize) -> usize {
        match kind {
            Kind::Compare(left, _) => left.span.start,
            Kind::Not(operand) if !self.text[parsed..].starts_with("not") => operand.span.start,
            kind => leftmost(kind).map_or(parsed, |left| left.min(parsed)),
        }
    }

    /// Where a word of the tree stands: the parser hands out slices of the template's own text.
    fn place(&self, word: &str) -> Range<usize> {
        let start = (word.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        if start + word.len() <= self.text.len()
            && self.text.get(start..start + word.len()) == Some(word)
        {
            start..start + word.len()
        } else {
            0..0
        }
    }
}

fn literal(value: &minijinja::Value, span: &Range<usize>) -> Lowered<Value> {
    json(value).map_err(|error| {
        TemplateError::new(Code::TemplateSyntax, error.message, span.clone())
            .help("write a number of at most 19 digits")
    })
}

fn loop_error(name: &str, span: &Range<usize>) -> TemplateError {
    let error = TemplateError::new(
        Code::UnknownName,
        format!("`loop` has no field `{name}`"),
        span.clone(),
    );
    match nearest(name, LOOP) {
        Some(near) => error.help(format!("did you mean `loop.{near}`?")),
        None => error.help(format!("write one of {}", list_of(&LOOP, "loop."))),
    }
}

fn list_of(names: &[&str], prefix: &str) -> String {
    let names: Vec<_> = names
        .iter()
        .map(|name| format!("`{prefix}{name}`"))
        .collect();
    names.join(", ")
}

fn call_error(call: &ast::Call<'_>, span: Range<usize>) -> TemplateError {
    let (name, method) = match &call.expr {
        Expr::Var(var) => (Some(var.id), false),
        Expr::GetAttr(get) => (Some(get.name), true),
        _ => (None, false),
    };
    let start = bytes(call.expr.span()).start.min(span.start);
    let Some(name) = name else {
        return refused("a value cannot be called", start..span.end)
            .help("apply a filter with `|`");
    };
    let what = if method { "method" } else { "function" };
    let error = refused(format!("there is no {what} `{name}`"), start..span.end);
    if find(EntryKind::Filter, name).is_some() {
        return error.help(format!("`{name}` is a filter: write `… | {name}`"));
    }
    match nearest(name, super::catalogue::names(EntryKind::Filter)) {
        Some(near) => error.help(format!("there is a filter `{near}`: write `… | {near}`")),
        None => error.help("templates have filters and tests, and no functions"),
    }
}

/// A field of a reference is a longer reference; of anything else it is looked up when there is data.
fn extend(mut base: Node, name: &str, span: &Range<usize>) -> Node {
    if let Kind::Reference(reference) = &mut base.kind {
        reference.path.push(name.to_owned());
        base.span.end = span.end;
        return base;
    }
    let start = base.span.start.min(span.start);
    Node::new(
        Kind::Field(Box::new(base), name.to_owned()),
        start..span.end,
    )
}

/// Where an operator's left operand begins; the parser's spans of operators do not always reach it.
fn leftmost(kind: &Kind) -> Option<usize> {
    match kind {
        Kind::And(left, _)
        | Kind::Or(left, _)
        | Kind::Concat(left, _)
        | Kind::Calculate(_, left, _)
        | Kind::Slice(left, _, _) => Some(left.span.start),
        _ => None,
    }
}

fn negative(value: &Value) -> Option<Value> {
    let number = value.as_number()?;
    if number.is_f64() {
        return serde_json::Number::from_f64(-number.as_f64()?).map(Value::Number);
    }
    i64::try_from(-super::value::integer(number)?)
        .ok()
        .map(Value::from)
}

fn comparison(kind: CompareOpKind) -> Comparison {
    match kind {
        CompareOpKind::Eq => Comparison::Equal,
        CompareOpKind::Ne => Comparison::NotEqual,
        CompareOpKind::Lt => Comparison::Less,
        CompareOpKind::Lte => Comparison::LessOrEqual,
        CompareOpKind::Gt => Comparison::Greater,
        CompareOpKind::Gte => Comparison::GreaterOrEqual,
        CompareOpKind::In => Comparison::In,
        CompareOpKind::NotIn => Comparison::NotIn,
    }
}
