//! A sandbox for a test, and the least of a client to drive it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Once;

use bridged::sandbox::server::Sandbox;
use bridged::sandbox::settings::{Ready, Settings};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// A running sandbox and a session on it.
pub(super) struct Bench {
    pub(super) sandbox: Sandbox,
    pub(super) http: Client,
    pub(super) token: String,
}

/// A status and a JSON body; null where there is no JSON.
pub(super) type Reply = (StatusCode, Value);

/// The version that tests use where none matters.
pub(super) const V: &str = "/services/data/v67.0";

static PROVIDER: Once = Once::new();

/// An http client that follows no redirects.
pub(super) fn http() -> Client {
    PROVIDER.call_once(|| {
        // Another test may have installed one already.
        let _installed = rustls::crypto::ring::default_provider().install_default();
    });
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// A sandbox of 100 leads with a session.
pub(super) async fn bench() -> Bench {
    bench_with(Settings {
        leads: 100,
        ..Settings::default()
    })
    .await
}

/// A sandbox with a session.
pub(super) async fn bench_with(settings: Settings) -> Bench {
    let sandbox = Sandbox::start(settings).await.unwrap();
    let http = http();
    let token = sign_in(&http, sandbox.ready()).await;
    Bench {
        sandbox,
        http,
        token,
    }
}

/// An access token.
pub(super) async fn sign_in(http: &Client, ready: &Ready) -> String {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &ready.consumer_key),
        ("client_secret", &ready.api_key),
    ];
    let url = format!("{}/services/oauth2/token", ready.salesforce_url);
    let answer: Value = http
        .post(url)
        .form(&form)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

impl Bench {
    /// An address of the sandbox.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.ready().salesforce_url)
    }

    /// A request with the session's token.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, self.url(path))
            .bearer_auth(&self.token)
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        reply(self.request(Method::GET, path)).await
    }

    pub(super) async fn send(&self, method: Method, path: &str, body: Value) -> Reply {
        reply(self.request(method, path).json(&body)).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, body).await
    }

    pub(super) async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PATCH, path, body).await
    }

    pub(super) async fn delete(&self, path: &str) -> Reply {
        reply(self.request(Method::DELETE, path)).await
    }

    /// The answer to a query.
    pub(super) async fn query(&self, soql: &str) -> Reply {
        reply(
            self.request(Method::GET, &format!("{V}/query"))
                .query(&[("q", soql)]),
        )
        .await
    }

    /// A control call that must succeed.
    pub(super) async fn control(&self, what: &str, body: Value) -> Value {
        let url = self.url(&format!("/_sandbox/{what}"));
        let answer = reply(self.http.post(url).json(&body)).await;
        assert!(answer.0.is_success(), "{what}: {answer:?}");
        answer.1
    }

    /// Puts one fault in force.
    pub(super) async fn fault(&self, rule: Value) {
        self.control("faults", json!([rule])).await;
    }

    /// The requests so far.
    pub(super) async fn ledger(&self) -> Value {
        reply(self.http.get(self.url("/_sandbox/ledger"))).await.1
    }

    /// Every row of an object.
    pub(super) async fn records(&self, object: &str) -> Vec<Value> {
        let url = self.url(&format!("/_sandbox/records/{object}"));
        let (status, rows) = reply(self.http.get(url)).await;
        assert_eq!(status, StatusCode::OK);
        rows.as_array().unwrap().clone()
    }

    /// Writes bytes to the socket and reads until the sandbox ends the connection.
    pub(super) fn raw(&self, request: &[u8]) -> std::io::Result<Vec<u8>> {
        let authority = self.sandbox.ready().salesforce_url.replace("http://", "");
        let mut stream = TcpStream::connect(authority)?;
        stream.write_all(request)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

/// Sends a request; null stands for a body that is no JSON.
pub(super) async fn reply(request: RequestBuilder) -> Reply {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let body = answer.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// The one error of an error array, as status, code and message.
pub(super) fn refusal((status, body): &Reply) -> (u16, &str, &str) {
    let errors = body.as_array().map(Vec::as_slice).unwrap_or_default();
    assert_eq!(errors.len(), 1, "{status} {body}");
    let text = |key: &str| errors[0][key].as_str().unwrap_or_default();
    (status.as_u16(), text("errorCode"), text("message"))
}
