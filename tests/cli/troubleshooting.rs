//! The table of troubleshooting, row by row: the sandbox commits exactly the fault, and the binary names it.
//!
//! Each test has the name of the code it is about, and looks at the code, the exit, who can put it right, and the name of
//! what is at fault.

mod messages;

use std::process::Command;

use bridged::foundation::fixed_by::FixedBy;
use bridged::foundation::secret::Secret;
use bridged::salesforce::settings::Settings as ClientSettings;
use bridged::salesforce::web_server::{App, Authorization, SignIn, refusal};
use bridged::sandbox::server::Sandbox;
use bridged::sandbox::settings::Settings;
use serde_json::{Value, json};

use super::sample::{LEADS, with};
use crate::support::binary::{Ran, command};
use crate::support::consent::{Browser, returned};
use crate::support::project::Project;

/// A pipeline that writes back to the leads it reads.
const RATING: &str = "\
version: 1
name: rating
direction: read_write
source: { object: Lead, page_size: 200 }
field_map: { name: \"{{ LastName }}\" }
targets:
  lead:
    object: Lead
    operation: update
    match: { Id: \"{{ salesforce_id }}\" }
    field_map: { Description: \"seen {{ name }}\" }
on_error: { max_rejected: 100% }
";

/// A project and the org it is about.
struct Clinic {
    runtime: tokio::runtime::Runtime,
    sandbox: Sandbox,
    project: Project,
}

impl Clinic {
    fn new(pipeline: &str) -> Self {
        Self::with_leads(12, pipeline)
    }

    fn with_leads(leads: usize, pipeline: &str) -> Self {
        let settings = Settings {
            leads,
            ..Settings::default()
        };
        Self::start(settings, pipeline)
    }

    fn start(settings: Settings, pipeline: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let sandbox = runtime.block_on(Sandbox::start(settings)).unwrap();
        Self {
            runtime,
            sandbox,
            project: with(pipeline),
        }
    }

    /// Posts to a control call of the sandbox.
    #[track_caller]
    fn control(&self, call: &str, body: &Value) {
        let url = format!("{}/_sandbox/{call}", self.sandbox.ready().salesforce_url);
        let (status, text) = self.runtime.block_on(async {
            let answer = reqwest::Client::new().post(url).json(body).send().await;
            let answer = answer.unwrap();
            (answer.status(), answer.text().await.unwrap())
        });
        assert!(status.is_success(), "{call}: {status} {text}");
    }

    /// Asks a control call of the sandbox.
    fn get(&self, call: &str) -> Value {
        let url = format!("{}/_sandbox/{call}", self.sandbox.ready().salesforce_url);
        self.runtime
            .block_on(async { reqwest::get(url).await.unwrap().json().await.unwrap() })
    }

    /// The binary with the org's credentials, to be changed.
    fn command(&self, args: &[&str]) -> Command {
        let ready = self.sandbox.ready();
        let mut command = command(self.project.path());
        command
            .args(args)
            .args(["--format", "json"])
            .env("SALESFORCE_INSTANCE_URL", &ready.salesforce_url)
            .env("SALESFORCE_CONSUMER_KEY", &ready.consumer_key)
            .env("SALESFORCE_API_KEY", &ready.api_key);
        command
    }

    #[track_caller]
    fn ran(&self, args: &[&str], exit: i32) -> Value {
        report(&mut self.command(args), exit)
    }

    /// The finding of this code in the report of a command.
    #[track_caller]
    fn finding(&self, args: &[&str], exit: i32, code: &str) -> Value {
        finding(&self.ran(args, exit), code)
    }

    /// The step of `check` that has this code.
    #[track_caller]
    fn step(&self, exit: i32, code: &str) -> Value {
        step(&self.ran(&["check"], exit), code)
    }

    /// The rejected record of this code.
    #[track_caller]
    fn letter(&self, code: &str) -> Value {
        let report = self.ran(&["rejected", "list", "--code", code], 0);
        let letters = report["result"]["rejected"].as_array().unwrap();
        letters.first().expect("a rejected record").clone()
    }
}

#[track_caller]
fn report(command: &mut Command, exit: i32) -> Value {
    Ran::from(command.output().unwrap()).expect(exit).json()
}

#[track_caller]
fn finding(report: &Value, code: &str) -> Value {
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["code"] == code);
    found
        .unwrap_or_else(|| panic!("no `{code}`: {report:#}"))
        .clone()
}

#[track_caller]
fn step(report: &Value, code: &str) -> Value {
    let steps = report["result"]["steps"].as_array().unwrap();
    let found = steps.iter().find(|step| step["code"] == code);
    found
        .unwrap_or_else(|| panic!("no `{code}`: {report:#}"))
        .clone()
}

/// Who, and what is named in a finding or a step.
#[track_caller]
fn assert_told(told: &Value, who: &str, names: &[&str]) {
    assert_eq!(told["fixed_by"], who, "{told:#}");
    let message = told["message"].as_str().or(told["detail"].as_str());
    for name in names {
        assert!(message.unwrap().contains(name), "{name}: {told:#}");
    }
}

// The connection fails.

#[test]
fn wrong_consumer_key_and_wrong_api_key_are_told_apart() {
    let clinic = Clinic::new(LEADS);
    for (variable, code, label) in [
        (
            "SALESFORCE_CONSUMER_KEY",
            "wrong-consumer-key",
            "consumer key",
        ),
        ("SALESFORCE_API_KEY", "wrong-api-key", "API key"),
    ] {
        let report = report(clinic.command(&["check"]).env(variable, "mistyped"), 1);
        let step = step(&report, code);
        assert_eq!(step["step"], "sign-in");
        assert_told(&step, "operator", &[label]);
        assert_eq!(report["result"]["api_calls"], 0);
    }
}

#[test]
fn host_refused_and_login_host_are_told_before_anything_is_sent() {
    let clinic = Clinic::new(LEADS);
    for (host, code) in [
        ("https://acme.example.com", "host-refused"),
        ("https://login.salesforce.com", "login-host"),
        ("https://test.salesforce.com", "login-host"),
    ] {
        let mut command = clinic.command(&["check"]);
        let report = report(command.env("SALESFORCE_INSTANCE_URL", host), 1);
        let host = host.trim_start_matches("https://");
        assert_told(&finding(&report, code), "operator", &[host]);
        assert_eq!(step(&report, code)["step"], "address");
        assert_eq!(report["result"]["api_calls"], 0);
    }
}

#[test]
fn tls_failed_is_told_from_a_connection_that_failed() {
    let settings = Settings {
        tls: true,
        leads: 1,
        ..Settings::default()
    };
    let clinic = Clinic::start(settings, LEADS);
    let step = clinic.step(1, "tls-failed");
    assert_eq!(step["step"], "DNS and TLS");
    assert_told(&step, "operator", &["certificate"]);
    let mut command = clinic.command(&["check"]);
    // Port 1 of the loopback is a reserved one where nothing listens.
    let report = report(
        command.env("SALESFORCE_INSTANCE_URL", "http://127.0.0.1:1"),
        1,
    );
    let step = self::step(&report, "connection-failed");
    assert_eq!(step["step"], "DNS and TLS");
    assert_told(&step, "operator", &[]);
}

#[test]
fn run_as_user_missing_is_an_administrators_matter() {
    let clinic = Clinic::new(LEADS);
    clinic.control("apps", &json!({ "run_as": null }));
    let step = clinic.step(1, "run-as-user-missing");
    assert_eq!(step["step"], "sign-in");
    assert_told(&step, "salesforce_admin", &["user"]);
    assert!(step["help"].as_str().unwrap().contains("Setup →"), "{step}");
}

#[test]
fn api_access_refused_fails_its_own_step_and_ends_the_list() {
    for (call, body) in [
        ("org", json!({ "api": false })),
        ("users", json!({ "api_enabled": false })),
    ] {
        let clinic = Clinic::new(LEADS);
        clinic.control(call, &body);
        let report = clinic.ran(&["check"], 1);
        let step = step(&report, "api-access-refused");
        assert_eq!(step["step"], "API enabled");
        assert_told(&step, "salesforce_admin", &["API"]);
        let menus = "Setup → Permission Sets → a set of the user → System Permissions";
        assert!(step["help"].as_str().unwrap().contains(menus), "{step}");
        let steps = report["result"]["steps"].as_array().unwrap();
        let is_early = |step: &Value| step["pipeline"].is_null();
        assert!(steps.iter().all(is_early), "{report:#}");
    }
}

/// Each state of the user, the app and the org that keeps a sign-in out, and what is said of it.
#[test]
fn user_inactive_ip_restricted_login_hours_and_app_not_approved_are_told_apart() {
    for (call, body, code, named) in [
        (
            "users",
            json!({ "active": false }),
            "user-inactive",
            "inactive",
        ),
        ("users", json!({ "locked": true }), "user-inactive", "user"),
        (
            "users",
            json!({ "ip_restricted": true }),
            "ip-restricted",
            "ip restricted",
        ),
        (
            "users",
            json!({ "login_hours": { "from": "00:00", "to": "00:00" } }),
            "login-hours",
            "login hours",
        ),
        (
            "apps",
            json!({ "blocked": true }),
            "app-not-approved",
            "app",
        ),
        ("org", json!({ "active": false }), "org-inactive", "org"),
    ] {
        let clinic = Clinic::new(LEADS);
        clinic.control(call, &body);
        let step = clinic.step(1, code);
        assert_eq!(step["step"], "sign-in");
        assert_told(&step, "salesforce_admin", &[named]);
        assert_eq!(clinic.finding(&["run", "leads"], 1, code)["code"], code);
    }
}

const CALLBACK: &str = "http://localhost:8910/auth/salesforce/callback";

/// The web server flow as a program and a person drive it, up to the code.
fn signed_in(clinic: &Clinic) -> (SignIn, Authorization, Secret) {
    clinic.control("apps", &json!({ "callbacks": [CALLBACK] }));
    let ready = clinic.sandbox.ready();
    let secret = Secret::new(ready.api_key.clone());
    let settings = ClientSettings::new(&ready.salesforce_url, &ready.consumer_key, secret.clone());
    let app = App {
        consumer_key: ready.consumer_key.clone(),
        consumer_secret: Some(secret),
    };
    let sign_in = SignIn::new(&settings, app).unwrap();
    let attempt = sign_in
        .authorize(CALLBACK, &["api", "refresh_token"])
        .unwrap();
    let back = clinic.runtime.block_on(async {
        let mut browser = Browser::new();
        browser
            .approve(attempt.url.as_str(), &ready.username, &ready.password)
            .await
    });
    let code = returned(&back).remove("code").expect("a code");
    (sign_in, attempt, Secret::new(code))
}

#[test]
fn callback_mismatch_is_told_by_the_page_and_by_the_exchange() {
    let clinic = Clinic::new(LEADS);
    let (sign_in, attempt, code) = signed_in(&clinic);
    let other = "http://localhost:8911/auth/salesforce/callback";
    let elsewhere = sign_in.authorize(other, &["api"]).unwrap();
    let page = clinic
        .runtime
        .block_on(async { Browser::new().open(elsewhere.url.as_str()).await });
    assert_eq!(
        (page.status.as_u16(), page.location.as_deref()),
        (400, None)
    );
    let said = page.element("error").unwrap();
    assert_eq!(refusal(said, "").code().as_str(), "callback-mismatch");
    let asked = sign_in.exchange(&code, &attempt.verifier, other);
    let error = clinic.runtime.block_on(asked).unwrap_err();
    assert_eq!(error.code().as_str(), "callback-mismatch");
    assert_eq!(error.fixed_by(), Some(FixedBy::SalesforceAdmin));
    assert!(error.help_text().unwrap().contains(other), "{error}");
}

#[test]
fn reconnect_needed_is_told_of_a_refresh_token_that_was_revoked() {
    let clinic = Clinic::new(LEADS);
    let (sign_in, attempt, code) = signed_in(&clinic);
    let granted = sign_in.exchange(&code, &attempt.verifier, CALLBACK);
    let granted = clinic.runtime.block_on(granted).unwrap();
    let refresh = granted.refresh.expect("a refresh token");
    clinic.runtime.block_on(sign_in.revoke(&refresh)).unwrap();
    let error = clinic.runtime.block_on(sign_in.refresh_once(&refresh));
    let error = error.unwrap_err();
    assert_eq!(error.code().as_str(), "reconnect-needed");
    assert_eq!(error.fixed_by(), Some(FixedBy::Operator));
    assert!(error.help_text().unwrap().contains("`bridged connect`"));
}

#[test]
fn session_expired_is_told_when_a_fresh_token_is_refused_too() {
    let clinic = Clinic::new(LEADS);
    clinic.control(
        "faults",
        &json!([{ "match": { "path": "/services/data/v*" }, "action": { "kind": "expire-token" } }]),
    );
    let step = clinic.step(1, "session-expired");
    assert_eq!(step["step"], "API enabled");
    assert_told(&step, "salesforce_admin", &["session"]);
    clinic.finding(&["run", "leads"], 1, "session-expired");
}

#[test]
fn daily_limit_reached_leaves_the_api_enabled() {
    let clinic = Clinic::new(LEADS);
    clinic.control("limits", &json!({ "max": 100, "used": 100 }));
    let report = clinic.ran(&["check"], 1);
    let step = step(&report, "daily-limit-reached");
    assert_eq!(step["step"], "API calls left");
    assert_told(&step, "operator", &["API calls"]);
    let enabled = &report["result"]["steps"][3];
    assert_eq!(
        (&enabled["step"], &enabled["passed"]),
        (&json!("API enabled"), &json!(true))
    );
    let finding = clinic.finding(&["run", "leads"], 1, "daily-limit-reached");
    assert_told(&finding, "operator", &["API calls"]);
}

#[test]
fn org_maintenance_is_told_from_salesforce_unavailable() {
    let clinic = Clinic::new(LEADS);
    for mode in ["page", "json"] {
        clinic.control("maintenance", &json!({ "mode": mode }));
        let step = clinic.step(1, "org-maintenance");
        assert_told(&step, "operator", &["maintenance"]);
    }
    // An org that takes no changes can be read; what is wrong shows when a lead is to be made.
    clinic.control("maintenance", &json!({ "mode": "read-only" }));
    clinic.ran(&["check"], 0);
    let step = step(&clinic.ran(&["check", "--write"], 1), "org-maintenance");
    assert_eq!(step["step"], "create a test lead");
    clinic.control("maintenance", &json!({ "mode": "off" }));
    let (path, page) = (
        "/services/data/v*",
        "<html><h1>Down for a moment</h1></html>",
    );
    clinic.control(
        "faults",
        &json!([{ "match": { "path": path }, "action": { "kind": "html", "status": 503, "body": page } }]),
    );
    let step = clinic.step(1, "salesforce-unavailable");
    assert_eq!(step["step"], "API enabled");
    assert_told(&step, "operator", &[]);
}

#[test]
fn user_not_api_only_is_a_warning_that_names_the_user() {
    let clinic = Clinic::new(LEADS);
    let step = clinic.step(0, "user-not-api-only");
    assert_eq!(
        (&step["step"], &step["passed"]),
        (&json!("profile"), &json!(true))
    );
    assert_eq!(step["severity"], "warning");
    assert_told(
        &step,
        "salesforce_admin",
        &["integration@bridged.example", "System Administrator"],
    );
    clinic.control("users", &json!({ "api_only": true }));
    let report = clinic.ran(&["check"], 0);
    assert_eq!(report["findings"], json!([]));
    // A permission set says it as well as a profile.
    clinic.control("users", &json!({ "api_only": false }));
    clinic.control(
        "faults",
        &json!([{ "match": { "contains": "PermissionSetAssignment" }, "action": { "kind": "status", "status": 200,
            "body": { "totalSize": 1, "done": true, "records": [] } } }]),
    );
    let report = clinic.ran(&["check"], 0);
    assert_eq!(report["findings"], json!([]));
}

// No data appears.

#[test]
fn field_unavailable_names_the_field_that_field_level_security_hides() {
    let clinic = Clinic::new(LEADS);
    clinic.control(
        "permissions",
        &json!({ "fields": { "Lead.Email": { "read": false } } }),
    );
    let step = clinic.step(1, "field-unavailable");
    assert_eq!(step["step"], "Email");
    assert_told(&step, "salesforce_admin", &["`Lead`", "`Email`"]);
    let menus =
        "Setup → Object Manager → Lead → Fields & Relationships → Email → Set Field-Level Security";
    assert!(step["help"].as_str().unwrap().contains(menus), "{step}");
    for args in [["run", "leads"], ["dry-run", "leads"]] {
        let finding = clinic.finding(&args, 1, "field-unavailable");
        assert_told(
            &finding,
            "salesforce_admin",
            &["`Lead`", "`Email`", "field_map.email"],
        );
    }
}

#[test]
fn object_unavailable_names_the_object_that_permissions_hide() {
    let clinic = Clinic::new(LEADS);
    clinic.control(
        "permissions",
        &json!({ "objects": { "Lead": { "read": false } } }),
    );
    let step = clinic.step(1, "object-unavailable");
    assert_eq!(step["step"], "Lead");
    assert_told(&step, "salesforce_admin", &["`Lead`"]);
    assert!(
        step["help"].as_str().unwrap().contains("Object Settings"),
        "{step}"
    );
    let finding = clinic.finding(&["run", "leads"], 1, "object-unavailable");
    assert_told(&finding, "salesforce_admin", &["`Lead`"]);
}

#[test]
fn unknown_field_is_a_slip_of_the_keyboard_and_the_authors_matter() {
    let clinic = Clinic::new(&LEADS.replace("{{ Email }}", "{{ Emial }}"));
    let step = clinic.step(1, "unknown-field");
    assert_eq!(
        (&step["step"], &step["help"]),
        (&json!("Emial"), &json!("did you mean `Email`?"))
    );
    assert_told(&step, "author", &["`Lead`", "`Emial`"]);
}

#[test]
fn filter_matches_nothing_where_there_are_rows_and_no_rows_visible_where_there_are_none() {
    let filtered = LEADS.replace("page_size: 200", "where: \"Status = 'Nope'\"");
    for (leads, code, who, named) in [
        (
            12,
            "filter-matches-nothing",
            "author",
            "none of the 12 rows of `Lead`",
        ),
        (0, "no-rows-visible", "salesforce_admin", "no row of `Lead`"),
    ] {
        let clinic = Clinic::with_leads(leads, &filtered);
        let step = clinic.step(0, code);
        assert_eq!(
            (&step["step"], &step["severity"]),
            (&json!("rows"), &json!("warning"))
        );
        assert_told(&step, who, &[named]);
        for (args, calls) in [(["dry-run", "leads"], "api_calls"), (["run", "leads"], "")] {
            let report = clinic.ran(&args, 0);
            assert_told(&finding(&report, code), who, &[named]);
            if calls.is_empty() {
                let run = &report["result"]["runs"][0];
                assert_eq!(
                    (&run["state"], &run["ledger"]["read"]),
                    (&json!("done"), &json!(0))
                );
            }
        }
    }
}

#[test]
fn no_rows_visible_is_what_sharing_looks_like() {
    let clinic = Clinic::new(LEADS);
    clinic.control(
        "permissions",
        &json!({ "objects": { "Lead": { "sees": "none" } } }),
    );
    let step = clinic.step(0, "no-rows-visible");
    assert_told(&step, "salesforce_admin", &["`Lead`", "shared"]);
    let menus = "Setup → Sharing Settings";
    assert!(step["help"].as_str().unwrap().contains(menus), "{step}");
    let finding = clinic.finding(&["run", "leads"], 0, "no-rows-visible");
    assert_told(&finding, "salesforce_admin", &["`Lead`"]);
}

#[test]
fn no_rows_visible_costs_no_call_where_there_is_no_filter() {
    let clinic = Clinic::with_leads(0, LEADS);
    let report = clinic.ran(&["run", "leads"], 0);
    finding(&report, "no-rows-visible");
    // One description, one count of the window, one empty page.
    assert!(
        report["result"]["runs"][0]["api_calls"].as_u64().unwrap() <= 3,
        "{report:#}"
    );
}

#[test]
fn mapping_yields_nothing_names_the_attribute_and_tells_the_field_from_the_template() {
    let empty = LEADS.replace("{{ Email }}", "{{ Fax }}");
    let dropped = LEADS.replace(
        "{{ Email }}",
        "{{ LastName if LastName == 'Nobody' else none }}",
    );
    for (pipeline, seen) in [
        (empty, "`Fax` has a value in none of them"),
        (dropped, "`LastName` has a value in 12 of them"),
    ] {
        let clinic = Clinic::new(&pipeline);
        let step = clinic.step(0, "mapping-yields-nothing");
        assert_eq!(
            (&step["step"], &step["severity"]),
            (&json!("email"), &json!("warning"))
        );
        assert_told(&step, "author", &["`email`", "all 12 records", seen]);
        for args in [["dry-run", "leads"], ["run", "leads"]] {
            let finding = clinic.finding(&args, 0, "mapping-yields-nothing");
            assert_eq!(finding["severity"], "warning");
            assert_told(&finding, "author", &["`email`", "all 12 records"]);
        }
    }
}

#[test]
fn an_incremental_run_that_finds_nothing_changed_is_told_and_no_warning() {
    let clinic = Clinic::new(LEADS);
    let first = clinic.ran(&["run", "leads"], 0);
    assert_eq!(first["result"]["runs"][0]["ledger"]["read"], 12);
    let mut second = clinic.command(&["run", "leads"]);
    let report = report(&mut second, 0);
    assert_eq!(report["findings"], json!([]));
    assert_eq!(report["result"]["runs"][0]["ledger"]["read"], 0);
    assert_eq!(report["result"]["runs"][0]["warnings"], json!([]));
    // A full read of the same rows has nothing to say of them either.
    let report = clinic.ran(&["run", "leads", "--full"], 0);
    assert_eq!(report["findings"], json!([]));
}

// Writing fails.

#[test]
fn object_not_writable_names_the_object_and_the_permission() {
    let clinic = Clinic::new(RATING);
    clinic.control(
        "permissions",
        &json!({ "objects": { "Lead": { "edit": false } } }),
    );
    let step = clinic.step(1, "object-not-writable");
    assert_eq!(step["step"], "update of Lead");
    assert_told(&step, "salesforce_admin", &["`Lead`", "`Edit`"]);
    let menus = "Setup → Permission Sets → a set of the user → Object Settings → Lead";
    assert!(step["help"].as_str().unwrap().contains(menus), "{step}");
    for args in [["run", "rating"], ["dry-run", "rating"]] {
        let finding = clinic.finding(&args, 1, "object-not-writable");
        assert_told(&finding, "salesforce_admin", &["`Lead`", "`Edit`"]);
    }
}

#[test]
fn field_not_writable_names_the_field_and_whose_turn_it_is() {
    let clinic = Clinic::new(RATING);
    clinic.control(
        "permissions",
        &json!({ "fields": { "Lead.Description": { "edit": false } } }),
    );
    let step = clinic.step(1, "field-not-writable");
    assert_eq!(step["step"], "Description");
    assert_told(&step, "salesforce_admin", &["`Lead`", "`Description`"]);
    for args in [["run", "rating"], ["dry-run", "rating"]] {
        let finding = clinic.finding(&args, 1, "field-not-writable");
        assert_told(&finding, "salesforce_admin", &["`Lead`", "`Description`"]);
    }
    // What nobody can write is no matter of permissions.
    let clinic = Clinic::new(&RATING.replace("Description:", "Name:"));
    assert_told(&clinic.step(1, "field-not-writable"), "author", &["`Name`"]);
    for args in [["run", "rating"], ["dry-run", "rating"]] {
        assert_told(
            &clinic.finding(&args, 1, "field-not-writable"),
            "author",
            &["`Name`"],
        );
    }
}

/// A fault that refuses every row that is written.
fn rows(code: &str, message: &str, fields: &[&str]) -> Value {
    json!([{ "match": { "path": "*/composite/sobjects*" },
        "action": { "kind": "row", "code": code, "message": message, "fields": fields } }])
}

#[test]
fn record_access_denied_names_the_record_and_costs_no_other() {
    let clinic = Clinic::new(RATING);
    let rows = clinic.get("records/Lead");
    let mine = |row: &&Value| row["IsDeleted"] == false && row["IsConverted"] == false;
    let id = rows.as_array().unwrap().iter().find(mine).unwrap()["Id"].clone();
    let id = id.as_str().unwrap();
    clinic.control(
        "permissions",
        &json!({ "records": { id: { "edit": false } } }),
    );
    let run = clinic.ran(&["run", "rating"], 3);
    let ledger = &run["result"]["runs"][0]["ledger"];
    assert_eq!(
        (&ledger["rejected"], &ledger["read"]),
        (&json!(1), &json!(12))
    );
    let letter = clinic.letter("record-access-denied");
    assert_eq!(letter["key"], id);
    assert_told(&letter, "salesforce_admin", &[id, "`Lead`"]);
    assert_eq!(letter["remote_code"], "INSUFFICIENT_ACCESS_OR_READONLY");
    let shown = clinic
        .project
        .bridged(&["rejected", "show", "1"])
        .expect(0)
        .stdout;
    assert!(shown.contains("a Salesforce administrator"), "{shown}");
}

#[test]
fn parent_access_denied_names_the_lookup_where_only_one_can_be_meant() {
    let users = Clinic::new(RATING).get("records/User");
    let user = &users.as_array().unwrap().last().unwrap()["Id"];
    let owner = RATING.replace(
        "field_map: { Description",
        &format!("field_map: {{ OwnerId: {user}, Description"),
    );
    let clinic = Clinic::new(&owner);
    let hidden = user.as_str().unwrap();
    clinic.control(
        "permissions",
        &json!({ "records": { hidden: { "read": false } } }),
    );
    clinic.ran(&["run", "rating"], 3);
    let letter = clinic.letter("parent-access-denied");
    assert_eq!(letter["field"], "OwnerId", "{letter:#}");
    assert_told(&letter, "salesforce_admin", &["`OwnerId` of `Lead`"]);
    // A row that sets no lookup is refused for one that it has already.
    let clinic = Clinic::new(RATING);
    let code = "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY";
    clinic.control(
        "faults",
        &rows(
            code,
            "insufficient access rights on cross-reference id",
            &[],
        ),
    );
    clinic.ran(&["run", "rating"], 3);
    let letter = clinic.letter("parent-access-denied");
    assert_eq!(letter["field"], Value::Null, "{letter:#}");
    assert_told(&letter, "salesforce_admin", &["sets no lookup"]);
}

#[test]
fn a_row_that_is_refused_for_its_object_or_its_field_is_told_from_one_refused_for_itself() {
    for (code, message, fields, told, named) in [
        (
            "INSUFFICIENT_ACCESS",
            "not allowed",
            &[][..],
            "object-not-writable",
            "update of `Lead` needs `Edit`",
        ),
        (
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            "entity type cannot be updated: Lead",
            &[],
            "object-not-writable",
            "update of `Lead` needs `Edit`",
        ),
        (
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields: Description",
            &["Description"],
            "field-not-writable",
            "`Description` of `Lead`",
        ),
    ] {
        let clinic = Clinic::new(RATING);
        clinic.control("faults", &rows(code, message, fields));
        clinic.ran(&["run", "rating"], 3);
        let letter = clinic.letter(told);
        assert_eq!(letter["remote_code"], code);
        assert_told(&letter, "salesforce_admin", &[named]);
    }
}

#[test]
fn key_not_unique_names_the_match_field_and_the_boxes_to_tick() {
    let upsert = RATING
        .replace("operation: update", "operation: upsert")
        .replace(
            "match: { Id: \"{{ salesforce_id }}\" }",
            "match: { Company: \"{{ name }}\" }",
        );
    let clinic = Clinic::new(&upsert);
    let step = clinic.step(1, "key-not-unique");
    assert_eq!(step["step"], "Company");
    assert_told(&step, "salesforce_admin", &["`Company`", "`Lead`"]);
    assert!(step["help"].as_str().unwrap().contains("`External ID`"));
}

#[test]
fn a_test_lead_that_is_refused_names_the_object_and_the_remedy() {
    for (code, told, menus) in [
        (
            "INSUFFICIENT_ACCESS",
            "object-not-writable",
            "Setup → Permission Sets",
        ),
        (
            "INSUFFICIENT_ACCESS_OR_READONLY",
            "record-access-denied",
            "Setup → Sharing Settings",
        ),
    ] {
        let clinic = Clinic::new(LEADS);
        clinic.control("faults", &rows(code, "insufficient access", &[]));
        let step = step(&clinic.ran(&["check", "--write"], 1), told);
        assert_eq!(step["pipeline"], "test lead");
        assert_told(&step, "salesforce_admin", &["`Lead`"]);
        assert!(step["help"].as_str().unwrap().contains(menus), "{step}");
    }
}

// Bulk operations.

#[test]
fn batch_too_large_is_the_authors_matter_and_says_what_is_allowed() {
    let clinic = Clinic::new(&format!("{RATING}batch: {{ size: 51 }}\n"));
    for args in [&["validate"][..], &["run", "rating"], &["check"]] {
        let finding = clinic.finding(args, 2, "batch-too-large");
        assert_told(&finding, "author", &["51", "50"]);
    }
}

// The list itself.

#[test]
fn a_check_says_what_it_cost() {
    let clinic = Clinic::new(LEADS);
    let report = clinic.ran(&["check"], 0);
    let ledger = clinic.get("ledger");
    assert_eq!(
        report["result"]["api_calls"], ledger["totals"]["api_calls"],
        "{ledger:#}"
    );
}
