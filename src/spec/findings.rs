//! What the schema found, in our words and at the place in the file: one finding a slip, with the nearest valid name.

use std::sync::Arc;

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::Value;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, Place, SourceFile, nearest};

use super::forms;
use super::schema::Compiled;
use super::tree::{self, Kind, Node};

/// Every way in which the tree is not what the schema asks for, in the order of the file.
pub(super) fn collect(
    file: &Arc<SourceFile>,
    root: &Node,
    value: &Value,
    schema: &Compiled,
) -> Vec<Diagnostic> {
    let translator = Translator { file, root, schema };
    let mut found: Vec<Found> = Vec::new();
    for error in schema.validator.iter_errors(value) {
        translator.translate(&error, &mut found);
    }
    // A misspelled key is one slip, not two: what it was meant to be is not also missing.
    let meant: Vec<(String, String)> = found
        .iter()
        .filter_map(|found| match &found.slip {
            Slip::UnknownKey { meant: Some(key) } => Some((found.object.clone(), key.clone())),
            _ => None,
        })
        .collect();
    // And a value of the wrong type has nothing else to be right or wrong.
    let mistyped: Vec<String> = found
        .iter()
        .filter(|found| matches!(found.slip, Slip::WrongType))
        .map(|found| found.object.clone())
        .collect();
    found.retain(|found| match &found.slip {
        Slip::MissingKey(key) => !meant.contains(&(found.object.clone(), key.clone())),
        Slip::Other => !mistyped.contains(&found.object),
        _ => true,
    });
    let mut diagnostics: Vec<_> = found.into_iter().map(|found| found.diagnostic).collect();
    diagnostics.sort_by_key(|diagnostic| diagnostic.place.as_ref().map(|place| place.span.start));
    diagnostics.dedup();
    diagnostics
}

/// A finding, and what it means for other findings about the same mapping.
struct Found {
    object: String,
    slip: Slip,
    diagnostic: Diagnostic,
}

enum Slip {
    UnknownKey { meant: Option<String> },
    MissingKey(String),
    WrongType,
    Other,
}

struct Translator<'a> {
    file: &'a Arc<SourceFile>,
    root: &'a Node,
    schema: &'a Compiled,
}

impl Translator<'_> {
    fn translate(&self, error: &ValidationError<'_>, found: &mut Vec<Found>) {
        use ValidationErrorKind as K;
        let pointer = error.instance_path().as_str();
        let schema = self.schema_around(error);
        let instance = error.instance();
        let mut mistyped = false;
        let diagnostic = match error.kind() {
            K::AdditionalProperties { unexpected } => {
                for key in unexpected {
                    found.push(self.unexpected_key(pointer, key, schema));
                }
                return;
            }
            K::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                found.push(self.missing_key(pointer, key, schema));
                return;
            }
            K::Type { kind } => {
                mistyped = true;
                self.wrong_type(pointer, instance, kind, schema)
            }
            K::Enum { options } => self.unknown_word(pointer, instance, options),
            K::Constant { expected_value } => {
                self.unsupported_version(pointer, instance, expected_value)
            }
            K::Pattern { pattern } => self.wrong_form(pointer, instance, pattern),
            K::FalseSchema => self.misplaced(pointer),
            K::Minimum { .. } | K::Maximum { .. } => self.out_of_range(pointer, instance, schema),
            kind => self.wrong_size(pointer, kind, error),
        };
        found.push(Found {
            object: pointer.to_owned(),
            slip: if mistyped {
                Slip::WrongType
            } else {
                Slip::Other
            },
            diagnostic,
        });
    }

    fn unexpected_key(&self, pointer: &str, key: &str, schema: Option<&Value>) -> Found {
        let place = self.key_place(&tree::join(pointer, key));
        let shown = forms::shown(key);
        let other = |diagnostic: Diagnostic| Found {
            object: pointer.to_owned(),
            slip: Slip::Other,
            diagnostic: diagnostic.at(place.clone()),
        };
        if let Some(pattern) = schema.and_then(key_pattern) {
            let form = forms::of(pattern);
            return other(
                Diagnostic::error(Code::BadName, format!("`{shown}` is not {}", form.what))
                    .help(form.help),
            );
        }
        let known: Vec<&str> = schema
            .and_then(|schema| schema.get("properties"))
            .and_then(Value::as_object)
            .map(|properties| properties.keys().map(String::as_str).collect())
            .unwrap_or_default();
        let owner = owner(pointer);
        let diagnostic = Diagnostic::error(
            Code::UnknownKey,
            format!("`{shown}` is not a key of {owner}"),
        );
        let meant = nearest(key, known.iter().copied());
        let help = match (meant, self.home_of(key)) {
            (Some(meant), _) => format!("did you mean `{meant}`?"),
            (None, Some(home)) => format!("`{shown}` belongs into {home}"),
            (None, None) => format!("remove it; the keys here are {}", listed(&known)),
        };
        Found {
            object: pointer.to_owned(),
            slip: Slip::UnknownKey {
                meant: meant.map(str::to_owned),
            },
            diagnostic: diagnostic.at(place).help(help),
        }
    }

    /// The section that has a key of this name, where exactly one has.
    fn home_of(&self, key: &str) -> Option<String> {
        let root = self.schema.json.get("properties")?.as_object()?;
        if root.contains_key(key) {
            return Some("the top of the file".to_owned());
        }
        let mut homes = root.iter().filter(|(_, section)| {
            self.resolved(section)
                .get("properties")
                .and_then(|properties| properties.get(key))
                .is_some()
        });
        let (home, _) = homes.next()?;
        homes.next().is_none().then(|| format!("`{home}`"))
    }

    fn missing_key(&self, pointer: &str, key: &str, schema: Option<&Value>) -> Found {
        let (message, help) = match pointer {
            "/schedule" => (
                "`schedule` needs `every` or `cron`".to_owned(),
                "write `{ every: 15m }` or `{ cron: \"0 6 * * 1-5\" }`".to_owned(),
            ),
            "/source" => (
                "`source` needs `object` or `records`".to_owned(),
                "write `object: Lead` to read from Salesforce, or `records: outcomes` to read what Bridged keeps".to_owned(),
            ),
            _ => (
                format!("{} needs `{key}`", owner(pointer)),
                self.example_of(key, schema),
            ),
        };
        Found {
            object: pointer.to_owned(),
            slip: Slip::MissingKey(key.to_owned()),
            diagnostic: Diagnostic::error(Code::MissingKey, message)
                .at(self.key_place(pointer))
                .help(help),
        }
    }

    /// `add KEY: EXAMPLE`, from the schema of the key.
    fn example_of(&self, key: &str, schema: Option<&Value>) -> String {
        let property = schema
            .and_then(|schema| schema.get("properties"))
            .and_then(|properties| properties.get(key))
            .map(|property| (property, self.resolved(property)));
        let Some((property, resolved)) = property else {
            return format!("add `{key}`");
        };
        let example = [property, resolved]
            .iter()
            .find_map(|schema| schema.get("examples")?.get(0))
            .or_else(|| resolved.get("const"));
        match (example, resolved.get("enum").and_then(Value::as_array)) {
            (Some(Value::String(text)), _) if text.contains(['{', '$', ':', '*']) => {
                format!("add `{key}: \"{text}\"`")
            }
            (Some(Value::String(text)), _) => format!("add `{key}: {text}`"),
            (Some(example), _) if !example.is_object() => format!("add `{key}: {example}`"),
            (_, Some(words)) => format!("add `{key}`: {}", words_of(words)),
            _ => match resolved.get("description").and_then(Value::as_str) {
                Some(description) => format!(
                    "add `{key}`: {}",
                    forms::lowercase_first(description.trim_end_matches('.'))
                ),
                None => format!("add `{key}`"),
            },
        }
    }

    fn wrong_type(
        &self,
        pointer: &str,
        instance: &Value,
        kind: &TypeKind,
        schema: Option<&Value>,
    ) -> Diagnostic {
        let allowed: Vec<&str> = match kind {
            TypeKind::Single(single) => vec![single.as_str()],
            TypeKind::Multiple(several) => {
                several.iter().map(jsonschema::JsonType::as_str).collect()
            }
        };
        let wanted = type_names(&allowed);
        let name = subject(pointer);
        if instance.is_null() {
            return Diagnostic::error(Code::WrongType, format!("{name} has no value"))
                .at(self.place(pointer))
                .help(format!("give it {wanted}, or remove the key"));
        }
        let found = match instance {
            Value::String(text) => format!("the text `{}`", forms::shown(text)),
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "a mapping".to_owned(),
            scalar => format!("`{scalar}`"),
        };
        let message = format!("{name} must be {wanted}, and is {found}");
        let finding = Diagnostic::error(Code::WrongType, message).at(self.place(pointer));
        match self.way_to_type(pointer, instance, &allowed, schema) {
            Some(help) => finding.help(help),
            None => finding,
        }
    }

    fn way_to_type(
        &self,
        pointer: &str,
        instance: &Value,
        allowed: &[&str],
        schema: Option<&Value>,
    ) -> Option<String> {
        let pattern = schema.and_then(|schema| schema.get("pattern"));
        let text = instance.as_str();
        if !instance.is_string() && allowed == ["string"] {
            if let Some(pattern) = pattern.and_then(Value::as_str) {
                return Some(forms::of(pattern).help.to_owned());
            }
            if !instance.is_array() && !instance.is_object() {
                return Some(format!(
                    "put quotes around it: `\"{}\"`",
                    self.written(pointer)
                ));
            }
        }
        let help = match allowed {
            ["boolean"] if text.is_some_and(is_yes_or_no) => {
                "write `true` or `false`: `yes`, `no`, `on` and `off` are texts"
            }
            ["integer" | "number"] if text.is_some_and(|text| text.parse::<f64>().is_ok()) => {
                "remove the quotes"
            }
            ["array"] if instance.is_object() => "begin each entry with `- `",
            ["array"] => "write a list: `[…]`",
            ["object"] => "write keys with their values, each on a line of its own",
            ["integer"] if instance.is_number() => "write it without decimals",
            _ => return None,
        };
        Some(help.to_owned())
    }

    fn unknown_word(&self, pointer: &str, instance: &Value, options: &Value) -> Diagnostic {
        let words: Vec<&str> = options
            .as_array()
            .map(|options| options.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let given = instance
            .as_str()
            .map_or_else(|| instance.to_string(), forms::shown);
        let list = words
            .iter()
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(", ");
        let finding = Diagnostic::error(
            Code::UnknownValue,
            format!(
                "{} must be one of {list}, and is `{given}`",
                subject(pointer)
            ),
        )
        .at(self.place(pointer));
        match instance.as_str().and_then(|given| nearest(given, words)) {
            Some(meant) => finding.help(format!("did you mean `{meant}`?")),
            None => finding.help("write one of these words"),
        }
    }

    fn unsupported_version(&self, pointer: &str, instance: &Value, expected: &Value) -> Diagnostic {
        Diagnostic::error(
            Code::UnsupportedVersion,
            format!("version {instance} of the file format is not known"),
        )
        .at(self.place(pointer))
        .help(format!("write `version: {expected}`"))
    }

    fn wrong_form(&self, pointer: &str, instance: &Value, pattern: &str) -> Diagnostic {
        let form = forms::of(pattern);
        let given = instance
            .as_str()
            .map_or_else(|| instance.to_string(), forms::shown);
        Diagnostic::error(
            form.code,
            format!("{} is not {}: `{given}`", subject(pointer), form.what),
        )
        .at(self.place(pointer))
        .help(form.help)
    }

    fn misplaced(&self, pointer: &str) -> Diagnostic {
        let (parent, key) = pointer.rsplit_once('/').unwrap_or(("", pointer));
        let (beside, help) = match (parent, key) {
            ("/source", "when") => (
                "object",
                "use `where` for a condition on Salesforce rows, or `filter` after mapping",
            ),
            ("/source", "where") => ("records", "use `when` for a condition on Bridged's records"),
            ("/source", "object") => (
                "records",
                "keep one of the two: a source is either an object or records",
            ),
            ("/source", _) => (
                "records",
                "remove it: it applies to Salesforce objects only",
            ),
            ("/schedule", "every") => ("cron", "keep one of the two"),
            ("/schedule", _) => ("every", "remove it: a repetition has no time zone"),
            _ => ("its neighbours", "remove it"),
        };
        Diagnostic::error(
            Code::MisplacedKey,
            format!("`{key}` does not go with `{beside}`"),
        )
        .at(self.key_place(pointer))
        .help(help)
    }

    fn out_of_range(&self, pointer: &str, instance: &Value, schema: Option<&Value>) -> Diagnostic {
        let bound = |name: &str| schema.and_then(|schema| schema.get(name));
        let (code, message, help) = match (pointer, instance.as_f64()) {
            ("/batch/size", Some(size)) if size > 50.0 => (
                Code::BatchTooLarge,
                format!("`batch.size` is {instance}, and 50 is the most"),
                "write `size: 50`; more records become more requests, and `concurrency` makes them faster".to_owned(),
            ),
            ("/source/page_size", Some(size)) if size > 2000.0 => (
                Code::PageTooLarge,
                format!("`source.page_size` is {instance}, and 2000 is the most"),
                "write `page_size: 2000`; more rows become more requests".to_owned(),
            ),
            _ => (
                Code::OutOfRange,
                format!("{} is {instance}, which is out of range", subject(pointer)),
                match (bound("minimum"), bound("maximum")) {
                    (Some(least), Some(most)) => format!("write a number from {least} to {most}"),
                    (Some(least), None) => format!("write a number of at least {least}"),
                    (None, Some(most)) => format!("write a number of at most {most}"),
                    (None, None) => "write another number".to_owned(),
                },
            ),
        };
        Diagnostic::error(code, message)
            .at(self.place(pointer))
            .help(help)
    }

    fn wrong_size(
        &self,
        pointer: &str,
        kind: &ValidationErrorKind,
        error: &ValidationError<'_>,
    ) -> Diagnostic {
        use ValidationErrorKind as K;
        let name = subject(pointer);
        let entries = |count: u64| {
            if count == 1 {
                "1 entry".to_owned()
            } else {
                format!("{count} entries")
            }
        };
        let (message, help) = match kind {
            K::MinProperties { .. } | K::MaxProperties { .. } if pointer.ends_with("/match") => (
                format!("{name} takes exactly one field"),
                "keep the field that identifies the record: `Id`, or an external id that is unique",
            ),
            K::MinItems { limit } | K::MinProperties { limit } => (
                format!("{name} needs at least {}", entries(*limit)),
                "add what is missing, or remove the key",
            ),
            K::MaxItems { limit } | K::MaxProperties { limit } => (
                format!("{name} takes at most {}", entries(*limit)),
                "remove the others",
            ),
            _ => (
                format!("{name} is not as the schema asks: {error}"),
                "`bridged schema` describes every key",
            ),
        };
        Diagnostic::error(Code::OutOfRange, message)
            .at(self.key_place(pointer))
            .help(help)
    }

    /// The schema object whose keyword failed.
    fn schema_around(&self, error: &ValidationError<'_>) -> Option<&Value> {
        let keyword = error.schema_path().as_str();
        let (around, _) = keyword.rsplit_once('/')?;
        self.schema.json.pointer(around)
    }

    fn resolved<'s>(&'s self, schema: &'s Value) -> &'s Value {
        schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|reference| self.schema.json.pointer(reference.strip_prefix('#')?))
            .unwrap_or(schema)
    }

    /// The characters of a value as they stand in the file.
    fn written(&self, pointer: &str) -> &str {
        let extent = self.root.nearest(pointer).extent.range();
        self.file.text.get(extent).unwrap_or_default()
    }

    fn place(&self, pointer: &str) -> Place {
        let node = self.root.nearest(pointer);
        // A list or mapping of many lines is shown by its key.
        match node.kind {
            Kind::List(_) | Kind::Map(_) => self.key_place(pointer),
            _ => self.at(node.extent.range()),
        }
    }

    fn key_place(&self, pointer: &str) -> Place {
        if let Some(entry) = self.root.entry_at(pointer) {
            return self.at(entry.key_extent.range());
        }
        // The root, or an element of a list: its first key stands for it.
        let node = self.root.nearest(pointer);
        match node.entries().first() {
            Some(first) => self.at(first.key_extent.range()),
            None => self.at(node.extent.range()),
        }
    }

    fn at(&self, span: std::ops::Range<usize>) -> Place {
        Place {
            file: Arc::clone(self.file),
            span,
        }
    }
}

/// The pattern of the keys, where a mapping takes any key of one form.
fn key_pattern(schema: &Value) -> Option<&str> {
    let patterns = schema.get("patternProperties")?.as_object()?;
    patterns.keys().next().map(String::as_str)
}

/// The value a pointer leads to, as a message calls it: `` `targets.lead.operation` ``.
fn subject(pointer: &str) -> String {
    if pointer.is_empty() {
        return "the file".to_owned();
    }
    let mut name = String::new();
    for segment in pointer.split('/').skip(1) {
        let segment = segment.replace("~1", "/").replace("~0", "~");
        if segment.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty() {
            name.extend(["[", &segment, "]"]);
        } else {
            if !name.is_empty() {
                name.push('.');
            }
            name.push_str(&forms::shown(&segment));
        }
    }
    format!("`{name}`")
}

/// The mapping a pointer leads to.
fn owner(pointer: &str) -> String {
    subject(pointer)
}

/// The types as a list in words, the likeliest first.
fn type_names(allowed: &[&str]) -> String {
    const WORDS: [(&str, &str); 7] = [
        ("string", "a text"),
        ("integer", "a whole number"),
        ("number", "a number"),
        ("boolean", "`true` or `false`"),
        ("array", "a list"),
        ("object", "a mapping"),
        ("null", "null"),
    ];
    let words: Vec<&str> = WORDS
        .iter()
        .filter(|(name, _)| allowed.contains(name))
        .map(|(_, word)| *word)
        .collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.join(""),
    }
}

fn is_yes_or_no(text: &str) -> bool {
    ["yes", "no", "on", "off", "y", "n"].contains(&text.to_ascii_lowercase().as_str())
}

fn listed(known: &[&str]) -> String {
    const SHOWN: usize = 12;
    let mut list = known
        .iter()
        .take(SHOWN)
        .map(|key| format!("`{key}`"))
        .collect::<Vec<_>>()
        .join(", ");
    if known.len() > SHOWN {
        list.push_str(", …");
    }
    list
}

fn words_of(words: &[Value]) -> String {
    let words: Vec<String> = words
        .iter()
        .filter_map(Value::as_str)
        .map(|word| format!("`{word}`"))
        .collect();
    words.join(", ")
}
