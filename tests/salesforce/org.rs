//! A scripted org: signs in whoever asks, with a new token each time, and leaves the rest to the test.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bridged::foundation::error::Error;
use bridged::foundation::secret::Secret;
use bridged::salesforce::client::Client;
use bridged::salesforce::settings::Settings;

use crate::support::wire::{Reply, Request, Wire, json};

pub(crate) const KEY: &str = "3MVG9.consumer_key";
pub(crate) const SECRET: &str = "5ECRET0API0KEY0DONT0SHOW";
/// Every token begins so.
pub(crate) const TOKEN: &str = "00Dxx0000000001!tokenDontShow";

/// The answer of the token endpoint.
pub(crate) fn token(instance_url: &str, number: u64) -> Reply {
    json(
        200,
        &serde_json::json!({
            "access_token": format!("{TOKEN}{number}"),
            "instance_url": instance_url,
            "id": "https://login.salesforce.com/id/00Dxx/005xx",
            "token_type": "Bearer",
            "issued_at": "1700000000000",
            "signature": "x",
            "scope": "api",
        })
        .to_string(),
    )
}

/// Starts an org that answers everything but the log-in by `script`.
pub(crate) async fn org(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Wire {
    let tokens = AtomicU64::new(0);
    Wire::start(move |request| {
        if request.target == "/services/oauth2/token" {
            let host = request.header("host");
            return token(
                &format!("http://{host}"),
                tokens.fetch_add(1, Ordering::Relaxed) + 1,
            );
        }
        script(request)
    })
    .await
}

/// Settings that wait next to nothing between tries.
pub(crate) fn settings(instance_url: impl Into<String>) -> Settings {
    let mut settings = Settings::new(instance_url, KEY, Secret::new(SECRET));
    // With an authority of their own the tests need none of the machine's.
    if settings.instance_url.starts_with("https") {
        let authority = rcgen::generate_simple_self_signed(vec!["nobody.test".to_owned()]).unwrap();
        settings.extra_ca = vec![authority.cert.pem().into_bytes()];
    }
    settings.retry.attempts = 3;
    settings.retry.base = Duration::from_millis(1);
    settings.retry.slow_base = Duration::from_millis(1);
    settings.breaker.first_wait = Duration::from_millis(1);
    settings.breaker.longest_wait = Duration::from_millis(5);
    settings.breaker.patience = Duration::from_millis(100);
    settings.timeouts.answer = Duration::from_secs(20);
    settings
}

pub(crate) fn client(wire: &Wire) -> Client {
    Client::new(settings(wire.url("http"))).unwrap()
}

/// Everything an error can be made to show: no rendering may hold a credential.
pub(crate) fn shown(error: &Error) -> String {
    let mut text = format!(
        "{error} {error:?} {error:#?} {:?} {:?}",
        error.help_text(),
        error.context()
    );
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text} {error} {error:?}");
        cause = error.source();
    }
    for secret in [SECRET, TOKEN, "tokenDontShow"] {
        assert!(!text.contains(secret), "{text}");
    }
    text
}

/// A page of a result.
pub(crate) fn page(total: usize, next: Option<&str>, records: &str) -> Reply {
    let next = next.map_or(String::new(), |next| {
        format!(r#","nextRecordsUrl":"{next}""#)
    });
    let done = next.is_empty();
    json(
        200,
        &format!(r#"{{"totalSize":{total},"done":{done}{next},"records":[{records}]}}"#),
    )
}

/// The one kind of record most tests need.
pub(crate) fn lead(number: usize) -> String {
    format!(
        r#"{{"attributes":{{"type":"Lead","url":"/services/data/v67.0/sobjects/Lead/00Q{number:015}"}},"Id":"00Q{number:015}","LastName":"L{number}"}}"#
    )
}
