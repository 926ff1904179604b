//! Campaigns as a table and as JSON.

use serde_json::{Map, Value, json};

use super::exit::Exit;
use super::ledger::moment;
use super::outcome::Outcome;
use super::table::{self, Cell};
use super::text::{BOLD, DIM, clean, line, paint};
use crate::foundation::error::Result;
use crate::store::Store;
use crate::store::model::{Campaign, MessageState};

/// A line a campaign, with its messages by state; and why one is held.
///
/// # Errors
/// What the store says.
pub(super) fn table_of(campaigns: &[Campaign], store: &dyn Store) -> Result<Outcome> {
    let (mut rows, mut json_rows, mut reasons) = (Vec::new(), Vec::new(), String::new());
    for campaign in campaigns {
        let counts = store.count_messages(Some(&campaign.name))?;
        rows.push(row(campaign, &counts));
        let counts: Map<String, Value> = counts
            .into_iter()
            .map(|(state, count)| (state.as_str().to_owned(), count.into()))
            .collect();
        json_rows.push(json!({
            "campaign": campaign.name,
            "state": campaign.state.as_str(),
            "reason": campaign.reason,
            "template": campaign.template,
            "began_at": campaign.began_at,
            "messages": counts,
        }));
        if let Some(reason) = &campaign.reason {
            let name = paint(BOLD, clean(&campaign.name));
            line(
                &mut reasons,
                format_args!(
                    "{name}: {} since {}, {}",
                    campaign.state.as_str(),
                    moment(campaign.at),
                    clean(reason)
                ),
            );
        }
    }
    let mut text = if rows.is_empty() {
        "no campaigns: one begins with the first run of a pipeline with a `broadcast`\n".to_owned()
    } else {
        table::render(
            &[
                "campaign",
                "state",
                "began",
                "waiting",
                "sent",
                "delivered",
                "read",
                "failed",
                "unknown",
            ],
            &rows,
        )
    };
    text.push_str(&reasons);
    Ok(Outcome::new(
        Exit::Done,
        json!({ "campaigns": json_rows }),
        text,
    ))
}

fn row(campaign: &Campaign, counts: &[(MessageState, u64)]) -> Vec<Cell> {
    let of = |states: &[MessageState]| {
        let own = counts.iter().filter(|(state, _)| states.contains(state));
        Cell::number(own.map(|(_, count)| count).sum())
    };
    vec![
        Cell::text(&campaign.name).style(BOLD),
        Cell::text(campaign.state.as_str()),
        Cell::text(&moment(campaign.began_at)).style(DIM),
        of(&[MessageState::Planned, MessageState::Dispatching]),
        of(&[MessageState::Accepted, MessageState::Sent]),
        of(&[MessageState::Delivered]),
        of(&[MessageState::Read]),
        of(&[MessageState::Failed, MessageState::Refused]),
        of(&[MessageState::Unknown]),
    ]
}
