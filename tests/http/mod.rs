//! The HTTP side on real sockets: roles, limits, records that come in, and webhooks.

mod api;
mod limits;
mod scene;
mod webhooks;
