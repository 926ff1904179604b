//! What `check` says of WhatsApp: goldens of its lines, what it asks for, and the values that fit no template.

use serde_json::{Value, json};

use super::sample::PROJECT;
use crate::connections::command::control;
use crate::support::binary::{Ran, command};
use crate::support::golden::{assert_golden, masked};
use crate::support::project::Project;
use crate::support::sandbox::Sandbox;

/// A pipeline of this name that sends by the template.
fn broadcast(name: &str, template: &str) -> String {
    format!(
        "version: 1\nname: {name}\nplaybook: activation\nconnection: salesforce\ndirection: read\nsource: {{ object: Lead }}\n\
         field_map: {{ phone: \"{{{{ MobilePhone }}}}\", name: \"{{{{ LastName }}}}\" }}\n\
         consent: {{ whatsapp: \"{{{{ WhatsApp_Opt_In__c }}}}\" }}\n\
         broadcast: {{ connection: whatsapp, to: \"{{{{ phone }}}}\", campaign: {name}, template: {template} }}\n"
    )
}

const OFFER: &str = "{ name: spring_offer, language: en_US, parameters: [\"{{ name }}\"] }";

/// A template with a header, two places and two buttons, each filled.
const INVITATION: &str = "{ name: event_invitation, language: en_US, parameters: [\"{{ name }}\", fair], \
    header: { kind: image, value: \"https://example.com/a.jpg\" }, \
    buttons: [{ index: 0, kind: url, value: \"{{ name }}\" }, { index: 1, kind: quick_reply, value: stop }] }";

/// A project of one pipeline each, with a WhatsApp connection at the address.
fn project(url: &str, pipelines: &[(&str, &str)]) -> Project {
    let whatsapp = format!(
        "  whatsapp: {{ type: whatsapp, phone_number_id: \"106540352242922\", business_account_id: \"102290129340398\", \
         access_token: \"${{WHATSAPP_TOKEN}}\", api_url: {url} }}\n"
    );
    let project = Project::empty().file("bridged.yaml", PROJECT.to_owned() + &whatsapp);
    for (name, template) in pipelines {
        project.write(&format!("pipelines/{name}.yaml"), broadcast(name, template));
    }
    project
}

fn check(project: &Project, sandbox: &Sandbox, args: &[&str]) -> Ran {
    let mut check = command(project.path());
    check.arg("check").args(args);
    check.env("WHATSAPP_TOKEN", sandbox.value("whatsapp_token"));
    sandbox.connect(&mut check).output().unwrap().into()
}

fn shown(ran: &Ran) -> String {
    let code = ran.code.unwrap_or(-1);
    masked(&format!(
        "exit: {code}\n--- stdout\n{}--- stderr\n{}",
        ran.stdout, ran.stderr
    ))
}

/// The path of each request that the sandbox got of the Graph API.
async fn asked(sandbox: &Sandbox) -> Vec<String> {
    let requests = crate::connections::command::requests(sandbox, "/v25.0/").await;
    let paths = requests.iter().map(|request| request["path"].as_str());
    paths.map(|path| path.unwrap().to_owned()).collect()
}

#[test]
fn a_pipeline_that_sends_shows_its_sender_and_its_template() {
    let project = project("http://127.0.0.1:9", &[("offer", OFFER)]);
    let ran = project.bridged(&["--sandbox", "check"]).expect(0);
    assert_golden("cli/check-whatsapp.txt", &shown(&ran));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_the_whatsapp_connection_alone_asks_nothing_of_salesforce() {
    let sandbox = Sandbox::start(&["--leads", "5"]);
    let url = sandbox.value("whatsapp_url");
    let pipelines = [("invitation", INVITATION), ("offer", OFFER)];
    let project = project(url, &pipelines);
    let ran = check(&project, &sandbox, &["whatsapp"]).expect(0);
    assert_golden("cli/check-whatsapp-alone.txt", &shown(&ran));
    let asked = asked(&sandbox).await;
    assert_eq!(
        asked.len(),
        3,
        "one for the number, one for each template: {asked:?}"
    );
    let all = crate::connections::command::requests(&sandbox, "/").await;
    assert_eq!(all.len(), 3, "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_and_a_number_that_cannot_be_used_fail_the_check() {
    let sandbox = Sandbox::start(&["--leads", "5"]);
    let changes = json!({
        "number": { "status": "DISCONNECTED" },
        "templates": [
            { "name": "spring_offer", "language": "en_US", "status": "PAUSED" },
            { "name": "event_invitation", "language": "en_US", "components": [{ "type": "BODY", "text": "{{1}}, {{2}}, {{3}}" }] },
        ],
    });
    control(&sandbox, "whatsapp", changes).await;
    let url = sandbox.value("whatsapp_url");
    let slip = OFFER.replace("en_US", "fr");
    let pipelines = [
        ("french", slip.as_str()),
        ("invitation", INVITATION),
        ("offer", OFFER),
    ];
    let project = project(url, &pipelines);
    let ran = check(&project, &sandbox, &["whatsapp"]).expect(1);
    assert_golden("cli/check-whatsapp-failed.txt", &shown(&ran));
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelines_of_one_number_ask_for_it_once() {
    let sandbox = Sandbox::start(&["--leads", "5"]);
    let url = sandbox.value("whatsapp_url");
    let project = project(url, &[("one", OFFER), ("two", OFFER)]);
    let report = check(&project, &sandbox, &["--format", "json"])
        .expect(0)
        .json();
    let steps = report["result"]["steps"].as_array().unwrap();
    let lines: Vec<&Value> = steps
        .iter()
        .filter(|step| step["step"] == "sender")
        .collect();
    assert_eq!(lines.len(), 2, "each pipeline shows it");
    let asked = asked(&sandbox).await;
    let of_number = asked
        .iter()
        .filter(|path| path.contains("/106540352242922?"));
    assert_eq!(of_number.count(), 1, "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_display_name_that_is_not_approved_is_shown() {
    let sandbox = Sandbox::start(&["--leads", "5"]);
    let declined = json!({ "number": { "name_status": "DECLINED" } });
    control(&sandbox, "whatsapp", declined).await;
    let project = project(sandbox.value("whatsapp_url"), &[("offer", OFFER)]);
    let ran = check(&project, &sandbox, &["whatsapp"]).expect(0);
    assert!(
        ran.stdout.contains(", display name DECLINED\n"),
        "{}",
        ran.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_ends_what_depends_on_it() {
    let sandbox = Sandbox::start(&["--leads", "5"]);
    control(&sandbox, "whatsapp", json!({ "token": "expired" })).await;
    let url = sandbox.value("whatsapp_url");
    let project = project(url, &[("offer", OFFER)]);
    let ran = check(&project, &sandbox, &["--format", "json"]).expect(1);
    let token = sandbox.value("whatsapp_token");
    assert!(!ran.stdout.contains(token) && !ran.stderr.contains(token));
    let report = ran.json();
    let steps = report["result"]["steps"].as_array().unwrap();
    let last = steps.last().unwrap();
    assert_eq!(last["step"], "sender");
    assert_eq!(last["code"], "whatsapp-token-refused");
    assert_eq!(asked(&sandbox).await.len(), 1, "a refusal is not repeated");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_fit_no_place_are_each_named() {
    let sandbox = Sandbox::start(&["--leads", "5"]);
    let url = sandbox.value("whatsapp_url");
    for (from, to, told) in [
        (
            "kind: image",
            "kind: video",
            "its header takes an image, and `header` gives a video",
        ),
        (
            "header: { kind: image, value: \"https://example.com/a.jpg\" }, ",
            "",
            "its header takes an image, and there is no `header`",
        ),
        (
            ", fair]",
            "]",
            "its body has 2 places, and `parameters` lists 1",
        ),
        (
            "\"{{ name }}\", fair]",
            "a, b, c]",
            "its body has 2 places, and `parameters` lists 3",
        ),
        (
            "{ index: 0, kind: url, value: \"{{ name }}\" }, ",
            "",
            "its button 0 takes the end of an address, and `buttons` gives none",
        ),
        (
            "index: 0, kind: url",
            "index: 0, kind: quick_reply",
            "and `buttons` gives a reply",
        ),
        (
            "kind: quick_reply, value: stop",
            "kind: url, value: x",
            "its button 1 is a reply",
        ),
        ("index: 1, kind", "index: 2, kind", "it has no button 2"),
    ] {
        let template = INVITATION.replace(from, to);
        assert_ne!(template, INVITATION, "{from}");
        let project = project(url, &[("invitation", template.as_str())]);
        let args = ["whatsapp", "--format", "json"];
        let report = check(&project, &sandbox, &args).expect(1).json();
        let finding = &report["findings"][0];
        assert_eq!(finding["code"], "whatsapp-template-mismatch", "{finding}");
        let message = finding["message"].as_str().unwrap();
        assert!(message.contains(told), "{told}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_cannot_be_used_is_said_so_before_anything_is_sent() {
    let sandbox = Sandbox::start(&["--leads", "5"]);
    let url = sandbox.value("whatsapp_url");
    let project = project(url, &[("offer", OFFER)]);
    let file = project.read("bridged.yaml");
    project.write(
        "bridged.yaml",
        file.replace("\"106540352242922\"", "\"${NUMBER}\""),
    );
    let mut number = command(project.path());
    number.args(["check", "whatsapp", "--format", "json"]);
    number.env("WHATSAPP_TOKEN", sandbox.value("whatsapp_token"));
    number.env("NUMBER", "+1 650-555-0123");
    let ran: Ran = number.output().unwrap().into();
    assert_eq!(
        ran.expect(1).json()["findings"][0]["code"],
        "connection-settings"
    );

    project.write("bridged.yaml", file.replace(url, "\"${GRAPH}\""));
    for (address, code) in [
        ("https://graph.facebook.com.evil.test", "host-refused"),
        ("http://graph.facebook.com", "host-refused"),
        ("https://acme.my.salesforce.com", "host-refused"),
        ("https://user@graph.facebook.com", "host-refused"),
    ] {
        let mut other = command(project.path());
        other.args(["check", "whatsapp", "--format", "json"]);
        other.env("WHATSAPP_TOKEN", sandbox.value("whatsapp_token"));
        other.env("GRAPH", address);
        let ran: Ran = other.output().unwrap().into();
        assert_eq!(
            ran.expect(1).json()["findings"][0]["code"],
            code,
            "{address}"
        );
    }
    let ran = check(
        &project,
        &sandbox,
        &["whatsapp", "--write", "--format", "json"],
    )
    .expect(2);
    assert_eq!(ran.json()["findings"][0]["code"], "unknown-connection");
    assert_eq!(asked(&sandbox).await, Vec::<String>::new());
}
