//! The second half of the web server flow: a code for tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};

use super::admission::{Approval, admit};
use super::client::authenticate;
use super::form::Form;
use super::token::{Context, Grant};
use crate::sandbox::call::Answer;
use crate::sandbox::grants::{Code, CodeFault};
use crate::sandbox::texts::oauth::{self, Fault};

/// Redeems a code: it must be this app's, young, unused, for this callback, and fit the verifier.
///
/// Presenting a code uses it up whether or not the rest is right; presenting it again ends the tokens that it gave.
pub(super) fn redeem(cx: &Context<'_>) -> Result<Answer, Fault> {
    let app = authenticate(cx.state, cx.call, cx.form, |app| app.secret_for_web_server)?;
    let text = cx.form.need("code")?;
    let redirect_uri = cx.form.need("redirect_uri")?;
    let now = cx.state.clock.now();
    let code = {
        let mut sessions = cx.state.sessions();
        let taken = sessions.grants.take(text, &app.consumer_key, now);
        match taken {
            Ok(code) => code,
            Err(CodeFault::Unknown) => return Err(oauth::invalid_code()),
            Err(CodeFault::Expired) => return Err(oauth::expired_code()),
            Err(CodeFault::Presented(given)) => {
                if let Some(grant) = given {
                    sessions.end(grant);
                }
                return Err(oauth::expired_code());
            }
        }
    };
    if code.redirect_uri != redirect_uri {
        return Err(oauth::redirect_uri_mismatch());
    }
    verify(&code, cx.form)?;
    admit(cx.state, &app, code.user, Approval::User)?;
    let begun = cx.state.sessions().grants.begin(text, now);
    let (family, refresh_token) = begun.ok_or_else(oauth::expired_code)?;
    let grant = Grant::new(&app, code.user, code.scopes).of_family(family, refresh_token);
    Ok(grant.answer(cx))
}

/// The longest verifier. *Unconfirmed* number: RFC 7636 says 128, and the service takes the 171 characters that the
/// library of its own command line sends.
const VERIFIER_MAX: usize = 256;

/// Compares the verifier with the challenge. Source: RFC 7636, sections 4.1 and 4.6.
fn verify(code: &Code, form: &Form) -> Result<(), Fault> {
    let verifier = form.get("code_verifier").filter(|text| !text.is_empty());
    match (&code.challenge, verifier) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(oauth::missing_parameter("code_verifier")),
        // A verifier without a challenge is how a stripped challenge shows.
        (None, Some(_)) => Err(oauth::invalid_verifier()),
        (Some(challenge), Some(verifier)) => {
            let hash = digest(&SHA256, verifier.as_bytes());
            let fits = is_verifier(verifier) && URL_SAFE_NO_PAD.encode(hash) == *challenge;
            fits.then_some(()).ok_or_else(oauth::invalid_verifier)
        }
    }
}

fn is_verifier(text: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=VERIFIER_MAX).contains(&text.len()) && text.bytes().all(unreserved)
}
