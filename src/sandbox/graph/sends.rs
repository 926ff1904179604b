//! The ledger of messages, what limits them, and how people answer.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::sandbox::sessions::letters;

/// What was posted, and what came of it.
#[derive(Debug, Clone, Serialize)]
pub(in crate::sandbox) struct Post {
    sequence: u64,
    at: Timestamp,
    pub(super) to: String,
    #[serde(skip)]
    pub(super) is_user: bool,
    template: String,
    language: String,
    callback: String,
    wamid: Option<String>,
    /// Meta's code, where it was refused.
    code: Option<i64>,
}

impl Post {
    pub(super) fn of(body: &Map<String, Value>, at: Timestamp) -> Self {
        let text = |value: Option<&Value>| {
            let text = value.and_then(Value::as_str).unwrap_or_default();
            text.to_owned()
        };
        let template = body.get("template");
        let field = |name: &str| template.and_then(|template| template.get(name));
        let user = body.get("recipient").and_then(Value::as_str);
        Self {
            sequence: 0,
            at,
            to: text(body.get("to").or_else(|| body.get("recipient"))),
            is_user: user.is_some(),
            template: text(field("name")),
            language: text(field("language").and_then(|language| language.get("code"))),
            callback: text(body.get("biz_opaque_callback_data")),
            wamid: None,
            code: None,
        }
    }
}

/// How people and Meta behave behind a message. Shares are of 1, and decided by the person's number and the seed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::sandbox) struct Behaviour {
    /// Before each further event.
    pub(in crate::sandbox) delay_ms: u64,
    /// Of those that are delivered.
    pub(in crate::sandbox) read: f64,
    /// Of those that are read.
    pub(in crate::sandbox) replied: f64,
    /// Of those that reply: they ask for no more messages.
    pub(in crate::sandbox) opted_out: f64,
    /// Fail in place of being delivered.
    pub(in crate::sandbox) failed: f64,
    /// With this code.
    pub(in crate::sandbox) failed_code: i64,
    /// Each delivery is made so many times more.
    pub(in crate::sandbox) duplicates: u32,
    /// The events of a message come in a wrong order.
    pub(in crate::sandbox) shuffled: bool,
    /// Events in one delivery at the most.
    pub(in crate::sandbox) batch: usize,
    /// Messages a second that the number takes.
    pub(in crate::sandbox) rate: u32,
    /// Seconds between two messages to one person.
    pub(in crate::sandbox) pair_seconds: u64,
}

impl Default for Behaviour {
    /// The rate and the pair's rest are those of Meta's "Throughput".
    fn default() -> Self {
        Self {
            delay_ms: 20,
            read: 0.6,
            replied: 0.3,
            opted_out: 0.05,
            failed: 0.0,
            failed_code: 131_026,
            duplicates: 0,
            shuffled: false,
            batch: 1,
            rate: 80,
            pair_seconds: 6,
        }
    }
}

/// An event that is to be delivered.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Due {
    pub(in crate::sandbox) at: Instant,
    /// The field of the change: `messages`, …
    pub(in crate::sandbox) field: &'static str,
    /// The list it stands in: `statuses`, `messages`, …; empty where it is the value itself.
    pub(in crate::sandbox) list: &'static str,
    pub(in crate::sandbox) event: Value,
    /// How often its delivery failed.
    pub(in crate::sandbox) failures: u32,
}

/// Everything that was posted.
#[derive(Debug)]
pub(in crate::sandbox) struct Sends {
    seed: u64,
    posts: Vec<Post>,
    accepted: u64,
    recent: VecDeque<Instant>,
    last_to: HashMap<String, Instant>,
    pub(in crate::sandbox) behaviour: Behaviour,
    pub(in crate::sandbox) due: Vec<Due>,
    /// Where events go; they are not kept for later where it is not known.
    pub(in crate::sandbox) webhook: Option<String>,
}

/// One second, in which the rate is counted.
const SECOND: Duration = Duration::from_secs(1);

impl Sends {
    pub(in crate::sandbox) fn new(seed: u64) -> Self {
        Self {
            seed,
            posts: Vec::new(),
            accepted: 0,
            recent: VecDeque::new(),
            last_to: HashMap::new(),
            behaviour: Behaviour::default(),
            due: Vec::new(),
            webhook: None,
        }
    }

    /// Whether the limits let a message through; Meta's code where they do not.
    pub(super) fn admit(&mut self, to: &str) -> Result<(), i64> {
        let now = Instant::now();
        while self.recent.front().is_some_and(|at| now - *at >= SECOND) {
            self.recent.pop_front();
        }
        if self.recent.len() >= self.behaviour.rate as usize {
            return Err(130_429);
        }
        let rest = Duration::from_secs(self.behaviour.pair_seconds);
        if self.last_to.get(to).is_some_and(|at| now - *at < rest) {
            return Err(131_056);
        }
        self.recent.push_back(now);
        self.last_to.insert(to.to_owned(), now);
        Ok(())
    }

    pub(super) fn refuse(&mut self, post: Post, code: i64) {
        self.keep(Post {
            code: Some(code),
            ..post
        });
    }

    /// Takes a message, and plans what comes of it.
    pub(super) fn accept(&mut self, post: Post) -> String {
        self.accepted += 1;
        // No two messages have one id, those of another sandbox neither.
        let told = format!(
            "message {} {} {} {} {}",
            self.seed, self.accepted, post.at, post.to, post.callback
        );
        let wamid = format!("wamid.{}", letters(&told, 40));
        self.plan(&post, &wamid);
        self.keep(Post {
            wamid: Some(wamid.clone()),
            ..post
        });
        wamid
    }

    fn keep(&mut self, post: Post) {
        let sequence = self.posts.len() as u64 + 1;
        self.posts.push(Post { sequence, ..post });
    }

    /// The messages, all or those to one person.
    pub(in crate::sandbox) fn posts(&self, to: Option<&str>) -> Vec<&Post> {
        let digits = |text: &str| text.trim_start_matches('+').to_owned();
        let wanted = to.map(digits);
        self.posts
            .iter()
            .filter(|post| {
                wanted
                    .as_ref()
                    .is_none_or(|wanted| digits(&post.to) == *wanted)
            })
            .collect()
    }

    /// How many posts each person had, and how many of them were taken.
    pub(in crate::sandbox) fn recipients(&self) -> Value {
        let mut all: HashMap<&str, (u64, u64)> = HashMap::new();
        for post in &self.posts {
            let counts = all.entry(&post.to).or_default();
            counts.0 += 1;
            counts.1 += u64::from(post.wamid.is_some());
        }
        let rows: Map<String, Value> = all
            .into_iter()
            .map(|(to, (posts, taken))| {
                (to.to_owned(), json!({ "posts": posts, "accepted": taken }))
            })
            .collect();
        Value::Object(rows)
    }

    /// A number of a person between 0 and 1, always the same.
    fn share(&self, to: &str, what: &str) -> f64 {
        let text = format!("{what} {} {to}", self.seed);
        let hash = digest(&SHA256, text.as_bytes());
        let bytes = hash.as_ref();
        f64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
            / f64::from(u32::MAX)
    }

    /// What a person writes back.
    fn answer(&self, to: &str, stops: bool) -> &'static str {
        const STOPS: [&str; 4] = ["STOP", "Abmelden", "BAJA", "Arrêt"];
        if !stops {
            return "Sounds good, call me";
        }
        let pick = (self.share(to, "word") * STOPS.len() as f64) as usize;
        STOPS[pick.min(STOPS.len() - 1)]
    }

    fn plan(&mut self, post: &Post, wamid: &str) {
        if self.webhook.is_none() {
            return;
        }
        let Behaviour {
            delay_ms,
            read,
            replied,
            opted_out,
            failed,
            failed_code,
            shuffled,
            ..
        } = self.behaviour;
        let to = post.to.clone();
        let happens = |sends: &Self, what: &str, share: f64| sends.share(&to, what) < share;
        let status = |word: &str| {
            let mut event = json!({
                "id": wamid,
                "status": word,
                "timestamp": post.at.as_second().to_string(),
                "pricing": { "billable": true, "pricing_model": "PMP", "category": "marketing", "type": "regular" },
                "biz_opaque_callback_data": post.callback,
            });
            let who = if post.is_user {
                "recipient_user_id"
            } else {
                "recipient_id"
            };
            event[who] = json!(to);
            event
        };
        let mut events = vec![("statuses", status("sent"))];
        if happens(self, "failed", failed) {
            let mut event = status("failed");
            event["errors"] =
                json!([{ "code": failed_code, "title": "The sandbox was told to fail" }]);
            events.push(("statuses", event));
        } else {
            events.push(("statuses", status("delivered")));
            if happens(self, "read", read) {
                events.push(("statuses", status("read")));
                if happens(self, "replied", replied) {
                    let said = self.answer(&to, happens(self, "opted_out", opted_out));
                    let event = reply(wamid, &to, post.is_user, said, post.at);
                    events.push(("messages", event));
                }
            }
        }
        if shuffled {
            events.reverse();
        }
        let now = Instant::now();
        for (step, (list, event)) in events.into_iter().enumerate() {
            let at = now + Duration::from_millis(delay_ms * (step as u64 + 1));
            self.due.push(Due {
                at,
                field: "messages",
                list,
                event,
                failures: 0,
            });
        }
    }

    /// Plans an event that a test asks for.
    pub(in crate::sandbox) fn push(
        &mut self,
        field: &'static str,
        list: &'static str,
        event: Value,
    ) {
        self.due.push(Due {
            at: Instant::now(),
            field,
            list,
            event,
            failures: 0,
        });
    }

    /// Takes out what is due.
    pub(in crate::sandbox) fn take_due(&mut self) -> Vec<Due> {
        let now = Instant::now();
        let (mut due, later) = std::mem::take(&mut self.due)
            .into_iter()
            .partition::<Vec<Due>, _>(|one| one.at <= now);
        self.due = later;
        due.sort_by_key(|one| one.at);
        due
    }
}

fn reply(wamid: &str, from: &str, is_user: bool, said: &str, at: Timestamp) -> Value {
    let mut message = json!({
        "id": format!("wamid.{}", letters(&format!("reply {wamid}"), 40)),
        "timestamp": at.as_second().to_string(),
        "type": "text",
        "text": { "body": said },
        "context": { "from": "16505550123", "id": wamid },
    });
    message[if is_user { "from_user_id" } else { "from" }] = json!(from);
    message
}
