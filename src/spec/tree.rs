//! A YAML document as a tree in which every key and value knows its place.

use std::ops::Range;

use serde_json::{Map, Number, Value};

/// A stretch of bytes in the file; files are at most a megabyte, so four bytes an end suffice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    start: u32,
    end: u32,
}

impl Extent {
    /// The stretch of a range of bytes.
    pub fn new(range: &Range<usize>) -> Self {
        let clip = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self {
            start: clip(range.start),
            end: clip(range.end),
        }
    }

    /// The range of bytes.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands, quotes included.
    pub extent: Extent,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Nothing: `null`, `~` or an empty place.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(Text),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(Vec<Entry>),
}

/// A text and how it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The text that is meant.
    pub value: String,
    /// How it was written.
    pub style: Style,
}

/// How a text was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In `'`.
    Single,
    /// In `"`.
    Double,
    /// As a block behind `|` or `>`.
    Block,
}

/// One key of a mapping with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_extent: Extent,
    /// Its value.
    pub value: Node,
}

impl Node {
    /// The value that a key of a mapping has.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// A key of a mapping with its value.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The entries of a mapping; none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The text of a text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(&text.value),
            _ => None,
        }
    }

    /// The value at a JSON pointer (RFC 6901).
    pub fn at(&self, pointer: &str) -> Option<&Node> {
        segments(pointer).try_fold(self, |node, segment| node.child(&segment))
    }

    /// The entry that a JSON pointer leads to; none for the root and for places in a list.
    pub fn entry_at(&self, pointer: &str) -> Option<&Entry> {
        let (parent, _) = pointer.rsplit_once('/')?;
        let key = segments(&pointer[parent.len()..]).next()?;
        self.at(parent)?.entry(&key)
    }

    /// The innermost node on the way to a pointer that exists.
    pub fn nearest(&self, pointer: &str) -> &Node {
        let mut node = self;
        for segment in segments(pointer) {
            match node.child(&segment) {
                Some(child) => node = child,
                None => break,
            }
        }
        node
    }

    fn child(&self, segment: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Map(_) => self.get(segment),
            Kind::List(items) => items.get(segment.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// The same document without places.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(flag) => Value::Bool(*flag),
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::Text(text) => Value::String(text.value.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Node::to_value).collect()),
            Kind::Map(entries) => {
                let mut map = Map::with_capacity(entries.len());
                for entry in entries {
                    map.insert(entry.key.clone(), entry.value.to_value());
                }
                Value::Object(map)
            }
        }
    }
}

/// The unescaped segments of a JSON pointer.
fn segments(pointer: &str) -> impl Iterator<Item = String> {
    pointer
        .split('/')
        .skip(1)
        .map(|segment| segment.replace("~1", "/").replace("~0", "~"))
}

/// A pointer one key further.
pub fn join(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}
