//! Describe, limits, identity, versions and the server's clock.

use bridged::foundation::code::Code;
use bridged::salesforce::client::Client;
use jiff::Timestamp;

use super::org::{client, org, page, settings};
use crate::support::wire::{Wire, answer, json};

const LEAD: &str = r#"{"name":"Lead","label":"Lead","custom":false,"keyPrefix":"00Q","queryable":true,
    "fields":[{"name":"Id","type":"id","filterable":true}],"childRelationships":[],"urls":{}}"#;

#[tokio::test]
async fn a_describe_is_asked_for_again_only_when_it_changed() {
    let stamp = "Wed, 01 Jul 2026 10:00:00 GMT";
    let wire = org(move |request| {
        if request.header("if-modified-since") == stamp {
            answer(304, &[], "")
        } else {
            answer(200, &[&format!("Last-Modified: {stamp}")], LEAD)
        }
    })
    .await;
    let client = client(&wire);
    let first = client.describe("lead", None).await.unwrap();
    assert_eq!(first.object.name, "Lead");
    assert_eq!(first.last_modified.as_deref(), Some(stamp));
    let again = client.describe("lead", Some(&first)).await.unwrap();
    assert!(std::sync::Arc::ptr_eq(&first.object, &again.object));
    let requests = wire.requests_to("/services/data/");
    assert_eq!(
        requests[0].target,
        "/services/data/v67.0/sobjects/lead/describe"
    );
    assert_eq!(requests[0].header("if-modified-since"), "");
    assert_eq!(
        client.usage().api_calls,
        2,
        "an answer that nothing changed counts too"
    );
}

#[tokio::test]
async fn an_object_that_is_not_there_is_named() {
    let wire = org(|_| {
        json(
            404,
            r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#,
        )
    })
    .await;
    let client = client(&wire);
    let error = client.describe("Leed", None).await.unwrap_err();
    assert_eq!(error.code(), Code::ObjectUnavailable);
    assert!(error.message().contains("`Leed`"), "{error}");
    assert_eq!(error.context().remote_code.as_deref(), Some("NOT_FOUND"));
    let before = wire.requests().len();
    for name in [
        "",
        "../limits",
        "Lead/describe",
        "Lead?x=1",
        "Lead\r\nX: y",
        "Läd",
    ] {
        let error = client.describe(name, None).await.unwrap_err();
        assert_eq!(error.code(), Code::ObjectUnavailable, "{name}");
        assert!(!error.message().contains('\n'));
    }
    assert_eq!(
        wire.requests().len(),
        before,
        "a name that cannot be one is not sent"
    );
}

#[tokio::test]
async fn the_list_of_objects_the_limits_and_the_user_are_read() {
    let wire = org(|request| match request.target.as_str() {
        "/services/data/v67.0/sobjects" => json(
            200,
            r#"{"encoding":"UTF-8","maxBatchSize":200,"sobjects":[{"name":"Lead","queryable":true},{"name":"X__c","custom":true}]}"#,
        ),
        "/services/data/v67.0/limits" => json(
            200,
            r#"{"DailyApiRequests":{"Max":15000,"Remaining":14998},"PermissionSets":{"Max":1500,"Remaining":1499,"CreateCustom":{"Max":1000,"Remaining":999}}}"#,
        ),
        "/services/oauth2/userinfo" => json(
            200,
            r#"{"sub":"x","user_id":"005xx","organization_id":"00Dxx","preferred_username":"bot@acme.test","name":"Bot","urls":{}}"#,
        ),
        other => panic!("{other}"),
    })
    .await;
    let client = client(&wire);
    let objects = client.describe_global().await.unwrap();
    assert!(objects[0].queryable && objects[1].custom);
    let limits = client.limits().await.unwrap();
    assert_eq!(limits["DailyApiRequests"].remaining, 14998);
    assert_eq!(limits["PermissionSets"].max, 1500);
    let identity = client.identity().await.unwrap();
    assert_eq!(
        (identity.user_id.as_str(), identity.name.as_deref()),
        ("005xx", Some("Bot"))
    );
    assert_eq!(client.usage().api_calls, 2, "the identity is no API call");
}

#[tokio::test]
async fn versions_need_no_log_in_and_tell_the_server_s_time() {
    let wire = Wire::start(|request| {
        assert_eq!(request.target, "/services/data/");
        assert_eq!(request.header("authorization"), "");
        answer(
            200,
            &["Date: Wed, 21 Oct 2015 07:28:00 GMT"],
            r#"[{"label":"Winter '11","url":"/services/data/v20.0","version":"20.0"},{"label":"Summer '26","url":"/x","version":"67.0"}]"#,
        )
    })
    .await;
    let client = Client::new(settings(wire.url("http"))).unwrap();
    let time = client.server_time().await.unwrap();
    let sent: Timestamp = "2015-10-21T07:28:00Z".parse().unwrap();
    let ahead = time.duration_since(sent).as_secs();
    assert!((0..20).contains(&ahead), "{time}");
    let again = client.server_time().await.unwrap();
    assert!(again >= time, "the clock goes on without a further request");
    assert_eq!(wire.requests().len(), 1);
    assert_eq!(client.versions().await.unwrap()[1].version, "67.0");
    assert_eq!(client.usage().api_calls, 0);
}

#[tokio::test]
async fn a_server_without_a_clock_is_an_error_not_the_local_time() {
    for header in ["X-Nothing: 1", "Date: yesterday", "Date: "] {
        let wire = Wire::start(move |_| answer(200, &[header], "[]")).await;
        let client = Client::new(settings(wire.url("http"))).unwrap();
        let error = client.server_time().await.unwrap_err();
        assert_eq!(error.code(), Code::AnswerUnreadable);
    }
}

#[tokio::test]
async fn the_last_answer_s_date_is_the_clock() {
    let wire = org(|_| answer(503, &["Date: Fri, 01 Jan 2100 00:00:00 GMT"], "")).await;
    let client = client(&wire);
    client.limits().await.unwrap_err();
    let time = client.server_time().await.unwrap();
    assert!(time >= "2100-01-01T00:00:00Z".parse().unwrap(), "{time}");
}

#[test]
fn settings_that_cannot_work_are_found_before_any_request() {
    for version in [
        "",
        "67",
        "v67.0",
        "67.0/../../x",
        "6700.0",
        "67.00",
        "67.0 ",
    ] {
        let mut settings = settings("https://acme.my.salesforce.com");
        settings.api_version = version.to_owned();
        let error = Client::new(settings).err().unwrap();
        assert_eq!(error.code(), Code::ConnectionSettings, "{version}");
    }
    for bundle in [
        &b""[..],
        b"no certificate",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let mut settings = settings("https://acme.my.salesforce.com");
        settings.extra_ca = vec![bundle.to_vec()];
        let error = Client::new(settings).err().unwrap();
        assert_eq!(error.code(), Code::ConnectionSettings);
    }
    for proxy in [
        "",
        "proxy",
        "socks5://proxy:1",
        "ftp://user:5ECRET0API0KEY0DONT0SHOW@x",
    ] {
        let mut settings = settings("https://acme.my.salesforce.com");
        settings.proxy = Some(bridged::foundation::secret::Secret::new(proxy));
        let error = Client::new(settings).err().unwrap();
        assert_eq!(error.code(), Code::ConnectionSettings, "{proxy}");
        super::org::shown(&error);
    }
}

#[tokio::test]
async fn a_proxy_is_used_only_when_it_is_named() {
    let proxy = org(|_| page(0, None, "")).await;
    let mut settings = settings("http://localhost:9");
    settings.proxy = Some(bridged::foundation::secret::Secret::new(proxy.url("http")));
    let client = Client::new(settings).unwrap();
    client.limits().await.unwrap_err();
    assert!(
        proxy.requests()[0]
            .target
            .starts_with("http://localhost:9/services/oauth2/token")
    );
}
