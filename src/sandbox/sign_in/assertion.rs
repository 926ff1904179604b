//! JWTs that an app signs: RS256, verified with the app's certificate.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::identity::column;
use super::pem;
use crate::sandbox::apps::App;
use crate::sandbox::call::Call;
use crate::sandbox::state::State;
use crate::sandbox::texts::oauth::{self, Fault};

/// How far ahead an assertion may end. *Unconfirmed* number: clients use three minutes.
const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(5);

/// What an assertion claims, once it is verified.
pub(super) struct Claims {
    pub(super) sub: String,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Body {
    iss: String,
    #[serde(default)]
    sub: Option<String>,
    /// The older spelling of `sub`.
    #[serde(default)]
    prn: Option<String>,
    /// One address, or a list of them.
    aud: Json,
    /// Seconds since 1970; some libraries write a text or a fraction.
    exp: Json,
}

impl Body {
    fn audiences(&self) -> Vec<&str> {
        match &self.aud {
            Json::Array(several) => several.iter().filter_map(Json::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        }
    }

    fn ends(&self) -> Option<Timestamp> {
        let seconds = match &self.exp {
            Json::String(text) => text.parse().ok()?,
            number => number.as_i64().or_else(|| Some(number.as_f64()? as i64))?,
        };
        Timestamp::from_second(seconds).ok()
    }
}

/// The Consumer Key that an assertion names, unverified.
pub(super) fn issuer(text: &str) -> Option<String> {
    parts(text).map(|(_, body, ..)| body.iss)
}

/// Reads an assertion of an app: signature, audience, end, in this order.
pub(super) fn read(state: &State, call: &Call, app: &App, text: &str) -> Result<Claims, Fault> {
    let (header, body, signed, signature) = parts(text).ok_or_else(oauth::invalid_assertion)?;
    let key = app.certificate.as_deref().and_then(pem::verifies);
    let verified = key.is_some_and(|key| key.accepts(signed.as_bytes(), &signature));
    if header.alg != "RS256" || body.iss != app.consumer_key || !verified {
        return Err(oauth::invalid_assertion());
    }
    let ours = |audience: &&str| is_ours(state, call, audience);
    if !body.audiences().iter().any(ours) {
        return Err(oauth::wrong_audience());
    }
    let now = state.clock.now();
    let left = body.ends().map(|exp| exp.duration_since(now));
    if !left.is_some_and(|left| left > SignedDuration::ZERO && left <= AHEAD_MAX) {
        return Err(oauth::expired_assertion());
    }
    let sub = body.sub.or(body.prn).ok_or_else(oauth::invalid_assertion)?;
    Ok(Claims { sub })
}

/// The org's own address, its token endpoint, and the log-in host of its kind: production or sandbox.
fn is_ours(state: &State, call: &Call, audience: &str) -> bool {
    let organization = state.org().id;
    let is_sandbox = column(state, organization, "IsSandbox") == json!(true);
    let login = if is_sandbox {
        "https://test.salesforce.com"
    } else {
        "https://login.salesforce.com"
    };
    let audience = audience
        .strip_suffix("/services/oauth2/token")
        .unwrap_or(audience);
    let audience = audience.strip_suffix('/').unwrap_or(audience);
    audience == login || audience == call.origin
}

/// Header, body, what was signed, and the signature.
fn parts(text: &str) -> Option<(Header, Body, &str, Vec<u8>)> {
    let (signed, signature) = text.rsplit_once('.')?;
    let (header, body) = signed.split_once('.')?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    let header = serde_json::from_slice(&decode(header)?).ok()?;
    let body = serde_json::from_slice(&decode(body)?).ok()?;
    Some((header, body, signed, decode(signature)?))
}
