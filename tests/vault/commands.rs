//! `bridged vault` and `bridged audit`, as they are typed.

#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use bridged::store::Store;
use bridged::store::model::{AuditHead, hash_text, parse_hash};
use bridged::vault::Field;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::sample::{get, key, of_project, put, ring};
use crate::store::sample::audited;
use crate::support::binary::{Ran, command};
use crate::support::project::Project;

const PROJECT: &str = "version: 1
name: acme
connections:
  salesforce:
    type: salesforce
    instance_url: https://acme.my.salesforce.com
    auth: { method: api_key, consumer_key: \"${SALESFORCE_CONSUMER_KEY}\", api_key: \"${SALESFORCE_API_KEY}\" }
";

fn project() -> Project {
    Project::empty().file("bridged.yaml", PROJECT)
}

fn store(project: &Project) -> Arc<dyn Store> {
    bridged::store::open("sqlite:.bridged/bridged.db", project.path()).expect("the store opens")
}

/// Runs the binary with these keys, the newest first, in a file.
#[track_caller]
fn with_keys(project: &Project, keys: &[&str], args: &[&str]) -> Ran {
    let path = project.path().join("keys");
    let _ = fs::remove_file(&path);
    fs::write(&path, keys.join("\n")).expect("written");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("set");
    let ran = command(project.path())
        .args(args)
        .env("BRIDGED_KEY_FILE", "keys")
        .env("USER", "ada")
        .output()
        .expect("the binary starts");
    Ran::from(ran)
}

fn id(key: &str) -> String {
    ring(&[key]).newest().to_string()
}

#[test]
fn a_key_is_printed_once_and_names_itself() {
    let project = Project::empty();
    let one = project.bridged(&["vault", "key"]).expect(0);
    let two = project.bridged(&["vault", "key"]).expect(0);
    assert_ne!(one.stdout, two.stdout);
    assert_eq!((one.stdout.lines().count(), one.stderr.as_str()), (1, ""));
    let newest = id(&one.stdout);
    assert_eq!(newest.len(), 8);
    let json = project
        .bridged(&["vault", "key", "--format", "json"])
        .expect(0)
        .json();
    let key = json["result"]["key"].as_str().expect("a key");
    assert_eq!(json["result"]["key_id"], id(key));
    assert_eq!(json["command"], "vault");
    assert_eq!(
        fs::read_dir(project.path()).expect("folder").count(),
        0,
        "nothing is kept"
    );
}

#[test]
fn x43_a_key_file_is_its_owners_alone_under_a_umask_of_000() {
    let dir = tempfile::tempdir().expect("folder");
    let ran = std::process::Command::new("sh")
        .current_dir(dir.path())
        .args(["-c", "umask 000; exec \"$0\" vault key --out new.key"])
        .arg(env!("CARGO_BIN_EXE_bridged"))
        .output()
        .expect("the binary starts");
    let ran = Ran::from(ran).expect(0);
    let path = dir.path().join("new.key");
    let mode = fs::metadata(&path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let text = fs::read_to_string(&path).expect("a text");
    let key = text.lines().last().expect("a key");
    assert!(text.starts_with(&format!("# key {}\n", id(key))));
    assert!(ran.stdout.contains(&id(key)), "{}", ran.stdout);
    assert!(!ran.stdout.contains(&key[4..]) && !ran.stderr.contains(&key[4..]));
}

#[test]
fn a_key_file_is_never_overwritten() {
    let project = Project::empty().file("old.key", "precious");
    let args = ["vault", "key", "--format", "json", "--out"];
    for (path, code, exit) in [
        ("old.key", "file-exists", 2),
        (".", "file-exists", 2),
        ("no/such/folder/new.key", "file-not-written", 1),
    ] {
        let report = project
            .bridged(&[&args[..], &[path]].concat())
            .expect(exit)
            .json();
        assert_eq!(report["findings"][0]["code"], code, "{path}");
        assert!(!report.to_string().contains("bk1_"));
    }
    assert_eq!(project.read("old.key"), "precious");
}

#[test]
fn a_rotation_is_done_told_and_seen() {
    let project = project();
    let (old, new) = (key(), key());
    let secrets = [(Field::ConsumerKey, "k"), (Field::ConsumerSecret, "s")];
    put(
        &of_project("acme", &store(&project), &[&old]),
        "salesforce",
        &secrets,
    );

    let status = with_keys(
        &project,
        &[&new, &old],
        &["vault", "status", "--format", "json"],
    );
    let keys = json!([
        { "id": id(&new), "newest": true, "present": true, "secrets": 0 },
        { "id": id(&old), "newest": false, "present": true, "secrets": 2 },
    ]);
    let connections = json!({ "salesforce": ["consumer_key", "consumer_secret"] });
    let expected = json!({ "keys": keys, "connections": connections, "tampered": [] });
    assert_eq!(status.expect(0).json()["result"], expected);
    let shown = with_keys(&project, &[&new, &old], &["vault", "status"])
        .expect(0)
        .stdout;
    assert!(
        shown.contains("opens until `bridged vault rotate`"),
        "{shown}"
    );
    assert!(
        shown.contains("salesforce: consumer_key, consumer_secret"),
        "{shown}"
    );

    let rotated = with_keys(&project, &[&new, &old], &["vault", "rotate"])
        .expect(0)
        .stdout;
    assert_eq!(
        rotated,
        format!("sealed 2 secrets again; key {} seals 2 secrets\n", id(&new))
    );
    let again = with_keys(
        &project,
        &[&new, &old],
        &["vault", "rotate", "--format", "json"],
    );
    let expected = json!({ "key_id": id(&new), "resealed": 0, "already": 2, "remaining": 0 });
    assert_eq!(again.expect(0).json()["result"], expected);
    let shown = with_keys(&project, &[&new, &old], &["vault", "status"])
        .expect(0)
        .stdout;
    assert!(shown.contains("older: can be taken out"), "{shown}");
    let vault = of_project("acme", &store(&project), &[&new]);
    assert_eq!(
        get(&vault, "salesforce", Field::ConsumerSecret).as_deref(),
        Some("s")
    );

    let listed = project
        .bridged(&["audit", "list", "--format", "json"])
        .expect(0)
        .json();
    let entry = &listed["result"]["entries"][0];
    assert_eq!(
        (&entry["action"], &entry["actor"]),
        (&json!("key-rotated"), &json!("user ada"))
    );
    assert_eq!(
        entry["details"],
        json!({ "to": id(&new), "from": { id(&old): 2 } })
    );
    assert_eq!(listed["result"]["head"]["hash"], entry["hash"]);
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no failpoints")]
fn x04_a_rotate_command_that_is_killed_goes_on_when_it_is_typed_again() {
    let (old, new) = (key(), key());
    for nth in 1..=3 {
        let project = project();
        let secrets = [
            (Field::ConsumerKey, "k"),
            (Field::ConsumerSecret, "s"),
            (Field::RefreshToken, "r"),
        ];
        put(
            &of_project("acme", &store(&project), &[&old]),
            "salesforce",
            &secrets,
        );
        let keys = [new.as_str(), &old];
        with_keys(&project, &keys, &["vault", "status"]).expect(0);
        let died = command(project.path())
            .args(["vault", "rotate"])
            .env("BRIDGED_KEY_FILE", "keys")
            .env("BRIDGED_FAILPOINT", format!("vault-after-reseal@{nth}"))
            .output()
            .expect("the binary starts");
        assert_eq!(died.status.code(), None, "killed: {died:?}");
        let early = with_keys(&project, &[&new], &["vault", "rotate"]);
        early.expect(i32::from(nth < 3));
        let args = ["vault", "rotate", "--format", "json"];
        let report = with_keys(&project, &keys, &args).expect(0).json();
        assert_eq!(report["result"]["resealed"], 3 - nth);
        assert_eq!(report["result"]["already"], nth);
        let vault = of_project("acme", &store(&project), &[&new]);
        for (field, text) in secrets {
            assert_eq!(get(&vault, "salesforce", field).as_deref(), Some(text));
        }
        project.bridged(&["audit", "verify"]).expect(0);
    }
}

#[test]
fn a_vault_that_does_not_open_says_why_and_ends_with_one() {
    let project = project();
    let (old, new) = (key(), key());
    put(
        &of_project("acme", &store(&project), &[&old]),
        "salesforce",
        &[(Field::ConsumerSecret, "s")],
    );
    put(
        &of_project("renamed", &store(&project), &[&new]),
        "whatsapp",
        &[(Field::WhatsappToken, "w")],
    );
    for args in [["vault", "status"], ["vault", "rotate"]] {
        let args = [&args[..], &["--format", "json"]].concat();
        let report = with_keys(&project, &[&new], &args).expect(1).json();
        assert_eq!(report["findings"][0]["code"], "vault-key-lost", "{args:?}");
        let told = report["findings"].to_string();
        assert!(
            told.contains(&id(&old)) && told.contains("consumer_secret"),
            "{told}"
        );
    }
    let report = with_keys(&project, &[&new], &["vault", "status", "--format", "json"]).json();
    assert_eq!(report["findings"][1]["code"], "vault-tampered");
    let tampered = json!([{ "connection": "whatsapp", "field": "whatsapp_token" }]);
    assert_eq!(report["result"]["tampered"], tampered);
    let none = project
        .bridged(&["vault", "status", "--format", "json"])
        .expect(1)
        .json();
    assert_eq!(none["findings"].as_array().map(Vec::len), Some(1));
    assert_eq!(none["findings"][0]["code"], "vault-key-missing");
    assert_eq!(none["result"]["keys"][0]["present"], false);
    let none = project
        .bridged(&["vault", "rotate", "--format", "json"])
        .expect(1)
        .json();
    assert_eq!(none["findings"][0]["code"], "vault-key-missing");
}

#[test]
fn x05_a_command_does_not_start_with_a_key_file_that_others_can_read() {
    let project = project().file("open.key", key());
    fs::set_permissions(
        project.path().join("open.key"),
        Permissions::from_mode(0o644),
    )
    .expect("set");
    let ran = command(project.path())
        .args(["vault", "status", "--format", "json"])
        .env("BRIDGED_KEY_FILE", "open.key")
        .output()
        .expect("the binary starts");
    let report = Ran::from(ran).expect(1).json();
    assert_eq!(report["findings"][0]["code"], "vault-key-file-refused");
    let help = report["findings"][0]["help"].as_str().expect("help");
    assert!(help.contains("chmod 600 open.key"), "{help}");
    assert!(
        !project.path().join(".bridged").exists(),
        "before the store is touched"
    );
    let ran = command(project.path())
        .args(["vault", "status", "--format", "json"])
        .env("BRIDGED_KEY_FILE", "open.key")
        .env("BRIDGED_KEY", key())
        .output()
        .expect("the binary starts");
    let report = Ran::from(ran).expect(1).json();
    assert_eq!(report["findings"][0]["code"], "vault-key-invalid");
}

fn tamper(project: &Project, sql: &str) {
    let raw = Connection::open(project.path().join(".bridged/bridged.db")).expect("raw");
    raw.execute_batch(sql).expect(sql);
}

#[track_caller]
fn head(project: &Project) -> AuditHead {
    store(project).audit_head().expect("read").expect("a head")
}

#[test]
fn the_log_is_listed_the_latest_first() {
    let project = project();
    let empty = project.bridged(&["audit", "list"]).expect(0).stdout;
    assert_eq!(empty, "no entries\n");
    for number in 1..=5 {
        store(&project)
            .append_audit(&audited("salesforce", number * 1_000))
            .expect("appended");
    }
    let listed = |args: &[&str]| {
        let args = [&["audit", "list", "--format", "json"], args].concat();
        let report = project.bridged(&args).expect(0).json();
        let entries = report["result"]["entries"]
            .as_array()
            .expect("a list")
            .clone();
        entries
            .iter()
            .map(|entry| entry["seq"].as_u64().expect("a number"))
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(&[]), [5, 4, 3, 2, 1]);
    assert_eq!(listed(&["--limit", "2"]), [5, 4]);
    assert_eq!(listed(&["--limit", "0"]), [0; 0]);
    let shown = project
        .bridged(&["audit", "list", "--limit", "1"])
        .expect(0)
        .stdout;
    assert!(shown.contains("2027-01-15 08:00:05Z"), "{shown}");
    assert!(shown.contains("1 of 5 entries"), "{shown}");
    assert!(shown.contains(&hash_text(&head(&project).hash)), "{shown}");
}

/// A project with so many entries in its log.
fn fill(count: i64) -> Project {
    let project = project();
    for number in 1..=count {
        store(&project)
            .append_audit(&audited("salesforce", number))
            .expect("appended");
    }
    project
}

#[test]
fn x37_verify_says_that_a_log_is_whole_and_leads_to_a_noted_hash() {
    let whole = fill(5);
    let report = whole
        .bridged(&["audit", "verify", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(
        (&report["ok"], &report["result"]["good"]),
        (&json!(true), &json!(5))
    );
    let hash = hash_text(&head(&whole).hash);
    let expected = whole
        .bridged(&["audit", "verify", "--expect", &hash])
        .expect(0)
        .stdout;
    assert!(
        expected.contains("5 entries, each as it was written"),
        "{expected}"
    );
    assert!(
        expected.contains("entry 5 has the expected hash"),
        "{expected}"
    );

    let other = "ab".repeat(32);
    let report = whole
        .bridged(&["audit", "verify", "--expect", &other, "--format", "json"])
        .expect(1)
        .json();
    assert_eq!(report["findings"][0]["code"], "audit-broken");
    for wrong in ["", "abc", &hash[..63], &"zz".repeat(32), &"é".repeat(32)] {
        let report = whole
            .bridged(&["audit", "verify", "--expect", wrong])
            .expect(2);
        assert!(report.stderr.contains("hexadecimal"), "{}", report.stderr);
    }
}

#[test]
fn x37_verify_ends_with_one_and_names_the_first_bad_entry() {
    let hash = hash_text(&head(&fill(5)).hash);
    let unguard =
        "DROP TRIGGER audit_entries_are_not_changed; DROP TRIGGER audit_entries_are_not_removed; ";
    for (what, sql, seq) in [
        ("delete", "DELETE FROM audit_entries WHERE seq = 3", 3),
        ("edit", "UPDATE audit_entries SET actor = 'nobody' WHERE seq = 2", 2),
        (
            "reorder",
            "UPDATE audit_entries SET seq = 9 WHERE seq = 2; UPDATE audit_entries SET seq = 2 WHERE seq = 4;
             UPDATE audit_entries SET seq = 4 WHERE seq = 9",
            2,
        ),
        ("truncate", "DELETE FROM audit_entries WHERE seq >= 4", 4),
    ] {
        let project = fill(5);
        tamper(&project, &format!("{unguard}{sql}"));
        let report = project.bridged(&["audit", "verify", "--format", "json"]).expect(1).json();
        assert_eq!(report["findings"][0]["code"], "audit-broken", "{what}");
        assert_eq!(report["result"]["broken"]["seq"], seq, "{what}");
        let text = project.bridged(&["audit", "verify"]).expect(1);
        assert!(text.stderr.contains(&format!("entry {seq} ")), "{what}: {}", text.stderr);
        assert!(text.stdout.contains(&format!("{} entr", seq - 1)), "{what}: {}", text.stdout);
        let expecting = project.bridged(&["audit", "verify", "--expect", &hash, "--format", "json"]);
        expecting.expect(1);
        project.bridged(&["audit", "list"]).expect(0);
    }
}

#[test]
fn x37_a_log_without_its_head_is_listed_and_not_whole() {
    let headless = fill(2);
    tamper(
        &headless,
        "DROP TRIGGER audit_head_is_not_removed; DELETE FROM audit_head",
    );
    headless.bridged(&["audit", "verify"]).expect(1);
    let shown = headless.bridged(&["audit", "list"]).expect(0).stdout;
    assert!(shown.contains("the head of the log is missing"), "{shown}");
    assert_eq!(
        shown.matches("connected").count(),
        2,
        "what is there is listed"
    );
}

#[test]
fn a_hash_reads_back_as_it_is_shown() {
    let hash: [u8; 32] = std::array::from_fn(|index| (index * 9) as u8);
    let text = hash_text(&hash);
    assert_eq!(parse_hash(&text), Some(hash));
    assert_eq!(parse_hash(&text.to_uppercase()), Some(hash));
    for wrong in [&text[1..], "", &text.replace('0', "+"), &format!("{text}0")] {
        assert_eq!(parse_hash(wrong), None, "{wrong}");
    }
}

const PEOPLE: &str = "version: 1
name: people
direction: write
source: { records: profiles }
targets:
  lead:
    object: Lead
    operation: upsert
    match: { Bridged_Id__c: \"{{ profile.key }}\" }
    field_map: { LastName: \"{{ profile.last_name }}\", Company: \"{{ profile.company }}\" }
on_error: { max_rejected: 100% }
";

/// A project whose pipeline writes three people, one of whom has no company, to a sandbox.
fn people() -> Project {
    let rows = [
        ("p1", json!("Acme")),
        ("p2", json!("Babbage")),
        ("p3", Value::Null),
    ];
    let rows: Vec<String> = rows
        .into_iter()
        .map(|(key, company)| {
            let phone = format!("+1415555010{}", &key[1..]);
            json!({ "key": key, "last_name": "Lovelace", "company": company, "phone": phone })
                .to_string()
        })
        .collect();
    let project = project()
        .file("pipelines/people.yaml", PEOPLE)
        .file("people.jsonl", rows.join("\n"));
    let import = ["--sandbox", "import", "profiles", "people.jsonl"];
    project.bridged(&import).expect(0);
    project
}

/// The entries of the log of a project's sandbox store, the latest first.
#[track_caller]
fn entries(project: &Project) -> Vec<Value> {
    let report = project
        .bridged(&["--sandbox", "audit", "list", "--format", "json"])
        .expect(0)
        .json();
    project.bridged(&["--sandbox", "audit", "verify"]).expect(0);
    let text = report.to_string();
    assert!(
        !text.contains("+1415555") && !text.contains("Lovelace"),
        "{text}"
    );
    report["result"]["entries"]
        .as_array()
        .expect("a list")
        .clone()
}

fn forget_log(project: &Project) {
    let path = project.path().join(".bridged/sandbox.db");
    let raw = Connection::open(path).expect("raw");
    raw.execute_batch("DROP TABLE audit_entries").expect("gone");
}

#[test]
fn a_plan_that_is_applied_is_told_before_it_begins() {
    let project = people();
    let save = ["--sandbox", "dry-run", "people", "--out", "people.plan"];
    project.bridged(&save);
    assert!(Path::new(&project.path().join("people.plan")).exists());
    assert_eq!(entries(&project), [json!(null); 0], "a preview is not told");
    let apply = [
        "--sandbox",
        "run",
        "people",
        "--plan",
        "people.plan",
        "--format",
        "json",
    ];
    let report = project.bridged(&apply).expect(0).json();
    assert_eq!(report["result"]["runs"][0]["ledger"]["delivered"], 2);
    let told = entries(&project);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["action"], "plan-applied");
    assert_eq!(told[0]["subject"], "people");
    assert_eq!(told[0]["details"]["plan"].as_str().map(str::len), Some(64));
    assert_eq!(told[0]["details"]["rows"], 2);
    // A plan that is refused was not applied.
    project.bridged(&apply).expect(1);
    assert_eq!(entries(&project).len(), 1);
}

#[test]
fn i18_x38_a_plan_that_cannot_be_told_is_not_applied() {
    let project = people();
    project.bridged(&["--sandbox", "dry-run", "people", "--out", "people.plan"]);
    forget_log(&project);
    let apply = [
        "--sandbox",
        "run",
        "people",
        "--plan",
        "people.plan",
        "--format",
        "json",
    ];
    let report = project.bridged(&apply).expect(1).json();
    assert_eq!(report["findings"][0]["code"], "store-failed", "{report}");
    let ledger = &report["result"]["runs"][0]["ledger"];
    assert_eq!(ledger["delivered"], 0, "{report}");
    assert_eq!(
        report["result"]["runs"][0]["requests"]["write"], 0,
        "{report}"
    );
}

#[test]
fn i18_x38_a_replay_is_told_before_it_begins_or_not_done() {
    let project = people();
    project.bridged(&["--sandbox", "run", "people"]).expect(3);
    assert_eq!(
        entries(&project),
        [json!(null); 0],
        "a run by itself is in the runs"
    );
    let replay = [
        "--sandbox",
        "rejected",
        "replay",
        "--pipeline",
        "people",
        "--format",
        "json",
    ];
    project.bridged(&[&replay[..], &["--dry-run"]].concat());
    assert_eq!(entries(&project), [json!(null); 0], "a preview is not told");
    project.bridged(&replay).expect(3);
    let told = entries(&project);
    assert_eq!(told[0]["action"], "letters-replayed");
    assert_eq!(told[0]["subject"], "people");
    let details = json!({ "letters": 1, "chosen": { "pipeline": "people" } });
    assert_eq!(told[0]["details"], details);

    forget_log(&project);
    let report = project.bridged(&replay).expect(1).json();
    assert_eq!(report["findings"][0]["code"], "store-failed", "{report}");
    assert_eq!(
        report["result"]["runs"][0]["requests"]["write"], 0,
        "{report}"
    );
    assert_eq!(report["result"]["runs"][0]["ledger"]["read"], 0, "{report}");
}
