//! Lines of a file, each bounded: a line that is too long or no text is a slip of that line alone.

use std::io::{BufRead, Read};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};

use super::slips::Fault;

/// The longest line, and the longest CSV record, in bytes.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// One line without its line break.
#[derive(Debug)]
pub(super) struct Line {
    /// Counted from 1.
    pub(super) number: usize,
    /// Its text; of a line with a fault what can be shown of it.
    pub(super) text: String,
    /// Why it cannot be read.
    pub(super) fault: Option<Fault>,
}

impl Line {
    /// Whether it says nothing.
    pub(super) fn is_blank(&self) -> bool {
        self.fault.is_none() && self.text.trim().is_empty()
    }
}

/// The lines of a reader.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    number: usize,
}

impl<R: BufRead> Lines<R> {
    pub(super) const fn new(reader: R) -> Self {
        Self { reader, number: 0 }
    }

    /// The next line; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Line>> {
        let mut bytes = Vec::new();
        // One byte more than fits tells a line that is too long from one that is just not.
        let most = MAX_LINE_BYTES as u64 + 2;
        (&mut self.reader)
            .take(most)
            .read_until(b'\n', &mut bytes)
            .map_err(|cause| broken_off(&cause))?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        if self.number == 1 && bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        let ended = bytes.last() == Some(&b'\n');
        if ended {
            bytes.pop();
        }
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        if bytes.len() > MAX_LINE_BYTES {
            if !ended {
                self.skip_line()?;
            }
            return Ok(Some(self.too_long(&bytes)));
        }
        Ok(Some(self.decode(bytes)))
    }

    /// Reads past the rest of a line without keeping it.
    fn skip_line(&mut self) -> Result<()> {
        loop {
            let buffer = self.reader.fill_buf().map_err(|cause| broken_off(&cause))?;
            let length = buffer.len();
            if length == 0 {
                return Ok(());
            }
            let newline = buffer.iter().position(|byte| *byte == b'\n');
            self.reader.consume(newline.map_or(length, |at| at + 1));
            if newline.is_some() {
                return Ok(());
            }
        }
    }

    fn too_long(&self, bytes: &[u8]) -> Line {
        let shown = &bytes[..bytes.len().min(80)];
        let text = String::from_utf8_lossy(shown).into_owned();
        let message = format!("the line is longer than {MAX_LINE_BYTES} bytes");
        let fault = Fault::new(Code::ImportLineUnreadable, message, 0..0);
        Line {
            number: self.number,
            text,
            fault: Some(fault.help("leave long texts out, or import that record in parts")),
        }
    }

    fn decode(&self, bytes: Vec<u8>) -> Line {
        let number = self.number;
        match String::from_utf8(bytes) {
            Ok(text) => Line {
                number,
                text,
                fault: None,
            },
            Err(error) => {
                let start = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let end = start + text[start..].chars().next().map_or(0, char::len_utf8);
                let message = "the line is not UTF-8";
                let fault = Fault::new(Code::ImportLineUnreadable, message, start..end);
                Line {
                    number,
                    text,
                    fault: Some(fault.help("save the file as UTF-8")),
                }
            }
        }
    }
}

fn broken_off(cause: &std::io::Error) -> Error {
    Error::new(
        Code::FileUnreadable,
        format!("reading the file broke off: {cause}"),
    )
}
