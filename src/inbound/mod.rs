//! What comes in from WhatsApp, on its way from the webhook into the store.
