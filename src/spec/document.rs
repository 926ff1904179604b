//! A file that was read: its text, its tree and its types, and the way from a type back to its place.

use std::ops::Range;
use std::sync::Arc;

use crate::foundation::diagnostic::{Place, SourceFile};

use super::tree::{Entry, Extent, Kind, Node, Style};

/// A file and what it says.
///
/// Places are asked for by JSON pointer (RFC 6901), as `/targets/lead/field_map/Rating`.
#[derive(Debug, Clone, PartialEq)]
pub struct Document<T> {
    /// The file as it was read.
    pub file: Arc<SourceFile>,
    /// What stands where.
    pub tree: Node,
    /// What the file says.
    pub spec: T,
}

impl<T> Document<T> {
    /// Where a value stands; where there is none, the innermost value around it.
    pub fn place(&self, pointer: &str) -> Place {
        self.at(self.tree.nearest(pointer).extent)
    }

    /// Where a key stands; for the root and for places in a list, where the value stands.
    pub fn key_place(&self, pointer: &str) -> Place {
        match self.tree.entry_at(pointer) {
            Some(Entry { key_extent, .. }) => self.at(*key_extent),
            None => self.place(pointer),
        }
    }

    /// Where a stretch of a text's value stands in the file: exactly for plain and quoted texts on one line, the
    /// whole text for others.
    pub fn text_place(&self, pointer: &str, stretch: Range<usize>) -> Place {
        stretch_of(&self.file, self.tree.nearest(pointer), stretch)
    }

    fn at(&self, extent: Extent) -> Place {
        Place {
            file: Arc::clone(&self.file),
            span: extent.range(),
        }
    }
}

/// Where a stretch of a text's value stands: exactly where it can be told, else the whole text.
pub(super) fn stretch_of(file: &Arc<SourceFile>, node: &Node, stretch: Range<usize>) -> Place {
    let span = stretch_in_file(&file.text, node, stretch).unwrap_or(node.extent.range());
    Place {
        file: Arc::clone(file),
        span,
    }
}

/// The bytes of the file behind the bytes of a text; `None` where they do not stand together.
fn stretch_in_file(file: &str, node: &Node, stretch: Range<usize>) -> Option<Range<usize>> {
    let Kind::Text(text) = &node.kind else {
        return None;
    };
    let written = file.get(node.extent.range())?;
    if written.contains('\n') || !text.value.is_char_boundary(stretch.start) {
        return None;
    }
    let start = node.extent.range().start;
    let offset = |target: usize| match text.style {
        Style::Plain => Some(start + target),
        Style::Single => single_quoted(written, target).map(|offset| start + offset),
        Style::Double => double_quoted(written, target).map(|offset| start + offset),
        Style::Block => None,
    };
    let end = stretch.end.min(text.value.len());
    Some(offset(stretch.start.min(end))?..offset(end)?)
}

/// The offset in `'…'` of an offset in its value: `''` stands for one `'`.
fn single_quoted(written: &str, target: usize) -> Option<usize> {
    let inner = written.strip_prefix('\'')?;
    let mut value = 0;
    let mut chars = inner.char_indices().peekable();
    while let Some((offset, c)) = chars.next() {
        if value >= target {
            return Some(1 + offset);
        }
        value += c.len_utf8();
        if c == '\'' && chars.next_if(|(_, next)| *next == '\'').is_none() {
            return None;
        }
    }
    None
}

/// The offset in `"…"` of an offset in its value: an escape is one character of the value.
fn double_quoted(written: &str, target: usize) -> Option<usize> {
    let inner = written.strip_prefix('"')?;
    let mut value = 0;
    let mut chars = inner.char_indices();
    while let Some((offset, c)) = chars.next() {
        if value >= target {
            return Some(1 + offset);
        }
        if c != '\\' {
            value += c.len_utf8();
            continue;
        }
        let digits = match chars.next()?.1 {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            simple => {
                value += simple_escape(simple).len_utf8();
                continue;
            }
        };
        let hex: String = chars
            .by_ref()
            .take(digits)
            .map(|(_, digit)| digit)
            .collect();
        value += char::from_u32(u32::from_str_radix(&hex, 16).ok()?)?.len_utf8();
    }
    None
}

/// The character that a one-letter escape stands for, as far as its width in UTF-8 matters (YAML 1.2.2, 5.7).
fn simple_escape(letter: char) -> char {
    match letter {
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        _ => '\n',
    }
}
