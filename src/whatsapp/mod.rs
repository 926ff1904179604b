//! The client of Meta's Graph API, as far as it is about WhatsApp: who sends, which templates may be sent, sending them, and what
//! comes back.
//!
//! The exchange itself (time-outs, caps, the address check, no redirects) is that of `salesforce::wire`. What a refusal means
//! is one table, `errors`.

pub mod client;
pub mod errors;
pub mod fit;
pub mod message;
pub mod pace;
pub mod reaction;
pub mod send;
pub mod sender;
pub mod settings;
pub mod template;
pub mod webhook;
mod wishes;
