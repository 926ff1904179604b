//! From the schedule in a pipeline's file to the instants at which it runs: pure, without a clock of its own.
//!
//! The rules, each of which holds for every schedule (I21):
//!
//! - **No drift.** The times are a function of the definition alone. A repetition (`every`, `hourly`, `daily`) comes at the
//!   multiples of its length, counted from Monday 5 January 1970, 00:00 UTC: `15m` is at :00, :15, :30 and :45, `1d` at
//!   midnight and `7d` on Mondays. When the last run began or ended plays no part.
//! - **Named hours come once.** A cron expression that names hours comes when the clock of its zone first shows a named time,
//!   or first shows a later one because the clock was put forward past it. So a time that a clock change leaves out comes at
//!   the change, one time for all that were left out, and one that the clock shows twice comes the first time.
//! - **Every hour goes by what the clock shows.** A cron expression that leaves the hour open (`*/15 * * * *`) is a repetition:
//!   minutes that a clock change leaves out do not come, those that are shown twice come twice, and no hour is without its
//!   times.
//! - **Jitter is stable.** Each start is later than its time by an offset that follows from the names of project and pipeline
//!   alone, within `jitter`. Left out, that is a tenth of the period and at most five minutes; a cron expression is meant as it
//!   is written, and has none. A tick keeps its nominal time as what it is known by, so that another jitter neither repeats
//!   nor skips one.
//! - **Missed ticks.** What came due while nobody ran is made up for by one run, at once (`missed: once`, the default), or
//!   skipped (`missed: skip`). A tick is missed when it is later than [`GRACE`] and another one was not begun in its place; ticks
//!   that come while a run goes on count in the same way when it ends. Of several due ticks the newest one alone is run.
//! - **Backwards is quiet.** What was settled stays so when the clock is put back: nothing comes until the time is past it.

mod cron;
mod jitter;
mod words;

pub mod timetable;

pub use timetable::{Due, GRACE, MOST_COUNTED, Tick, Ticks, Timetable};
