//! Sending: one message, one request, and a clear word about how it ended.
//!
//! A second request would be a second message on a person's phone, because Meta recognises no repetition. So nothing here
//! repeats a request, and what may have left is told from what did not (I22).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;

use crate::foundation::code::Code;
use crate::foundation::error::Error;
use crate::foundation::identity::Identity;
use crate::salesforce::refusal::{Failure, Scrub};
use crate::salesforce::wire::{Answer, Purpose, secret_header};

use super::client::Client;
use super::errors;
use super::message::Message;
use super::reaction::{self, Reaction, Said};

/// Sends messages. It is made of a [`Client`], which cannot: whoever holds a client alone sends nothing (I11).
#[derive(Clone)]
pub struct Messenger {
    client: Client,
    requests: Arc<AtomicU64>,
}

/// How a request ended.
#[derive(Debug)]
pub enum Sent {
    /// WhatsApp took the message.
    Accepted(Accepted),
    /// It did not, and nothing was sent.
    Refused(Refusal),
    /// No connection was made, so nothing was sent.
    Unsent(Error),
    /// It may have been sent.
    Unclear(Error),
}

/// A message that WhatsApp took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Meta's id of it.
    pub wamid: String,
    /// `accepted`, `held_for_quality_assessment` or `paused`, where it is told.
    pub status: Option<String>,
    /// What Meta knows the person by besides what was sent to.
    pub others: Vec<Identity>,
}

/// A message that was refused.
#[derive(Debug)]
pub struct Refusal {
    /// What to do about it.
    pub reaction: Reaction,
    /// Meta's code; `None` where a gateway refused.
    pub code: Option<i64>,
    /// Named, with Meta's words.
    pub error: Error,
    /// How long Meta asks to wait.
    pub retry_after: Option<Duration>,
}

/// An answer to a message (Meta, "Cloud API, Messages").
#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    contacts: Vec<Contact>,
    #[serde(default)]
    messages: Vec<Taken>,
}

#[derive(Deserialize)]
struct Contact {
    #[serde(default)]
    wa_id: Option<String>,
    #[serde(default)]
    user_id: Option<String>,
}

#[derive(Deserialize)]
struct Taken {
    id: String,
    #[serde(default)]
    message_status: Option<String>,
}

/// The longest id that is taken for one of Meta's.
const MAX_WAMID: usize = 256;

impl Messenger {
    /// A sender through this client's number.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            requests: Arc::default(),
        }
    }

    /// The client that reads.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// How many requests were made.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Sends a message: exactly one request, whatever comes of it. `callback` comes back with each status.
    pub async fn send(&self, message: &Message, callback: &str) -> Sent {
        self.requests.fetch_add(1, Ordering::Relaxed);
        match self.post(message, callback).await {
            Ok(answer) => answered(message, &answer, &self.scrub(message)),
            Err(failure) if failure.maybe_done => Sent::Unclear(failure.error),
            Err(failure) if failure.error.code() == Code::RedirectRefused => {
                // What a redirect's first host did with the body nobody knows.
                Sent::Unclear(failure.error)
            }
            Err(failure) => Sent::Unsent(errors::helped(failure).error),
        }
    }

    async fn post(&self, message: &Message, callback: &str) -> Result<Answer, Failure> {
        let settings = self.client.settings();
        let url = self
            .client
            .url(&[&settings.phone_number_id, "messages"], &[])?;
        let token = settings.access_token.expose();
        let body = message.wire_body(callback).to_string();
        let request = self
            .client
            .wire()
            .request(Method::POST, url)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, secret_header("Bearer", token)?)
            .body(body);
        let scrub = self.scrub(message);
        self.client
            .wire()
            .send(request, Purpose::Write, &scrub)
            .await
    }

    /// The token and the person's number stand in no error.
    fn scrub<'a>(&'a self, message: &'a Message) -> Scrub<'a> {
        let token = self.client.settings().access_token.expose();
        Scrub::new([token, message.to.trim_start_matches('+')])
    }
}

fn answered(message: &Message, answer: &Answer, scrub: &Scrub<'_>) -> Sent {
    if (200..300).contains(&answer.status) {
        return accepted(message, &answer.body);
    }
    let Some((code, is_transient)) = errors::stated(&answer.body) else {
        let failure = errors::refusal(answer.status, &answer.headers, &answer.body, scrub);
        // A gateway's refusal with 4xx never reached Meta; of everything else nobody knows.
        return if (400..500).contains(&answer.status) {
            Sent::Refused(Refusal {
                reaction: by_status(answer.status),
                code: None,
                retry_after: failure.retry_after,
                error: failure.error,
            })
        } else {
            Sent::Unclear(failure.error)
        };
    };
    let reaction = reaction::reaction(Said {
        code,
        status: Some(answer.status),
        is_transient,
    });
    let failure = errors::refused(answer, scrub, errors::of_reaction(reaction));
    if reaction == Reaction::Unknown {
        return Sent::Unclear(failure.error);
    }
    Sent::Refused(Refusal {
        reaction,
        code: Some(code),
        retry_after: failure.retry_after,
        error: failure.error,
    })
}

fn by_status(status: u16) -> Reaction {
    match status {
        401 | 403 | 404 => Reaction::Config,
        408 | 429 => Reaction::Backoff(reaction::Whose::Account, 8),
        _ => Reaction::Data,
    }
}

/// A success tells an id; without one nobody knows what became of the message.
fn accepted(message: &Message, body: &[u8]) -> Sent {
    let unclear = |why: &str| Sent::Unclear(errors::error(Code::AnswerUnreadable, why));
    let Ok(body) = serde_json::from_slice::<Body>(body) else {
        return unclear("WhatsApp answered with success, and its answer cannot be read");
    };
    let taken = body.messages.into_iter().next();
    let fits = |id: &str| {
        (1..=MAX_WAMID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let Some(taken) = taken.filter(|taken| fits(&taken.id)) else {
        return unclear("WhatsApp answered with success, and told no id of the message");
    };
    let mut others: Vec<Identity> = Vec::new();
    if let Some(contact) = body.contacts.into_iter().next() {
        let own = Identity::phone(&message.to).or_else(|| Identity::user(&message.to));
        let number = contact.wa_id.as_deref().and_then(Identity::phone);
        let user = contact.user_id.as_deref().and_then(Identity::user);
        let told = number.into_iter().chain(user);
        others.extend(told.filter(|identity| Some(identity) != own.as_ref()));
    }
    Sent::Accepted(Accepted {
        wamid: taken.id,
        status: taken.message_status.filter(|word| word.len() <= 64),
        others,
    })
}
