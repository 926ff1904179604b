//! Signing a connection in at the server: an operator asks, a browser goes to Salesforce and comes back.

use serde_json::{Value, json};

use super::binary::Serving;
use crate::connections::command::control;
use crate::support::binary::command;
use crate::support::consent::Browser;
use crate::support::project::Project;
use crate::support::sandbox::Sandbox;

const PROJECT: &str = "version: 1
name: acme
connections:
  crm:
    type: salesforce
    instance_url: ${SALESFORCE_INSTANCE_URL}
    auth: { method: oauth, consumer_key: \"${SALESFORCE_CONSUMER_KEY}\", consumer_secret: \"${SALESFORCE_API_KEY}\" }
  keys:
    type: salesforce
    instance_url: ${SALESFORCE_INSTANCE_URL}
    auth: { method: api_key, consumer_key: \"${SALESFORCE_CONSUMER_KEY}\", api_key: \"${SALESFORCE_API_KEY}\" }
";

const LEADS: &str = "version: 1
name: leads
direction: read
connection: crm
source: { object: Lead }
field_map: { name: \"{{ LastName }}\" }
";

struct Scene {
    project: Project,
    sandbox: Sandbox,
    server: Serving,
    http: reqwest::Client,
}

impl Scene {
    fn start() -> Self {
        let sandbox = Sandbox::start(&[]);
        let project = Project::empty()
            .file("bridged.yaml", PROJECT)
            .file("pipelines/leads.yaml", LEADS);
        let server = Serving::start(&project, Some(&sandbox));
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            project,
            sandbox,
            server,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    fn bridged(&self, args: &[&str]) -> Value {
        let mut typed = command(self.project.path());
        self.sandbox.connect(&mut typed);
        typed.env("BRIDGED_KEY", crate::e2e::scene::KEY);
        let ran: crate::support::binary::Ran = typed
            .args(args)
            .args(["--format", "json"])
            .output()
            .unwrap()
            .into();
        ran.expect(0).json()["result"].clone()
    }

    fn token(&self, role: &str) -> String {
        let made = self.bridged(&["token", "create", role, "--role", role]);
        made["token"].as_str().unwrap().to_owned()
    }

    async fn ask(&self, token: &str, connection: &str) -> (u16, Value) {
        let url = self
            .server
            .url(&format!("/api/v1/connections/{connection}/sign-in"));
        let answer = self.http.post(url).bearer_auth(token).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap())
    }

    async fn register(&self) {
        let callback = self.server.url("/auth/salesforce/callback");
        control(&self.sandbox, "apps", json!({ "callbacks": [callback] })).await;
    }

    /// Goes to Salesforce and allows it; the address that it sends the browser back to.
    async fn allow(&self, here: &mut Browser, start: &str) -> String {
        let started = here.open(start).await;
        assert_eq!(started.status, 303, "{}", started.html);
        let authorize = started.location.expect("it leads to Salesforce");
        Browser::new()
            .approve(
                &authorize,
                self.sandbox.value("username"),
                self.sandbox.value("password"),
            )
            .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i20_an_operator_signs_a_connection_in_at_the_server() {
    let scene = Scene::start();
    scene.register().await;
    let (status, body) = scene.ask(&scene.token("operator"), "crm").await;
    assert_eq!(status, 201, "{body}");
    assert_eq!(
        body["callback_url"],
        scene.server.url("/auth/salesforce/callback")
    );
    let mut here = Browser::new();
    let start = body["start_url"].as_str().unwrap();
    let back = scene.allow(&mut here, start).await;
    let page = here.open(&back).await;
    assert_eq!(page.status, 200, "{}", page.html);
    assert!(page.html.contains("is connected"), "{}", page.html);
    let policy = &page.headers["content-security-policy"];
    assert!(policy.contains("style-src 'sha256-"), "{policy}");
    let connected = scene.bridged(&["connections"]);
    let crm = connected["connections"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["connection"] == "crm" || one["name"] == "crm")
        .unwrap_or_else(|| panic!("{connected}"))
        .clone();
    assert!(
        crm.to_string().contains(scene.sandbox.value("username")),
        "{crm}"
    );
    let log = scene.bridged(&["audit", "list"]).to_string();
    assert!(log.contains("token operator"), "{log}");
    // What came back is spent, and the ticket is gone with it.
    let again = here.open(&back).await;
    assert_eq!(again.status, 400, "{}", again.html);
    assert_eq!(here.open(start).await.status, 400);
    // The pipeline runs with what was granted.
    let run = scene.bridged(&["run", "leads"]);
    assert!(
        run["runs"][0]["ledger"]["delivered"].as_u64().unwrap() > 0,
        "{run}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn x13_x14_a_way_back_that_nobody_waits_for_ends_nothing_and_asks_for_no_token() {
    let scene = Scene::start();
    scene.register().await;
    let (_, body) = scene.ask(&scene.token("operator"), "crm").await;
    let start = body["start_url"].as_str().unwrap();
    let mut here = Browser::new();
    let back = scene.allow(&mut here, start).await;
    let callback = scene.server.url("/auth/salesforce/callback");
    for stray in [
        callback.clone(),
        format!("{callback}?code=x"),
        format!("{callback}?code=x&state=unknown"),
        format!("{callback}?error=%3Cscript%3E&state=unknown"),
    ] {
        let page = here.open(&stray).await;
        assert_eq!(page.status, 400, "{stray}");
        assert!(page.html.contains("sign-in-stray"), "{}", page.html);
        assert!(!page.html.contains("<script"), "{}", page.html);
    }
    // Another browser has no cookie, and the state is spent by its try.
    let page = Browser::new().open(&back).await;
    assert_eq!(page.status, 400);
    assert!(page.html.contains("another browser"), "{}", page.html);
    assert_eq!(here.open(&back).await.status, 400);
    // Another browser cannot use the ticket either, the first one can once more.
    assert_eq!(Browser::new().open(start).await.status, 400);
    let head = scene.http.head(start).send().await.unwrap();
    assert_eq!(head.status(), 405, "it would spend the ticket unseen");
    let back = scene.allow(&mut here, start).await;
    let page = here.open(&back).await;
    assert_eq!(page.status, 200, "{}", page.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_signed_in_to_is_refused_with_the_reason() {
    let scene = Scene::start();
    let (operator, viewer) = (scene.token("operator"), scene.token("viewer"));
    let (status, body) = scene.ask(&operator, "crm").await;
    assert_eq!(status, 422, "{body}");
    assert_eq!(body["error"]["code"], "callback-mismatch", "{body}");
    let (status, body) = scene.ask(&operator, "keys").await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (422, &"connection-settings".into())
    );
    let (status, body) = scene.ask(&operator, "crmm").await;
    assert_eq!(status, 404, "{body}");
    assert!(
        body["error"]["help"].as_str().unwrap().contains("`crm`"),
        "{body}"
    );
    let (status, _) = scene.ask(&viewer, "crm").await;
    assert_eq!(status, 403);
    let nobody = scene.ask("no-such-token", "crm").await;
    assert_eq!(nobody.0, 401);
}
