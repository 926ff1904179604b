//! What people type when somebody asks to see what is kept of them, or to be forgotten.

use std::fs;

use serde_json::Value;

use super::messages::{keyed, project, result};
use crate::support::binary::command;
use crate::support::project::Project;

const SANDBOX: &str = ".bridged/sandbox.db";

/// The phone and the key of the first person to whom the campaign wrote.
fn somebody(project: &Project) -> (String, String) {
    result(project.bridged(&["--sandbox", "run", "activation", "--format", "json"]));
    let store = rusqlite::Connection::open(project.path().join(SANDBOX)).unwrap();
    let sql = "SELECT p.key, p.phone FROM profiles p JOIN message_people m ON m.profile = p.key
               WHERE (SELECT count(*) FROM profiles o WHERE o.phone = p.phone) = 1 ORDER BY p.key";
    store
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
}

fn ledger(project: &Project, args: &[&str]) -> Value {
    let mut given = vec!["--sandbox", "run", "activation", "--format", "json"];
    given.extend(args);
    result(project.bridged(&given))["runs"][0]["ledger"].clone()
}

#[test]
fn i26_g01_g02_an_erased_person_is_gone_and_the_next_campaign_leaves_them_out() {
    let project = project();
    let (key, phone) = somebody(&project);
    let asked = project.bridged(&["--sandbox", "erase", &phone]);
    assert_eq!(
        asked.code,
        Some(2),
        "it says what it would do, and does nothing"
    );
    assert!(
        asked.stdout.contains("1 profile") && asked.stdout.contains("--yes"),
        "{}",
        asked.stdout
    );
    project.bridged(&["--sandbox", "profile", &key]).expect(0);
    let erased = project.bridged(&["--sandbox", "erase", &phone, "--yes", "--format", "json"]);
    let erased = result(erased);
    assert_eq!(
        (&erased["profiles"], &erased["messages"]),
        (&1.into(), &1.into()),
        "{erased}"
    );
    project.bridged(&["--sandbox", "profile", &key]).expect(2);
    for name in [
        SANDBOX,
        ".bridged/sandbox.db-wal",
        ".bridged/sandbox.db-erased",
    ] {
        let bytes = fs::read(project.path().join(name)).unwrap_or_default();
        for text in [key.as_str(), phone.trim_start_matches('+')] {
            let found = bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes());
            assert!(!found, "`{text}` is left in {name}");
        }
    }
    // A campaign of another name would write to everybody.
    let before = project.read("pipelines/activation.yaml");
    project.write(
        "pipelines/activation.yaml",
        before.replace("campaign: spring", "campaign: autumn"),
    );
    let told = project
        .bridged(&["--sandbox", "dry-run", "activation", "--full"])
        .expect(0);
    assert!(told.stdout.contains("erased"), "{}", told.stdout);
    let run = ledger(&project, &["--full"]);
    assert!(run["suppressed"].as_u64().unwrap() >= 1, "{run}");
    project.bridged(&["--sandbox", "profile", &key]).expect(2);
    let kept = result(project.bridged(&[
        "--sandbox",
        "suppression",
        "check",
        &phone,
        "--format",
        "json",
    ]));
    assert_eq!(
        (&kept["suppressed"], &kept["reason"]),
        (&true.into(), &"erased".into())
    );
    // The audit log names nobody.
    let log = project
        .bridged(&["--sandbox", "audit", "list"])
        .expect(0)
        .stdout;
    assert!(log.contains("person-erased"), "{log}");
    assert!(
        !log.contains(&key) && !log.contains(phone.trim_start_matches('+')),
        "{log}"
    );
}

#[test]
fn g04_everything_of_a_person_is_given_out_and_nothing_of_others() {
    let project = project();
    let (key, phone) = somebody(&project);
    let outcome = format!(
        "{{\"id\":\"c-1\",\"profile\":\"{key}\",\"kind\":\"qualified\",\"occurred_at\":\"2026-11-01T10:00:00Z\",\"summary\":\"wants a demo\"}}\n\
         {{\"id\":\"c-2\",\"profile\":\"another\",\"kind\":\"qualified\",\"occurred_at\":\"2026-11-01T10:00:00Z\"}}\n"
    );
    project.write("outcomes.jsonl", outcome);
    project
        .bridged(&["--sandbox", "import", "outcomes", "outcomes.jsonl"])
        .expect(0);
    project
        .bridged(&["--sandbox", "export", &phone, "--out", "person.json"])
        .expect(0);
    let text = project.read("person.json");
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["profiles"][0]["key"], key);
    assert_eq!(document["profiles"][0]["attributes"]["phone"], phone);
    assert_eq!(document["outcomes"][0]["fields"]["summary"], "wants a demo");
    assert_eq!(document["engagements"][0]["kind"], "sent");
    assert_eq!(document["messages"][0]["campaign"], "spring");
    assert!(!text.contains("c-2") && !text.contains("another"), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = fs::metadata(project.path().join("person.json")).unwrap();
        assert_eq!(file.permissions().mode() & 0o077, 0);
    }
    let again = project.bridged(&["--sandbox", "export", &phone, "--out", "person.json"]);
    assert!(again.expect(2).stderr.contains("file-exists"));
    let shown = result(project.bridged(&["--sandbox", "export", &key, "--format", "json"]));
    assert_eq!(shown["profiles"][0]["key"], key);
    // Of somebody unknown there is nothing to give out.
    let nobody =
        result(project.bridged(&["--sandbox", "export", "+14155550199", "--format", "json"]));
    assert_eq!(nobody["profiles"], Value::Array(Vec::new()));
}

#[test]
fn g06_a_restored_backup_erases_again_with_the_next_command() {
    let project = project();
    let (key, phone) = somebody(&project);
    let copy = fs::read(project.path().join(SANDBOX)).unwrap();
    project
        .bridged(&["--sandbox", "erase", &phone, "--yes"])
        .expect(0);
    for ending in ["-wal", "-shm"] {
        let _ = fs::remove_file(project.path().join(format!("{SANDBOX}{ending}")));
    }
    fs::write(project.path().join(SANDBOX), copy).unwrap();
    let shown = project.bridged(&["--sandbox", "profile", &key]).expect(2);
    assert!(
        shown.stderr.contains("restored from an older copy"),
        "{}",
        shown.stderr
    );
    assert!(shown.stderr.contains("unknown-profile"), "{}", shown.stderr);
}

#[test]
fn records_of_an_erased_person_are_left_out_of_imports_until_they_are_lifted() {
    let project = project();
    project
        .bridged(&["--sandbox", "erase", "crm-4711", "--yes"])
        .expect(0);
    project.write(
        "people.jsonl",
        "{\"key\":\"crm-4711\",\"full_name\":\"Ada\"}\n{\"key\":\"crm-4712\"}\n",
    );
    let import = [
        "--sandbox",
        "import",
        "profiles",
        "people.jsonl",
        "--format",
        "json",
    ];
    let done = result(project.bridged(&import));
    assert_eq!(
        (&done["added"], &done["erased"]),
        (&1.into(), &1.into()),
        "{done}"
    );
    let text = project.bridged(&import[..4]).expect(0).stdout;
    assert!(text.contains("1 left out"), "{text}");
    let lifted = project.bridged(&["--sandbox", "erase", "crm-4711", "--lift"]);
    assert!(
        lifted.expect(0).stdout.contains("1 entry taken off"),
        "it says so"
    );
    let done = result(project.bridged(&import));
    assert_eq!(done["added"], 1, "{done}");
}

#[test]
fn a_person_is_named_without_showing_them_to_others_and_never_by_half() {
    let project = project();
    project.write(
        "people.jsonl",
        "{\"key\":\"a\",\"email\":\"office@acme.example\"}\n{\"key\":\"b\",\"email\":\"office@acme.example\"}\n",
    );
    project
        .bridged(&["--sandbox", "import", "profiles", "people.jsonl"])
        .expect(0);
    let several = project.bridged(&["--sandbox", "erase", "office@acme.example", "--yes"]);
    let several = several.expect(2).stderr;
    assert!(
        several.contains("ambiguous-profile") && several.contains("--all"),
        "{several}"
    );
    let mut typed = command(project.path());
    typed.args([
        "--sandbox",
        "erase",
        "-",
        "--all",
        "--yes",
        "--format",
        "json",
    ]);
    typed
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    let mut child = typed.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"office@acme.example\n").unwrap();
    let ran: crate::support::binary::Ran = child.wait_with_output().unwrap().into();
    assert_eq!(result(ran)["profiles"], 2);
    let nobody = project.bridged(&["--sandbox", "erase", " ", "--yes"]);
    assert!(nobody.expect(2).stderr.contains("no person is named"));
}

#[test]
fn without_the_vaults_key_nobody_is_erased_and_the_error_says_what_to_do() {
    let project = project();
    let refused = project
        .bridged(&["erase", "+447700900123", "--yes"])
        .expect(1);
    assert!(
        refused.stderr.contains("identity-key-missing"),
        "{}",
        refused.stderr
    );
    let done = result(keyed(
        &project,
        &["erase", "+447700900123", "--yes", "--format", "json"],
    ));
    assert_eq!(done["profiles"], 0);
    // From now on nothing is taken in without it.
    project.write("people.jsonl", "{\"key\":\"a\"}\n");
    let import = ["import", "profiles", "people.jsonl"];
    let refused = project.bridged(&import).expect(1);
    assert!(
        refused.stderr.contains("identity-key-missing"),
        "{}",
        refused.stderr
    );
    keyed(&project, &import).expect(0);
}

#[test]
fn g05_a_run_forgets_what_is_older_than_the_projects_retention() {
    let project = project();
    somebody(&project);
    let yaml = project.read("bridged.yaml");
    let store = rusqlite::Connection::open(project.path().join(SANDBOX)).unwrap();
    store
        .execute(
            "INSERT INTO dead_letters (run_id, pipeline, fingerprint, step, key, code, message, attempts, at, payload)
             SELECT id, pipeline, fingerprint, 'map', 'old', 'record-refused', 'refused', 1, 0, '{\"Name\":\"Ada\"}' FROM runs LIMIT 1",
            [],
        )
        .unwrap();
    let payload = || -> String {
        store
            .query_row(
                "SELECT payload FROM dead_letters WHERE key = 'old'",
                [],
                |row| row.get(0),
            )
            .unwrap()
    };
    ledger(&project, &[]);
    assert!(
        payload().contains("Ada"),
        "without a retention everything stays"
    );
    project.write(
        "bridged.yaml",
        yaml.replace("name: acme\n", "name: acme\nretention: 12h\n"),
    );
    let wrong = project.bridged(&["validate"]).expect(2).stdout;
    assert!(
        wrong.contains("out-of-range") && wrong.contains("bridged.yaml:3:"),
        "{wrong}"
    );
    project.write(
        "bridged.yaml",
        yaml.replace("name: acme\n", "name: acme\nretention: 30d\n"),
    );
    ledger(&project, &[]);
    assert_eq!(payload(), "null");
}

#[test]
fn g07_a_rejected_record_shows_neither_a_sensitive_attribute_nor_what_it_is_made_of() {
    let pipeline = super::sample::KEYED.replace("on_error", "sensitive: [name]\non_error");
    let project = super::sample::with(&pipeline);
    project.bridged(&["--sandbox", "run", "keyed"]).expect(3);
    let store = rusqlite::Connection::open(project.path().join(SANDBOX)).unwrap();
    let (id, last_name): (i64, String) = store
        .query_row(
            "SELECT id, json_extract(payload, '$.LastName') FROM dead_letters ORDER BY id LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    for format in ["text", "json"] {
        let id = id.to_string();
        let shown = project.bridged(&["--sandbox", "rejected", "show", &id, "--format", format]);
        let shown = shown.expect(0).stdout;
        assert!(
            !shown.contains(&last_name) && shown.contains("•••"),
            "{shown}"
        );
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = fs::metadata(project.path().join(SANDBOX)).unwrap();
        assert_eq!(
            file.permissions().mode() & 0o077,
            0,
            "and the store is its owner's alone"
        );
    }
}

#[test]
fn g08_logs_show_no_number_and_no_name_however_much_they_tell() {
    let project = project();
    let mut logs = String::new();
    for verbosity in [&[][..], &["-v"], &["-vvv"]] {
        let mut args = vec!["--sandbox", "--log-format", "json"];
        args.extend(verbosity);
        args.extend(["run", "activation", "--full"]);
        logs.push_str(&project.bridged(&args).expect(0).stderr);
    }
    assert!(logs.lines().count() > 10, "{logs}");
    let store = rusqlite::Connection::open(project.path().join(SANDBOX)).unwrap();
    let mut people = store
        .prepare("SELECT phone, json_extract(attributes, '$.full_name') FROM profiles WHERE phone IS NOT NULL")
        .unwrap();
    let people: Vec<(String, String)> = people
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(people.len() > 50);
    for (phone, name) in people {
        assert!(!logs.contains(phone.trim_start_matches('+')), "{phone}");
        assert!(!logs.contains(&name), "{name}");
    }
}
