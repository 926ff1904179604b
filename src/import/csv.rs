//! CSV as RFC 4180 has it, read strictly: a header, commas, quotes around cells that hold commas, quotes or line breaks.

use std::collections::VecDeque;
use std::io::BufRead;
use std::ops::Range;

use serde_json::Value;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::nearest;
use crate::foundation::error::Result;
use crate::foundation::record::EVIDENCE;

use super::lines::{Line, Lines, MAX_LINE_BYTES};
use super::record::{CONSENT, Shape};
use super::slips::{Fault, Field, Row};

/// A file whose header is in order.
#[derive(Debug)]
pub(super) struct Table<R> {
    lines: Source<R>,
    header: Vec<String>,
}

/// Lines, of which some may be given back.
#[derive(Debug)]
struct Source<R> {
    lines: Lines<R>,
    returned: VecDeque<Line>,
}

/// A cell: its text, and where it stands in the record.
type Cell = (String, Range<usize>);

impl<R: BufRead> Table<R> {
    /// Reads the header; the row of it with its faults, when the table cannot be read by it.
    pub(super) fn open(lines: Lines<R>, shape: Shape) -> Result<std::result::Result<Self, Row>> {
        let mut lines = Source {
            lines,
            returned: VecDeque::new(),
        };
        let Some(record) = lines.record()? else {
            let message = "the file is empty: it has no header";
            let fault = Fault::new(Code::ImportHeaderInvalid, message, 0..0);
            return Ok(Err(Row {
                line: 1,
                text: String::new(),
                fields: Vec::new(),
                faults: vec![fault.help(wanted(shape))],
            }));
        };
        let (cells, mut faults) = (record.cells, record.faults);
        let header: Vec<Cell> = cells
            .into_iter()
            .map(|(name, span)| (name.trim().to_owned(), span))
            .collect();
        if faults.is_empty() {
            faults = check_header(&header, shape);
        }
        if faults.is_empty() {
            let header = header.into_iter().map(|(name, _)| name).collect();
            return Ok(Ok(Self { lines, header }));
        }
        Ok(Err(Row {
            line: record.line,
            text: record.text,
            fields: Vec::new(),
            faults,
        }))
    }

    /// The next row; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Row>> {
        let Some(record) = self.lines.record()? else {
            return Ok(None);
        };
        let (given, wanted) = (record.cells.len(), self.header.len());
        let mut faults = record.faults;
        if faults.is_empty() && given != wanted {
            let message = format!("the row has {given} cells, and the header {wanted} columns");
            let fault = Fault::new(Code::ImportLineUnreadable, message, 0..record.text.len());
            faults.push(fault.help("put quotes around a cell that holds a comma or a line break"));
        }
        // An empty cell is an absent value.
        let cells = record.cells.into_iter().zip(&self.header);
        let fields = cells
            .filter(|((text, _), _)| !text.is_empty())
            .map(|((text, span), name)| Field {
                name: name.clone(),
                value: value(name, text),
                span,
            })
            .collect();
        Ok(Some(Row {
            line: record.line,
            text: record.text,
            fields,
            faults,
        }))
    }
}

/// A cell is a text, whatever it looks like: a number made of `007` would be another one. A consent is a yes or a no.
fn value(name: &str, text: String) -> Value {
    let is_channel = name
        .strip_prefix(CONSENT)
        .is_some_and(|entry| !EVIDENCE.contains(&entry));
    let word = text.to_ascii_lowercase();
    match word.as_str() {
        "true" | "yes" | "1" if is_channel => Value::Bool(true),
        "false" | "no" | "0" if is_channel => Value::Bool(false),
        _ => Value::String(text),
    }
}

fn wanted(shape: Shape) -> String {
    format!(
        "the first line names the columns: {}",
        shape.required.join(",")
    )
}

fn check_header(header: &[Cell], shape: Shape) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut slip = |message: String, span: &Range<usize>, help: String| {
        let fault = Fault::new(Code::ImportHeaderInvalid, message, span.clone());
        faults.push(fault.help(help));
    };
    for (index, (name, span)) in header.iter().enumerate() {
        if name.is_empty() {
            let message = format!("column {} has no name", index + 1);
            slip(message, span, "name it, or remove it".to_owned());
        } else if header[..index].iter().any(|(other, _)| other == name) {
            let message = format!("the column `{name}` stands twice");
            slip(message, span, "keep one of them".to_owned());
        } else if let Some(help) = shape.refuses(name) {
            let message = format!("{} has no column `{name}`", shape.noun);
            slip(message, span, help);
        }
    }
    for name in shape.required {
        if header.iter().any(|(other, _)| other == name) {
            continue;
        }
        let whole = 0..header.last().map_or(0, |(_, span)| span.end);
        let message = format!("the header has no column `{name}`");
        let others = header.iter().map(|(other, _)| other.as_str());
        let help = match (nearest(name, others), header) {
            (Some(near), _) => format!("rename `{near}` to `{name}`"),
            (None, [(only, _)]) if only.contains([';', '\t']) => {
                "separate the columns with commas".to_owned()
            }
            (None, _) => wanted(shape),
        };
        slip(message, &whole, help);
    }
    faults
}

/// One record as it stands.
struct Record {
    line: usize,
    text: String,
    cells: Vec<Cell>,
    faults: Vec<Fault>,
}

impl<R: BufRead> Source<R> {
    fn line(&mut self) -> Result<Option<Line>> {
        match self.returned.pop_front() {
            Some(line) => Ok(Some(line)),
            None => self.lines.next(),
        }
    }

    /// The next record, over as many lines as its quotes need; `None` at the end.
    fn record(&mut self) -> Result<Option<Record>> {
        let first = loop {
            match self.line()? {
                None => return Ok(None),
                Some(line) if line.is_blank() => {}
                Some(line) => break line,
            }
        };
        if first.fault.is_some() {
            return Ok(Some(failed(first)));
        }
        let mut text = first.text.clone();
        let mut more = Vec::new();
        // A record ends with the first line at whose end all quotes are closed.
        let mut is_open = opens(&text);
        while is_open {
            match self.line()? {
                Some(line) if line.fault.is_none() && fits(&text, &line) => {
                    is_open ^= opens(&line.text);
                    text.push('\n');
                    text.push_str(&line.text);
                    more.push(line);
                }
                other => {
                    more.extend(other);
                    break;
                }
            }
        }
        if !is_open && let Ok(cells) = cells(&text) {
            return Ok(Some(Record {
                line: first.number,
                text,
                cells,
                faults: Vec::new(),
            }));
        }
        // The lines behind the first are read again as records of their own.
        more.extend(self.returned.drain(..));
        self.returned.extend(more);
        Ok(Some(failed(first)))
    }
}

/// Whether a quote that opens on the line is not closed on it.
fn opens(line: &str) -> bool {
    line.bytes().filter(|byte| *byte == b'"').count() % 2 == 1
}

fn fits(text: &str, line: &Line) -> bool {
    text.len() + line.text.len() < MAX_LINE_BYTES
}

/// A line that begins no record, with what is wrong on it.
fn failed(first: Line) -> Record {
    const HELP: &str = "write a quote inside a cell twice, and put quotes around the whole cell";
    let slip = |message: &str, at: usize| {
        Fault::new(Code::ImportLineUnreadable, message, at..at + 1).help(HELP)
    };
    let fault = match first.fault {
        Some(fault) => fault,
        None => match cells(&first.text) {
            Err(Wrong::Stray(at)) => slip("a quote stands where none may", at),
            Err(Wrong::Open(at)) => slip("the quote that opens here is never closed", at),
            Ok(_) => slip("the quotes of the line do not close", 0),
        },
    };
    Record {
        line: first.number,
        text: first.text,
        cells: Vec::new(),
        faults: vec![fault],
    }
}

/// Why a text is no record.
enum Wrong {
    /// A quote opens here and is not closed.
    Open(usize),
    /// A quote stands in the middle of a cell, or text behind its end.
    Stray(usize),
}

fn cells(text: &str) -> std::result::Result<Vec<Cell>, Wrong> {
    let mut cells = Vec::new();
    let mut at = 0;
    loop {
        let (cell, end) = if text[at..].starts_with('"') {
            quoted(text, at)?
        } else {
            plain(text, at)?
        };
        cells.push((cell, at..end));
        if end == text.len() {
            return Ok(cells);
        }
        at = end + 1;
    }
}

/// The cell without quotes that begins at `start`, and where it ends.
fn plain(text: &str, start: usize) -> std::result::Result<(String, usize), Wrong> {
    let end = text[start..]
        .find(',')
        .map_or(text.len(), |comma| start + comma);
    let cell = &text[start..end];
    match cell.find('"') {
        Some(quote) => Err(Wrong::Stray(start + quote)),
        None => Ok((cell.to_owned(), end)),
    }
}

/// The cell in quotes that begins at `start`, and where it ends.
fn quoted(text: &str, start: usize) -> std::result::Result<(String, usize), Wrong> {
    let mut cell = String::new();
    let mut at = start + 1;
    loop {
        let Some(quote) = text[at..].find('"').map(|quote| at + quote) else {
            return Err(Wrong::Open(start));
        };
        cell.push_str(&text[at..quote]);
        at = quote + 1;
        match text.as_bytes().get(at) {
            Some(b'"') => {
                cell.push('"');
                at += 1;
            }
            None | Some(b',') => return Ok((cell, at)),
            Some(_) => return Err(Wrong::Stray(quote)),
        }
    }
}
