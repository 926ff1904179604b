//! Files of Bridged's own records: checked line by line in one pass, stored in a second one when nothing is wrong.
//!
//! Memory does not grow with the file (I7): lines are bounded, records are stored in groups, and of many slips only the
//! first are kept. A repeat is harmless, because the store knows outcomes and engagements by their ids and lays profiles
//! over each other.

mod csv;
mod input;
mod json;
mod lines;
mod record;
mod slips;

use crate::foundation::clock::Clock;
use crate::foundation::diagnostic::Diagnostic;
use crate::foundation::error::Result;
use crate::foundation::record::{Engagement, Outcome, Profile};
use crate::store::Store;
use crate::store::model::Imported;

pub use self::input::Input;
pub use self::lines::MAX_LINE_BYTES;
pub use self::slips::MAX_SHOWN;

use self::csv::Table;
use self::lines::Lines;
use self::record::Importable;
use self::slips::{Row, Slips};

/// A group is stored when it holds so many records, or came from so many bytes.
const GROUP_RECORDS: usize = 500;
const GROUP_BYTES: usize = 4 << 20;

/// Which records a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{"key", …attributes, "consent"?, "salesforce_id"?}`
    Profiles,
    /// `{"id", "profile", "kind", "occurred_at", …}`
    Outcomes,
    /// `{"id", "profile", "kind", "at", "campaign"?}`
    Engagements,
}

impl Kind {
    /// `profiles`, `outcomes` or `engagements`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Profiles => "profiles",
            Kind::Outcomes => "outcomes",
            Kind::Engagements => "engagements",
        }
    }
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One JSON object a line.
    Jsonl,
    /// RFC 4180 with a header line.
    Csv,
}

impl Form {
    /// The form that a file's ending names: `.csv`, `.jsonl`, `.ndjson` or `.json`.
    pub fn of_name(name: &str) -> Option<Self> {
        let ending = name.rsplit_once('.')?.1.to_ascii_lowercase();
        match ending.as_str() {
            "csv" => Some(Form::Csv),
            "jsonl" | "ndjson" | "json" => Some(Form::Jsonl),
            _ => None,
        }
    }
}

/// What to do with a file.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// Which records it holds.
    pub kind: Kind,
    /// How it is written.
    pub form: Form,
    /// Whether the good records are stored although others are not.
    pub skip_invalid: bool,
}

/// What became of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Records in the file, those with slips too.
    pub records: u64,
    /// Records that the store did not know.
    pub added: u64,
    /// Records that were known, and something of them was written.
    pub changed: u64,
    /// Records that were stored already, as they are.
    pub unchanged: u64,
    /// Records of people who were erased: nothing of them was written.
    pub erased: u64,
    /// Records with at least one slip.
    pub invalid: u64,
    /// All slips.
    pub slips: u64,
    /// The first [`MAX_SHOWN`] slips, in the order of the file.
    pub findings: Vec<Diagnostic>,
}

/// Reads the file and stores its records; with a slip in it nothing is stored, unless the request says otherwise.
///
/// # Errors
/// `file-unreadable` when reading breaks off, and what the store says; groups that were stored before stay.
pub fn import(
    input: &mut Input,
    request: Request,
    store: &dyn Store,
    clock: &Clock,
) -> Result<Report> {
    match request.kind {
        Kind::Profiles => import_as::<Profile>(input, request, store, clock),
        Kind::Outcomes => import_as::<Outcome>(input, request, store, clock),
        Kind::Engagements => import_as::<Engagement>(input, request, store, clock),
    }
}

fn import_as<T: Importable>(
    input: &mut Input,
    request: Request,
    store: &dyn Store,
    clock: &Clock,
) -> Result<Report> {
    if !request.skip_invalid {
        let mut checked = Report::default();
        let sound = read::<T>(input, request.form, &mut checked, &mut |_, _, _| Ok(true))?;
        if !sound || checked.slips > 0 {
            return Ok(checked);
        }
    }
    let mut report = Report::default();
    let mut group = Group {
        records: Vec::new(),
        bytes: 0,
        store,
        clock,
    };
    let sound = read(
        input,
        request.form,
        &mut report,
        &mut |record: T, bytes, report: &mut Report| {
            // The first pass found nothing, so a slip now is of a file that is being written to.
            let goes_on = request.skip_invalid || report.slips == 0;
            if goes_on {
                group.add(record, bytes, report)?;
            }
            Ok(goes_on)
        },
    )?;
    if sound && (request.skip_invalid || report.slips == 0) {
        group.store(&mut report)?;
    }
    Ok(report)
}

/// Records on their way into the store.
struct Group<'s, T> {
    records: Vec<T>,
    bytes: usize,
    store: &'s dyn Store,
    clock: &'s Clock,
}

impl<T: Importable> Group<'_, T> {
    fn add(&mut self, record: T, bytes: usize, report: &mut Report) -> Result<()> {
        self.records.push(record);
        self.bytes += bytes;
        if self.records.len() >= GROUP_RECORDS || self.bytes >= GROUP_BYTES {
            self.store(report)?;
        }
        Ok(())
    }

    fn store(&mut self, report: &mut Report) -> Result<()> {
        if self.records.is_empty() {
            return Ok(());
        }
        for imported in T::store(self.store, &self.records, self.clock.now())? {
            match imported {
                Imported::Added => report.added += 1,
                Imported::Changed => report.changed += 1,
                Imported::Unchanged => report.unchanged += 1,
                Imported::Erased => report.erased += 1,
            }
        }
        self.records.clear();
        self.bytes = 0;
        Ok(())
    }
}

/// What is done with a good record, given the bytes it came from; whether to read on.
type Each<'e, T> = &'e mut dyn FnMut(T, usize, &mut Report) -> Result<bool>;

/// Reads the whole file once; false when nothing of it could be read, because its header is wrong.
fn read<T: Importable>(
    input: &mut Input,
    form: Form,
    report: &mut Report,
    each: Each<'_, T>,
) -> Result<bool> {
    let mut slips = Slips::new(input.name());
    let lines = Lines::new(input.rewind()?);
    let sound = match form {
        Form::Jsonl => {
            read_lines(lines, &mut slips, report, each)?;
            true
        }
        Form::Csv => match Table::open(lines, T::SHAPE)? {
            Ok(mut table) => {
                while let Some(row) = table.next()? {
                    if !take(row, &mut slips, report, each)? {
                        break;
                    }
                }
                true
            }
            Err(row) => {
                slips.add(row.line, &row.text, row.faults);
                false
            }
        },
    };
    report.slips = slips.count();
    report.findings = slips.into_findings();
    Ok(sound)
}

fn read_lines<T: Importable>(
    mut lines: Lines<impl std::io::BufRead>,
    slips: &mut Slips,
    report: &mut Report,
    each: Each<'_, T>,
) -> Result<()> {
    while let Some(line) = lines.next()? {
        if line.is_blank() {
            continue;
        }
        let (fields, faults) = match line.fault {
            Some(fault) => (Vec::new(), vec![fault]),
            None => json::fields(&line.text),
        };
        let row = Row {
            line: line.number,
            text: line.text,
            fields,
            faults,
        };
        if !take(row, slips, report, each)? {
            break;
        }
    }
    Ok(())
}

/// Makes a record of a row, or adds what is wrong with it; whether to read on.
fn take<T: Importable>(
    row: Row,
    slips: &mut Slips,
    report: &mut Report,
    each: Each<'_, T>,
) -> Result<bool> {
    report.records += 1;
    let Row {
        line,
        text,
        fields,
        mut faults,
    } = row;
    let record = if faults.is_empty() {
        T::read(fields, &mut faults)
    } else {
        None
    };
    match record {
        Some(record) if faults.is_empty() => each(record, text.len(), report),
        _ => {
            report.invalid += 1;
            slips.add(line, &text, faults);
            report.slips = slips.count();
            Ok(true)
        }
    }
}
