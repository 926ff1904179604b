//! Secrets and phone numbers that were planted, looked for everywhere a command leaves something behind.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use bridged::store;
use bridged::vault::key::KeyRing;
use bridged::vault::{Field, Vault};
use serde_json::{Value, json};

use super::command::{bridged_with, control, feed, key, keyed, project, sign_in};
use crate::support::binary::Ran;
use crate::support::project::Project;
use crate::support::sandbox::Sandbox;

const TOKEN_PATH: &str = "/services/oauth2/token";

const PIPELINE: &str = "version: 1
name: leads
direction: read
schedule: manual
connection: crm
source: { object: Lead }
sensitive: [phone, mobile]
field_map:
  full_name: \"{{ LastName }}\"
  phone: \"{{ Phone }}\"
  mobile: \"{{ MobilePhone | e164(strict=true) }}\"
on_error: { max_rejected: 50% }
";

/// Every command that reports, as far as it can be tried here.
const COMMANDS: [&[&str]; 15] = [
    &["run", "leads", "--full"],
    &["run", "leads"],
    &["dry-run", "leads", "--full"],
    &["check", "crm"],
    &["check", "wa"],
    &["plan"],
    &["validate"],
    &["status"],
    &["runs"],
    &["rejected", "list"],
    &["connections"],
    &["vault", "status"],
    &["audit", "list"],
    &["audit", "verify"],
    &["describe", "pull", "Lead"],
];

/// Faults that provoke an error each, most of them with bodies of their own.
fn faults() -> Vec<Value> {
    let data = json!({ "path": "/services/data/*/query*" });
    let token = json!({ "path": TOKEN_PATH });
    let graph = json!({ "path": "/v25.0/*" });
    let status = |to: &Value, status: u16, code: &str| json!({ "match": to, "action": { "kind": "status", "status": status, "code": code, "message": "planted" } });
    vec![
        json!({ "match": data, "action": { "kind": "expire-token" } }),
        status(&data, 400, "MALFORMED_QUERY"),
        status(&data, 401, "INVALID_SESSION_ID"),
        status(&data, 403, "REQUEST_LIMIT_EXCEEDED"),
        status(&data, 403, "API_DISABLED_FOR_ORG"),
        status(&data, 404, "NOT_FOUND"),
        status(&data, 400, "SOMETHING_NEW"),
        json!({ "match": data, "action": { "kind": "html", "status": 414, "body": "<h1>planted</h1>" } }),
        json!({ "match": data, "action": { "kind": "redirect", "to": "https://evil.example/", "status": 302 } }),
        json!({ "match": data, "action": { "kind": "next-records-url", "url": "https://evil.example/x" } }),
        json!({ "match": data, "action": { "kind": "status", "status": 200, "body": [1, 2] } }),
        json!({ "match": token, "action": { "kind": "instance-url", "url": "https://evil.example" } }),
        json!({ "match": token, "action": { "kind": "status", "status": 400, "body": { "error": "invalid_grant", "error_description": "planted" } } }),
        json!({ "match": token, "action": { "kind": "html", "status": 404, "body": "<h1>planted</h1>" } }),
        json!({ "match": token, "action": { "kind": "status", "status": 200, "body": { "planted": true } } }),
        json!({ "match": graph, "action": { "kind": "html", "status": 503, "body": "<h1>planted</h1>" } }),
        json!({ "match": graph, "action": { "kind": "redirect", "to": "https://evil.example/", "status": 302 } }),
        json!({ "match": graph, "action": { "kind": "status", "status": 200, "body": { "planted": true } } }),
        json!({ "match": graph, "action": { "kind": "truncate", "bytes": 20 } }),
    ]
}

/// What must be found nowhere.
struct Planted {
    secrets: Vec<(&'static str, String)>,
    phones: Vec<String>,
}

impl Planted {
    /// Every form in which a secret could be kept or shown.
    fn forms(text: &str) -> Vec<Vec<u8>> {
        let bytes = text.as_bytes();
        let mut hex = String::new();
        for byte in bytes {
            write!(hex, "{byte:02x}").unwrap();
        }
        let encoded = |engine: &base64::engine::GeneralPurpose| {
            // The last letters depend on what follows.
            let text = engine.encode(bytes);
            text.as_bytes()[..text.len() / 4 * 4 - 4].to_vec()
        };
        vec![
            bytes.to_vec(),
            text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            hex.to_uppercase().into_bytes(),
            hex.into_bytes(),
            encoded(&STANDARD),
            encoded(&URL_SAFE),
        ]
    }

    #[track_caller]
    fn no_secret_in(&self, place: &str, bytes: &[u8]) {
        for (name, secret) in &self.secrets {
            for form in Self::forms(secret) {
                assert!(!holds(bytes, &form), "{place} holds the {name}");
            }
        }
    }

    #[track_caller]
    fn nothing_in(&self, place: &str, bytes: &[u8]) {
        self.no_secret_in(place, bytes);
        for phone in &self.phones {
            assert!(
                !holds(bytes, phone.as_bytes()),
                "{place} holds the phone number {phone}"
            );
        }
    }
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    // The first byte is looked for first: every byte of some megabytes is asked many times.
    let Some((first, rest)) = part.split_first() else {
        return false;
    };
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| byte == first) {
        from += at + 1;
        if bytes[from..].starts_with(rest) {
            return true;
        }
    }
    false
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    found
}

fn vault(project: &Project) -> Vault {
    let store = store::open("sqlite:.bridged/bridged.db", project.path()).unwrap();
    Vault::new(store, "acme", Some(KeyRing::parse(key()).unwrap()))
}

/// An org with planted phone numbers, and a project that is connected to it with planted secrets.
struct Scene {
    sandbox: Sandbox,
    project: Project,
    planted: Planted,
}

impl Scene {
    async fn plant() -> Self {
        let sandbox = Sandbox::start(&["--leads", "0"]);
        control(&sandbox, "apps", json!({ "rotation": true })).await;
        let phones: Vec<String> = (0..50)
            .map(|number| format!("+141555{:05}", 13_579 + 7 * number))
            .collect();
        let lead = |(number, phone): (usize, &String)| {
            // Every fifth record is rejected, for a value that holds its phone number.
            let mobile = if number % 5 == 0 {
                format!("call {phone} x {phone}")
            } else {
                phone.clone()
            };
            json!({
                "LastName": format!("Planted {number}"),
                "Company": "x",
                "Phone": phone,
                "MobilePhone": mobile,
                "SystemModstamp": "2026-01-01T00:00:00Z",
            })
        };
        let leads: Vec<Value> = phones.iter().enumerate().map(lead).collect();
        control(&sandbox, "records/Lead", Value::Array(leads)).await;
        let project = project(&sandbox, "{ method: oauth }");
        project.write("pipelines/leads.yaml", PIPELINE);
        let whatsapp = format!(
            "  wa: {{ type: whatsapp, phone_number_id: \"{}\", business_account_id: \"{}\", api_url: {} }}\n",
            sandbox.value("whatsapp_phone_number_id"),
            sandbox.value("whatsapp_business_account_id"),
            sandbox.value("whatsapp_url")
        );
        project.write("bridged.yaml", project.read("bridged.yaml") + &whatsapp);
        sign_in(&project, &sandbox).await;
        let token = format!("access_token={}\n", sandbox.value("whatsapp_token"));
        bridged_with(&project, &["connect", "wa"], &token).expect(0);
        let secrets = vec![
            ("vault key", key().to_owned()),
            ("Consumer Key", sandbox.value("consumer_key").to_owned()),
            ("Consumer Secret", sandbox.value("api_key").to_owned()),
            ("WhatsApp token", sandbox.value("whatsapp_token").to_owned()),
        ];
        let mut scene = Self {
            sandbox,
            project,
            planted: Planted { secrets, phones },
        };
        scene.remember_tokens();
        scene
    }

    /// Adds the tokens that are kept now: each refresh brings others.
    fn remember_tokens(&mut self) {
        let vault = vault(&self.project);
        for (name, field) in [
            ("access token", Field::AccessToken),
            ("refresh token", Field::RefreshToken),
        ] {
            let kept = vault.get("crm", field).unwrap().unwrap();
            let is_known = |(_, known): &(&str, String)| known == kept.expose();
            if !self.planted.secrets.iter().any(is_known) {
                self.planted.secrets.push((name, kept.expose().to_owned()));
            }
        }
    }

    /// Runs a command as loud as it can be, and searches what it said.
    fn search_command(&mut self, command: &[&str], format: &str, under: &Value) -> Ran {
        let mut ran = keyed(&self.project, &["-vvv", "--log-format", format]);
        ran.args(command).args(["--format", format]);
        let ran = feed(&mut ran, "");
        self.remember_tokens();
        let what = format!("{command:?} under {under}");
        self.planted
            .nothing_in(&format!("stdout of {what}"), ran.stdout.as_bytes());
        self.planted
            .nothing_in(&format!("stderr of {what}"), ran.stderr.as_bytes());
        ran
    }

    async fn provoke(&mut self, fault: &Value) {
        control(&self.sandbox, "faults", json!([fault])).await;
        if fault["match"]["path"] == TOKEN_PATH {
            // The session must end, so that the token endpoint is asked at all.
            control(&self.sandbox, "sessions", json!({ "expire": true })).await;
        }
        for command in [
            &["run", "leads", "--full"][..],
            &["dry-run", "leads", "--full"],
            &["check", "crm"],
            &["check", "wa"],
        ] {
            self.search_command(command, "json", fault);
        }
        control(&self.sandbox, "faults", json!([])).await;
        if fault["match"]["path"] == TOKEN_PATH {
            sign_in(&self.project, &self.sandbox).await;
            self.remember_tokens();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn x01_x02_planted_secrets_and_phones_are_found_nowhere() {
    let mut scene = Scene::plant().await;
    for command in COMMANDS {
        // A full run rejects some rows; what it rejected is not read again by the next.
        let ends = match command {
            ["run", .., "--full"] => Some(3),
            ["run", ..] => Some(0),
            _ => None,
        };
        for format in ["text", "json"] {
            let ran = scene.search_command(command, format, &Value::Null);
            if ends.is_some() {
                assert_eq!(ran.code, ends, "{command:?}: {}", ran.stderr);
            }
        }
    }
    for fault in faults() {
        scene.provoke(&fault).await;
    }
    // A backup, and the files while the database is in use: the write-ahead log among them.
    let folder = scene.project.path();
    let open = store::open("sqlite:.bridged/bridged.db", folder).unwrap();
    let connection = rusqlite::Connection::open(folder.join(".bridged/bridged.db")).unwrap();
    let backup = folder.join("backup.db");
    connection
        .execute("VACUUM INTO ?1", [backup.to_str().unwrap()])
        .unwrap();
    feed(&mut keyed(&scene.project, &["run", "leads", "--full"]), "");
    let found = files(folder);
    assert!(found.iter().any(|(path, _)| path.ends_with("-wal")));
    for (path, bytes) in &found {
        scene.planted.no_secret_in(path, bytes);
    }
    drop((open, connection));
    // The search finds what is there: profiles hold phone numbers, which is what they are for.
    let phones = &scene.planted.phones;
    let holds_all = |(_, bytes): &(String, Vec<u8>)| {
        let mut all = phones.iter();
        all.all(|phone| holds(bytes, phone.as_bytes()))
    };
    assert!(found.iter().any(holds_all));
}

#[test]
fn x44_the_environment_of_a_browser_and_every_command_line_hold_no_secret() {
    let sandbox = Sandbox::start(&["--leads", "0"]);
    let project = project(&sandbox, "{ method: oauth }");
    // Stands in for the desktop's opener, and writes down what it was given.
    let opener = "#!/bin/sh\nenv > \"$HOME/seen\"\necho \"$@\" >> \"$HOME/seen\"\n";
    for name in ["xdg-open", "gio", "gnome-open", "kde-open", "wslview"] {
        let path = format!("bin/{name}");
        project.write(&path, opener);
        fs::set_permissions(project.path().join(path), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let port = runtime.block_on(super::command::callback_port(&sandbox));
    let path = std::env::var("PATH").unwrap();
    let mut connect = keyed(&project, &["connect", "crm", "--port", &port]);
    connect
        .env(
            "PATH",
            format!("{}:{path}", project.path().join("bin").display()),
        )
        .env("HOME", project.path())
        .env("DISPLAY", ":9")
        .env("SALESFORCE_API_KEY", "planted-in-the-environment")
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = connect.spawn().unwrap();
    let lines = format!(
        "consumer_key={}\nconsumer_secret={}\n",
        sandbox.value("consumer_key"),
        sandbox.value("api_key")
    );
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), lines.as_bytes()).unwrap();
    let seen = project.path().join("seen");
    for _ in 0..200 {
        if fs::read_to_string(&seen).is_ok_and(|seen| seen.contains("/auth/salesforce/start/")) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let command_line = fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let seen = fs::read(&seen).expect("the opener was run");
    let planted = Planted {
        secrets: vec![
            ("vault key", key().to_owned()),
            ("Consumer Key", sandbox.value("consumer_key").to_owned()),
            ("Consumer Secret", sandbox.value("api_key").to_owned()),
            ("variable", "planted-in-the-environment".to_owned()),
        ],
        phones: Vec::new(),
    };
    planted.nothing_in("the browser's environment and arguments", &seen);
    planted.nothing_in("the command line", &command_line);
    let seen = String::from_utf8_lossy(&seen);
    assert!(
        !seen.contains("BRIDGED_KEY") && seen.contains("DISPLAY=:9"),
        "{seen}"
    );
}

/// The process's own memory, as a core dump would hold it.
#[cfg(target_os = "linux")]
fn memory_holds(masked: &[u8], mask: u8) -> usize {
    use std::io::{Read as _, Seek as _, SeekFrom};

    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut memory = fs::File::open("/proc/self/mem").unwrap();
    let mut found = 0;
    for line in maps.lines() {
        let mut parts = line.split_whitespace();
        let (range, rights) = (parts.next().unwrap(), parts.next().unwrap());
        if !rights.starts_with("rw") || line.ends_with("[vvar]") {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap();
        let from = u64::from_str_radix(from, 16).unwrap();
        let length = u64::from_str_radix(to, 16).unwrap() - from;
        // One page at a time, with an overlap: what is read must not itself become a place where the secret stands.
        let mut page = vec![0; 4096 + masked.len()];
        let mut at = 0;
        while at < length {
            memory.seek(SeekFrom::Start(from + at)).unwrap();
            let read = memory.read(&mut page).unwrap_or(0);
            for byte in &mut page[..read] {
                *byte ^= mask;
            }
            found += page[..read]
                .windows(masked.len())
                .filter(|window| *window == masked)
                .count();
            at += 4096;
        }
    }
    found
}

#[test]
#[cfg(target_os = "linux")]
fn x06_no_planted_secret_is_left_in_memory_once_the_vault_is_dropped() {
    use bridged::foundation::secret::Secret;

    const MASK: u8 = 0xa5;
    // Made masked, so that the needle itself is no find.
    let masked: Vec<u8> = (0..32)
        .map(|_| fastrand::lowercase() as u8 ^ MASK)
        .collect();
    // In one piece from the start: a text that grows leaves copies behind.
    let unmasked = || {
        let mut text = String::with_capacity(masked.len());
        text.extend(masked.iter().map(|byte| char::from(byte ^ MASK)));
        Secret::new(text)
    };

    let project = Project::empty();
    let path = project.path().to_owned();
    let vault = {
        let store = store::open("sqlite:.bridged/bridged.db", &path).unwrap();
        Arc::new(Vault::new(
            store,
            "acme",
            Some(KeyRing::parse(key()).unwrap()),
        ))
    };
    let secret = unmasked();
    assert!(
        memory_holds(&masked, MASK) > 0,
        "the search finds a secret that is held"
    );
    let change = bridged::vault::Change {
        connection: "crm",
        put: &[(Field::RefreshToken, &secret)],
        ..bridged::vault::Change::default()
    };
    vault.change(&change, jiff::Timestamp::now()).unwrap();
    for _ in 0..20 {
        let got = vault.get("crm", Field::RefreshToken).unwrap().unwrap();
        assert!(got == secret);
        assert!(!format!("{got:?} {vault:?}").contains(secret.expose()));
    }
    drop(secret);
    drop(vault);
    assert_eq!(memory_holds(&masked, MASK), 0);
}
