//! Log lines on stderr, as text or as JSON; only bridged's own, so that no library can log a credential it carries.

use std::fmt;
use std::io::{self, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use super::args::Format;
use super::traces::Traces;
use super::{progress, text};

/// Starts logging: warnings only, or more with each `-v` (information, then every request, then everything); and traces, which
/// end with the value that is returned.
#[must_use]
pub fn start(format: Format, verbose: u8) -> Traces {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_timer(Seconds)
        .with_writer(Stderr { format });
    let layer = match format {
        Format::Text => lines.compact().with_target(false).boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    // Where no bar can be drawn, log lines tell how far a run is.
    let progress = if progress::on_terminal() {
        level
    } else {
        level.max(LevelFilter::INFO)
    };
    let own = Targets::new()
        .with_target("bridged", level)
        .with_target("bridged::cli::progress", progress);
    let (spans, traces) = Traces::layer();
    // Only a second call could fail, and there is one.
    let _ = tracing_subscriber::registry()
        .with(layer.with_filter(own))
        .with(spans)
        .try_init();
    traces
}

/// The time of a log line: UTC, whole seconds.
#[derive(Debug, Clone, Copy)]
struct Seconds;

impl FormatTime for Seconds {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", jiff::Timestamp::now().strftime("%FT%TZ"))
    }
}

/// Writes whole lines, with whatever a terminal could act on written out.
#[derive(Debug, Clone, Copy)]
struct Stderr {
    format: Format,
}

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let shown = String::from_utf8_lossy(line);
        let shown = shown.trim_end_matches('\n');
        let shown = match self.format {
            Format::Text => text::clean(shown),
            Format::Json => text::clean_json(shown),
        };
        io::stderr()
            .lock()
            .write_all(format!("{shown}\n").as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
