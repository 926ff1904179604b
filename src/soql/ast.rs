//! The syntax tree: what a query says, with the place of every part in bytes.
//!
//! Names are kept as they were written; Salesforce compares them without regard to case.

use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::{Date, Time};

use super::date_literal::DateLiteral;

/// Byte offsets into the text that was parsed.
pub type Span = Range<usize>;

/// One identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// As it was written.
    pub text: String,
    /// Its place.
    pub span: Span,
}

/// Identifiers joined by dots: `Name`, `Owner.Name`, `a.Account.Owner.Name`; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath {
    /// The identifiers; all but the last name relationships, or the alias of an object.
    pub segments: Vec<Name>,
}

/// A whole `SELECT`, at the top, as a child subquery or as a semi-join.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// From `SELECT` to the end of the last clause.
    pub span: Span,
    /// What is selected, in order; at least one.
    pub select: Vec<SelectItem>,
    /// The object, or the child relationship of a subquery.
    pub from: FromItem,
    /// `FROM Contact c, c.Account a`: further relationships with names of their own.
    pub more_from: Vec<FromItem>,
    /// `USING SCOPE …`.
    pub scope: Option<Name>,
    /// `WHERE …`.
    pub filter: Option<Condition>,
    /// `WITH …`, in order.
    pub with: Vec<With>,
    /// `GROUP BY …`.
    pub group_by: Option<GroupBy>,
    /// `HAVING …`.
    pub having: Option<Condition>,
    /// `ORDER BY …`, in order.
    pub order_by: Vec<OrderBy>,
    /// `LIMIT n`.
    pub limit: Option<Count>,
    /// `OFFSET n`.
    pub offset: Option<Count>,
    /// `FOR VIEW`, `FOR REFERENCE`, `FOR UPDATE`, `UPDATE TRACKING`, `UPDATE VIEWSTAT`.
    pub effects: Vec<Effect>,
}

/// The number behind `LIMIT` or `OFFSET`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The number.
    pub value: u64,
    /// Its place.
    pub span: Span,
}

/// One item behind `FROM`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FromItem {
    /// An object, a child relationship, or a path that begins with an alias.
    pub path: FieldPath,
    /// The name it goes by in the rest of the query.
    pub alias: Option<Name>,
}

/// One item behind `SELECT`.
#[derive(Debug, Clone, PartialEq)]
pub enum SelectItem {
    /// A field, or a function of one.
    Expression {
        /// The field or function.
        expression: Expression,
        /// The name of its column.
        alias: Option<Name>,
    },
    /// `COUNT()`: the number of rows and nothing else.
    CountAll {
        /// Its place.
        span: Span,
    },
    /// `FIELDS(ALL)`, `FIELDS(STANDARD)`, `FIELDS(CUSTOM)`.
    Fields {
        /// Which fields.
        set: FieldSet,
        /// Its place.
        span: Span,
    },
    /// `(SELECT … FROM Children)`.
    Children(Box<Query>),
    /// `TYPEOF … WHEN … THEN … END`.
    TypeOf(TypeOf),
}

/// What `FIELDS()` stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldSet {
    /// Every field.
    All,
    /// The fields that come with the object.
    Standard,
    /// The fields that were added to it.
    Custom,
}

/// `TYPEOF path WHEN Object THEN fields … ELSE fields END`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeOf {
    /// The polymorphic relationship.
    pub path: FieldPath,
    /// Object and fields; at least one.
    pub branches: Vec<TypeOfBranch>,
    /// The fields for every other object; empty where there is no `ELSE`.
    pub otherwise: Vec<FieldPath>,
    /// Its place.
    pub span: Span,
}

/// `WHEN Object THEN fields`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeOfBranch {
    /// The object.
    pub object: Name,
    /// Its fields; at least one.
    pub fields: Vec<FieldPath>,
}

/// A field or a function of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// A field.
    Field(FieldPath),
    /// A function.
    Call(Call),
}

/// `FUNCTION(expression)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The function.
    pub function: Function,
    /// What it is applied to; `None` for `COUNT()` behind `HAVING` and `ORDER BY`.
    pub argument: Option<Box<Expression>>,
    /// From the function's name to the closing parenthesis.
    pub span: Span,
}

/// Every function of SOQL that takes a field.
///
/// Source: SOQL and SOSL Reference, "Aggregate Functions", "Date Functions", "SELECT".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the function of that name")]
pub enum Function {
    Count,
    CountDistinct,
    Sum,
    Avg,
    Min,
    Max,
    Grouping,
    CalendarMonth,
    CalendarQuarter,
    CalendarYear,
    DayInMonth,
    DayInWeek,
    DayInYear,
    DayOnly,
    FiscalMonth,
    FiscalQuarter,
    FiscalYear,
    HourInDay,
    WeekInMonth,
    WeekInYear,
    ConvertTimezone,
    ConvertCurrency,
    ToLabel,
    Format,
}

impl Function {
    /// Every function with its name in the spelling of the reference.
    pub const ALL: &'static [(&'static str, Function)] = &[
        ("COUNT", Function::Count),
        ("COUNT_DISTINCT", Function::CountDistinct),
        ("SUM", Function::Sum),
        ("AVG", Function::Avg),
        ("MIN", Function::Min),
        ("MAX", Function::Max),
        ("GROUPING", Function::Grouping),
        ("CALENDAR_MONTH", Function::CalendarMonth),
        ("CALENDAR_QUARTER", Function::CalendarQuarter),
        ("CALENDAR_YEAR", Function::CalendarYear),
        ("DAY_IN_MONTH", Function::DayInMonth),
        ("DAY_IN_WEEK", Function::DayInWeek),
        ("DAY_IN_YEAR", Function::DayInYear),
        ("DAY_ONLY", Function::DayOnly),
        ("FISCAL_MONTH", Function::FiscalMonth),
        ("FISCAL_QUARTER", Function::FiscalQuarter),
        ("FISCAL_YEAR", Function::FiscalYear),
        ("HOUR_IN_DAY", Function::HourInDay),
        ("WEEK_IN_MONTH", Function::WeekInMonth),
        ("WEEK_IN_YEAR", Function::WeekInYear),
        ("convertTimezone", Function::ConvertTimezone),
        ("convertCurrency", Function::ConvertCurrency),
        ("toLabel", Function::ToLabel),
        ("FORMAT", Function::Format),
    ];

    /// The function of that name, without regard to case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, function)| *function)
    }

    /// The name, in the spelling of the reference.
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, function)| *function == self)
            .map_or("", |(name, _)| name)
    }

    /// Whether it makes one value of many rows.
    pub const fn is_aggregate(self) -> bool {
        matches!(
            self,
            Self::Count
                | Self::CountDistinct
                | Self::Sum
                | Self::Avg
                | Self::Min
                | Self::Max
                | Self::Grouping
        )
    }

    /// Whether it takes a part of a date or of an instant.
    pub const fn is_date(self) -> bool {
        matches!(
            self,
            Self::CalendarMonth
                | Self::CalendarQuarter
                | Self::CalendarYear
                | Self::DayInMonth
                | Self::DayInWeek
                | Self::DayInYear
                | Self::DayOnly
                | Self::FiscalMonth
                | Self::FiscalQuarter
                | Self::FiscalYear
                | Self::HourInDay
                | Self::WeekInMonth
                | Self::WeekInYear
        )
    }
}

/// A condition. `And` and `Or` hold at least two parts.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Every part must hold.
    And(Vec<Condition>),
    /// One part must hold.
    Or(Vec<Condition>),
    /// The part must not hold.
    Not(Box<Condition>),
    /// One comparison.
    Compare(Comparison),
}

/// `expression operator value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The left side.
    pub left: Expression,
    /// The operator.
    pub operator: Operator,
    /// The operator's place.
    pub operator_span: Span,
    /// The right side.
    pub right: Operand,
    /// The whole comparison.
    pub span: Span,
}

/// How two sides are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=` or `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `LIKE`
    Like,
    /// `IN`
    In,
    /// `NOT IN`
    NotIn,
    /// `INCLUDES`
    Includes,
    /// `EXCLUDES`
    Excludes,
}

impl Operator {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Like => "LIKE",
            Self::In => "IN",
            Self::NotIn => "NOT IN",
            Self::Includes => "INCLUDES",
            Self::Excludes => "EXCLUDES",
        }
    }
}

/// The right side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// One value.
    Value(Literal),
    /// `('a', 'b')`, at least one value.
    List(Vec<Literal>),
    /// `(SELECT …)`: a semi-join with `IN`, an anti-join with `NOT IN`.
    Query(Box<Query>),
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    /// The value.
    pub value: Value,
    /// Its place.
    pub span: Span,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true`, `false`
    Boolean(bool),
    /// A number without a fraction that fits 64 bits.
    Integer(i64),
    /// Any other number.
    Decimal(f64),
    /// `USD500.25`
    Currency {
        /// The ISO 4217 code, in capitals.
        code: String,
        /// How much.
        amount: f64,
    },
    /// A string, its escapes resolved.
    Text(String),
    /// The string behind `LIKE`, taken apart.
    Pattern(Pattern),
    /// `2027-01-31`
    Date(Date),
    /// `2027-01-31T10:00:00Z`
    DateTime(Timestamp),
    /// `10:00:00.000Z`
    Time(Time),
    /// `TODAY`, `LAST_N_DAYS:90`
    DateLiteral(DateLiteral),
}

/// The parts of a `LIKE` pattern. No two `Text` parts are neighbours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pattern {
    /// The parts, in order; none for the empty pattern.
    pub parts: Vec<PatternPart>,
}

/// One part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternPart {
    /// Characters that stand for themselves, without regard to case.
    Text(String),
    /// `_`: exactly one character.
    One,
    /// `%`: any number of characters.
    Any,
}

/// `WITH …`.
#[derive(Debug, Clone, PartialEq)]
pub enum With {
    /// `SECURITY_ENFORCED`, `USER_MODE`, `SYSTEM_MODE`.
    Mode(Name),
    /// `DATA CATEGORY group AT category AND …`.
    DataCategories(Vec<DataCategory>),
    /// Any other condition.
    Condition(Condition),
}

/// One filter of `WITH DATA CATEGORY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataCategory {
    /// The category group.
    pub group: Name,
    /// `AT`, `ABOVE`, `BELOW` or `ABOVE_OR_BELOW`.
    pub selector: Name,
    /// The categories; at least one.
    pub categories: Vec<Name>,
}

/// `GROUP BY …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupBy {
    /// What rows are grouped by, in order; at least one.
    pub keys: Vec<Expression>,
    /// Which subtotals are added.
    pub subtotals: Subtotals,
    /// From `GROUP` to the last key.
    pub span: Span,
}

/// The subtotals of a `GROUP BY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subtotals {
    /// None.
    None,
    /// `ROLLUP(…)`
    Rollup,
    /// `CUBE(…)`
    Cube,
}

/// One key of `ORDER BY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderBy {
    /// What rows are ordered by.
    pub expression: Expression,
    /// `DESC`.
    pub descending: bool,
    /// `NULLS FIRST` is true, `NULLS LAST` false.
    pub nulls_first: Option<bool>,
}

/// What a query does besides reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Which.
    pub kind: EffectKind,
    /// Its place.
    pub span: Span,
}

/// The effects a query can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the clause of that name")]
pub enum EffectKind {
    ForView,
    ForReference,
    ForUpdate,
    UpdateTracking,
    UpdateViewstat,
}

impl FieldPath {
    /// From the first identifier to the last.
    pub fn span(&self) -> Span {
        match (self.segments.first(), self.segments.last()) {
            (Some(first), Some(last)) => first.span.start..last.span.end,
            _ => 0..0,
        }
    }

    /// The identifiers joined by dots, as they were written.
    pub fn dotted(&self) -> String {
        let mut text = String::new();
        for segment in &self.segments {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(&segment.text);
        }
        text
    }
}

impl Expression {
    /// Its place.
    pub fn span(&self) -> Span {
        match self {
            Expression::Field(path) => path.span(),
            Expression::Call(call) => call.span.clone(),
        }
    }

    /// The field at the bottom of every function; `None` for `COUNT()`.
    pub fn field(&self) -> Option<&FieldPath> {
        match self {
            Expression::Field(path) => Some(path),
            Expression::Call(call) => call.argument.as_deref().and_then(Expression::field),
        }
    }

    /// Whether a function in it makes one value of many rows.
    pub fn is_aggregate(&self) -> bool {
        match self {
            Expression::Field(_) => false,
            Expression::Call(call) => {
                call.function.is_aggregate()
                    || call
                        .argument
                        .as_deref()
                        .is_some_and(Expression::is_aggregate)
            }
        }
    }

    /// Whether both say the same, without regard to case and place.
    pub fn same(&self, other: &Expression) -> bool {
        match (self, other) {
            (Expression::Field(a), Expression::Field(b)) => a.same(b),
            (Expression::Call(a), Expression::Call(b)) => {
                a.function == b.function
                    && match (&a.argument, &b.argument) {
                        (Some(a), Some(b)) => a.same(b),
                        (None, None) => true,
                        _ => false,
                    }
            }
            _ => false,
        }
    }
}

impl FieldPath {
    /// Whether both say the same, without regard to case and place.
    pub fn same(&self, other: &FieldPath) -> bool {
        self.segments.len() == other.segments.len()
            && self
                .segments
                .iter()
                .zip(&other.segments)
                .all(|(a, b)| a.text.eq_ignore_ascii_case(&b.text))
    }
}
