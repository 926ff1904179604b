//! Bytes of one file into a document: decoded, parsed, freed of credentials, held against the schema, typed, checked.

use std::ops::Range;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, Place, SourceFile};

use super::check::{self, environment};
use super::document::Document;
use super::findings;
use super::pipeline::Pipeline;
use super::project::Project;
use super::schema::{self, FileSchema};
use super::secrets;
use super::tree::{Kind, Node};
use super::yaml;

/// What one file gave: the document where its types could be made, and every finding in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Read<T> {
    /// The document; it may be there although findings keep it from being used.
    pub document: Option<Document<T>>,
    /// The findings, in the order of the file.
    pub findings: Vec<Diagnostic>,
}

/// Reads a pipeline. `path` is the name to show.
pub fn pipeline(path: &str, bytes: &[u8]) -> Read<Pipeline> {
    read(path, bytes, &schema::PIPELINE, false, check::pipeline)
}

/// Reads a project file. `path` is the name to show.
pub fn project(path: &str, bytes: &[u8]) -> Read<Project> {
    read(path, bytes, &schema::PROJECT, true, check::project)
}

fn read<T: DeserializeOwned>(
    path: &str,
    bytes: &[u8],
    schema: &FileSchema,
    is_project: bool,
    check: fn(&Document<T>) -> Vec<Diagnostic>,
) -> Read<T> {
    let refused = |finding| Read {
        document: None,
        findings: vec![finding],
    };
    let text = match decode(path, bytes) {
        Ok(text) => text,
        Err(finding) => return refused(*finding),
    };
    let (file, mut found) = without_secrets(path, text);
    let (tree, findings) = yaml::parse(&file);
    let named = match &tree {
        Some(tree) => secrets::by_key(tree, is_project),
        None => secrets::by_key_in_text(&file.text, is_project),
    };
    let file = without_named_secrets(file, &named, &mut found);
    found.extend(findings);
    let mut document = None;
    if let Some(mut tree) = tree {
        for span in &named {
            blot_value(&mut tree, span.start);
        }
        found.extend(if is_project {
            environment::malformed(&file, &tree)
        } else {
            environment::refuse(&file, &tree)
        });
        document = shaped(&file, tree, schema, &mut found);
    }
    if let Some(document) = &document {
        found.extend(check(document));
    }
    // Everything is shown from the text in which no credential stands any more.
    for finding in &mut found {
        let related = finding.related.iter_mut().map(|(place, _)| place);
        for place in finding.place.iter_mut().chain(related) {
            place.file = Arc::clone(&file);
        }
    }
    found.sort_by_key(|finding| finding.place.as_ref().map(|place| place.span.start));
    Read {
        document,
        findings: found,
    }
}

/// Holds the tree against the schema and makes the types.
fn shaped<T: DeserializeOwned>(
    file: &Arc<SourceFile>,
    tree: Node,
    schema: &FileSchema,
    found: &mut Vec<Diagnostic>,
) -> Option<Document<T>> {
    let whole = |message: String| {
        Diagnostic::error(Code::Bug, message).at(Place {
            file: Arc::clone(file),
            span: 0..0,
        })
    };
    let compiled = match schema.compiled() {
        Ok(compiled) => compiled,
        Err(error) => {
            found.push(whole(format!("the embedded schema is broken: {error}")));
            return None;
        }
    };
    let value = tree.to_value();
    if !compiled.validator.is_valid(&value) {
        // A value that is wrong already, as a secret or a variable, need not be wrong in its form, too.
        let news = findings::collect(file, &tree, &value, compiled)
            .into_iter()
            .filter(|new| {
                let span = new.place.as_ref().map(|place| place.span.clone());
                !span.is_some_and(|span| found.iter().any(|known| overlaps(known, &span)))
            })
            .collect::<Vec<_>>();
        found.extend(news);
        return None;
    }
    match serde_json::from_value(value) {
        Ok(spec) => Some(Document {
            file: Arc::clone(file),
            tree,
            spec,
        }),
        Err(error) => {
            found.push(whole(format!(
                "the schema accepts what the types refuse: {error}"
            )));
            None
        }
    }
}

/// The text, without a byte-order mark; a finding with its place where the bytes are not UTF-8.
fn decode<'a>(path: &str, bytes: &'a [u8]) -> Result<&'a str, Box<Diagnostic>> {
    if bytes.len() > yaml::MAX_BYTES {
        return Err(Box::new(too_large(path)));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = error.valid_up_to();
        let file = Arc::new(SourceFile {
            path: path.to_owned(),
            text: String::from_utf8_lossy(bytes).into_owned(),
            first_line: 1,
        });
        let end = valid + file.text[valid..].chars().next().map_or(0, char::len_utf8);
        let utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
        let message = if utf16 {
            "the file is UTF-16"
        } else {
            "the file is not UTF-8"
        };
        let finding = Diagnostic::error(Code::NotUtf8, message).at(Place {
            file,
            span: valid..end,
        });
        Box::new(finding.help("save the file as UTF-8"))
    })
}

/// The finding for a file beyond [`yaml::MAX_BYTES`].
pub(super) fn too_large(path: &str) -> Diagnostic {
    Diagnostic::error(
        Code::YamlTooLarge,
        format!("`{path}` is larger than {} bytes", yaml::MAX_BYTES),
    )
    .at(Place {
        file: Arc::new(SourceFile {
            path: path.to_owned(),
            text: String::new(),
            first_line: 1,
        }),
        span: 0..0,
    })
    .help("split the file")
}

/// The file with everything blotted out that looks like a credential, and the findings for it.
fn without_secrets(path: &str, text: &str) -> (Arc<SourceFile>, Vec<Diagnostic>) {
    let secrets = secrets::in_text(text);
    let text = if secrets.is_empty() {
        text.to_owned()
    } else {
        let spans: Vec<_> = secrets.iter().map(|(span, _)| span.clone()).collect();
        secrets::blot(text, &spans)
    };
    let file = Arc::new(SourceFile {
        path: path.to_owned(),
        text,
        first_line: 1,
    });
    let findings = secrets
        .into_iter()
        .map(|(span, what)| secrets::finding(&file, span, what))
        .collect();
    (file, findings)
}

/// The file with the values blotted out that stand behind the names of credentials, and the findings for those that
/// were not found already.
fn without_named_secrets(
    file: Arc<SourceFile>,
    named: &[Range<usize>],
    found: &mut Vec<Diagnostic>,
) -> Arc<SourceFile> {
    if named.is_empty() {
        return file;
    }
    let file = Arc::new(SourceFile {
        path: file.path.clone(),
        text: secrets::blot(&file.text, named),
        first_line: 1,
    });
    for span in named {
        if !found.iter().any(|known| overlaps(known, span)) {
            found.push(secrets::finding(&file, span.clone(), "a credential"));
        }
    }
    file
}

fn overlaps(finding: &Diagnostic, span: &Range<usize>) -> bool {
    finding
        .place
        .as_ref()
        .is_some_and(|place| place.span.start < span.end && span.start < place.span.end)
}

/// Blots out the value that begins at an offset.
fn blot_value(node: &mut Node, start: usize) {
    let extent = node.extent.range();
    match &mut node.kind {
        Kind::Map(entries) => entries
            .iter_mut()
            .for_each(|entry| blot_value(&mut entry.value, start)),
        Kind::List(items) => items.iter_mut().for_each(|item| blot_value(item, start)),
        Kind::Text(text) if extent.start == start => text.value = "*".repeat(text.value.len()),
        Kind::Number(number) if extent.start == start => *number = 0.into(),
        _ => {}
    }
}
