//! Faults as data: which requests they strike, and what happens to those.
//!
//! A file of faults (YAML or JSON), and the body of `POST /_sandbox/faults` (JSON), is a list of rules, or an object
//! whose `faults` is that list. A rule is `{ match: …, action: … }`; without `match` it strikes every request.
//!
//! ```yaml
//! - match: { method: GET, path: /services/data/*/query*, contains: FROM Lead, after: 3, times: 2 }
//!   action: { kind: status, status: 503, code: SERVER_UNAVAILABLE, message: try again later }
//! - match: { path: "*/sobjects/*", probability: 0.1 }
//!   action: { kind: reset-after-commit }
//! - match: { method: PATCH, contains: '"Bridged_Id__c":"k7"', times: 2 }
//!   action: { kind: row, code: UNABLE_TO_LOCK_ROW, message: unable to obtain exclusive access to this record }
//! ```
//!
//! `match` (all given parts must hold): `method`; `path`, where `*` stands for any characters; `contains`, a text in
//! the decoded query or in the body, as it was sent or with its JSON escapes decoded; of the requests that fit so far, the first `after` are spared, then each
//! `every`-th is struck, with `probability` (0 to 1, by the sandbox's seed), at most `times` times.
//!
//! `action.kind`, with its other keys:
//! - `latency` (`ms`): the answer waits.
//! - `status` (`status`, `code`, `message`, `body`, `after_commit`): another answer, an error array of `code` and
//!   `message` or the JSON `body`; with `after_commit` the request is carried out before.
//! - `html` (`status`, `body`, `after_commit`): the page of a gateway. `empty` (`status`, `after_commit`): no body.
//! - `row` (`code`, `message`, `fields`): a row of a write is refused with nothing changed, the others go on. `match`
//!   then speaks of rows: `contains` is a text in the row's JSON (compact, with its type and its key), and `after`,
//!   `every`, `times` and `probability` count rows. `method` and `path` are those of the request, and of the
//!   sub-request where the row is written by one.
//! - `redirect` (`to`, `status`): a `Location`.
//! - `limit` (`which`: `daily` or `concurrent`): the request limit is exceeded.
//! - `reset`: the connection is reset, the request is not carried out; `reset-after-commit`: it is.
//! - `truncate` (`bytes`): the body ends after so many bytes of what `Content-Length` promises.
//! - `slow` (`bytes_per_second`): the body trickles.
//! - `expire-token`: the session of the request ends before it is looked at.
//! - `invalidate-locators`: every query locator is forgotten before the request is looked at.
//! - `next-records-url` (`url`), `instance-url` (`url`): what a query page or a token answer says instead.
//! - `late-commit` (`seconds`): rows the request writes are stamped with the time, and visible so much later.
//! - `headers` (`set`): headers of the answer, by name; null takes one away.

mod file;

use std::cell::LazyCell;

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::file::read;
use super::call::Call;
use super::texts::{self, Refusal};

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which requests.
    #[serde(default, rename = "match")]
    pub matching: Match,
    /// What happens to them.
    pub action: Action,
}

/// Which requests a rule strikes: every one, unless a part says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// The method.
    pub method: Option<String>,
    /// The path, without the query; `*` stands for any characters.
    pub path: Option<String>,
    /// A text in the decoded query or in the body.
    pub contains: Option<String>,
    /// So many matching requests are spared first.
    pub after: u64,
    /// Then only each so-many-th is struck.
    pub every: Option<u64>,
    /// At most so many requests are struck.
    pub times: Option<u64>,
    /// And those only by chance.
    pub probability: Option<f64>,
}

/// What happens to a struck request. The module's documentation explains each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "the module documentation lists every kind with its keys"
)]
pub enum Action {
    Latency {
        ms: u64,
    },
    Status {
        status: u16,
        code: Option<String>,
        message: Option<String>,
        body: Option<Value>,
        #[serde(default)]
        after_commit: bool,
    },
    Html {
        status: u16,
        body: Option<String>,
        #[serde(default)]
        after_commit: bool,
    },
    Empty {
        status: u16,
        #[serde(default)]
        after_commit: bool,
    },
    Row {
        code: String,
        message: Option<String>,
        #[serde(default)]
        fields: Vec<String>,
    },
    Redirect {
        to: String,
        status: Option<u16>,
    },
    Limit {
        which: Limit,
    },
    Reset {},
    ResetAfterCommit {},
    Truncate {
        bytes: usize,
    },
    Slow {
        bytes_per_second: u32,
    },
    ExpireToken {},
    InvalidateLocators {},
    NextRecordsUrl {
        url: String,
    },
    InstanceUrl {
        url: String,
    },
    LateCommit {
        seconds: i64,
    },
    Headers {
        set: std::collections::BTreeMap<String, Option<String>>,
    },
}

/// Which limit is exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// That of 24 hours.
    Daily,
    /// That of long requests at one time.
    Concurrent,
}

impl Action {
    /// The word of the kind, for the ledger.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Action::Latency { .. } => "latency",
            Action::Status { .. } => "status",
            Action::Html { .. } => "html",
            Action::Empty { .. } => "empty",
            Action::Row { .. } => "row",
            Action::Redirect { .. } => "redirect",
            Action::Limit { .. } => "limit",
            Action::Reset {} => "reset",
            Action::ResetAfterCommit {} => "reset-after-commit",
            Action::Truncate { .. } => "truncate",
            Action::Slow { .. } => "slow",
            Action::ExpireToken {} => "expire-token",
            Action::InvalidateLocators {} => "invalidate-locators",
            Action::NextRecordsUrl { .. } => "next-records-url",
            Action::InstanceUrl { .. } => "instance-url",
            Action::LateCommit { .. } => "late-commit",
            Action::Headers { .. } => "headers",
        }
    }
}

/// The rules in force, with how often each has matched and struck.
#[derive(Debug)]
pub(super) struct Faults {
    rules: Vec<(Rule, Count)>,
    rng: Rng,
}

#[derive(Debug, Default, Clone, Copy)]
struct Count {
    matched: u64,
    struck: u64,
}

impl Faults {
    /// Rules that have not struck yet.
    pub(super) fn new(rules: Vec<Rule>, seed: u64) -> Self {
        Self {
            rules: rules
                .into_iter()
                .map(|rule| (rule, Count::default()))
                .collect(),
            rng: Rng::with_seed(seed),
        }
    }

    /// What happens to a request: the actions of every rule that strikes it, in the order of the rules.
    pub(super) fn strike(&mut self, call: &Call) -> Vec<Action> {
        let mut actions = Vec::new();
        for (rule, count) in &mut self.rules {
            let of_requests = !matches!(rule.action, Action::Row { .. });
            if of_requests
                && rule.matching.fits(call)
                && count.strikes(&rule.matching, &mut self.rng)
            {
                actions.push(rule.action.clone());
            }
        }
        actions
    }

    /// How a row of a request is refused, where a rule strikes it. `text` shows the row as JSON.
    pub(super) fn strike_row(
        &mut self,
        call: &Call,
        text: impl FnOnce() -> String,
    ) -> Option<Refusal> {
        let text = LazyCell::new(text);
        let mut refused = None;
        for (rule, count) in &mut self.rules {
            let Action::Row {
                code,
                message,
                fields,
            } = &rule.action
            else {
                continue;
            };
            let matching = &rule.matching;
            let fits = matching.fits_address(call)
                && matching
                    .contains
                    .as_ref()
                    .is_none_or(|part| text.contains(part));
            if fits && count.strikes(matching, &mut self.rng) {
                let message = message.as_deref().unwrap_or("a fault of the sandbox");
                refused = refused.or_else(|| Some(texts::rows::scripted(code, message, fields)));
            }
        }
        refused
    }
}

impl Count {
    fn strikes(&mut self, matching: &Match, rng: &mut Rng) -> bool {
        self.matched += 1;
        let Some(turn) = self.matched.checked_sub(matching.after + 1) else {
            return false;
        };
        let strikes = matching.times.is_none_or(|times| self.struck < times)
            && matching
                .every
                .is_none_or(|every| (turn + 1).is_multiple_of(every.max(1)))
            && matching
                .probability
                .is_none_or(|probability| rng.f64() < probability);
        self.struck += u64::from(strikes);
        strikes
    }
}

impl Match {
    fn fits(&self, call: &Call) -> bool {
        let contains = |text: &String| {
            let mut pairs = super::call::form_pairs(call.query.as_bytes());
            pairs.any(|(_, value)| value.contains(text.as_str())) || body_contains(&call.body, text)
        };
        self.fits_address(call) && self.contains.as_ref().is_none_or(contains)
    }

    fn fits_address(&self, call: &Call) -> bool {
        self.method
            .as_ref()
            .is_none_or(|method| call.method.as_str().eq_ignore_ascii_case(method))
            && self
                .path
                .as_ref()
                .is_none_or(|path| glob(path.as_bytes(), call.path.as_bytes()))
    }
}

/// Whether a body has a text in it, spelled as it was sent or by JSON escapes.
fn body_contains(body: &[u8], text: &str) -> bool {
    let sent = String::from_utf8_lossy(body);
    if sent.contains(text) {
        return true;
    }
    let escaped = sent.contains('\\');
    escaped
        && serde_json::from_slice::<Value>(body)
            .is_ok_and(|decoded| decoded.to_string().contains(text))
}

/// Whether a text fits a pattern in which `*` stands for any characters.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, matched)) = star else {
                    return false;
                };
                star = Some((at, matched + 1));
                p = at + 1;
                t = matched + 1;
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        for (pattern, text, fits) in [
            ("*", "/a/b", true),
            ("/a", "/a", true),
            ("/a", "/ab", false),
            (
                "/services/data/*/query*",
                "/services/data/v67.0/query/01g",
                true,
            ),
            (
                "/services/data/*/query",
                "/services/data/v67.0/query/01g",
                false,
            ),
            ("*b*b", "abab", true),
            ("", "/", false),
        ] {
            assert_eq!(
                glob(pattern.as_bytes(), text.as_bytes()),
                fits,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn after_every_and_times_count_matching_requests() {
        let matching = Match {
            after: 2,
            every: Some(3),
            times: Some(2),
            ..Match::default()
        };
        let (mut count, mut rng) = (Count::default(), Rng::with_seed(1));
        let struck: Vec<i32> = (1..=20)
            .filter(|_| count.strikes(&matching, &mut rng))
            .collect();
        assert_eq!(struck, [5, 8]);
    }
}
