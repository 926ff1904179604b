//! `bridged connect` as a child process that a test can answer.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::OnceLock;

use bridged::vault;
use serde_json::{Value, json};

use crate::support::binary::{Ran, command};
use crate::support::consent::Browser;
use crate::support::project::Project;
use crate::support::sandbox::Sandbox;

/// A key for the vaults of tests.
pub(crate) fn key() -> &'static str {
    static KEY: OnceLock<String> = OnceLock::new();
    KEY.get_or_init(|| {
        let key = vault::key::generate().expect("random numbers");
        key.expose().to_owned()
    })
}

/// A project whose only connection signs in to a sandbox in the given way.
pub(crate) fn project(sandbox: &Sandbox, auth: &str) -> Project {
    let url = sandbox.value("salesforce_url");
    let file = format!(
        "version: 1\nname: acme\nconnections:\n  crm:\n    type: salesforce\n    instance_url: {url}\n    auth: {auth}\n"
    );
    let pipeline = "version: 1\nname: leads\ndirection: read\nschedule: manual\nsource: { object: Lead }\n\
                    field_map: { full_name: \"{{ FirstName }} {{ LastName }}\", phone: \"{{ Phone }}\" }\n";
    Project::empty()
        .file("bridged.yaml", file)
        .file("pipelines/leads.yaml", pipeline)
}

/// A command of the project with the vault's key.
pub(crate) fn keyed(project: &Project, args: &[&str]) -> Command {
    let mut keyed = command(project.path());
    keyed.args(args).env("BRIDGED_KEY", key());
    keyed
}

/// Runs a command of the project with the vault's key.
pub(crate) fn bridged(project: &Project, args: &[&str]) -> Ran {
    bridged_with(project, args, "")
}

/// The same, with lines on its standard input.
pub(crate) fn bridged_with(project: &Project, args: &[&str], input: &str) -> Ran {
    feed(&mut keyed(project, args), input)
}

/// Runs a command with lines on its standard input.
pub(crate) fn feed(command: &mut Command, input: &str) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A command that refuses its arguments reads nothing.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("it ends").into()
}

fn http() -> reqwest::Client {
    // Another test may have installed one already.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build();
    client.expect("a client")
}

/// A control call of the sandbox, which must accept it.
pub(crate) async fn control(sandbox: &Sandbox, path: &str, body: Value) -> Value {
    let url = format!("{}/_sandbox/{path}", sandbox.value("salesforce_url"));
    let answer = http()
        .post(url)
        .json(&body)
        .send()
        .await
        .expect("an answer");
    assert!(
        answer.status().is_success(),
        "{path} {body}: {}",
        answer.status()
    );
    let text = answer.text().await.expect("a text");
    serde_json::from_str(&text).unwrap_or_default()
}

/// The requests that the sandbox got under a path.
pub(crate) async fn requests(sandbox: &Sandbox, path: &str) -> Vec<Value> {
    let url = format!("{}/_sandbox/ledger", sandbox.value("salesforce_url"));
    let ledger: Value = http()
        .get(url)
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let all = ledger["requests"].as_array().expect("a list").clone();
    all.into_iter()
        .filter(|request| {
            request["path"]
                .as_str()
                .is_some_and(|known| known.starts_with(path))
        })
        .collect()
}

/// A port that was free a moment ago, with its callback URL registered at the sandbox's app.
pub(crate) async fn callback_port(sandbox: &Sandbox) -> String {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = socket.local_addr().expect("an address").port();
    let callback = format!("http://localhost:{port}/auth/salesforce/callback");
    control(sandbox, "apps", json!({ "callbacks": [callback] })).await;
    port.to_string()
}

/// Connects the project by a sign-in that succeeds.
pub(crate) async fn sign_in(project: &Project, sandbox: &Sandbox) -> Value {
    let port = callback_port(sandbox).await;
    let connecting = Connecting::start(project, sandbox, &["--port", &port]);
    connecting.consent(sandbox).await;
    connecting.end().expect(0).json()
}

/// `bridged connect` on its way: it has shown the address to open.
pub(crate) struct Connecting {
    child: Child,
    stderr: BufReader<ChildStderr>,
    told: String,
    /// The address to open in a browser.
    pub(crate) address: String,
}

impl Connecting {
    /// Starts the command, hands it the app's credentials, and waits for the address.
    pub(crate) fn start(project: &Project, sandbox: &Sandbox, args: &[&str]) -> Self {
        let mut child = keyed(
            project,
            &["connect", "crm", "--no-browser", "--format", "json"],
        )
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
        let lines = format!(
            "consumer_key={}\nconsumer_secret={}\n",
            sandbox.value("consumer_key"),
            sandbox.value("api_key")
        );
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(lines.as_bytes()).expect("it reads");
        drop(stdin);
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let (mut told, mut address) = (String::new(), None);
        while address.is_none() {
            let mut line = String::new();
            let read = stderr.read_line(&mut line).expect("text");
            assert!(read > 0, "it ended without an address: {told}");
            address =
                Some(line.trim().to_owned()).filter(|line| line.starts_with("http://localhost:"));
            told.push_str(&line);
        }
        Self {
            child,
            stderr,
            told,
            address: address.unwrap_or_default(),
        }
    }

    /// Signs in as the sandbox's person would, and comes back; the page that is shown then.
    pub(crate) async fn consent(&self, sandbox: &Sandbox) -> String {
        let mut here = Browser::new();
        let start = here.open(&self.address).await;
        let authorize = start.location.expect("it leads to Salesforce");
        let mut there = Browser::new();
        let back = there
            .approve(
                &authorize,
                sandbox.value("username"),
                sandbox.value("password"),
            )
            .await;
        here.open(&back).await.html
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ran {
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.stderr, &mut rest).expect("text");
        let mut ran = Ran::from(self.child.wait_with_output().expect("it ends"));
        ran.stderr = self.told + &rest;
        ran
    }
}
