//! The part of a store that sends messages: the send ledger, campaigns, and those who must not be written to.

use jiff::Timestamp;

use crate::foundation::error::Result;
use crate::foundation::event::Ledger;
use crate::foundation::id::{MessageId, PipelineName, RunId};
use crate::foundation::identity::IdentityHash;

use super::model::{
    Campaign, CampaignState, Hold, Lifting, MessageFilter, MessageRow, MessageState, NewAudit,
    Reserved, Reserving, Resolution, Sending, Suppression,
};

/// The send ledger.
pub trait Messages {
    /// Takes the pipeline's messages that are planned into the account of an open run, as read and pending, and those that
    /// a run left behind while it was sending them as read and unknown. Returns the ledger of the run after it.
    fn adopt_messages(
        &self,
        run_id: RunId,
        pipeline: &PipelineName,
        at: Timestamp,
    ) -> Result<Ledger>;

    /// The pipeline's messages that are planned and whose time has come, the longest waiting first; those of paused campaigns
    /// are left out.
    fn due_messages(
        &self,
        pipeline: &PipelineName,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<MessageRow>>;

    /// When the first planned message of the pipeline comes due; past instants too. Those of paused campaigns are left out.
    fn next_message(&self, pipeline: &PipelineName) -> Result<Option<Timestamp>>;

    /// How many planned messages of the pipeline wait for which reason.
    fn waiting_messages(&self, pipeline: &PipelineName) -> Result<Vec<(Option<Hold>, u64)>>;

    /// Reserves planned messages, each by itself, in one transaction; one answer for each, in their order. The transaction
    /// looks at suppressions, the cap and the campaign, so nobody is written to who opted out before it.
    fn reserve_messages(&self, reserving: &Reserving<'_>) -> Result<Vec<Reserved>>;

    /// Makes results durable: messages, dead letters, the events of their people and the run's ledger, which is returned.
    /// A message that a status has already brought further keeps its state.
    fn settle_messages(&self, sending: &Sending<'_>) -> Result<Ledger>;

    /// Messages, the latest planned first.
    fn messages(&self, filter: &MessageFilter) -> Result<Vec<MessageRow>>;

    /// Whether a campaign has, for any of these identities, a message that is not to be planned anew.
    fn messaged(&self, campaign: &str, who: &[IdentityHash]) -> Result<bool>;

    /// One message.
    fn message(&self, id: MessageId) -> Result<Option<MessageRow>>;

    /// How many messages of a campaign are in each state; of all campaigns where none is given.
    fn count_messages(&self, campaign: Option<&str>) -> Result<Vec<(MessageState, u64)>>;

    /// Decides about messages whose end is unknown; how many still were.
    fn resolve_messages(
        &self,
        ids: &[MessageId],
        as_: Resolution,
        at: Timestamp,
        audit: &NewAudit,
    ) -> Result<u64>;

    /// When a message of the campaign was last reserved.
    fn last_reserved(&self, campaign: &str) -> Result<Option<Timestamp>>;

    /// How many messages of the connection may have left since an instant, and when the first of them did. These are at
    /// least as many as the people they went to.
    fn written_since(&self, connection: &str, since: Timestamp)
    -> Result<(u64, Option<Timestamp>)>;

    /// Begins a campaign where it is new, or gives back what it is. One whose messages are all settled may change its content.
    ///
    /// # Errors
    /// `campaign-changed` where it has planned messages of another content.
    fn open_campaign(&self, campaign: &Campaign) -> Result<Campaign>;

    /// One campaign.
    fn campaign(&self, name: &str) -> Result<Option<Campaign>>;

    /// All campaigns, the latest begun first.
    fn campaigns(&self) -> Result<Vec<Campaign>>;

    /// Changes a campaign's state; whether there is one. What is planned of a stopped one expires when it would be sent.
    fn set_campaign(
        &self,
        name: &str,
        state: CampaignState,
        reason: Option<&str>,
        at: Timestamp,
        audit: Option<&NewAudit>,
    ) -> Result<bool>;

    /// Keeps people from being written to; the wider of two suppressions of one person is kept.
    fn suppress(&self, who: &[Suppression], audit: Option<&NewAudit>) -> Result<()>;

    /// Takes suppressions away, and the opt-outs of the people behind them, who may be written to from then on; how many
    /// suppressions there were.
    fn lift_suppression(&self, lifting: &Lifting<'_>) -> Result<u64>;

    /// The suppression of each, where one is in force at `now`, in their order.
    fn suppressed(&self, who: &[IdentityHash], now: Timestamp) -> Result<Vec<Option<Suppression>>>;

    /// The check of the key that the hashes were made with; `None` before the first.
    fn identity_check(&self) -> Result<Option<IdentityHash>>;

    /// Writes that check down where there is none, and says whether it is the one that is kept now.
    fn keep_identity_check(&self, check: IdentityHash) -> Result<bool>;
}
