//! A person connects an org: signs in at its page, allows the access, and comes back to a command that works.

use super::driver::Browser;
use crate::connections::command::{Connecting, bridged, callback_port, project};
use crate::support::sandbox::Sandbox;

const OAUTH: &str = "{ method: oauth }";

/// Fills the log-in page in.
async fn log_in(browser: &Browser, sandbox: &Sandbox, password: &str) {
    browser
        .type_into("#username", sandbox.value("username"))
        .await;
    browser.type_into("#password", password).await;
    browser.click("#Login").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and ChromeDriver, which .ci/run installs"]
async fn a_person_signs_in_and_the_connection_works_until_it_is_revoked() {
    let sandbox = Sandbox::start(&["--leads", "20"]);
    let project = project(&sandbox, OAUTH);
    let browser = Browser::start().await;
    let port = callback_port(&sandbox).await;
    let connecting = Connecting::start(&project, &sandbox, &["--port", &port]);

    browser.open(&connecting.address).await;
    browser.picture("log-in").await;
    log_in(&browser, &sandbox, "not the password").await;
    browser.wait_for("check your username and password").await;
    browser.picture("log-in-refused").await;
    browser
        .script("document.querySelector('#username').value = ''")
        .await;
    log_in(&browser, &sandbox, sandbox.value("password")).await;
    let page = browser.wait_for("Allow").await;
    assert!(page.contains("bridged"), "{page}");
    browser.picture("consent").await;
    browser.click("#oaapprove").await;
    let page = browser.wait_for("Connected").await;
    browser.picture("connected").await;
    assert!(page.contains(sandbox.value("username")), "{page}");
    // Nothing of the page was kept from being shown by its own policy.
    let style = browser
        .script("return getComputedStyle(document.querySelector('main')).borderRadius")
        .await;
    assert_eq!(style, "12px");
    let cookies = browser.script("return document.cookie").await;
    assert_eq!(cookies, "", "scripts see no cookie");

    let ran = connecting.end().expect(0).json();
    assert_eq!(ran["result"]["card"]["username"], sandbox.value("username"));
    bridged(&project, &["check"]).expect(0);
    bridged(&project, &["run", "leads"]).expect(0);
    let shown = bridged(&project, &["connections"]).expect(0).stdout;
    assert!(shown.contains(sandbox.value("username")), "{shown}");
    bridged(&project, &["revoke", "crm"]).expect(0);
    let refused = bridged(&project, &["run", "leads"]).expect(1).stderr;
    assert!(refused.contains("not-connected"), "{refused}");
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and ChromeDriver, which .ci/run installs"]
async fn a_person_who_denies_the_access_is_told_on_the_page_and_in_the_terminal() {
    let sandbox = Sandbox::start(&["--leads", "20"]);
    let project = project(&sandbox, OAUTH);
    let browser = Browser::start().await;
    let port = callback_port(&sandbox).await;
    let connecting = Connecting::start(&project, &sandbox, &["--port", &port]);
    browser.open(&connecting.address).await;
    log_in(&browser, &sandbox, sandbox.value("password")).await;
    browser.wait_for("Allow").await;
    browser.click("#oadeny").await;
    let page = browser.wait_for("Not connected").await;
    assert!(page.contains("sign-in-denied"), "{page}");
    browser.picture("denied").await;
    let ran = connecting.end().expect(1);
    assert_eq!(ran.json()["findings"][0]["code"], "sign-in-denied");
    browser.quit().await;
}
