//! The environment's proxy variables: many programs obey them, this one does not.

use std::io::ErrorKind;
use std::net::TcpListener;

use serde_json::Value;

use crate::support::binary::{Ran, command};
use crate::support::org::PROJECT;
use crate::support::project::Project;
use crate::support::sandbox::Sandbox;

const PIPELINE: &str = "version: 1
name: leads
direction: read
source: { object: Lead }
field_map: { name: \"{{ LastName }}\" }
";

#[test]
fn x09_proxies_of_the_environment_are_not_used() {
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let proxy = format!("http://{}", canary.local_addr().unwrap());
    let sandbox = Sandbox::start(&["--leads", "120"]);
    let project = Project::empty()
        .file("bridged.yaml", PROJECT)
        .file("pipelines/leads.yaml", PIPELINE);
    for arguments in [
        &["check", "--format", "json"][..],
        &["run", "leads", "--format", "json"],
    ] {
        let mut command = command(project.path());
        command.args(arguments).env("WHATSAPP_TOKEN", "unused");
        for name in [
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "http_proxy",
            "https_proxy",
            "all_proxy",
        ] {
            command.env(name, &proxy);
        }
        command.env("NO_PROXY", "").env("no_proxy", "");
        let ran: Ran = sandbox.connect(&mut command).output().unwrap().into();
        let report: Value = ran.expect(0).json();
        assert_eq!(report["ok"], true, "{report}");
    }
    let reached = canary.accept().expect_err("nobody came");
    assert_eq!(reached.kind(), ErrorKind::WouldBlock);
}
