//! The number that sends, as the Graph API describes it.

use serde::Deserialize;

/// A business phone number (Meta, "WhatsApp Business Account Phone Number API").
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Sender {
    /// Its id, as it was asked for.
    pub id: String,
    /// The number as people read it: `+1 650-555-0123`.
    #[serde(default)]
    pub display_phone_number: Option<String>,
    /// The name that Meta verified.
    #[serde(default)]
    pub verified_name: Option<String>,
    /// `GREEN`, `YELLOW`, `RED`, or `NA` or `UNKNOWN` for a number that has sent little.
    #[serde(default)]
    pub quality_rating: Option<String>,
    /// `CONNECTED`, or what keeps it from sending.
    #[serde(default)]
    pub status: Option<String>,
    /// Whether the display name was approved; `APPROVED`, `AVAILABLE_WITHOUT_REVIEW`, `DECLINED`, …
    #[serde(default)]
    pub name_status: Option<String>,
    /// How many people it may write to in 24 hours, as `TIER_…`. The limit belongs to the business portfolio.
    #[serde(default, rename = "whatsapp_business_manager_messaging_limit")]
    pub messaging_limit: Option<String>,
}

impl Sender {
    /// Everything that is asked for, in the form of the `fields` parameter.
    pub(super) const FIELDS: &'static str = "id,display_phone_number,verified_name,quality_rating,status,name_status,\
        whatsapp_business_manager_messaging_limit";

    /// What Graph versions without a messaging limit of the portfolio know too.
    pub(super) const OLDER_FIELDS: &'static str =
        "id,display_phone_number,verified_name,quality_rating,status,name_status";

    /// The number and its verified name: `+1 650-555-0123, Acme`; the id where neither is told.
    pub fn shown(&self) -> String {
        match (&self.display_phone_number, &self.verified_name) {
            (Some(number), Some(name)) => format!("{number}, {name}"),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => format!("number {}", self.id),
        }
    }

    /// How Meta rates what it sends.
    pub fn quality(&self) -> Quality {
        match self.quality_rating.as_deref() {
            Some("GREEN") => Quality::High,
            Some("YELLOW") => Quality::Medium,
            Some("RED") => Quality::Low,
            _ => Quality::Unknown,
        }
    }

    /// How the review of the display name stands, where it is not approved. Meta refuses messages of some numbers then.
    pub fn name_in_doubt(&self) -> Option<&str> {
        let status = self.name_status.as_deref()?;
        let is_fine = matches!(status, "APPROVED" | "AVAILABLE_WITHOUT_REVIEW" | "NONE");
        (!is_fine).then_some(status)
    }

    /// Whether it can send.
    pub fn standing(&self) -> Standing<'_> {
        match self.status.as_deref() {
            None => Standing::NotTold,
            // A number that is rated low is flagged, and still sends; the quality tells.
            Some("CONNECTED" | "FLAGGED") => Standing::Connected,
            Some(status @ ("RESTRICTED" | "RATE_LIMITED")) => Standing::LimitReached(status),
            Some(status @ "BANNED") => Standing::Banned(status),
            Some(status) => Standing::NotConnected(status),
        }
    }
}

/// How Meta rates a number by what people think of its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    /// `GREEN`.
    High,
    /// `YELLOW`.
    Medium,
    /// `RED`.
    Low,
    /// It has sent too little to be rated.
    Unknown,
}

impl Quality {
    /// `high`, `medium`, `low` or `not rated`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Quality::High => "high",
            Quality::Medium => "medium",
            Quality::Low => "low",
            Quality::Unknown => "not rated",
        }
    }
}

/// Whether a number can send. Meta ("Business phone numbers"): it must be connected in order to send. What the other words mean is
/// told alike by several resellers ("Phone number statuses"); `RATE_LIMITED` is *unconfirmed*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    /// It can.
    Connected,
    /// Meta does not say.
    NotTold,
    /// It cannot, for this status: `PENDING`, `DISCONNECTED`, `UNVERIFIED`, …
    NotConnected(&'a str),
    /// It wrote to as many people as it may in 24 hours: `RESTRICTED`, `RATE_LIMITED`.
    LimitReached(&'a str),
    /// Meta took the right away: `BANNED`.
    Banned(&'a str),
}
