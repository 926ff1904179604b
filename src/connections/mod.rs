//! The accounts of a project: their credentials from variables, files and the vault, and how they are connected and revoked.

mod pages;

pub mod attempts;
pub mod connect;
pub mod credentials;
pub mod door;
pub mod keeper;
pub mod listener;
pub mod overview;
pub mod reference;
pub mod revoke;
