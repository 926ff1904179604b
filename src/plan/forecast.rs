//! What a run will cost in requests and API calls, before it costs anything.

use serde_json::{Value, json};

use super::Plan;
use super::step::StepKind;

/// What is known beforehand about the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Assumptions {
    /// How many records the run will read.
    pub records: Option<u64>,
    /// The org's daily limit of API calls.
    pub daily_limit: Option<u64>,
}

/// The cost of a run, exact for the number of records assumed.
///
/// Tries again after failures come on top, and so do the further pages of child rows that exceed one answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// What was assumed.
    pub assumed: Assumptions,
    /// Records one read request returns at the most; `None` when nothing is read from Salesforce.
    pub page_size: Option<u64>,
    /// Records one write request carries at the most, for each target.
    pub batch_sizes: Vec<u64>,
    /// Targets whose rows are looked at again right before they are written.
    pub looked_at: u64,
    /// Messages that leave in a second at the most, where the plan sends any.
    pub messages_a_second: Option<f64>,
}

/// Rows one such look names at the most.
const ROWS_A_LOOK: u64 = 200;

/// How many looks so many rows take.
pub const fn looks(rows: u64) -> u64 {
    rows.div_ceil(ROWS_A_LOOK)
}

impl Forecast {
    /// The forecast of a plan.
    pub fn of(plan: &Plan, assumed: Assumptions) -> Self {
        Self {
            assumed,
            page_size: plan.read().map(|read| u64::from(read.page_size)),
            batch_sizes: plan
                .steps
                .iter()
                .filter(|step| matches!(step.kind, StepKind::Target(_)))
                .map(|_| u64::from(plan.batch.size))
                .collect(),
            looked_at: plan
                .targets()
                .filter(|target| target.guards_conflicts())
                .count() as u64,
            messages_a_second: plan.broadcast().map(|step| step.section.pace.per_second()),
        }
    }

    /// Read requests for so many records: a page that is not full is the last one, and behind a first page that is full
    /// the records are counted, so that a run which cannot fit is refused.
    ///
    /// A window that holds an exact multiple of the page size ends with one empty page, which is counted.
    pub fn query_calls(&self, records: u64) -> u64 {
        self.page_size.map_or(0, |page| {
            let pages = records / page.max(1) + 1;
            pages + u64::from(pages > 1)
        })
    }

    /// Write requests for so many records, when each of them changed.
    pub fn write_calls(&self, records: u64) -> u64 {
        self.batch_sizes
            .iter()
            .map(|size| records.div_ceil((*size).max(1)))
            .sum()
    }

    /// Requests that look again at rows before they are written, when each of them changed.
    pub fn look_calls(&self, records: u64) -> u64 {
        self.looked_at * looks(records)
    }

    /// All calls that count against the daily limit, without the describe that is kept for a day.
    pub fn api_calls(&self, records: u64) -> u64 {
        self.query_calls(records) + self.look_calls(records) + self.write_calls(records)
    }

    /// The share of the daily limit, in percent.
    pub fn daily_percent(&self) -> Option<f64> {
        let calls = self.api_calls(self.assumed.records?);
        let limit = self.assumed.daily_limit?;
        Some(calls as f64 * 100.0 / limit.max(1) as f64)
    }

    /// The forecast for people, one line each.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let (records, given) = match self.assumed.records {
            Some(records) => (records, true),
            None => (10_000, false),
        };
        let whose = if given { "this run" } else { "a run" };
        let look = match self.look_calls(records) {
            0 => String::new(),
            calls => format!(", up to {calls} to look again before writing"),
        };
        lines.push(format!(
            "forecast: {whose} of {records} records costs {} API calls ({} to read, up to {} to write{look})",
            self.api_calls(records),
            self.query_calls(records),
            self.write_calls(records),
        ));
        if self.page_size.is_some() {
            lines.push(
                "          and one describe a day; a run that finds nothing changed costs 1"
                    .to_owned(),
            );
        }
        if let Some(rate) = self.messages_a_second {
            lines.push(format!(
                "          and up to {records} messages, one request each and no API calls, within {}",
                spoken(records as f64 / rate.max(f64::MIN_POSITIVE))
            ));
        }
        if let (Some(percent), Some(limit)) = (self.daily_percent(), self.assumed.daily_limit) {
            lines.push(format!(
                "          {percent:.2} % of the org's {limit} calls a day"
            ));
        }
        lines
    }

    /// The forecast as JSON.
    pub fn json(&self) -> Value {
        let records = self.assumed.records;
        json!({
            "records": records,
            "page_size": self.page_size,
            "query_calls": records.map(|n| self.query_calls(n)),
            "write_calls": records.map(|n| self.write_calls(n)),
            "look_calls": records.map(|n| self.look_calls(n)),
            "api_calls": records.map(|n| self.api_calls(n)),
            "daily_limit": self.assumed.daily_limit,
            "daily_percent": self.daily_percent(),
            "api_calls_per_10000_records": self.api_calls(10_000),
        })
    }
}

/// A length of time, rounded up, in the unit that fits it.
fn spoken(seconds: f64) -> String {
    if seconds <= 90.0 {
        format!("{} s", seconds.ceil())
    } else if seconds <= 5_400.0 {
        format!("{} minutes", (seconds / 60.0).ceil())
    } else {
        format!("{} hours", (seconds / 3_600.0).ceil())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forecast(page: u64, batches: &[u64]) -> Forecast {
        Forecast {
            assumed: Assumptions {
                records: Some(1_000),
                daily_limit: Some(11_000),
            },
            page_size: Some(page),
            batch_sizes: batches.to_vec(),
            looked_at: 0,
            messages_a_second: None,
        }
    }

    #[test]
    fn reads_cost_a_call_a_page_and_the_last_page_is_the_one_that_is_not_full() {
        let forecast = forecast(50, &[]);
        for (records, calls) in [(0, 1), (1, 1), (49, 1), (50, 3), (51, 3), (120, 4)] {
            assert_eq!(forecast.query_calls(records), calls, "{records} records");
        }
    }

    #[test]
    fn writes_cost_a_call_a_batch_and_target() {
        let forecast = forecast(200, &[50, 50]);
        for (records, calls) in [(0, 0), (1, 2), (50, 2), (51, 4)] {
            assert_eq!(forecast.write_calls(records), calls, "{records} records");
        }
    }

    #[test]
    fn the_share_of_the_daily_limit_needs_both_numbers() {
        assert_eq!(forecast(50, &[]).daily_percent(), Some(0.2));
        let unknown = Forecast {
            assumed: Assumptions::default(),
            ..forecast(50, &[])
        };
        assert_eq!(unknown.daily_percent(), None);
        assert!(unknown.lines()[0].contains("a run of 10000 records costs 202 API calls"));
    }
}
