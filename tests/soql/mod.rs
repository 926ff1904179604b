//! The SOQL grammar: what parses, and the message for what does not.
