//! The vault and the audit log: what is sealed, which keys open it, and what changes leave behind.

mod audit;
mod child;
mod commands;
mod files;
mod keys;
mod rotation;
mod sample;
mod sealing;
mod secrecy;
