//! The JWT bearer grant: a statement signed with the app's private key says as whom to sign in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::json;
use url::Url;

use super::token_endpoint::{self, Form, Tokens};
use crate::foundation::clock::Clock;
use crate::foundation::secret::Secret;
use crate::salesforce::refusal::Failure;
use crate::salesforce::signing_key::SigningKey;
use crate::salesforce::wire::Wire;

/// The grant's name (RFC 7523, section 2.1).
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// How long a statement is good, in seconds: Salesforce takes at most five minutes (Salesforce Help, "OAuth 2.0 JWT Bearer
/// Flow for Server-to-Server Integration"), and public clients use three.
const GOOD_FOR: i64 = 180;

/// How far the machine's clock may be from Salesforce's, in seconds, until a refusal is put down to it.
const CLOCKS_APART: i64 = 60;

/// Who signs in, and by which key.
pub(in crate::salesforce) struct Statement<'a> {
    pub(in crate::salesforce) consumer_key: &'a str,
    pub(in crate::salesforce) username: &'a str,
    pub(in crate::salesforce) private_key: &'a SigningKey,
    pub(in crate::salesforce) audience: Option<&'a str>,
}

/// One request, and a second one where the first was refused and its answer shows that this machine's clock is wrong. It
/// can be repeated: each one gives a token of its own.
pub(in crate::salesforce) async fn sign_in(
    wire: &Wire,
    instance: &Url,
    statement: &Statement<'_>,
) -> Result<Tokens, Failure> {
    let known = wire.server_time();
    let now = known.unwrap_or_else(|| Clock::system().now());
    let failure = match ask(wire, instance, statement, now).await {
        Ok(tokens) => return Ok(tokens),
        Err(failure) => failure,
    };
    match wire.server_time() {
        Some(told)
            if known.is_none()
                && failure.error.context().http_status == Some(400)
                && (told.as_second() - now.as_second()).abs() > CLOCKS_APART =>
        {
            ask(wire, instance, statement, told).await
        }
        _ => Err(failure),
    }
}

async fn ask(
    wire: &Wire,
    instance: &Url,
    statement: &Statement<'_>,
    now: Timestamp,
) -> Result<Tokens, Failure> {
    let assertion = statement.sign(instance, now)?;
    let form = Form::grant(GRANT).and("assertion", assertion.expose());
    let secrets = [assertion.expose()];
    token_endpoint::ask(wire, instance, None, form, &secrets).await
}

impl Statement<'_> {
    /// The statement as a signed JWT (RFC 7515, section 7.1). Until it expires, it is as good as a password.
    fn sign(&self, instance: &Url, now: Timestamp) -> Result<Secret, Failure> {
        let claims = json!({
            "iss": self.consumer_key,
            "sub": self.username,
            "aud": self.audience.map_or_else(|| audience(instance), ToOwned::to_owned),
            "exp": now.as_second() + GOOD_FOR,
        });
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let header = encode(br#"{"alg":"RS256","typ":"JWT"}"#);
        let signed = format!("{header}.{}", encode(claims.to_string().as_bytes()));
        let signature = encode(&self.private_key.sign(signed.as_bytes())?);
        Ok(Secret::new(format!("{signed}.{signature}")))
    }
}

/// Whom a statement for an org is for: the log-in host of its kind. Where that is not known (this machine, hosts of the
/// operator's choice, other clouds), the instance itself, which Salesforce takes too.
fn audience(instance: &Url) -> String {
    let host = instance.host_str().unwrap_or_default();
    match host.strip_suffix(".my.salesforce.com") {
        Some(org) if org.ends_with(".sandbox") || org.ends_with(".scratch") => {
            "https://test.salesforce.com".to_owned()
        }
        Some(_) => "https://login.salesforce.com".to_owned(),
        None => instance.origin().ascii_serialization(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audience_is_the_log_in_host_of_the_org_s_kind() {
        for (instance, expected) in [
            (
                "https://acme.my.salesforce.com",
                "https://login.salesforce.com",
            ),
            (
                "https://acme-dev-ed.develop.my.salesforce.com/",
                "https://login.salesforce.com",
            ),
            (
                "https://acme--uat.sandbox.my.salesforce.com",
                "https://test.salesforce.com",
            ),
            (
                "https://ruby-42.scratch.my.salesforce.com",
                "https://test.salesforce.com",
            ),
            ("http://127.0.0.1:8900/", "http://127.0.0.1:8900"),
            (
                "https://crm.acme.example:8443",
                "https://crm.acme.example:8443",
            ),
            (
                "https://acme.my.salesforce.mil",
                "https://acme.my.salesforce.mil",
            ),
        ] {
            assert_eq!(audience(&Url::parse(instance).unwrap()), expected);
        }
    }
}
