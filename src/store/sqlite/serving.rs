//! What the SQLite store does for messages and for a server, call by call.

use jiff::Timestamp;
use rusqlite::params;

use crate::foundation::error::Result;
use crate::foundation::event::Ledger;
use crate::foundation::id::{MessageId, PipelineName, RunId};
use crate::foundation::identity::IdentityHash;
use crate::store::messages::Messages;
use crate::store::model::{
    Answered, ApiToken, AppliedEvents, Campaign, CampaignState, ConnectionLock, Hold, Lifting,
    MessageFilter, MessageRow, MessageState, NewAudit, NewWebhook, Reserved, Reserving, Resolution,
    Sending, SettledTick, Suppression, Understood, WebhookRow,
};
use crate::store::serving::Serving;

use super::error::cannot;
use super::query::query;
use super::{SqliteStore, campaigns, lock, messages, sending, suppressions, tokens, webhooks};

impl Messages for SqliteStore {
    fn adopt_messages(
        &self,
        run_id: RunId,
        pipeline: &PipelineName,
        at: Timestamp,
    ) -> Result<Ledger> {
        messages::adopt(&mut self.connection(), run_id, pipeline, at)
    }

    fn due_messages(
        &self,
        pipeline: &PipelineName,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<MessageRow>> {
        messages::due(&self.connection(), pipeline, now, limit)
    }

    fn next_message(&self, pipeline: &PipelineName) -> Result<Option<Timestamp>> {
        messages::next(&self.connection(), pipeline)
    }

    fn waiting_messages(&self, pipeline: &PipelineName) -> Result<Vec<(Option<Hold>, u64)>> {
        messages::waiting(&self.connection(), pipeline)
    }

    fn reserve_messages(&self, reserving: &Reserving<'_>) -> Result<Vec<Reserved>> {
        sending::reserve(&mut self.connection(), reserving)
    }

    fn settle_messages(&self, sending: &Sending<'_>) -> Result<Ledger> {
        sending::settle(&mut self.connection(), sending)
    }

    fn messages(&self, filter: &MessageFilter) -> Result<Vec<MessageRow>> {
        messages::list(&self.connection(), filter)
    }

    fn messaged(&self, campaign: &str, who: &[IdentityHash]) -> Result<bool> {
        messages::messaged(&self.connection(), campaign, who)
    }

    fn message(&self, id: MessageId) -> Result<Option<MessageRow>> {
        messages::one(&self.connection(), id)
    }

    fn count_messages(&self, campaign: Option<&str>) -> Result<Vec<(MessageState, u64)>> {
        messages::count(&self.connection(), campaign)
    }

    fn resolve_messages(
        &self,
        ids: &[MessageId],
        as_: Resolution,
        at: Timestamp,
        audit: &NewAudit,
    ) -> Result<u64> {
        messages::resolve(&mut self.connection(), ids, as_, at, audit)
    }

    fn last_reserved(&self, campaign: &str) -> Result<Option<Timestamp>> {
        messages::last_reserved(&self.connection(), campaign)
    }

    fn written_since(
        &self,
        connection: &str,
        since: Timestamp,
    ) -> Result<(u64, Option<Timestamp>)> {
        messages::written_since(&self.connection(), connection, since)
    }

    fn open_campaign(&self, campaign: &Campaign) -> Result<Campaign> {
        campaigns::open(&mut self.connection(), campaign)
    }

    fn campaign(&self, name: &str) -> Result<Option<Campaign>> {
        campaigns::one(&self.connection(), name)
    }

    fn campaigns(&self) -> Result<Vec<Campaign>> {
        campaigns::all(&self.connection())
    }

    fn set_campaign(
        &self,
        name: &str,
        state: CampaignState,
        reason: Option<&str>,
        at: Timestamp,
        audit: Option<&NewAudit>,
    ) -> Result<bool> {
        campaigns::set(&mut self.connection(), name, state, reason, at, audit)
    }

    fn suppress(&self, who: &[Suppression], audit: Option<&NewAudit>) -> Result<()> {
        suppressions::add(&mut self.connection(), who, audit)
    }

    fn lift_suppression(&self, lifting: &Lifting<'_>) -> Result<u64> {
        suppressions::lift(&mut self.connection(), lifting)
    }

    fn suppressed(&self, who: &[IdentityHash], now: Timestamp) -> Result<Vec<Option<Suppression>>> {
        suppressions::of(&self.connection(), who, now)
    }

    fn identity_check(&self) -> Result<Option<IdentityHash>> {
        suppressions::check(&self.connection())
    }

    fn keep_identity_check(&self, check: IdentityHash) -> Result<bool> {
        suppressions::keep_check(&self.connection(), check)
    }
}

impl Serving for SqliteStore {
    fn lock_server(&self) -> Result<Option<ConnectionLock>> {
        // No pipeline's name begins with an underscore.
        Ok(match lock::take(&self.lock_dir, "_server")? {
            lock::Attempt::Taken(held) => Some(ConnectionLock::new("server", held)),
            lock::Attempt::Refused(_) => None,
        })
    }

    fn keep_webhooks(&self, webhooks: &[NewWebhook]) -> Result<Vec<bool>> {
        webhooks::keep(&mut self.connection(), webhooks)
    }

    fn waiting_webhooks(&self, limit: u32) -> Result<Vec<WebhookRow>> {
        webhooks::waiting(&self.connection(), limit)
    }

    fn webhooks_waiting(&self) -> Result<(u64, Option<Timestamp>)> {
        webhooks::count_waiting(&self.connection())
    }

    fn apply_webhooks(&self, understood: &[Understood], at: Timestamp) -> Result<AppliedEvents> {
        webhooks::apply(&mut self.connection(), understood, at)
    }

    fn settled_tick(&self, pipeline: &PipelineName) -> Result<Option<SettledTick>> {
        let found = query(
            &self.connection(),
            "read a schedule's time",
            "SELECT settled, schedule FROM ticks WHERE pipeline = ?1",
            params![pipeline.as_str()],
            |row| {
                let failed = cannot("read a schedule's time");
                Ok(SettledTick {
                    nominal: messages::instant(row.get(0).map_err(&failed)?)?,
                    schedule: row.get(1).map_err(&failed)?,
                })
            },
        )?;
        Ok(found.into_iter().next())
    }

    fn settle_tick(&self, pipeline: &PipelineName, tick: &SettledTick) -> Result<()> {
        self.connection()
            .prepare_cached(
                "INSERT INTO ticks (pipeline, settled, schedule) VALUES (?1, ?2, ?3)
                 ON CONFLICT (pipeline) DO UPDATE SET settled = max(settled, excluded.settled),
                    schedule = coalesce(excluded.schedule, schedule)",
            )
            .and_then(|mut put| {
                put.execute(params![
                    pipeline.as_str(),
                    tick.nominal.as_millisecond(),
                    tick.schedule
                ])
            })
            .map_err(cannot("settle a schedule's time"))?;
        Ok(())
    }

    fn add_token(&self, token: &ApiToken, audit: &NewAudit) -> Result<bool> {
        tokens::add(&mut self.connection(), token, audit)
    }

    fn remove_token(&self, name: &str, audit: &NewAudit) -> Result<bool> {
        tokens::remove(&mut self.connection(), name, audit)
    }

    fn tokens(&self) -> Result<Vec<ApiToken>> {
        tokens::all(&self.connection())
    }

    fn answered(&self, caller: &str, key: &str, since: Timestamp) -> Result<Option<Answered>> {
        tokens::answered(&self.connection(), caller, key, since)
    }

    fn keep_answer(&self, answered: &Answered, since: Timestamp) -> Result<()> {
        tokens::keep(&mut self.connection(), answered, since)
    }
}
