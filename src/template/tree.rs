//! A template as a checked tree of our own: names resolved, filters bound, nothing left that is not allowed.

use std::ops::Range;
use std::sync::atomic::AtomicUsize;

use serde_json::Value;

use super::catalogue::Entry;

/// A stretch of a template.
#[derive(Debug)]
pub(super) enum Statement {
    /// Text as it stands.
    Text(String),
    /// `{{ … }}`
    Emit(Node),
    /// `{% if %}`, with `elif` as an `if` in its `else`.
    If {
        test: Node,
        then: Vec<Statement>,
        otherwise: Vec<Statement>,
    },
    /// `{% for local in list if filter %} … {% else %} …`
    For {
        local: usize,
        list: Node,
        filter: Option<Node>,
        body: Vec<Statement>,
        empty: Vec<Statement>,
    },
    /// `{% set local = value %}`
    Set { local: usize, value: Node },
    /// `{% set local %} … {% endset %}`
    Capture { local: usize, body: Vec<Statement> },
    /// `{% with local = value, … %} … {% endwith %}`
    With {
        locals: Vec<(usize, Node)>,
        body: Vec<Statement>,
    },
}

/// An expression with its place: bytes of the template's text.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) span: Range<usize>,
}

/// What an expression is.
#[derive(Debug)]
pub(super) enum Kind {
    Constant(Value),
    Reference(Reference),
    /// A variable set in the template, by its number.
    Local(usize),
    /// A field of `loop`.
    Loop(&'static str),
    Field(Box<Node>, String),
    Item(Box<Node>, Box<Node>),
    Slice(Box<Node>, Option<Box<Node>>, Option<Box<Node>>),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Compare(Box<Node>, Vec<(Comparison, Node)>),
    If(Box<If>),
    Apply(Box<Apply>),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
    Concat(Box<Node>, Box<Node>),
    Calculate(Operator, Box<Node>, Box<Node>),
}

/// A path of names into the data.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) path: Vec<String>,
    /// Where the first name stood in the last record; a guess that is checked.
    pub(super) hint: AtomicUsize,
}

/// `then if test else otherwise`; without `else` it is null.
#[derive(Debug)]
pub(super) struct If {
    pub(super) test: Node,
    pub(super) then: Node,
    pub(super) otherwise: Option<Node>,
}

/// A filter or a test with its arguments in the order of its parameters.
#[derive(Debug)]
pub(super) struct Apply {
    pub(super) entry: &'static Entry,
    pub(super) input: Node,
    pub(super) arguments: Vec<Option<Node>>,
    /// What follows the parameters: the arguments of the filter or test named in one of them.
    pub(super) rest: Vec<Node>,
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

/// A calculation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    DivideWhole,
    Remainder,
    Power,
}

impl Operator {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Add, "+"),
        (Self::Subtract, "-"),
        (Self::Multiply, "*"),
        (Self::Divide, "/"),
        (Self::DivideWhole, "//"),
        (Self::Remainder, "%"),
        (Self::Power, "**"),
    ];

    /// As it is written.
    pub(super) fn sign(self) -> &'static str {
        Self::ALL[self.index()].1
    }

    /// A number that [`Operator::from_index`] turns back.
    pub(super) fn index(self) -> usize {
        self as usize
    }

    pub(super) fn from_index(index: usize) -> Option<Self> {
        Self::ALL.get(index).map(|(operator, _)| *operator)
    }
}

impl Comparison {
    const ALL: [Self; 8] = [
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::In,
        Self::NotIn,
    ];

    /// A number that [`Comparison::from_index`] turns back.
    pub(super) fn index(self) -> usize {
        self as usize
    }

    pub(super) fn from_index(index: usize) -> Option<Self> {
        Self::ALL.get(index).copied()
    }
}

impl Node {
    pub(super) fn new(kind: Kind, span: Range<usize>) -> Self {
        Self { kind, span }
    }

    /// The text, where the node is a literal text.
    pub(super) fn literal(&self) -> Option<&str> {
        match &self.kind {
            Kind::Constant(Value::String(text)) => Some(text),
            _ => None,
        }
    }
}
