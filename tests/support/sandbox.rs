//! The sandbox as a process of its own, for tests that talk to it or need it to outlive a command.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::binary::command;

/// A sandbox that is ended when the value is dropped.
#[derive(Debug)]
pub(crate) struct Sandbox {
    child: Child,
    ready: Value,
}

impl Sandbox {
    /// Starts `bridged sandbox` on a free port with further arguments, and waits until it is ready.
    pub(crate) fn start(args: &[&str]) -> Self {
        // For clients of the test's own; another test may have installed one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut child = command(Path::new("."))
            .args(["sandbox", "--listen", "127.0.0.1:0"])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the sandbox starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let ready = serde_json::from_str(&line).expect("a line of JSON");
        Self { child, ready }
    }

    /// A value of the line it printed: `salesforce_url`, `consumer_key`, `api_key`, …
    pub(crate) fn value(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap_or_default()
    }

    /// The process.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Gives a command the credentials, as the root's `bridged.yaml` asks for them.
    pub(crate) fn connect<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("SALESFORCE_INSTANCE_URL", self.value("salesforce_url"))
            .env("SALESFORCE_CONSUMER_KEY", self.value("consumer_key"))
            .env("SALESFORCE_API_KEY", self.value("api_key"))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
