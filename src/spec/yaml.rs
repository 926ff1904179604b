//! YAML text into a tree with places: one document, strict keys, the core schema of YAML 1.2, everything bounded.
//!
//! Tags, merge keys (`<<`), directives and keys that are not text are refused; anchors and aliases work and are
//! counted, so that no file grows beyond [`MAX_NODES`]. Numbers that other YAML readers take differently are refused.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, Span, Tag};

use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, Place, SourceFile};

use super::scalar::{self, Scalar};
use super::syntax;
use super::tree::{Entry, Extent, Kind, Node, Style, Text};

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;

/// How deep lists and mappings may stand in each other.
pub const MAX_DEPTH: usize = 64;

/// How many values a file may have when its aliases are written out.
pub const MAX_NODES: usize = 100_000;

/// After this many findings the rest of a file is not reported.
const MAX_FINDINGS: usize = 100;

/// Reads one document. The tree is there unless the text is not YAML at all or breaks a bound; findings that leave
/// a tree keep the file from being used all the same.
pub fn parse(file: &Arc<SourceFile>) -> (Option<Node>, Vec<Diagnostic>) {
    let mut loader = Loader::new(file);
    let root = loader.run().unwrap_or_default();
    (root, loader.findings)
}

/// The finding that ends the reading is already noted.
struct Stop;

struct Loader<'a> {
    file: &'a Arc<SourceFile>,
    findings: Vec<Diagnostic>,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Anchored>,
    nodes: usize,
}

/// A list or mapping whose end has not come.
struct Open {
    anchor: usize,
    start: usize,
    before: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        keys: HashMap<String, Extent>,
        key: Option<PendingKey>,
    },
}

struct PendingKey {
    name: String,
    extent: Extent,
    /// A key that was refused: its value is read and dropped.
    refused: bool,
}

/// A finished value that aliases may repeat, with the number of its values.
struct Anchored {
    node: Node,
    size: usize,
}

impl<'a> Loader<'a> {
    fn new(file: &'a Arc<SourceFile>) -> Self {
        Self {
            file,
            findings: Vec::new(),
            open: Vec::new(),
            root: None,
            anchors: HashMap::new(),
            nodes: 0,
        }
    }

    fn run(&mut self) -> Result<Option<Node>, Stop> {
        syntax::check_characters(self.file, &mut self.findings);
        if !self.findings.is_empty() {
            return Err(Stop);
        }
        let options = granit_parser::options! {
            disallow_directives: true,
            emit_comments: false,
        };
        let file = Arc::clone(self.file);
        let mut documents = 0;
        for event in Parser::new_from_str_with_options(&file.text, options) {
            let (event, span) = match event {
                Ok(event) => event,
                Err(error) => {
                    self.findings.push(syntax::finding(self.file, &error));
                    return Err(Stop);
                }
            };
            if let Event::DocumentStart(..) = event {
                documents += 1;
                if documents > 1 {
                    return Err(self.stop(several_documents(), extent_of(span)));
                }
            }
            self.take(event, span)?;
        }
        if self.root.is_none() && self.findings.is_empty() {
            let finding = Diagnostic::error(Code::EmptyFile, "the file is empty")
                .help("begin with `version: 1`, or remove the file");
            return Err(self.stop(finding, Extent::new(&(0..0))));
        }
        Ok(self.root.take())
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), span);
                self.scalar(&value, style, anchor, span)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), span);
                self.begin(Content::List(Vec::new()), anchor, span)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), span);
                let content = Content::Map {
                    entries: Vec::new(),
                    keys: HashMap::new(),
                    key: None,
                };
                self.begin(content, anchor, span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            _ => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        value: &str,
        style: ScalarStyle,
        anchor: usize,
        span: Span,
    ) -> Result<(), Stop> {
        let extent = extent_of(span);
        if self.awaits_key() {
            self.key(value, style, extent);
            return Ok(());
        }
        self.count(1, extent)?;
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        };
        let kind = if style == Style::Plain {
            self.plain(value, extent)
        } else {
            Kind::Text(Text {
                value: value.to_owned(),
                style,
            })
        };
        // An empty place has no letters to underline: its key stands for it.
        let extent = match self.open.last().map(|open| &open.content) {
            Some(Content::Map { key: Some(key), .. })
                if extent.range().is_empty() && kind == Kind::Null =>
            {
                key.extent
            }
            _ => extent,
        };
        self.finish(Node { extent, kind }, anchor, 1)
    }

    fn plain(&mut self, value: &str, extent: Extent) -> Kind {
        let (number, finding) = match scalar::resolve(value) {
            Scalar::Null => return Kind::Null,
            Scalar::Bool(flag) => return Kind::Bool(flag),
            Scalar::Number(number) => return Kind::Number(number),
            Scalar::Text => {
                return Kind::Text(Text {
                    value: value.to_owned(),
                    style: Style::Plain,
                });
            }
            Scalar::Ambiguous(number, finding) => (number, finding),
        };
        self.note(*finding, extent);
        Kind::Number(number)
    }

    fn key(&mut self, value: &str, style: ScalarStyle, extent: Extent) {
        let finding = match style {
            ScalarStyle::Plain if value == "<<" => Some(
                Diagnostic::error(
                    Code::MergeKey,
                    "merge keys (`<<`) are not part of the file format",
                )
                .help("write the keys out where they apply"),
            ),
            ScalarStyle::Plain if !matches!(scalar::resolve(value), Scalar::Text) => {
                let shown = if value.is_empty() {
                    "an empty key"
                } else {
                    value
                };
                Some(
                    Diagnostic::error(Code::KeyNotText, format!("the key `{shown}` is not a text"))
                        .help(format!("put quotes around it: `\"{value}\"`")),
                )
            }
            _ => None,
        };
        let mut refused = finding.is_some();
        if let Some(finding) = finding {
            self.note(finding, extent);
        }
        let first = match self.open.last_mut().map(|open| &mut open.content) {
            Some(Content::Map { keys, .. }) => keys.get(value).copied(),
            _ => None,
        };
        if let Some(first) = first.filter(|_| !refused) {
            refused = true;
            let place = self.place(first);
            let finding =
                Diagnostic::error(Code::DuplicateKey, format!("`{value}` is given twice"))
                    .related(place, "given here first")
                    .help("keep one of the two");
            self.note(finding, extent);
        }
        if let Some(Content::Map { keys, key, .. }) =
            self.open.last_mut().map(|open| &mut open.content)
        {
            if !refused {
                keys.insert(value.to_owned(), extent);
            }
            *key = Some(PendingKey {
                name: value.to_owned(),
                extent,
                refused,
            });
        }
    }

    /// A list, mapping or alias where a key should stand: noted once, and taken for a key without a name.
    fn complex_key(&mut self, extent: Extent) {
        let finding = Diagnostic::error(Code::KeyNotText, "a key must be a text")
            .help("put quotes around it if `{`, `[` or `*` is meant as text");
        self.note(finding, extent);
        if let Some(Content::Map { key, .. }) = self.open.last_mut().map(|open| &mut open.content) {
            *key = Some(PendingKey {
                name: String::new(),
                extent,
                refused: true,
            });
        }
    }

    fn begin(&mut self, content: Content, anchor: usize, span: Span) -> Result<(), Stop> {
        let extent = extent_of(span);
        if self.awaits_key() {
            self.complex_key(extent);
            return Err(Stop);
        }
        self.count(1, extent)?;
        if self.open.len() >= MAX_DEPTH {
            let finding = too_large(format!(
                "values stand more than {MAX_DEPTH} deep in each other"
            ));
            return Err(self.stop(finding, extent));
        }
        self.open.push(Open {
            anchor,
            start: extent.range().start,
            before: self.nodes - 1,
            content,
        });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Stop> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let size = self.nodes - open.before;
        let (kind, first, last) = match open.content {
            Content::List(items) => {
                let last = items.last().map(|item| item.extent.range().end);
                (Kind::List(items), None, last)
            }
            Content::Map { entries, .. } => {
                let first = entries.first().map(|entry| entry.key_extent.range().start);
                let last = entries.last().map(|entry| {
                    entry
                        .value
                        .extent
                        .range()
                        .end
                        .max(entry.key_extent.range().end)
                });
                (Kind::Map(entries), first, last)
            }
        };
        let closing = extent_of(span).range();
        let end = match last {
            // A block has no closing bracket: it ends with its last value.
            Some(last) if closing.is_empty() => last,
            _ => closing.end,
        };
        let start = if closing.is_empty() {
            first.unwrap_or(open.start).min(open.start)
        } else {
            open.start
        };
        let extent = Extent::new(&(start..end.max(start)));
        self.finish(Node { extent, kind }, open.anchor, size)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        let extent = extent_of(span);
        if self.awaits_key() {
            self.complex_key(extent);
            return Ok(());
        }
        let Some(anchored) = self.anchors.get(&anchor) else {
            let finding = Diagnostic::error(
                Code::YamlSyntax,
                "an alias stands inside the value it repeats",
            )
            .help("write the value out instead");
            return Err(self.stop(finding, extent));
        };
        let size = anchored.size;
        if self.nodes + size > MAX_NODES {
            return Err(self.stop(too_many(), extent));
        }
        self.nodes += size;
        let node = anchored.node.clone();
        self.finish(node, 0, size)
    }

    /// Puts a finished value where it belongs.
    fn finish(&mut self, node: Node, anchor: usize, size: usize) -> Result<(), Stop> {
        if anchor != 0 {
            // The copy that aliases repeat counts, too: it takes the same memory.
            self.count(size, node.extent)?;
            let node = node.clone();
            self.anchors.insert(anchor, Anchored { node, size });
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { entries, key, .. }) => {
                if let Some(key) = key.take().filter(|key| !key.refused) {
                    entries.push(Entry {
                        key: key.name,
                        key_extent: key.extent,
                        value: node,
                    });
                }
            }
        }
        Ok(())
    }

    /// Whether the next value is a key of the innermost mapping.
    fn awaits_key(&self) -> bool {
        matches!(
            self.open.last().map(|open| &open.content),
            Some(Content::Map { key: None, .. })
        )
    }

    fn count(&mut self, nodes: usize, extent: Extent) -> Result<(), Stop> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            return Err(self.stop(too_many(), extent));
        }
        Ok(())
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, span: Span) {
        let Some(tag) = tag else { return };
        let extent = span.tag_span().map_or(extent_of(span), extent_of);
        let finding = Diagnostic::error(
            Code::YamlTag,
            format!(
                "the tag `{}` is not part of the file format",
                tag.original()
            ),
        )
        .help("remove the tag; put quotes around the value if it is meant as text");
        self.note(finding, extent);
    }

    fn note(&mut self, finding: Diagnostic, extent: Extent) {
        if self.findings.len() < MAX_FINDINGS {
            let place = self.place(extent);
            self.findings.push(finding.at(place));
        }
    }

    fn stop(&mut self, finding: Diagnostic, extent: Extent) -> Stop {
        let place = self.place(extent);
        self.findings.push(finding.at(place));
        Stop
    }

    fn place(&self, extent: Extent) -> Place {
        Place {
            file: Arc::clone(self.file),
            span: extent.range(),
        }
    }
}

fn extent_of(span: Span) -> Extent {
    Extent::new(&span.byte_range().unwrap_or(0..0))
}

fn several_documents() -> Diagnostic {
    Diagnostic::error(Code::SeveralDocuments, "a second document begins here")
        .help("put each pipeline into a file of its own")
}

fn too_many() -> Diagnostic {
    too_large(format!(
        "the file has more than {MAX_NODES} values when its aliases are written out"
    ))
}

fn too_large(message: String) -> Diagnostic {
    Diagnostic::error(Code::YamlTooLarge, message).help("split the file, or use fewer aliases")
}
