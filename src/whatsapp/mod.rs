//! The client of Meta's Graph API, as far as it is about WhatsApp: who sends, and which templates may be sent.
//!
//! The exchange itself (time-outs, caps, the address check, no redirects) is that of `salesforce::wire`. What a refusal means
//! is one table, `errors`.

pub mod client;
pub mod errors;
pub mod sender;
pub mod settings;
pub mod template;
