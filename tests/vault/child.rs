//! Processes that a test may kill or look into: this test binary again, told by its environment what to do.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use bridged::foundation::secret::Secret;
use bridged::store::Store;
use bridged::store::model::CardChange;
use bridged::vault::{Change, Field, KeyRing, Vault};

use crate::store::sample::{at, audited, card};

/// The file of keys beside the store.
pub(crate) const KEY_FILE: &str = "keys";

/// A child that plays `scene` on the store in `dir`.
pub(crate) fn command(scene: &str, dir: &Path) -> Command {
    command_after("true", scene, dir)
}

/// The same, begun by a shell that runs `before` first.
pub(crate) fn command_after(before: &str, scene: &str, dir: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("{before}; exec \"$0\" \"$@\""))
        .arg(std::env::current_exe().expect("this binary"))
        .args(["--ignored", "--exact", "vault::child::play", "--nocapture"])
        .env("VAULT_SCENE", scene)
        .env("VAULT_DIR", dir)
        .env("BRIDGED_KEY_FILE", dir.join(KEY_FILE))
        .env_remove("BRIDGED_KEY")
        .env_remove("BRIDGED_FAILPOINT")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A child that goes on step by step.
pub(crate) struct Stepped {
    pub(crate) process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Stepped {
    pub(crate) fn start(scene: &str, dir: &Path) -> Self {
        let mut process = command(scene, dir).spawn().expect("the child starts");
        let stdin = process.stdin.take().expect("its input");
        let stdout = BufReader::new(process.stdout.take().expect("its output"));
        Self {
            process,
            stdin,
            stdout,
        }
    }

    /// Waits until the child says that it did this step.
    #[track_caller]
    pub(crate) fn said(&mut self, step: &str) {
        let mut line = String::new();
        while !line.contains(step) {
            line.clear();
            let read = self.stdout.read_line(&mut line).expect("its output");
            assert!(read > 0, "the child ended before `{step}`");
        }
    }

    /// Lets it take the next step.
    pub(crate) fn go_on(&mut self) {
        writeln!(self.stdin).expect("it listens");
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("gone");
    }
}

fn say(step: &str) {
    println!("{step}");
    std::io::stdout().flush().expect("said");
}

fn wait() {
    std::io::stdin()
        .read_line(&mut String::new())
        .expect("the parent is there");
}

pub(crate) fn open(dir: &Path) -> Arc<dyn Store> {
    bridged::store::open("sqlite:state/bridged.db", dir).expect("the store opens")
}

/// Plays the scene that the environment names.
#[test]
#[ignore = "a process of its own, started by other tests"]
fn play() {
    let scene = std::env::var("VAULT_SCENE").expect("started by another test");
    let dir = std::env::var_os("VAULT_DIR").expect("started by another test");
    let dir = Path::new(&dir);
    let store = open(dir);
    let ring = KeyRing::load(&|name| std::env::var(name).ok()).expect("keys");
    let vault = Vault::new(store, "acme", ring);
    match scene.as_str() {
        "rotate" => drop(vault.rotate(at(5), "a test").expect("rotated")),
        "change" => change(&vault),
        "lock" => {
            let _held = vault.lock("salesforce").expect("asked").expect("free");
            say("locked");
            wait();
        }
        "open" => open_and_drop(vault),
        other => panic!("no scene {other}"),
    }
}

/// Puts two secrets in the place of earlier ones, and takes one away.
fn change(vault: &Vault) {
    let secrets = [Secret::new("later one"), Secret::new("later two")];
    let known = card("salesforce");
    let change = Change {
        connection: "salesforce",
        put: &[
            (Field::ConsumerKey, &secrets[0]),
            (Field::ConsumerSecret, &secrets[1]),
        ],
        remove: &[Field::RefreshToken],
        card: Some(CardChange::Put(&known)),
        audit: Some(audited("salesforce", 9)),
    };
    vault.change(&change, at(9)).expect("changed");
}

/// Opens all secrets and holds them, then drops them and the vault.
fn open_and_drop(vault: Vault) {
    let open = |field| vault.get("salesforce", field).expect("it opens");
    let held: Vec<Secret> = Field::ALL.into_iter().filter_map(open).collect();
    say("held");
    wait();
    drop(held);
    drop(vault);
    say("dropped");
    wait();
}
