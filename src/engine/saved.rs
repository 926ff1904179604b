//! Record-level plans in a file: every row a run would write, with the values it has now and the values it would get.
//!
//! The file is JSON lines, so that neither writing nor reading it needs more memory for more rows: a header, one line a
//! row, and a last line with the number of rows and the SHA-256 of everything before. It holds true values, also of
//! fields that are masked elsewhere, and is its owner's alone.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::id::Fingerprint;

use super::foresee::{FieldChange, RowChange, What};

/// The form of the file; another one is refused.
const FORM: u32 = 1;

/// The longest line that is read: no row Salesforce takes comes near it (a record of 400,000 characters is the limit of
/// Bulk API 2.0, "Bulk API 2.0 Limits").
const MOST_LINE: usize = 8 << 20;

/// What a saved plan is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The form of the file.
    bridged_plan: u32,
    /// The pipeline.
    pub pipeline: String,
    /// The compiled plan it was made with.
    pub fingerprint: String,
    /// The org it was made against.
    pub org: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// How far the pipeline had read before, as a text that is only compared.
    pub position: String,
}

/// One row of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedRow {
    /// Its number, counted from 0.
    pub row: u64,
    /// The group it is written with: rows of one record, and rows that point at each other, have the same.
    pub group: u64,
    /// The target, by its name.
    pub target: String,
    /// Whether it is created.
    pub create: bool,
    /// The key as it is sent; null for a row that is created without one.
    pub key: Option<String>,
    /// The row's Id, where it exists.
    pub id: Option<String>,
    /// Field, value now (null where there is none), value to be written.
    pub fields: Vec<(String, Value, Value)>,
    /// Fields that get the Id of a row of this file, with that row's number.
    pub links: Vec<(String, u64)>,
    /// The records it stands for.
    pub records: Vec<String>,
    /// SHA-256 of the payload, as hexadecimal digits.
    pub digest: String,
    /// What is remembered of the fields.
    pub remember: Option<Map<String, Value>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trailer {
    rows: u64,
    sha256: String,
}

/// Writes a plan. The file has its name only when it is whole.
pub struct Saving {
    path: PathBuf,
    part: PathBuf,
    file: BufWriter<File>,
    digest: Context,
    told: u64,
    rows: u64,
}

impl Saving {
    /// Begins a file.
    ///
    /// # Errors
    /// `file-not-written`.
    pub fn begin(path: &Path, header: &Header) -> Result<Self> {
        let mut name = path.as_os_str().to_owned();
        name.push(".part");
        let part = PathBuf::from(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(&part)
            .map_err(|error| unwritten(path, error))?;
        let mut saving = Self {
            path: path.to_owned(),
            part,
            file: BufWriter::new(file),
            digest: Context::new(&SHA256),
            told: 0,
            rows: 0,
        };
        saving.line(header)?;
        Ok(saving)
    }

    /// Adds what would happen to a row. Rows that stay as they are, or cannot be written, are counted and left out.
    ///
    /// # Errors
    /// `file-not-written`.
    pub fn add(&mut self, change: &RowChange) -> Result<()> {
        let row = self.told;
        self.told += 1;
        if !matches!(change.what, What::Create | What::Update) {
            return Ok(());
        }
        self.rows += 1;
        let field = |field: &FieldChange| {
            let old = field.old.clone().unwrap_or_default();
            (field.name.clone(), old, field.new.clone())
        };
        self.line(&SavedRow {
            row,
            group: change.group,
            target: change.target.clone(),
            create: change.what == What::Create,
            key: change.key.clone(),
            id: change.id.clone(),
            fields: change.fields.iter().map(field).collect(),
            links: change.links.clone(),
            records: change.records.clone(),
            digest: hex(&change.digest),
            remember: change.remember.clone(),
        })
    }

    /// Ends the file; how many rows it holds.
    ///
    /// # Errors
    /// `file-not-written`.
    pub fn end(mut self) -> Result<u64> {
        let sha256 = hex(self.digest.clone().finish().as_ref());
        let rows = self.rows;
        self.line(&Trailer { rows, sha256 })?;
        let failed = |error| unwritten(&self.path, error);
        let file = self
            .file
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        std::fs::rename(&self.part, &self.path).map_err(failed)?;
        Ok(rows)
    }

    fn line(&mut self, value: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(value)
            .map_err(|error| Error::bug("a saved row has no JSON form").caused_by(error))?;
        line.push(b'\n');
        self.digest.update(&line);
        self.file
            .write_all(&line)
            .map_err(|error| unwritten(&self.path, error))
    }
}

impl Header {
    /// A header of the present form.
    pub fn new(
        pipeline: String,
        fingerprint: String,
        org: String,
        made_at: Timestamp,
        position: String,
    ) -> Self {
        Self {
            bridged_plan: FORM,
            pipeline,
            fingerprint,
            org,
            made_at,
            position,
        }
    }
}

impl SavedRow {
    /// The digest as bytes.
    pub fn digest(&self) -> [u8; 32] {
        Fingerprint::parse(&self.digest)
            .map(|digest| digest.bytes())
            .unwrap_or_default()
    }
}

/// A file that is whole and unchanged since it was written.
#[derive(Debug, Clone)]
pub struct Saved {
    path: PathBuf,
    /// What it is bound to.
    pub header: Header,
    /// How many rows it holds.
    pub rows: u64,
    /// Identifies the file's contents.
    pub sha256: String,
}

impl Saved {
    /// Reads a file to its end and checks that it is as it was written.
    ///
    /// # Errors
    /// `file-unreadable`, `saved-plan-unreadable` and `saved-plan-edited`.
    pub fn open(path: &Path) -> Result<Self> {
        let mut digest = Context::new(&SHA256);
        let mut lines = Lines::open(path)?;
        let header = lines
            .next()?
            .ok_or_else(|| unreadable(path, "it is empty"))?;
        digest.update(&header);
        let header: Header = parse(path, &header)?;
        if header.bridged_plan != FORM {
            return Err(unreadable(path, "another version of bridged wrote it"));
        }
        let mut rows = 0;
        let mut last: Option<Vec<u8>> = None;
        while let Some(line) = lines.next()? {
            if let Some(row) = last.replace(line) {
                rows += 1;
                digest.update(&row);
            }
        }
        let trailer = last.ok_or_else(|| edited(path, "its end is missing"))?;
        let trailer: Trailer =
            serde_json::from_slice(&trailer).map_err(|_| edited(path, "its end is missing"))?;
        let sha256 = hex(digest.finish().as_ref());
        if trailer.rows != rows || trailer.sha256 != sha256 {
            return Err(edited(path, "it is not as it was written"));
        }
        Ok(Self {
            path: path.to_owned(),
            header,
            rows,
            sha256,
        })
    }

    /// Reads the rows, in their order.
    ///
    /// # Errors
    /// `file-unreadable`.
    pub fn rows(&self) -> Result<SavedRows> {
        let mut lines = Lines::open(&self.path)?;
        lines.next()?;
        Ok(SavedRows {
            lines,
            path: self.path.clone(),
            left: self.rows,
            waiting: None,
        })
    }
}

/// The rows of a file.
pub struct SavedRows {
    lines: Lines,
    path: PathBuf,
    left: u64,
    waiting: Option<SavedRow>,
}

impl SavedRows {
    /// The rows of the next groups, `most` of them or somewhat more: a group is written together.
    ///
    /// # Errors
    /// `file-unreadable`, and `saved-plan-edited` for a file that changed since it was opened.
    pub fn group(&mut self, most: usize) -> Result<Vec<SavedRow>> {
        let mut rows: Vec<SavedRow> = self.waiting.take().into_iter().collect();
        while let Some(row) = self.next()? {
            let is_another = rows.last().is_some_and(|last| last.group != row.group);
            if rows.len() >= most && is_another {
                self.waiting = Some(row);
                break;
            }
            rows.push(row);
        }
        Ok(rows)
    }

    fn next(&mut self) -> Result<Option<SavedRow>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let line = self
            .lines
            .next()?
            .ok_or_else(|| edited(&self.path, "its end is missing"))?;
        parse(&self.path, &line).map(Some)
    }
}

struct Lines {
    path: PathBuf,
    file: BufReader<File>,
}

impl Lines {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| cannot_read(path, error))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufReader::new(file),
        })
    }

    /// The next line with its end; `None` behind the last.
    fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let limit = MOST_LINE as u64;
        std::io::Read::take(&mut self.file, limit)
            .read_until(b'\n', &mut line)
            .map_err(|error| cannot_read(&self.path, error))?;
        if line.len() as u64 == limit {
            return Err(unreadable(&self.path, "a line is too long"));
        }
        Ok((!line.is_empty()).then_some(line))
    }
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path, line: &[u8]) -> Result<T> {
    serde_json::from_slice(line).map_err(|_| unreadable(path, "it is no record-level plan"))
}

fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

fn unwritten(path: &Path, error: std::io::Error) -> Error {
    let message = format!("the plan cannot be saved as `{}`", path.display());
    Error::new(Code::FileNotWritten, message)
        .help("give a file in a folder that exists and that you may write to")
        .caused_by(error)
}

fn cannot_read(path: &Path, error: std::io::Error) -> Error {
    let message = format!("`{}` cannot be read", path.display());
    Error::new(Code::FileUnreadable, message)
        .help("give the file that `bridged dry-run --out FILE` wrote")
        .caused_by(error)
}

fn unreadable(path: &Path, why: &str) -> Error {
    let message = format!("`{}` cannot be used as a plan: {why}", path.display());
    Error::new(Code::SavedPlanUnreadable, message)
        .help("give the file that `bridged dry-run --out FILE` wrote")
}

fn edited(path: &Path, why: &str) -> Error {
    let message = format!("`{}` was changed after it was saved: {why}", path.display());
    Error::new(Code::SavedPlanEdited, message)
        .help("make a new one with `bridged dry-run PIPELINE --out FILE`; only what was previewed is written")
}
