//! Puts the arguments of a filter or a test in the order of its parameters, and checks what can be checked without data.

use std::ops::Range;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::nearest;

use super::catalogue::{Entry, EntryKind, Parameter, ParameterKind, find, names};
use super::error::TemplateError;
use super::filters::{contact, date};
use super::scope::kind;
use super::tree::{Kind, Node};

/// An argument as written, with its name where it has one.
pub(super) struct Argument {
    pub(super) name: Option<(String, Range<usize>)>,
    pub(super) node: Node,
}

/// Arguments in the order of the parameters, then those for the filter or test named in one of them.
pub(super) type Bound = (Vec<Option<Node>>, Vec<Node>);

/// The entry of a name, or an error with the nearest name that exists.
pub(super) fn entry(
    kind: EntryKind,
    name: &str,
    span: &Range<usize>,
) -> Result<&'static Entry, TemplateError> {
    if let Some(entry) = find(kind, name) {
        return Ok(entry);
    }
    let (code, word, other, sign) = match kind {
        EntryKind::Filter => (Code::TemplateUnknownFilter, "filter", EntryKind::Test, "is"),
        EntryKind::Test => (Code::TemplateUnknownTest, "test", EntryKind::Filter, "|"),
    };
    let error = TemplateError::new(code, format!("there is no {word} `{name}`"), span.clone());
    Err(match nearest(name, names(kind)) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None if find(other, name).is_some() => {
            error.help(format!("write it behind `{sign}`: `… {sign} {name}`"))
        }
        None => error.help(format!("the {word}s are {}", list(names(kind)))),
    })
}

fn list(names: impl Iterator<Item = &'static str>) -> String {
    let mut names: Vec<_> = names
        .filter(|name| name.starts_with(char::is_alphabetic))
        .map(|name| format!("`{name}`"))
        .collect();
    names.sort();
    names.join(", ")
}

/// Binds the arguments of one call, whose name stands at `span`.
pub(super) fn bind(
    entry: &'static Entry,
    arguments: Vec<Argument>,
    span: &Range<usize>,
) -> Result<Bound, TemplateError> {
    let mut values: Vec<Option<Node>> = entry.parameters.iter().map(|_| None).collect();
    let mut rest = Vec::new();
    let places = positions(entry);
    for (index, argument) in arguments.into_iter().enumerate() {
        let place = match &argument.name {
            Some((name, at)) => Some(named(entry, name, at)?),
            None => places.get(index).copied(),
        };
        match place {
            Some(place) if values[place].is_some() => {
                let message = format!("`{}` is given twice", entry.parameters[place].name);
                return Err(bad(entry, message, &argument.node.span));
            }
            Some(place) => {
                check(entry, &entry.parameters[place], &argument.node)?;
                values[place] = Some(argument.node);
            }
            None if entry.takes_more() => rest.push(argument.node),
            None => {
                return Err(too_many(entry, &argument.node.span));
            }
        }
    }
    for (parameter, value) in entry.parameters.iter().zip(&values) {
        if parameter.default.is_none() && value.is_none() {
            let message = format!("`{}` needs `{}`", entry.name, parameter.name);
            return Err(bad(entry, message, span));
        }
    }
    inner(entry, &values, &rest, span)?;
    Ok((values, rest))
}

/// The parameters that arguments without a name fill: what follows the name of a filter or a test belongs to it.
fn positions(entry: &Entry) -> Vec<usize> {
    let named = entry.parameters.iter().position(|parameter| {
        matches!(
            parameter.kind,
            ParameterKind::FilterName | ParameterKind::TestName
        )
    });
    let end = named.map_or(entry.parameters.len(), |place| place + 1);
    (0..end).collect()
}

fn named(entry: &Entry, name: &str, at: &Range<usize>) -> Result<usize, TemplateError> {
    let known = || entry.parameters.iter().map(|parameter| parameter.name);
    if let Some(place) = known().position(|known| known == name) {
        return Ok(place);
    }
    let message = format!("`{}` has no argument `{name}`", entry.name);
    let error = TemplateError::new(Code::TemplateBadArgument, message, at.clone());
    Err(match nearest(name, known()) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help(format!("write `{}`", entry.signature())),
    })
}

fn bad(entry: &Entry, message: String, span: &Range<usize>) -> TemplateError {
    TemplateError::new(Code::TemplateBadArgument, message, span.clone())
        .help(format!("write `{}`", entry.signature()))
}

fn too_many(entry: &Entry, span: &Range<usize>) -> TemplateError {
    let message = match entry.parameters.len() {
        0 => format!("`{}` takes no arguments", entry.name),
        1 => format!("`{}` takes one argument", entry.name),
        count => format!("`{}` takes at most {count} arguments", entry.name),
    };
    bad(entry, message, span)
}

/// Checks a literal; what comes from the data is checked when it is there.
fn check(entry: &Entry, parameter: &Parameter, node: &Node) -> Result<(), TemplateError> {
    let literal = node.literal();
    let name = parameter.name;
    match parameter.kind {
        ParameterKind::Field | ParameterKind::FilterName | ParameterKind::TestName => {
            let Some(text) = literal else {
                let message = format!("`{name}` must be a text in quotes");
                return Err(bad(entry, message, &node.span));
            };
            match parameter.kind {
                ParameterKind::Field => field(entry, text, node),
                ParameterKind::FilterName => {
                    self::entry(EntryKind::Filter, text, &node.span).map(|_| ())
                }
                _ => self::entry(EntryKind::Test, text, &node.span).map(|_| ()),
            }
        }
        ParameterKind::Any => Ok(()),
        _ => constant(entry, parameter, node),
    }
}

fn field(entry: &Entry, text: &str, node: &Node) -> Result<(), TemplateError> {
    let well_formed = |part: &str| {
        part.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if text.split('.').all(well_formed) {
        return Ok(());
    }
    Err(bad(
        entry,
        "a field is named by letters, digits and `_`, parents with dots".to_owned(),
        &node.span,
    ))
}

/// The type of a constant argument, and whether it names something that exists.
fn constant(entry: &Entry, parameter: &Parameter, node: &Node) -> Result<(), TemplateError> {
    let Kind::Constant(value) = &node.kind else {
        return Ok(());
    };
    if value.is_null() && parameter.default.is_some() {
        return Ok(());
    }
    let fits = match parameter.kind {
        ParameterKind::Count => value.as_u64().is_some_and(|count| count <= 1_000_000),
        ParameterKind::Flag => value.is_boolean(),
        _ => value.is_string(),
    };
    let wanted = match parameter.kind {
        ParameterKind::Count => "a whole number from 0 to 1000000",
        ParameterKind::Flag => "`true` or `false`",
        _ => "a text in quotes",
    };
    if !fits {
        let message = if parameter.kind == ParameterKind::Count && value.is_number() {
            format!("`{}` must be {wanted}", parameter.name)
        } else {
            let found = kind(value);
            format!("`{}` must be {wanted}, and it is {found}", parameter.name)
        };
        return Err(bad(entry, message, &node.span));
    }
    let text = node.literal().unwrap_or_default();
    let error =
        |message: String| TemplateError::new(Code::TemplateBadArgument, message, node.span.clone());
    match parameter.kind {
        ParameterKind::Country if contact::country(text).is_none() => {
            Err(error(format!("there is no country `{text}`"))
                .help("use the two letters of ISO 3166-1, such as `US`, `GB` or `BR`"))
        }
        ParameterKind::TimeZone if date::zone(text).is_none() => {
            let zones = date::zones();
            let error = error(format!("there is no time zone `{text}`"));
            Err(match nearest(text, zones.iter().map(String::as_str)) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help("use a name of the IANA database, such as `Europe/London`"),
            })
        }
        ParameterKind::DateFormat => date::check_format(text).map_err(|cause| {
            error(format!("the date format cannot be used: {cause}"))
                .help("use the directives of `strftime`, such as `%Y-%m-%d %H:%M`")
        }),
        _ => Ok(()),
    }
}

/// Checks the arguments that follow the name of a filter or a test against that filter or test.
fn inner(
    entry: &'static Entry,
    values: &[Option<Node>],
    rest: &[Node],
    span: &Range<usize>,
) -> Result<(), TemplateError> {
    let named = entry
        .parameters
        .iter()
        .zip(values)
        .find_map(|(parameter, value)| {
            let kind = match parameter.kind {
                ParameterKind::FilterName => EntryKind::Filter,
                ParameterKind::TestName => EntryKind::Test,
                _ => return None,
            };
            Some((kind, value.as_ref()?.literal()?))
        });
    if let (true, Some(attribute)) = (entry.name == "map", values.get(1)) {
        return match (named, attribute) {
            (Some(_), Some(node)) => Err(bad(
                entry,
                "`map` takes a filter or `attribute`, not both".to_owned(),
                &node.span,
            )),
            (None, None) => Err(bad(
                entry,
                "`map` needs a filter or `attribute`".to_owned(),
                span,
            )),
            (Some((kind, name)), None) => inner_count(kind, name, rest, span),
            (None, Some(_)) => Ok(()),
        };
    }
    match named {
        Some((kind, name)) => inner_count(kind, name, rest, span),
        None => Ok(()),
    }
}

fn inner_count(
    kind: EntryKind,
    name: &str,
    rest: &[Node],
    span: &Range<usize>,
) -> Result<(), TemplateError> {
    let inner = entry(kind, name, span)?;
    let required = inner
        .parameters
        .iter()
        .filter(|parameter| parameter.default.is_none())
        .count();
    if rest.len() < required {
        let missing = inner.parameters[rest.len()].name;
        let message = format!("`{name}` needs `{missing}`");
        return Err(bad(inner, message, span));
    }
    if rest.len() > inner.parameters.len() && !inner.takes_more() {
        return Err(too_many(inner, &rest[inner.parameters.len()].span));
    }
    for (parameter, node) in inner.parameters.iter().zip(rest) {
        check(inner, parameter, node)?;
    }
    Ok(())
}
