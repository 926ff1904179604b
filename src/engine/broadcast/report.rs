//! What a run says of its messages: what waits and why, what was kept back, what nobody knows the end of.

use std::collections::BTreeMap;

use crate::plan::step::broadcast::Broadcast;
use crate::store::model::Hold;

/// Who was not written to, by the reason.
pub fn kept_back(suppressed: &BTreeMap<String, u64>) -> Option<String> {
    let total: u64 = suppressed.values().sum();
    if total == 0 {
        return None;
    }
    let each: Vec<String> = suppressed
        .iter()
        .map(|(why, count)| format!("{count} {why}"))
        .collect();
    Some(format!(
        "{total} people were not written to: {}",
        each.join(", ")
    ))
}

/// What waits, by the reason, and what sends it.
pub fn waiting(waiting: &[(Option<Hold>, u64)], step: &Broadcast) -> Option<String> {
    let total: u64 = waiting.iter().map(|(_, count)| count).sum();
    if total == 0 {
        return None;
    }
    let each: Vec<String> = waiting
        .iter()
        .map(|(hold, count)| format!("{count} {}", words(*hold, step)))
        .collect();
    Some(format!(
        "{total} messages wait: {}; `bridged serve` sends them when their time comes, and so does a later run",
        each.join(", ")
    ))
}

fn words(hold: Option<Hold>, step: &Broadcast) -> String {
    match hold {
        None => "to be sent".to_owned(),
        Some(Hold::QuietHours) => {
            let end = step.section.quiet_hours.as_ref();
            let end = end.map_or_else(String::new, |quiet| format!(" until {}", quiet.to));
            format!("for the night to end where their people are{end}")
        }
        Some(Hold::ZoneUnknown) => {
            "because nobody knows their people's time zone (map an attribute `timezone`)".to_owned()
        }
        Some(Hold::Recipient) => "because their people had a message a moment ago".to_owned(),
        Some(Hold::Tier) => {
            "because the number wrote to as many people as it may in 24 hours".to_owned()
        }
        Some(Hold::Sender) => "because WhatsApp takes no more for now".to_owned(),
    }
}

/// The campaign is paused.
pub fn paused(step: &Broadcast) -> String {
    let campaign = &step.section.campaign;
    format!(
        "campaign-paused: campaign `{campaign}` is paused, and nothing of it is sent; `bridged campaign show {campaign}` says why"
    )
}

/// Messages of unknown end.
pub fn unknown(count: u64) -> String {
    format!(
        "{count} messages are unknown: their answers were lost, and they are not sent again by themselves; their statuses resolve \
         most, and `bridged unknown list` shows the others"
    )
}
