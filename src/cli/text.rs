//! Text for people: safe to print, aligned, and coloured with care.
//!
//! Styles are always written; the streams drop them where they do not belong (no terminal, `NO_COLOR`).

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use clap::builder::styling::{AnsiColor, Style};

pub use crate::foundation::shown::thousands;

/// Names and headings.
pub const BOLD: Style = Style::new().bold();
/// What explains, and what may be overlooked.
pub const DIM: Style = Style::new().dimmed();
/// Done.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Done, and worth a look.
pub const CAUTION: Style = AnsiColor::Yellow.on_default().bold();
/// Failed.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// What to type or where to look.
pub const HINT: Style = AnsiColor::Cyan.on_default();

/// `text` between a style and its end.
pub fn paint(style: Style, text: impl fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Appends one line.
pub fn line(out: &mut String, text: fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
    out.push('\n');
}

/// Whether a terminal could act on the character, or a reader be misled by it: controls (C0, C1), bidirectional overrides
/// and isolates, invisible marks, line separators and tag characters. Zero-width joiners stay: names and emoji need them.
pub const fn is_unsafe(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// Text from a file or from data, with every unsafe character written out as `\n` or `\u{202e}`.
pub fn clean(text: &str) -> Cow<'_, str> {
    escape(text, |out, c| {
        out.extend(c.escape_default());
    })
}

/// Text of several lines with every unsafe character but the line breaks written out.
pub fn clean_lines(text: &str) -> Cow<'_, str> {
    escape(text, |out, c| {
        if c == '\n' {
            out.push(c);
        } else {
            out.extend(c.escape_default());
        }
    })
}

/// JSON with every unsafe character written as JSON's own `\u202e`; JSON has them only inside strings.
pub fn clean_json(json: &str) -> Cow<'_, str> {
    escape(json, |out, c| {
        if c == '\n' {
            out.push(c);
            return;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

fn escape(text: &str, write: impl Fn(&mut String, char)) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) {
            write(&mut out, c);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// `1 error`, `2 errors`, `1,200 records`.
pub fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(number))
}

/// Breaks `text` at spaces so that no line is longer than `width` characters, where words allow it.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let needed = line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && needed > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x32_controls_and_bidi_overrides_are_written_out() {
        let cases = [
            ("Ada Lovelace", "Ada Lovelace"),
            ("a\r\nb", "a\\r\\nb"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("abc\u{202e}fdp.exe", "abc\\u{202e}fdp.exe"),
            ("👩\u{200d}💻", "👩\u{200d}💻"),
            ("Søren 鈴木", "Søren 鈴木"),
        ];
        for (text, shown) in cases {
            assert_eq!(clean(text), shown);
        }
    }

    #[test]
    fn x32_json_stays_the_same_value_when_cleaned() {
        let value = serde_json::json!({ "name": "a\u{202e}b\u{9b}c\u{e0041}", "nl": "x\ny" });
        let cleaned = clean_json(&value.to_string()).into_owned();
        assert!(!cleaned.contains(is_unsafe), "{cleaned}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&cleaned).unwrap(),
            value
        );
    }

    #[test]
    fn numbers_read_well() {
        for (number, shown) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(thousands(number), shown);
        }
        assert_eq!(count(1, "record"), "1 record");
        assert_eq!(count(0, "record"), "0 records");
    }

    #[test]
    fn wrapping_breaks_at_spaces_only() {
        assert_eq!(wrap("a bb  ccc dddd", 6), ["a bb", "ccc", "dddd"]);
        assert_eq!(wrap("unbreakable", 4), ["unbreakable"]);
        assert!(wrap("  ", 4).is_empty());
    }
}
