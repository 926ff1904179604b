//! What a sandbox is started with, and what it tells when it is ready.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::faults::Rule;

/// What decides how a sandbox behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen; only loopback addresses are served. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Serve https with a self-signed certificate.
    pub tls: bool,
    /// Leads that are not deleted.
    pub leads: usize,
    /// Decides people, keys and tokens.
    pub seed: u64,
    /// How long every answer waits.
    pub latency: Duration,
    /// Faults that are in force from the start.
    pub faults: Vec<Rule>,
    /// What the clock shows at the start; the machine's time where nothing is given.
    pub clock: Option<Timestamp>,
    /// API calls in 24 hours.
    pub api_limit: u64,
    /// How long a session lives that nobody uses.
    pub session_lifetime: Duration,
    /// Where WhatsApp's events are delivered; nowhere without it.
    pub webhook: Option<String>,
}

impl Default for Settings {
    /// 500 leads of seed 1 on a free port of 127.0.0.1; 100,000 API calls a day, sessions of two hours.
    ///
    /// Source of the numbers: "Salesforce Developer Limits and Allocations Quick Reference" (Enterprise Edition);
    /// "Session Settings" in Salesforce Help (default time-out value).
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: false,
            leads: 500,
            seed: 1,
            latency: Duration::ZERO,
            faults: Vec::new(),
            clock: None,
            api_limit: 100_000,
            session_lifetime: Duration::from_hours(2),
            webhook: None,
        }
    }
}

/// How to reach a sandbox that is ready: one line of JSON on its standard output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ready {
    /// The My Domain address.
    pub salesforce_url: String,
    /// The Consumer Key of the app.
    pub consumer_key: String,
    /// Its Consumer Secret.
    pub api_key: String,
    /// The user as whom the key acts.
    pub username: String,
    /// That user's password, which every user of the seed has.
    pub password: String,
    /// The callback of `bridged connect` on its default port, which is registered with the app.
    pub callback_url: String,
    /// The address of the Graph API.
    pub whatsapp_url: String,
    /// An access token for it.
    pub whatsapp_token: String,
    /// The id of the number that sends.
    pub whatsapp_phone_number_id: String,
    /// The id of the business account that has the templates.
    pub whatsapp_business_account_id: String,
    /// What WhatsApp's deliveries are signed with.
    pub whatsapp_app_secret: String,
    /// What the webhook's set-up asks for.
    pub whatsapp_verify_token: String,
    /// The certificate to trust, where the sandbox serves https.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
}
