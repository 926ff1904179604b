//! One request to the token endpoint, whichever grant it makes, and the one way to read its answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde::{Deserialize, Deserializer};
use url::Url;
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use crate::foundation::code::Code;
use crate::foundation::secret::Secret;
use crate::salesforce::keeper::FreshTokens;
use crate::salesforce::refusal::{self, Failure, Scrub};
use crate::salesforce::wire::{Answer, Purpose, Wire, secret_header};

/// The path of the token endpoint (Salesforce Help, "OAuth Endpoints").
const TOKEN: &str = "/services/oauth2/token";

/// The path at which a token is revoked.
const REVOKE: &str = "/services/oauth2/revoke";

/// The most characters of a list of scopes that are kept.
const SCOPE_KEPT: usize = 1_000;

/// An app, as it proves itself to the token endpoint.
#[derive(Clone, Copy)]
pub(in crate::salesforce) struct ClientId<'a> {
    pub(in crate::salesforce) consumer_key: &'a str,
    /// `None` for an app that asks for none.
    pub(in crate::salesforce) consumer_secret: Option<&'a Secret>,
}

/// The body of a request, zeroed when it goes.
pub(in crate::salesforce) struct Form(Zeroizing<String>);

impl Form {
    /// A form that asks for one grant.
    pub(in crate::salesforce) fn grant(kind: &str) -> Self {
        Self(Zeroizing::new(String::new())).and("grant_type", kind)
    }

    /// One more field. The text moves to a place that is long enough, so that no copy is left behind.
    #[must_use]
    pub(in crate::salesforce) fn and(self, name: &str, value: &str) -> Self {
        let room = self.0.len() + name.len() + 3 * value.len() + 2;
        let mut longer = Zeroizing::new(String::with_capacity(room));
        longer.push_str(&self.0);
        if !longer.is_empty() {
            longer.push('&');
        }
        longer.push_str(name);
        longer.push('=');
        for piece in byte_serialize(value.as_bytes()) {
            longer.push_str(piece);
        }
        Self(longer)
    }

    fn into_body(mut self) -> Bytes {
        let bytes = std::mem::take(&mut *self.0).into_bytes();
        Bytes::from_owner(Zeroizing::new(bytes))
    }
}

/// What the token endpoint gave, all of it checked.
#[derive(Debug)]
pub(in crate::salesforce) struct Tokens {
    pub(in crate::salesforce) access: Secret,
    pub(in crate::salesforce) refresh: Option<Secret>,
    /// Printable, separated by blanks; empty where the answer names none.
    pub(in crate::salesforce) scope: String,
    /// The address of the user's identity, which is never asked; empty where the answer holds none of its form.
    pub(in crate::salesforce) identity_url: String,
}

impl Tokens {
    /// The same, as what takes the place of `old`: no refresh token, or the old one again, says that the app does not
    /// rotate.
    pub(in crate::salesforce) fn replacing(self, old: &Secret) -> FreshTokens {
        FreshTokens {
            access: self.access,
            refresh: self.refresh.filter(|new| new != old),
            scope: Some(self.scope).filter(|scope| !scope.is_empty()),
        }
    }
}

/// Sends one token request of an instance; `client` is `None` where the form itself names the app. `secrets` are those in the form, which no failure may repeat.
///
/// A failure behind which the grant may have been used up all the same is marked with [`Failure::maybe_done`].
pub(in crate::salesforce) async fn ask(
    wire: &Wire,
    instance: &Url,
    client: Option<ClientId<'_>>,
    form: Form,
    secrets: &[&str],
) -> Result<Tokens, Failure> {
    let answer = post(wire, instance, TOKEN, client, form, secrets).await?;
    accept(&answer, instance)
}

/// Revokes one token. One that is dead already counts as revoked.
pub(in crate::salesforce) async fn revoke(
    wire: &Wire,
    instance: &Url,
    token: &Secret,
) -> Result<(), Failure> {
    let form = Form(Zeroizing::new(String::new())).and("token", token.expose());
    match post(wire, instance, REVOKE, None, form, &[token.expose()]).await {
        Err(failure) if failure.error.context().remote_code.as_deref() == Some("invalid_token") => {
            Ok(())
        }
        outcome => outcome.map(|_| ()),
    }
}

/// Sends one form. An app with a secret proves itself by HTTP Basic, one without names itself in the form.
async fn post(
    wire: &Wire,
    instance: &Url,
    path: &str,
    client: Option<ClientId<'_>>,
    form: Form,
    secrets: &[&str],
) -> Result<Answer, Failure> {
    let mut url = instance.clone();
    url.set_path(path);
    let mut request = wire
        .request(Method::POST, url)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json");
    let mut form = form;
    let mut basic = Secret::new("");
    match client {
        Some(ClientId {
            consumer_key,
            consumer_secret: Some(secret),
        }) => {
            basic = pair(consumer_key, secret);
            request = request.header(AUTHORIZATION, secret_header("Basic", basic.expose())?);
        }
        Some(ClientId { consumer_key, .. }) => form = form.and("client_id", consumer_key),
        None => {}
    }
    let app = client
        .and_then(|client| client.consumer_secret)
        .map(Secret::expose);
    let sent = secrets.iter().copied().chain(app);
    let scrub = Scrub::new(sent.chain([basic.expose()]));
    let request = request.body(form.into_body());
    let answer = wire.send(request, Purpose::Token, &scrub).await?;
    if answer.status == 200 {
        return Ok(answer);
    }
    let failure = refusal::refusal(answer.status, &answer.headers, &answer.body, &scrub);
    let proved = client.is_none_or(|client| client.consumer_secret.is_some());
    Err(if proved { failure } else { unproved(failure) })
}

/// An app that showed no secret cannot have shown a wrong one: it is asked for one.
fn unproved(mut failure: Failure) -> Failure {
    let (wrong, required) = (Code::WrongApiKey, Code::SecretRequired);
    if failure.error.code() == wrong {
        let message = failure.error.message();
        let message = message.replacen(wrong.title(), required.title(), 1);
        let context = failure.error.context().clone();
        failure.error = Failure::new(required, message)
            .error
            .with(|empty| *empty = context);
    }
    failure
}

/// `key:secret` in base64 (RFC 7617), in memory that is zeroed.
fn pair(consumer_key: &str, secret: &Secret) -> Secret {
    let room = consumer_key.len() + 1 + secret.expose().len();
    let mut pair = Zeroizing::new(String::with_capacity(room));
    pair.push_str(consumer_key);
    pair.push(':');
    pair.push_str(secret.expose());
    Secret::new(STANDARD.encode(pair.as_bytes()))
}

#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(deserialize_with = "secret")]
    access_token: Secret,
    instance_url: String,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default, deserialize_with = "maybe_secret")]
    refresh_token: Option<Secret>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    id: Option<String>,
}

// A secret from the start, so that it is zeroed when a later member is at fault.
fn secret<'de, D: Deserializer<'de>>(text: D) -> Result<Secret, D::Error> {
    String::deserialize(text).map(Secret::new)
}

fn maybe_secret<'de, D: Deserializer<'de>>(text: D) -> Result<Option<Secret>, D::Error> {
    Option::<String>::deserialize(text).map(|text| text.map(Secret::new))
}

/// Takes tokens only for the instance they were asked for.
fn accept(answer: &Answer, instance: &Url) -> Result<Tokens, Failure> {
    let unreadable = |what: &str| {
        Failure::unclear(
            Code::AnswerUnreadable,
            format!("the token endpoint's answer {what}"),
        )
    };
    // The parser's own words may quote the body, which holds the token.
    let token: TokenAnswer = serde_json::from_slice(&answer.body)
        .map_err(|_| unreadable("is not the JSON it documents"))?;
    let same = Url::parse(&token.instance_url).is_ok_and(|url| {
        url.origin() == instance.origin() && url.username().is_empty() && url.password().is_none()
    });
    if !same {
        let named = Url::parse(&token.instance_url).ok();
        let named = named.as_ref().and_then(Url::host_str).unwrap_or("another");
        return Err(Failure::unclear(
            Code::HostRefused,
            format!(
                "the token is for host `{}`, and `instance_url` names `{}`",
                named.chars().take(100).collect::<String>(),
                instance.host_str().unwrap_or_default()
            ),
        ));
    }
    let bearer = token
        .token_type
        .is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    if !bearer || !is_token(&token.access_token) {
        return Err(unreadable("holds no usable bearer token"));
    }
    if !token.refresh_token.as_ref().is_none_or(is_token) {
        return Err(unreadable("holds no usable refresh token"));
    }
    Ok(Tokens {
        access: token.access_token,
        refresh: token.refresh_token,
        scope: scopes(&token.scope.unwrap_or_default()),
        identity_url: token
            .id
            .and_then(|id| identity_url(&id))
            .unwrap_or_default(),
    })
}

/// Whether a token is text that a header can carry.
fn is_token(token: &Secret) -> bool {
    !token.is_empty() && token.expose().bytes().all(|byte| byte.is_ascii_graphic())
}

/// The scopes of an answer, as they may be shown.
fn scopes(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| {
        word.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-:.".contains(&byte))
    });
    let mut kept = words.collect::<Vec<_>>().join(" ");
    kept.truncate(SCOPE_KEPT);
    kept
}

/// `https://login.salesforce.com/id/ORG/USER`, when a text has that form.
fn identity_url(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let mut parts = url.path().strip_prefix("/id/")?.split('/');
    let is_id = |part: &str| {
        matches!(part.len(), 15 | 18) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let (org, user) = (parts.next()?, parts.next()?);
    let plain = matches!(url.scheme(), "https" | "http")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && parts.next().is_none();
    (plain && is_id(org) && is_id(user)).then(|| url.to_string())
}
