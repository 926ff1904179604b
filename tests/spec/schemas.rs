//! The committed schemas: equal to the types, described key by key, and of one mind with what the types accept.

use std::fs;
use std::path::Path;

use bridged::foundation::diagnostic::SourceFile;
use bridged::spec::pipeline::Pipeline;
use bridged::spec::project::Project;
use bridged::spec::schema;
use bridged::spec::yaml;
use serde_json::{Map, Value, json};

use crate::support::golden;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn schemas_are_current() {
    for (name, committed, generated) in [
        (
            "pipeline",
            schema::PIPELINE.text,
            schema::generate_pipeline(),
        ),
        ("project", schema::PROJECT.text, schema::generate_project()),
    ] {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{name}.schema.json"));
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            fs::write(&path, &generated).unwrap();
            continue;
        }
        assert!(
            committed == generated,
            "schemas/{name}.schema.json is not what the types say; UPDATE_SCHEMAS=1 rewrites it"
        );
    }
}

#[test]
fn schemas_are_valid_schemas() {
    for text in [schema::PIPELINE.text, schema::PROJECT.text] {
        let schema = parsed(text);
        assert!(jsonschema::meta::is_valid(&schema));
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
    }
}

/// Every mapping named `properties` in a schema, with the path to it.
fn each_properties(schema: &Value, path: &str, visit: &mut dyn FnMut(&str, &Map<String, Value>)) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                let path = format!("{path}/{key}");
                if let (true, Some(properties)) = (key == "properties", value.as_object()) {
                    visit(&path, properties);
                }
                each_properties(value, &path, visit);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                each_properties(item, &format!("{path}/{index}"), visit);
            }
        }
        _ => {}
    }
}

#[test]
fn every_key_is_described_in_one_line() {
    for text in [schema::PIPELINE.text, schema::PROJECT.text] {
        let mut keys = 0;
        each_properties(&parsed(text), "", &mut |path, properties| {
            // The conditions of if/then name keys that are described elsewhere.
            if path.contains("/if/") {
                return;
            }
            for (key, property) in properties {
                if property.is_boolean() {
                    continue;
                }
                keys += 1;
                let description = property["description"].as_str();
                assert!(
                    description.is_some_and(|text| text.len() > 10 && !text.contains('\n')),
                    "{path}/{key} has no description"
                );
            }
        });
        assert!(keys > 20, "{keys}");
    }
}

#[test]
fn every_mapping_is_closed() {
    for text in [schema::PIPELINE.text, schema::PROJECT.text] {
        let schema = parsed(text);
        let definitions = schema["$defs"].as_object().unwrap();
        for (name, definition) in definitions
            .iter()
            .chain([(&"the file".to_owned(), &schema)])
        {
            // A choice by `type` or `method` is closed in each of its branches.
            let closed = |schema: &Value| schema["additionalProperties"] == false;
            let branches = definition["allOf"].as_array();
            let by_branch =
                branches.is_some_and(|all| all.iter().all(|branch| closed(&branch["then"])));
            let has_keys = definition.get("properties").is_some();
            assert!(
                !has_keys || closed(definition) || by_branch,
                "{name} takes any key"
            );
        }
    }
}

#[test]
fn every_example_is_accepted_where_it_stands() {
    for text in [schema::PIPELINE.text, schema::PROJECT.text] {
        let root = parsed(text);
        let mut seen = 0;
        each_properties(&root, "", &mut |path, properties| {
            for (key, property) in properties {
                let Some(examples) = property["examples"].as_array() else {
                    continue;
                };
                let mut alone = property.clone();
                alone["$defs"] = root["$defs"].clone();
                let validator = jsonschema::draft202012::new(&alone).unwrap();
                for example in examples {
                    seen += 1;
                    assert!(validator.is_valid(example), "{path}/{key}: {example}");
                }
            }
        });
        assert!(seen > 10, "{seen}");
    }
}

/// Whether the schema and the types accept a document.
fn verdicts<T: serde::de::DeserializeOwned>(
    validator: &jsonschema::Validator,
    value: &Value,
) -> (bool, bool) {
    let typed = serde_json::from_value::<T>(value.clone());
    (validator.is_valid(value), typed.is_ok())
}

fn tree_of(name: &str, bytes: &[u8]) -> Option<Value> {
    let file = SourceFile {
        path: name.to_owned(),
        text: String::from_utf8(bytes.to_vec()).ok()?,
        first_line: 1,
    };
    yaml::parse(&file.into()).0.map(|tree| tree.to_value())
}

/// Every document that differs from this one in a single place: a value of another type, out of bounds, gone, or a
/// key that nobody knows.
fn mutations(value: &Value) -> Vec<Value> {
    let mut mutated = vec![];
    for other in [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(20.0),
        json!(1e300),
        json!(60),
        json!(5000),
        json!("x y"),
        json!(""),
        json!("10m"),
        json!([]),
        json!({}),
    ] {
        mutated.push(other);
    }
    if value.is_null() {
        mutated.retain(|other| !other.is_array());
    }
    match value {
        Value::Object(map) => {
            // Derived types take a list of their values in order; the schema never lets one through to them.
            mutated.retain(|other| !other.is_array());
            for key in map.keys() {
                let mut without = map.clone();
                without.shift_remove(key);
                mutated.push(Value::Object(without));
            }
            for key in ["xyzzy", "when", "x y"] {
                let mut with = map.clone();
                with.insert(key.to_owned(), json!("x"));
                mutated.push(Value::Object(with));
            }
            for (key, inner) in map {
                for changed in mutations(inner) {
                    let mut with = map.clone();
                    with.insert(key.clone(), changed);
                    mutated.push(Value::Object(with));
                }
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                for changed in mutations(inner) {
                    let mut with = items.clone();
                    with[index] = changed;
                    mutated.push(Value::Array(with));
                }
            }
        }
        _ => {}
    }
    mutated
}

fn agree<T: serde::de::DeserializeOwned>(schema: &str, start: &Value) -> [usize; 2] {
    let validator = jsonschema::draft202012::new(&parsed(schema)).unwrap();
    assert_eq!(
        verdicts::<T>(&validator, start),
        (true, true),
        "the start is right"
    );
    let mut counts = [0, 0];
    for value in mutations(start) {
        let (schema, typed) = verdicts::<T>(&validator, &value);
        assert_eq!(
            schema,
            typed,
            "schema {schema}, types {typed}: {:?}\n{value}",
            serde_json::from_value::<T>(value.clone()).err()
        );
        counts[usize::from(schema)] += 1;
    }
    counts
}

#[test]
fn schema_and_types_agree_on_thousands_of_documents() {
    let exhaustive = |name: &str| {
        let path = golden::folder().join(format!("spec/{name}.yaml"));
        tree_of(name, &fs::read(path).unwrap()).unwrap()
    };
    for (name, least) in [("exhaustive-read-write", 1500), ("exhaustive-write", 200)] {
        let [refused, accepted] = agree::<Pipeline>(schema::PIPELINE.text, &exhaustive(name));
        assert!(
            refused + accepted > least && accepted > 30,
            "{refused} refused, {accepted} accepted"
        );
    }
    let [refused, accepted] =
        agree::<Project>(schema::PROJECT.text, &exhaustive("project-exhaustive"));
    assert!(
        refused + accepted > 300 && accepted > 20,
        "{refused} refused, {accepted} accepted"
    );
}

#[test]
fn schema_and_types_agree_on_every_fixture() {
    let pipelines = jsonschema::draft202012::new(&parsed(schema::PIPELINE.text)).unwrap();
    let projects = jsonschema::draft202012::new(&parsed(schema::PROJECT.text)).unwrap();
    let mut counts = [0, 0];
    for entry in fs::read_dir(golden::folder().join("spec")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let Some(value) = tree_of(&name, &fs::read(&path).unwrap()) else {
            continue;
        };
        let (schema, typed) = if name.starts_with("project") {
            verdicts::<Project>(&projects, &value)
        } else {
            verdicts::<Pipeline>(&pipelines, &value)
        };
        assert_eq!(schema, typed, "{name}");
        counts[usize::from(schema)] += 1;
    }
    assert!(counts[0] > 30 && counts[1] > 30, "{counts:?}");
}

/// The keys of a schema that a document may have at its top and in its sections, as `Definition.key`.
fn keys_of(schema: &Value) -> Vec<String> {
    let mut keys = vec![];
    each_properties(schema, "", &mut |path, properties| {
        if path.contains("/if/") {
            return;
        }
        for (key, property) in properties {
            if !property.is_boolean() {
                keys.push(key.clone());
            }
        }
    });
    keys.sort();
    keys.dedup();
    keys
}

fn keys_in(value: &Value, keys: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                keys.push(key.clone());
                keys_in(inner, keys);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys_in(item, keys)),
        _ => {}
    }
}

#[test]
fn the_exhaustive_fixtures_use_every_key() {
    for (schema, fixtures) in [
        (
            schema::PIPELINE.text,
            vec!["exhaustive-read-write", "exhaustive-write"],
        ),
        (schema::PROJECT.text, vec!["project-exhaustive"]),
    ] {
        let mut used = vec![];
        for name in fixtures {
            let path = golden::folder().join(format!("spec/{name}.yaml"));
            keys_in(&tree_of(name, &fs::read(path).unwrap()).unwrap(), &mut used);
        }
        let unused: Vec<_> = keys_of(&parsed(schema))
            .into_iter()
            .filter(|key| !used.contains(key))
            .collect();
        assert_eq!(unused, Vec::<String>::new());
    }
}
