//! The part of a store that a server needs: webhooks as they arrive, settled times of
//! schedules, tokens, and answers that are given again.

use jiff::Timestamp;

use crate::foundation::error::Result;
use crate::foundation::id::PipelineName;

use super::model::{
    Answered, ApiToken, AppliedEvents, ConnectionLock, NewAudit, NewWebhook, SettledTick,
    Understood, WebhookRow,
};

/// What a server keeps.
pub trait Serving {
    /// Takes the store for one server, over all processes; `None` where another has it. It ends as ST2 says.
    fn lock_server(&self) -> Result<Option<ConnectionLock>>;

    /// Keeps webhooks, all of them durable when it returns; whether each is new.
    fn keep_webhooks(&self, webhooks: &[NewWebhook]) -> Result<Vec<bool>>;

    /// Webhooks that wait, in the order of arrival.
    fn waiting_webhooks(&self, limit: u32) -> Result<Vec<WebhookRow>>;

    /// How many webhooks wait, and since when the first does.
    fn webhooks_waiting(&self) -> Result<(u64, Option<Timestamp>)>;

    /// Applies what was understood, in one transaction: messages, engagements, suppressions, campaigns; the webhooks wait no
    /// more, and their bodies are forgotten. Whatever comes twice, or in another order, gives the same.
    fn apply_webhooks(&self, understood: &[Understood], at: Timestamp) -> Result<AppliedEvents>;

    /// Up to which nominal time the ticks of a pipeline are settled, and by which schedule, where that is known.
    fn settled_tick(&self, pipeline: &PipelineName) -> Result<Option<SettledTick>>;

    /// Settles the ticks of a pipeline up to a nominal time, before the run of it starts. It never goes back.
    fn settle_tick(&self, pipeline: &PipelineName, tick: &SettledTick) -> Result<()>;

    /// Keeps a token; whether its name was free.
    fn add_token(&self, token: &ApiToken, audit: &NewAudit) -> Result<bool>;

    /// Takes a token away; whether there was one.
    fn remove_token(&self, name: &str, audit: &NewAudit) -> Result<bool>;

    /// All tokens, by name.
    fn tokens(&self) -> Result<Vec<ApiToken>>;

    /// What was answered under a caller's key, not before `since`.
    fn answered(&self, caller: &str, key: &str, since: Timestamp) -> Result<Option<Answered>>;

    /// Keeps an answer, and forgets those before `since`.
    fn keep_answer(&self, answered: &Answered, since: Timestamp) -> Result<()>;
}
