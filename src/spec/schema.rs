//! The JSON Schemas of the two file kinds: made from the types, committed, embedded, compiled once.

use std::sync::LazyLock;

use jsonschema::Validator;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::pipeline::Pipeline;
use super::project::Project;

/// A schema that `bridged schema` prints and files are held against.
pub struct FileSchema {
    /// The schema as it is committed.
    pub text: &'static str,
    compiled: LazyLock<Result<Compiled, String>>,
}

/// A schema ready to use.
pub(super) struct Compiled {
    /// The schema as JSON.
    pub(super) json: Value,
    /// The checker.
    pub(super) validator: Validator,
}

/// The schema of pipelines.
pub static PIPELINE: FileSchema = FileSchema {
    text: include_str!("../../schemas/pipeline.schema.json"),
    compiled: LazyLock::new(|| compile(include_str!("../../schemas/pipeline.schema.json"))),
};

/// The schema of `bridged.yaml`.
pub static PROJECT: FileSchema = FileSchema {
    text: include_str!("../../schemas/project.schema.json"),
    compiled: LazyLock::new(|| compile(include_str!("../../schemas/project.schema.json"))),
};

impl FileSchema {
    /// The compiled schema; an error only where the embedded file is broken.
    pub(super) fn compiled(&self) -> Result<&Compiled, &str> {
        self.compiled.as_ref().map_err(String::as_str)
    }
}

fn compile(text: &str) -> Result<Compiled, String> {
    let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let validator = jsonschema::draft202012::new(&json).map_err(|error| error.to_string())?;
    Ok(Compiled { json, validator })
}

/// The schema of pipelines as the types have it, as text that ends with a line break.
pub fn generate_pipeline() -> String {
    generate::<Pipeline>(
        "pipeline.schema.json",
        "A bridged pipeline: what is read, how it maps, what is written, when it runs.",
    )
}

/// The schema of `bridged.yaml` as the types have it, as text that ends with a line break.
pub fn generate_project() -> String {
    generate::<Project>(
        "project.schema.json",
        "A bridged project: its connections and its store.",
    )
}

fn generate<T: JsonSchema>(name: &str, description: &str) -> String {
    let settings = SchemaSettings::draft2020_12();
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let mut json = Value::from(schema);
    tidy(&mut json);
    let mut root = Map::new();
    root.insert(
        "$schema".to_owned(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    root.insert(
        "$id".to_owned(),
        json!(format!("urn:bridged:schema:1:{name}")),
    );
    root.insert("description".to_owned(), json!(description));
    if let Value::Object(map) = json {
        for (key, value) in map {
            root.entry(key).or_insert(value);
        }
    }
    format!("{:#}\n", Value::Object(root))
}

/// Turns what the derive writes into what a person's editor and our findings need: no null for keys that may be left
/// out, words as `enum`, tagged choices as if/then (so that an error names the one branch that is meant), and
/// descriptions on one line.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            for value in map.values_mut() {
                tidy(value);
            }
            one_line(map);
            drop_null(map);
            drop_noise(map);
            words(map);
            tagged(map);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

fn one_line(map: &mut Map<String, Value>) {
    if let Some(Value::String(description)) = map.get_mut("description") {
        *description = description.split_whitespace().collect::<Vec<_>>().join(" ");
    }
}

/// A key that may be left out is `[type, null]` for the derive. Types that really take null name it first.
fn drop_null(map: &mut Map<String, Value>) {
    let single = match map.get("type").and_then(Value::as_array).map(Vec::as_slice) {
        Some([single, null]) if null == "null" => Some(single.clone()),
        _ => None,
    };
    if let Some(single) = single {
        map.insert("type".to_owned(), single);
    }
    let inner = match map
        .get("anyOf")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
    {
        Some([Value::Object(inner), null]) if *null == json!({ "type": "null" }) => {
            Some(inner.clone())
        }
        _ => None,
    };
    if let Some(inner) = inner {
        map.shift_remove("anyOf");
        for (key, value) in inner {
            map.entry(key).or_insert(value);
        }
    }
}

/// `format: uint32` and the like are no formats of JSON Schema, and null is no default.
fn drop_noise(map: &mut Map<String, Value>) {
    let number = matches!(map.get("type"), Some(Value::String(word)) if word == "integer" || word == "number");
    if number {
        map.shift_remove("format");
    }
    if map.get("default") == Some(&Value::Null) {
        map.shift_remove("default");
    }
}

/// `oneOf` constants become one `enum`, explained in the description.
fn words(map: &mut Map<String, Value>) {
    let Some(branches) = map.get("oneOf").and_then(Value::as_array) else {
        return;
    };
    let mut options = Vec::new();
    let mut meanings = Vec::new();
    for branch in branches {
        let (Some(word), Some(meaning)) = (
            branch.get("const").and_then(Value::as_str),
            branch.get("description").and_then(Value::as_str),
        ) else {
            return;
        };
        options.push(Value::from(word));
        meanings.push(meaning_of(word, meaning));
    }
    map.shift_remove("oneOf");
    map.insert("type".to_owned(), json!("string"));
    map.insert("enum".to_owned(), Value::Array(options));
    describe(map, &meanings);
}

/// `oneOf` objects that a constant tells apart become if/then on that constant.
fn tagged(map: &mut Map<String, Value>) {
    let Some(branches) = map.get("oneOf").and_then(Value::as_array).cloned() else {
        return;
    };
    let Some((tag, _)) = branches.first().and_then(tag_of) else {
        return;
    };
    let mut options = Vec::new();
    let mut meanings = Vec::new();
    let mut choices = Vec::new();
    for mut branch in branches {
        let Some((_, word)) = tag_of(&branch).filter(|(name, _)| *name == tag) else {
            return;
        };
        if let Some(Value::String(meaning)) = branch.get("description") {
            meanings.push(meaning_of(&word, meaning));
        }
        if let Some(Value::Object(properties)) = branch.get_mut("properties") {
            properties.insert(tag.clone(), Value::Bool(true));
        }
        let condition = json!({ "properties": { &tag: { "const": word } }, "required": [&tag] });
        choices.push(json!({ "if": condition, "then": branch }));
        options.push(Value::from(word));
    }
    map.shift_remove("oneOf");
    map.insert("type".to_owned(), json!("object"));
    let description = format!("Which kind it is. {}", meanings.join(" "));
    map.insert(
        "properties".to_owned(),
        json!({ &tag: { "description": description, "type": "string", "enum": options } }),
    );
    map.insert("required".to_owned(), json!([tag]));
    map.insert("allOf".to_owned(), Value::Array(choices));
}

/// The property of a branch that holds a constant, and the constant.
fn tag_of(branch: &Value) -> Option<(String, String)> {
    let properties = branch.get("properties")?.as_object()?;
    properties.iter().find_map(|(name, property)| {
        let word = property.get("const")?.as_str()?;
        Some((name.clone(), word.to_owned()))
    })
}

fn meaning_of(word: &str, meaning: &str) -> String {
    let mut chars = meaning.chars();
    let lower: String = chars
        .next()
        .into_iter()
        .flat_map(char::to_lowercase)
        .chain(chars)
        .collect();
    format!("`{word}`: {lower}")
}

fn describe(map: &mut Map<String, Value>, meanings: &[String]) {
    let description = match map.get("description").and_then(Value::as_str) {
        Some(description) => format!("{description} {}", meanings.join(" ")),
        None => meanings.join(" "),
    };
    map.insert("description".to_owned(), Value::from(description));
}
