//! The SOQL grammar: what parses, and the message for what does not.

mod accept;
mod condition;
mod limits;
mod literal;
mod reject;
mod text;
