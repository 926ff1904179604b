//! The web server flow as an app and a person drive it, for the tests of its parts.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::client::{Bench, Reply, reply};
use crate::support::consent::{Browser, returned};

pub(super) const TOKEN: &str = "/services/oauth2/token";
/// 43 characters, the least that a verifier may have.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const CALLBACK: &str = "http://localhost:8910/auth/salesforce/callback";

/// The S256 challenge of a verifier.
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

/// Error and description of an answer of the token endpoint, with the status.
pub(super) fn oauth_error((status, body): &Reply) -> (u16, &str, &str) {
    let text = |key: &str| body[key].as_str().unwrap_or_default();
    (status.as_u16(), text("error"), text("error_description"))
}

impl Bench {
    /// The address that an app opens, with some parameters changed: an empty value leaves one out.
    pub(super) fn authorize_url(&self, changes: &[(&str, &str)]) -> String {
        let challenge = challenge(VERIFIER);
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", self.sandbox.ready().consumer_key.as_str()),
            ("redirect_uri", CALLBACK),
            ("scope", "api refresh_token"),
            ("state", "st&te=1"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in changes {
            pairs.retain(|(known, _)| known != name);
            if !value.is_empty() {
                pairs.push((name, value));
            }
        }
        let mut url = url::Url::parse(&self.url("/services/oauth2/authorize")).unwrap();
        url.query_pairs_mut().extend_pairs(pairs);
        url.into()
    }

    /// A code that the ready line's user granted.
    pub(super) async fn code(&self, changes: &[(&str, &str)]) -> String {
        self.code_in(&mut Browser::new(), changes).await
    }

    /// The same, in a browser that may be logged in already.
    pub(super) async fn code_in(&self, browser: &mut Browser, changes: &[(&str, &str)]) -> String {
        let ready = self.sandbox.ready();
        let url = self.authorize_url(changes);
        let back = browser
            .approve(&url, &ready.username, &ready.password)
            .await;
        returned(&back)
            .remove("code")
            .unwrap_or_else(|| panic!("no code: {back}"))
    }

    /// Posts a form to the token endpoint.
    pub(super) async fn grant(&self, pairs: &[(&str, &str)]) -> Reply {
        reply(self.http.post(self.url(TOKEN)).form(pairs)).await
    }

    /// Exchanges a code, with some parameters changed: an empty value leaves one out.
    pub(super) async fn exchange(&self, code: &str, changes: &[(&str, &str)]) -> Reply {
        let pairs = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.grant(&self.with_client(pairs, changes)).await
    }

    /// Refreshes, with some parameters changed.
    pub(super) async fn refresh(&self, token: &str, changes: &[(&str, &str)]) -> Reply {
        let pairs = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
        self.grant(&self.with_client(pairs, changes)).await
    }

    fn with_client<'a>(
        &'a self,
        mut pairs: Vec<(&'a str, &'a str)>,
        changes: &[(&'a str, &'a str)],
    ) -> Vec<(&'a str, &'a str)> {
        let ready = self.sandbox.ready();
        pairs.push(("client_id", &ready.consumer_key));
        pairs.push(("client_secret", &ready.api_key));
        for (name, value) in changes {
            pairs.retain(|(known, _)| known != name);
            if !value.is_empty() {
                pairs.push((name, value));
            }
        }
        pairs
    }

    /// The tokens of a whole flow.
    pub(super) async fn connect(&self) -> Value {
        let code = self.code(&[]).await;
        let (status, tokens) = self.exchange(&code, &[]).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    /// The status of a call with an access token.
    pub(super) async fn status_with(&self, token: &str) -> u16 {
        self.limits_with(token).await.0.as_u16()
    }

    /// The answer to a call with an access token.
    pub(super) async fn limits_with(&self, token: &str) -> Reply {
        let url = self.url(&format!("{}/limits", super::client::V));
        reply(self.http.get(url).bearer_auth(token)).await
    }
}

/// A member of a token answer.
pub(super) fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name}: {tokens}"))
}
