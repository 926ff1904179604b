//! What several areas share: temporary projects, running the binary, comparing goldens.

pub(crate) mod binary;
pub(crate) mod consent;
pub(crate) mod golden;
pub(crate) mod jwt;
pub(crate) mod keys;
pub(crate) mod org;
pub(crate) mod people;
pub(crate) mod project;
pub(crate) mod proxy;
pub(crate) mod sandbox;
pub(crate) mod wire;
