//! Connections as people make, use and end them, through the real binary and against the sandbox.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::Duration;

use bridged::{store, vault};
use serde_json::{Value, json};

use super::command::{
    bridged, bridged_with, callback_port, control, feed, keyed, project, requests, sign_in,
};
use crate::support::binary::{Ran, command};
use crate::support::jwt;
use crate::support::project::Project;
use crate::support::sandbox::Sandbox;

const OAUTH: &str = "{ method: oauth }";
const API_KEY: &str = "{ method: api_key }";

fn few_leads() -> Sandbox {
    Sandbox::start(&["--leads", "20"])
}

/// The app's credentials as lines.
fn app_lines(sandbox: &Sandbox) -> String {
    format!(
        "consumer_key={}\napi_key={}\n",
        sandbox.value("consumer_key"),
        sandbox.value("api_key")
    )
}

fn of_connection(project: &Project) -> Value {
    let report = bridged(project, &["connections", "--format", "json"])
        .expect(0)
        .json();
    report["result"]["connections"][0].clone()
}

#[track_caller]
fn refused(ran: Ran, code: &str) -> String {
    let ran = ran.expect(1);
    // A run that failed says so in its report, other commands beside it.
    let told = ran.stdout + &ran.stderr;
    assert!(told.contains(code), "{code}: {told}");
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_in_the_browser_works_until_it_is_revoked() {
    let sandbox = few_leads();
    let project = project(&sandbox, OAUTH);
    let report = sign_in(&project, &sandbox).await;
    assert_eq!(
        report["result"]["card"]["username"],
        sandbox.value("username")
    );
    bridged(&project, &["run", "leads"]).expect(0);

    let shown = of_connection(&project);
    assert_eq!(shown["state"], "connected");
    assert_eq!(shown["method"], "oauth");
    let scopes = shown["card"]["scopes"].as_array().unwrap();
    assert!(
        scopes.contains(&json!("api")) && scopes.contains(&json!("refresh_token")),
        "{scopes:?}"
    );
    assert!(shown["card"]["connected_at"].is_string());

    let ended = bridged(&project, &["revoke", "crm", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(ended["result"]["revoked_at_salesforce"], true);
    assert_eq!(requests(&sandbox, "/services/oauth2/revoke").await.len(), 1);
    refused(bridged(&project, &["run", "leads"]), "not-connected");
    assert_eq!(of_connection(&project)["state"], "not_connected");
    refused(bridged(&project, &["revoke", "crm"]), "not-connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_session_is_refreshed_and_a_rotated_token_kept() {
    for rotation in [false, true] {
        let sandbox = few_leads();
        control(&sandbox, "apps", json!({ "rotation": rotation })).await;
        let project = project(&sandbox, OAUTH);
        sign_in(&project, &sandbox).await;
        assert_eq!(of_connection(&project)["card"]["rotates"], rotation);
        for _ in 0..3 {
            control(&sandbox, "sessions", json!({ "expire": true })).await;
            let before = requests(&sandbox, "/services/oauth2/token").await.len();
            bridged(&project, &["run", "leads", "--full"]).expect(0);
            let after = requests(&sandbox, "/services/oauth2/token").await.len();
            assert_eq!(after - before, 1, "one refresh");
        }
        let before = requests(&sandbox, "/services/oauth2/token").await.len();
        bridged(&project, &["run", "leads", "--full"]).expect(0);
        let after = requests(&sandbox, "/services/oauth2/token").await.len();
        assert_eq!(
            after, before,
            "a session that lives is used again by the next command"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s24_processes_that_refresh_at_once_send_one_request() {
    let sandbox = few_leads();
    control(&sandbox, "apps", json!({ "rotation": true })).await;
    let project = project(&sandbox, OAUTH);
    sign_in(&project, &sandbox).await;
    control(&sandbox, "sessions", json!({ "expire": true })).await;
    let before = requests(&sandbox, "/services/oauth2/token").await.len();
    let children: Vec<_> = (0..4)
        .map(|_| {
            let mut check = keyed(&project, &["check", "crm"]);
            check.stdout(Stdio::piped()).stderr(Stdio::piped());
            check.spawn().unwrap()
        })
        .collect();
    for child in children {
        Ran::from(child.wait_with_output().unwrap()).expect(0);
    }
    let after = requests(&sandbox, "/services/oauth2/token").await.len();
    assert_eq!(after - before, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn s24_a_kill_between_receipt_and_keeping_ends_in_a_clear_state() {
    for (rotation, usable) in [(true, false), (false, true)] {
        let sandbox = few_leads();
        control(&sandbox, "apps", json!({ "rotation": rotation })).await;
        let project = project(&sandbox, OAUTH);
        sign_in(&project, &sandbox).await;
        control(&sandbox, "sessions", json!({ "expire": true })).await;
        let killed = keyed(&project, &["run", "leads"])
            .env("BRIDGED_FAILPOINT", "tokens-before-keep")
            .output()
            .unwrap();
        assert_eq!(
            killed.status.code(),
            None,
            "{}",
            String::from_utf8_lossy(&killed.stderr)
        );
        let before = requests(&sandbox, "/services/oauth2/token").await.len();
        if usable {
            bridged(&project, &["run", "leads"]).expect(0);
            continue;
        }
        let told = refused(bridged(&project, &["run", "leads"]), "reconnect-needed");
        assert!(told.contains("bridged connect crm"), "{told}");
        let after = requests(&sandbox, "/services/oauth2/token").await.len();
        assert_eq!(after, before, "the old refresh token is never sent again");
        assert_eq!(of_connection(&project)["state"], "reconnect_needed");
        sign_in(&project, &sandbox).await;
        bridged(&project, &["run", "leads"]).expect(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_is_revoked_elsewhere_is_told_and_mended_by_connecting() {
    let sandbox = few_leads();
    let project = project(&sandbox, OAUTH);
    sign_in(&project, &sandbox).await;
    control(
        &sandbox,
        "users",
        json!({ "username": sandbox.value("username"), "locked": true }),
    )
    .await;
    bridged(&project, &["run", "leads"]).expect(1);
    control(
        &sandbox,
        "users",
        json!({ "username": sandbox.value("username"), "locked": false }),
    )
    .await;
    sign_in(&project, &sandbox).await;
    bridged(&project, &["run", "leads"]).expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_salesforce_would_refuse_is_told_before_a_browser_is_opened() {
    let sandbox = few_leads();
    let project = project(&sandbox, OAUTH);
    let lines = app_lines(&sandbox).replace("api_key", "consumer_secret");
    let args = ["connect", "crm", "--no-browser", "--port", "0"];
    let told = refused(bridged_with(&project, &args, &lines), "callback-mismatch");
    assert!(
        told.contains("http://localhost:") && told.contains("/auth/salesforce/callback"),
        "{told}"
    );

    let port = callback_port(&sandbox).await;
    let args = ["connect", "crm", "--no-browser", "--port", &port];
    let wrong = lines.replace("consumer_key=", "consumer_key=3MVG9wrong");
    refused(bridged_with(&project, &args, &wrong), "wrong-consumer-key");
    assert_eq!(
        of_connection(&project)["kept"],
        json!([]),
        "nothing is kept of what did not work"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_without_refresh_tokens_is_refused_with_the_scope_to_add() {
    let sandbox = few_leads();
    control(&sandbox, "apps", json!({ "scopes": ["api"] })).await;
    let project = project(&sandbox, OAUTH);
    let port = callback_port(&sandbox).await;
    let lines = app_lines(&sandbox).replace("api_key", "consumer_secret");
    let args = ["connect", "crm", "--no-browser", "--port", &port];
    let told = refused(bridged_with(&project, &args, &lines), "scope-missing");
    assert!(told.contains("refresh_token"), "{told}");
    assert_eq!(of_connection(&project)["kept"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_entered_is_kept_when_it_works_and_only_then() {
    let sandbox = few_leads();
    let project = project(&sandbox, API_KEY);
    refused(bridged(&project, &["run", "leads"]), "not-connected");
    let connect = ["connect", "crm"];
    let wrong = format!(
        "consumer_key={}\napi_key=wrong\n",
        sandbox.value("consumer_key")
    );
    refused(bridged_with(&project, &connect, &wrong), "wrong-api-key");
    refused(bridged(&project, &["run", "leads"]), "not-connected");

    let told = bridged_with(&project, &connect, &app_lines(&sandbox)).expect(0);
    assert!(told.stdout.contains("connected as"), "{}", told.stdout);
    bridged(&project, &["run", "leads"]).expect(0);
    let shown = of_connection(&project);
    assert_eq!(shown["kept"], json!(["consumer_key", "consumer_secret"]));
    assert_eq!(shown["state"], "connected");

    // The Consumer Secret is rotated: one line mends it, the key stays.
    let app = control(&sandbox, "apps", json!({ "new_secret": true })).await;
    let fresh = app["api_key"].as_str().unwrap().to_owned();
    refused(bridged(&project, &["run", "leads"]), "wrong-api-key");
    bridged_with(&project, &connect, &format!("api_key={fresh}\n")).expect(0);
    bridged(&project, &["run", "leads"]).expect(0);

    let ended = bridged(&project, &["revoke", "crm"]).expect(0).stdout;
    assert!(ended.contains("Consumer Secret stays good"), "{ended}");
    refused(bridged(&project, &["run", "leads"]), "not-connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_no_credentials_are_refused_and_never_shown() {
    let sandbox = few_leads();
    let project = project(&sandbox, API_KEY);
    for lines in [
        "hunter2hunter2",
        "password=hunter2hunter2",
        "consumer_key=a\nconsumer_key=hunter2hunter2",
        &"hunter2hunter2=".repeat(10_000),
    ] {
        let ran = bridged_with(&project, &["connect", "crm"], lines).expect(2);
        assert!(ran.stderr.contains("invalid-usage"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
    }
    let ran = bridged_with(&project, &["connect", "crm"], "consumer_key=a\n").expect(1);
    assert!(ran.stderr.contains("not-connected"), "{}", ran.stderr);
    let ran = bridged(&project, &["--sandbox", "connect", "crm"]).expect(2);
    assert!(ran.stderr.contains("nothing to connect"), "{}", ran.stderr);
    let ran = bridged(&project, &["connect", "crmm"]).expect(2);
    assert!(ran.stderr.contains("did you mean `crm`?"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_assertion_connects_with_a_key_from_the_vault_or_a_file() {
    let sandbox = few_leads();
    control(&sandbox, "apps", json!({ "certificate": jwt::CERTIFICATE, "admin_approved_only": true, "approved": [sandbox.value("username")] })).await;
    let auth = format!("{{ method: jwt, username: {} }}", sandbox.value("username"));
    let project = project(&sandbox, &auth).file("key.pem", jwt::KEY);
    fs::set_permissions(
        project.path().join("key.pem"),
        fs::Permissions::from_mode(0o600),
    )
    .unwrap();
    let lines = format!(
        "consumer_key={}\nprivate_key=key.pem\n",
        sandbox.value("consumer_key")
    );
    bridged_with(&project, &["connect", "crm"], &lines).expect(0);
    fs::remove_file(project.path().join("key.pem")).unwrap();
    bridged(&project, &["run", "leads"]).expect(0);
    control(&sandbox, "apps", json!({ "approved": [] })).await;
    refused(bridged(&project, &["run", "leads"]), "app-not-approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_by_reference_need_no_vault_and_their_files_no_readers() {
    let sandbox = few_leads();
    let auth = "{ method: api_key, consumer_key: \"${KEY_NAME}\", api_key: \"file:secrets/${SECRET_FILE}\" }";
    let project =
        project(&sandbox, auth).file("secrets/api-key", format!("{}\n", sandbox.value("api_key")));
    let file = project.path().join("secrets/api-key");
    let run = |file_name: &str| {
        let mut run = command(project.path());
        run.args(["run", "leads", "--full"]);
        run.env("KEY_NAME", sandbox.value("consumer_key"))
            .env("SECRET_FILE", file_name);
        feed(&mut run, "")
    };
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let told = refused(run("api-key"), "secret-file-refused");
    assert!(told.contains("0644") && told.contains("chmod"), "{told}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    run("api-key").expect(0);
    refused(run("nowhere"), "secret-file-refused");
    refused(run(""), "missing-variable");
    assert_eq!(of_connection(&project)["state"], "by_reference");
    assert_eq!(
        of_connection(&project)["referred"],
        json!(["auth.consumer_key", "auth.api_key"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_key_the_vault_says_what_to_do_and_still_lists() {
    let sandbox = few_leads();
    let project = project(&sandbox, API_KEY);
    let without = feed(
        command(project.path()).args(["connect", "crm"]),
        &app_lines(&sandbox),
    );
    refused(without, "vault-key-missing");
    bridged_with(&project, &["connect", "crm"], &app_lines(&sandbox)).expect(0);

    refused(
        feed(command(project.path()).args(["run", "leads"]), ""),
        "vault-key-missing",
    );
    let other = vault::key::generate().unwrap();
    let mut run = command(project.path());
    run.args(["run", "leads"])
        .env("BRIDGED_KEY", other.expose());
    let told = refused(feed(&mut run, ""), "vault-key-lost");
    assert!(
        told.contains("consumer_secret") && told.contains("bridged connect crm"),
        "{told}"
    );
    feed(command(project.path()).args(["connections"]), "").expect(0);
    // A connection whose key is lost can still be ended here, and entered again under a new key.
    feed(
        command(project.path()).args(["revoke", "crm", "--here-only"]),
        "",
    )
    .expect(0);
    let mut connect = command(project.path());
    connect
        .args(["connect", "crm"])
        .env("BRIDGED_KEY", other.expose());
    feed(&mut connect, &app_lines(&sandbox)).expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_waits_for_a_process_that_renews_the_tokens() {
    let sandbox = few_leads();
    let project = project(&sandbox, API_KEY);
    bridged_with(&project, &["connect", "crm"], &app_lines(&sandbox)).expect(0);
    let store = store::open("sqlite:.bridged/bridged.db", project.path()).unwrap();
    let held = store.lock_connection("crm").unwrap().expect("it is free");
    let mut revoke = keyed(&project, &["revoke", "crm"]);
    let mut child = revoke
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(1));
    assert!(child.try_wait().unwrap().is_none(), "it waits");
    assert_ne!(of_connection(&project)["kept"], json!([]));
    drop(held);
    assert!(child.wait().unwrap().success());
    assert_eq!(of_connection(&project)["kept"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_and_revoking_stand_in_the_audit_log() {
    let sandbox = few_leads();
    let project = project(&sandbox, API_KEY);
    bridged_with(&project, &["connect", "crm"], &app_lines(&sandbox)).expect(0);
    bridged(&project, &["revoke", "crm"]).expect(0);
    let log = bridged(&project, &["audit", "list", "--format", "json"])
        .expect(0)
        .stdout;
    assert!(
        log.contains("\"connected\"") && log.contains("\"revoked\""),
        "{log}"
    );
    bridged(&project, &["audit", "verify"]).expect(0);
}

/// Adds a WhatsApp connection `wa` at the sandbox, with these keys beside its address.
fn with_whatsapp(sandbox: &Sandbox, keys: &str) -> Project {
    let project = project(sandbox, API_KEY);
    let whatsapp = format!(
        "  wa: {{ type: whatsapp, api_url: {}, {keys} }}\n",
        sandbox.value("whatsapp_url")
    );
    project.write("bridged.yaml", project.read("bridged.yaml") + &whatsapp);
    project
}

const NUMBER: &str = "phone_number_id: \"106540352242922\"";

#[tokio::test(flavor = "multi_thread")]
async fn a_whatsapp_token_is_kept_when_its_number_answers_and_only_then() {
    let sandbox = few_leads();
    let project = with_whatsapp(&sandbox, NUMBER);
    let token = sandbox.value("whatsapp_token");
    let connect = ["connect", "wa", "--format", "json"];
    let told = refused(
        bridged_with(&project, &connect, "access_token=EAAGwrong0123456789\n"),
        "whatsapp-token-refused",
    );
    assert!(!told.contains("EAAGwrong0123456789"), "{told}");
    let listed = || {
        let report = bridged(&project, &["connections", "--format", "json"])
            .expect(0)
            .json();
        let all = report["result"]["connections"].as_array().unwrap().clone();
        all.into_iter()
            .find(|one| one["connection"] == "wa")
            .unwrap()
    };
    assert_eq!(
        listed()["kept"],
        json!([]),
        "nothing is kept of what did not work"
    );
    refused(bridged(&project, &["check", "wa"]), "not-connected");

    let lines = format!("access_token={token}\n");
    let report = bridged_with(&project, &connect, &lines).expect(0).json();
    let card = &report["result"]["card"];
    assert_eq!(card["username"], "+1 650-555-0123, Acme");
    assert_eq!(listed()["card"]["username"], "+1 650-555-0123, Acme");
    assert_eq!(listed()["state"], "connected");
    bridged(&project, &["check", "wa"]).expect(0);
    let told = bridged_with(&project, &["connect", "wa"], &lines).expect(0);
    assert!(
        told.stdout
            .contains("`wa` is connected as +1 650-555-0123, Acme"),
        "{}",
        told.stdout
    );
    let asked = requests(&sandbox, "/v25.0/106540352242922").await;
    assert_eq!(asked.len(), 4, "each attempt and each check asks once");

    // A token that is refused later leaves the one that is kept.
    control(&sandbox, "whatsapp", json!({ "token": "expired" })).await;
    refused(
        bridged_with(&project, &connect, &lines),
        "whatsapp-token-refused",
    );
    control(&sandbox, "whatsapp", json!({ "token": "good" })).await;
    bridged(&project, &["check", "wa"]).expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whatsapp_token_by_reference_is_tried_out_and_not_kept() {
    let sandbox = few_leads();
    let project = with_whatsapp(
        &sandbox,
        "phone_number_id: \"${NUMBER}\", access_token: \"${TOKEN}\"",
    );
    let connect = |number: &str, token: &str| {
        let mut connect = keyed(&project, &["connect", "wa"]);
        connect.env("NUMBER", number).env("TOKEN", token);
        feed(&mut connect, "")
    };
    let token = sandbox.value("whatsapp_token");
    refused(connect("1", token), "whatsapp-id-unknown");
    refused(connect("+16505550123", token), "connection-settings");
    refused(
        connect("106540352242922", "wrong"),
        "whatsapp-token-refused",
    );
    let told = connect("106540352242922", token).expect(0);
    assert!(
        told.stdout.contains("+1 650-555-0123, Acme"),
        "{}",
        told.stdout
    );
    let report = bridged(&project, &["connections", "--format", "json"])
        .expect(0)
        .json();
    let all = report["result"]["connections"].as_array().unwrap();
    let wa = all.iter().find(|one| one["connection"] == "wa").unwrap();
    assert_eq!(wa["kept"], json!([]));
}
