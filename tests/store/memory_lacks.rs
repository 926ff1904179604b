//! What the store in memory does not keep: messages, webhooks, and what is forgotten.

use bridged::foundation::error::Result;
use bridged::foundation::event::Ledger;
use bridged::foundation::id::{MessageId, PipelineName, RunId};
use bridged::foundation::identity::IdentityHash;
use bridged::store::messages::Messages;
use bridged::store::model::{
    Answered, ApiToken, AppliedEvents, Campaign, CampaignState, ConnectionLock, DeadLetterRow,
    Erased, Erasure, Forgotten, Hold, Lifting, Listed, MessageFilter, MessageRow, MessageState,
    NewAudit, NewWebhook, Reserved, Reserving, Resolution, Sending, SettledTick, Suppression,
    Understood, WebhookRow,
};
use bridged::store::privacy::{KeySource, Privacy};
use bridged::store::serving::Serving;
use jiff::Timestamp;

use super::memory::Memory;

/// Messages are not part of the simplest form: their sentences are tested on SQLite, where their transactions are.
const NO_MESSAGES: &str = "the store in memory keeps no messages and no webhooks";

impl Messages for Memory {
    fn adopt_messages(&self, _: RunId, _: &PipelineName, _: Timestamp) -> Result<Ledger> {
        unreachable!("{NO_MESSAGES}")
    }
    fn due_messages(&self, _: &PipelineName, _: Timestamp, _: u32) -> Result<Vec<MessageRow>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn next_message(&self, _: &PipelineName) -> Result<Option<Timestamp>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn waiting_messages(&self, _: &PipelineName) -> Result<Vec<(Option<Hold>, u64)>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn reserve_messages(&self, _: &Reserving<'_>) -> Result<Vec<Reserved>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn settle_messages(&self, _: &Sending<'_>) -> Result<Ledger> {
        unreachable!("{NO_MESSAGES}")
    }
    fn messages(&self, _: &MessageFilter) -> Result<Vec<MessageRow>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn messaged(&self, _: &str, _: &[IdentityHash]) -> Result<bool> {
        unreachable!("{NO_MESSAGES}")
    }
    fn message(&self, _: MessageId) -> Result<Option<MessageRow>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn count_messages(&self, _: Option<&str>) -> Result<Vec<(MessageState, u64)>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn resolve_messages(
        &self,
        _: &[MessageId],
        _: Resolution,
        _: Timestamp,
        _: &NewAudit,
    ) -> Result<u64> {
        unreachable!("{NO_MESSAGES}")
    }
    fn written_since(&self, _: &str, _: Timestamp) -> Result<(u64, Option<Timestamp>)> {
        unreachable!("{NO_MESSAGES}")
    }
    fn last_reserved(&self, _: &str) -> Result<Option<Timestamp>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn open_campaign(&self, _: &Campaign) -> Result<Campaign> {
        unreachable!("{NO_MESSAGES}")
    }
    fn campaign(&self, _: &str) -> Result<Option<Campaign>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn campaigns(&self) -> Result<Vec<Campaign>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn set_campaign(
        &self,
        _: &str,
        _: CampaignState,
        _: Option<&str>,
        _: Timestamp,
        _: Option<&NewAudit>,
    ) -> Result<bool> {
        unreachable!("{NO_MESSAGES}")
    }
    fn suppress(&self, _: &[Suppression], _: Option<&NewAudit>) -> Result<()> {
        unreachable!("{NO_MESSAGES}")
    }
    fn lift_suppression(&self, _: &Lifting<'_>) -> Result<u64> {
        unreachable!("{NO_MESSAGES}")
    }
    fn suppressed(&self, _: &[IdentityHash], _: Timestamp) -> Result<Vec<Option<Suppression>>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn identity_check(&self) -> Result<Option<IdentityHash>> {
        Ok(None)
    }
    fn keep_identity_check(&self, _: IdentityHash) -> Result<bool> {
        unreachable!("{NO_MESSAGES}")
    }
}

impl Serving for Memory {
    fn lock_server(&self) -> Result<Option<ConnectionLock>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn keep_webhooks(&self, _: &[NewWebhook]) -> Result<Vec<bool>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn waiting_webhooks(&self, _: u32) -> Result<Vec<WebhookRow>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn webhooks_waiting(&self) -> Result<(u64, Option<Timestamp>)> {
        unreachable!("{NO_MESSAGES}")
    }
    fn apply_webhooks(&self, _: &[Understood], _: Timestamp) -> Result<AppliedEvents> {
        unreachable!("{NO_MESSAGES}")
    }
    fn settled_tick(&self, _: &PipelineName) -> Result<Option<SettledTick>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn settle_tick(&self, _: &PipelineName, _: &SettledTick) -> Result<()> {
        unreachable!("{NO_MESSAGES}")
    }
    fn add_token(&self, _: &ApiToken, _: &NewAudit) -> Result<bool> {
        unreachable!("{NO_MESSAGES}")
    }
    fn remove_token(&self, _: &str, _: &NewAudit) -> Result<bool> {
        unreachable!("{NO_MESSAGES}")
    }
    fn tokens(&self) -> Result<Vec<ApiToken>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn answered(&self, _: &str, _: &str, _: Timestamp) -> Result<Option<Answered>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn keep_answer(&self, _: &Answered, _: Timestamp) -> Result<()> {
        unreachable!("{NO_MESSAGES}")
    }
}

impl Privacy for Memory {
    fn recognize_by(&self, _: KeySource) {}
    fn erase(&self, _: &Erasure<'_>) -> Result<Erased> {
        unreachable!("{NO_MESSAGES}")
    }
    fn lift_erasures(&self, _: &[Listed], _: &NewAudit) -> Result<u64> {
        unreachable!("{NO_MESSAGES}")
    }
    fn are_erased(&self, names: &[&str]) -> Result<Vec<bool>> {
        Ok(vec![false; names.len()])
    }
    fn unapplied_erasures(&self) -> Result<Vec<Listed>> {
        Ok(Vec::new())
    }
    fn names(&self, _: Option<&str>, _: u32) -> Result<Vec<String>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn people_of(&self, _: &[IdentityHash]) -> Result<Vec<String>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn messages_of(&self, _: &[String], _: &[IdentityHash]) -> Result<Vec<MessageRow>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn letters_of(&self, _: &[String]) -> Result<Vec<DeadLetterRow>> {
        unreachable!("{NO_MESSAGES}")
    }
    fn forget(&self, _: Timestamp, _: u32) -> Result<Forgotten> {
        unreachable!("{NO_MESSAGES}")
    }
}
