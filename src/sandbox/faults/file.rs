//! Reads a file of faults: YAML, and with it JSON, into rules.

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

use super::Rule;
use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};

/// The rules in a text. The error names the line, or the rule by its number, and what is wrong with it.
pub fn read(text: &str) -> Result<Vec<Rule>> {
    let wrong = |message: String| {
        Error::new(Code::SandboxFaults, message).help(
            "the kinds of faults and their keys are listed under `bridged explain sandbox-faults`",
        )
    };
    let rules = match tree(text).map_err(wrong)? {
        Value::Object(mut file) if file.len() == 1 && file.contains_key("faults") => {
            file.remove("faults").unwrap_or_default()
        }
        other => other,
    };
    let Value::Array(rules) = rules else {
        return Err(wrong("the file is not a list of rules".to_owned()));
    };
    let numbered = rules.into_iter().zip(1..);
    let rule = |(rule, number)| {
        serde_json::from_value(rule).map_err(|error| wrong(format!("rule {number}: {error}")))
    };
    numbered.map(rule).collect()
}

/// Deeper nesting is no list of rules.
const DEPTH_MAX: usize = 32;

/// A document as a tree. Anchors and aliases, which no fault needs, are refused.
fn tree(text: &str) -> Result<Value, String> {
    // Each open collection with the key under which the next value goes.
    let mut open: Vec<(Value, Option<String>)> = Vec::new();
    let mut root = None;
    for next in Parser::new_from_str(text) {
        let (event, span) = next.map_err(|error| error.to_string())?;
        let line = span.start.line();
        let value = match event {
            Event::MappingStart(..) | Event::SequenceStart(..) if open.len() == DEPTH_MAX => {
                return Err(format!("line {line}: nested too deeply"));
            }
            Event::MappingStart(..) => {
                open.push((Value::Object(Map::new()), None));
                continue;
            }
            Event::SequenceStart(..) => {
                open.push((Value::Array(Vec::new()), None));
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => open.pop().map(|(value, _)| value),
            Event::Scalar(text, style, ..) => Some(scalar(&text, style)),
            Event::Alias(_) => return Err(format!("line {line}: aliases are not allowed here")),
            _ => None,
        };
        let Some(value) = value else {
            continue;
        };
        let complete = match open.last_mut() {
            None => Some(value),
            Some(collection) => {
                put(collection, value);
                None
            }
        };
        if complete.is_some() && root.is_some() {
            return Err(format!("line {line}: a second document"));
        }
        root = complete.or(root);
    }
    Ok(root.unwrap_or(Value::Array(Vec::new())))
}

/// Adds a value to a collection. In an object every other value is the key of the next.
fn put((collection, key): &mut (Value, Option<String>), value: Value) {
    match (collection, key.take()) {
        (Value::Array(items), _) => items.push(value),
        (Value::Object(map), Some(key)) => {
            map.insert(key, value);
        }
        (Value::Object(_), None) => {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            *key = Some(text);
        }
        _ => {}
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return text.into();
    }
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => true.into(),
        "false" => false.into(),
        _ => match text.parse::<serde_json::Number>() {
            Ok(number) => Value::Number(number),
            Err(_) => text.into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::faults::{Action, Limit};

    #[test]
    fn rules_are_read_from_yaml_and_from_json() {
        let yaml = "
faults:
  - match: { method: GET, path: /services/data/*/query*, after: 3, probability: 0.5 }
    action: { kind: status, status: 503 }
  - action:
      kind: limit
      which: daily
  - action: { kind: headers, set: { Date: ~, X-Odd: \"1\" } }
";
        let rules = read(yaml).unwrap();
        assert_eq!(rules.len(), 3);
        assert_eq!(rules[0].matching.after, 3);
        assert_eq!(
            rules[1].action,
            Action::Limit {
                which: Limit::Daily
            }
        );
        let json = serde_json::to_string(&rules).unwrap();
        assert_eq!(read(&json).unwrap(), rules);
        assert!(read("").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_list_of_rules_is_refused_with_its_place() {
        for (text, part) in [
            ("a: b", "not a list"),
            ("- action: { kind: nonsense }", "rule 1: unknown variant"),
            (
                "- action: { kind: reset }\n- match: { pth: x }\n  action: { kind: reset }",
                "rule 2: unknown field",
            ),
            ("- &a 1\n- *a", "line 2: aliases"),
            ("- [", ""),
            ("- action: { kind: latency }", "missing field `ms`"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.message().contains(part), "{text}: {error}");
        }
        let deep = "[".repeat(100);
        assert!(read(&deep).is_err());
    }
}
