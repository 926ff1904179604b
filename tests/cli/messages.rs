//! What people type about messages: campaigns, unknown ends, suppressions, tokens.

use serde_json::Value;

use crate::e2e::scene::KEY;
use crate::support::binary::{Ran, command};
use crate::support::project::Project;

const PROJECT: &str = "version: 1
name: acme
connections:
  salesforce: { type: salesforce, instance_url: \"https://acme.my.salesforce.com\", auth: { method: api_key } }
  whatsapp: { type: whatsapp, phone_number_id: \"106540352242922\", business_account_id: \"102290129340398\" }
";

const ACTIVATION: &str = "version: 1
name: activation
playbook: activation
direction: read
source: { object: Lead, where: \"WhatsApp_Opt_In__c = true\", page_size: 200 }
field_map: { full_name: \"{{ FirstName }} {{ LastName }}\", phone: \"{{ (MobilePhone or Phone) | e164(country='GB') }}\" }
filter: \"{{ phone is not none }}\"
consent: { whatsapp: \"{{ WhatsApp_Opt_In__c }}\" }
broadcast:
  connection: whatsapp
  template: { name: spring_offer, language: en_US, parameters: [\"{{ full_name }}\"] }
  to: \"{{ phone }}\"
  campaign: spring
";

pub(super) fn project() -> Project {
    Project::empty()
        .file("bridged.yaml", PROJECT)
        .file("pipelines/activation.yaml", ACTIVATION)
}

pub(super) fn keyed(project: &Project, args: &[&str]) -> Ran {
    let output = command(project.path())
        .args(args)
        .env("BRIDGED_KEY", KEY)
        .output()
        .unwrap();
    output.into()
}

pub(super) fn result(ran: Ran) -> Value {
    ran.expect(0).json()["result"].clone()
}

#[test]
fn a_broadcast_is_previewed_run_and_listed() {
    let project = project();
    let preview =
        result(project.bridged(&["--sandbox", "dry-run", "activation", "--format", "json"]));
    let run = result(project.bridged(&["--sandbox", "run", "activation", "--format", "json"]));
    let ledger = &run["runs"][0]["ledger"];
    assert_eq!(
        preview["messages"]["now"], ledger["delivered"],
        "what was shown is what runs: {preview}"
    );
    assert!(ledger["delivered"].as_u64().unwrap() > 50, "{ledger}");
    let listed = result(project.bridged(&["--sandbox", "campaign", "list", "--format", "json"]));
    assert_eq!(
        listed["campaigns"][0]["messages"]["accepted"],
        ledger["delivered"]
    );
    let text = project
        .bridged(&["--sandbox", "campaign", "show", "spring"])
        .expect(0)
        .stdout;
    assert!(
        text.contains("spring") && text.contains("running"),
        "{text}"
    );
    assert!(
        project
            .bridged(&["--sandbox", "dry-run", "activation", "--full"])
            .expect(0)
            .stdout
            .contains("they have theirs")
    );
    let plan = project.bridged(&["plan", "activation"]).expect(0).stdout;
    assert!(
        plan.contains("10000 messages, one request each and no API calls, within 3 minutes"),
        "{plan}"
    );
}

#[test]
fn a_broadcast_is_no_plan_of_rows_that_could_be_saved() {
    let project = project();
    let refused = project.bridged(&["--sandbox", "dry-run", "activation", "--out", "plan.jsonl"]);
    let refused = refused.expect(2).stderr;
    assert!(refused.contains("sends messages"), "{refused}");
    assert!(!project.path().join("plan.jsonl").exists());
}

#[test]
fn a_campaign_is_held_and_taken_up_by_name() {
    let project = project();
    project
        .bridged(&["--sandbox", "run", "activation", "--limit", "20"])
        .expect(0);
    for (what, state) in [
        ("pause", "paused"),
        ("resume", "running"),
        ("stop", "stopped"),
    ] {
        let changed =
            result(project.bridged(&["--sandbox", "campaign", what, "spring", "--format", "json"]));
        assert_eq!(changed["state"], state);
    }
    let stopped = project
        .bridged(&["--sandbox", "run", "activation"])
        .expect(1);
    assert!(
        stopped.stdout.contains("campaign-paused") || stopped.stderr.contains("campaign-paused"),
        "{stopped:?}"
    );
    let near = project
        .bridged(&["--sandbox", "campaign", "pause", "sprin"])
        .expect(1);
    assert!(
        near.stderr.contains("unknown-campaign") && near.stderr.contains("did you mean `spring`?"),
        "{}",
        near.stderr
    );
    let log = project
        .bridged(&["--sandbox", "audit", "list"])
        .expect(0)
        .stdout;
    assert_eq!(log.matches("campaign-changed").count(), 3, "{log}");
}

#[test]
fn c04_without_a_key_nobody_is_looked_up_and_nobody_is_written_to() {
    let project = project();
    let refused = project
        .bridged(&["suppression", "check", "+447946000001"])
        .expect(1);
    assert!(
        refused.stderr.contains("identity-key-missing"),
        "{}",
        refused.stderr
    );
}

#[test]
fn somebody_is_kept_from_being_written_to_and_known_by_a_hash_alone() {
    let project = project();
    let number = "+447946000001";
    let free = result(keyed(
        &project,
        &["suppression", "check", number, "--format", "json"],
    ));
    assert_eq!(free["suppressed"], false);
    let added = result(keyed(
        &project,
        &[
            "suppression",
            "add",
            number,
            "--scope",
            "marketing",
            "--format",
            "json",
        ],
    ));
    assert_eq!(
        (added["scope"].as_str(), added["reason"].as_str()),
        (Some("marketing"), Some("manual"))
    );
    let text = keyed(&project, &["suppression", "check", number])
        .expect(0)
        .stdout;
    assert!(
        text.contains("is not written to (marketing)") && !text.contains("7946"),
        "{text}"
    );
    let store = std::fs::read(project.path().join(".bridged/bridged.db")).unwrap();
    let wal = std::fs::read(project.path().join(".bridged/bridged.db-wal")).unwrap_or_default();
    for bytes in [store, wal] {
        assert!(
            !bytes.windows(9).any(|part| part == b"794600000"),
            "the store holds the number"
        );
    }
    let lifted = result(keyed(
        &project,
        &["suppression", "remove", number, "--format", "json"],
    ));
    assert_eq!(lifted["suppressed"], false);
    for wrong in ["07946000001", "447946000001", "ada"] {
        keyed(&project, &["suppression", "add", wrong]).expect(2);
    }
}

#[test]
fn unknown_ends_are_listed_and_decided_about() {
    let project = project();
    assert_eq!(
        result(project.bridged(&["unknown", "list", "--format", "json"]))["unknown"],
        serde_json::json!([])
    );
    let none = result(project.bridged(&[
        "unknown",
        "resolve",
        "01a21755-04a2-7212-891f-f57a249be4bf",
        "--as",
        "sent",
        "--format",
        "json",
    ]));
    assert_eq!(none["resolved"], 0);
    project
        .bridged(&["unknown", "resolve", "x", "--as", "sent"])
        .expect(2);
    project
        .bridged(&[
            "unknown",
            "resolve",
            "01a21755-04a2-7212-891f-f57a249be4bf",
            "--as",
            "perhaps",
        ])
        .expect(2);
}

#[test]
fn tokens_are_shown_once_listed_without_themselves_and_revoked() {
    let project = project();
    let made = project
        .bridged(&[
            "token",
            "create",
            "crm",
            "--role",
            "ingest",
            "--expires",
            "90d",
        ])
        .expect(0)
        .stdout;
    assert!(
        made.starts_with("bridged_") && made.trim().len() == 51,
        "{made}"
    );
    let taken = project
        .bridged(&["token", "create", "crm", "--role", "viewer"])
        .expect(1);
    assert!(taken.stderr.contains("token-taken"), "{}", taken.stderr);
    let listed = project.bridged(&["token", "list"]).expect(0).stdout;
    assert!(
        listed.contains("crm") && listed.contains("ingest") && !listed.contains(made.trim()),
        "{listed}"
    );
    project.bridged(&["token", "revoke", "crm"]).expect(0);
    let gone = project.bridged(&["token", "revoke", "crm"]).expect(1);
    assert!(gone.stderr.contains("unknown-token"), "{}", gone.stderr);
    project
        .bridged(&["token", "create", "Bad Name", "--role", "viewer"])
        .expect(2);
}
