//! Every documented error: its name, its class, and how often the request is sent.

use bridged::foundation::code::Code;
use bridged::salesforce::errors::{Class, class};
use bridged::salesforce::query::Scope;

use super::org::{client, org, settings, shown};
use crate::support::wire::{answer, json};
use bridged::salesforce::client::Client;

/// Status, code, message, and what must come of it.
#[rustfmt::skip]
pub(super) const TABLE: &[(u16, &str, &str, Code, Class)] = &[
    (401, "INVALID_SESSION_ID", "Session expired or invalid", Code::SessionExpired, Class::Auth),
    (401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API", Code::ApiAccessRefused, Class::Permission),
    (401, "INVALID_SESSION_ID", "Connected app is not attached to Agent", Code::ApiAccessRefused, Class::Permission),
    (401, "SOMETHING_ELSE", "no", Code::ApiAccessRefused, Class::Permission),
    (400, "InvalidSessionId", "Invalid session id", Code::SessionExpired, Class::Auth),
    (401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE", Code::SessionExpired, Class::Auth),
    (401, "INVALID_JWT_FORMAT", "x", Code::SessionExpired, Class::Auth),
    (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", Code::DailyLimitReached, Class::DailyLimit),
    (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", Code::ConcurrencyLimit, Class::SlowDown),
    (503, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.", Code::ConcurrencyLimit, Class::SlowDown),
    (400, "LIMIT_EXCEEDED", "x", Code::DailyLimitReached, Class::DailyLimit),
    (400, "EXCEEDED_QUOTA", "x", Code::DailyLimitReached, Class::DailyLimit),
    (503, "SERVER_UNAVAILABLE", "x", Code::SalesforceUnavailable, Class::Transient),
    (503, "SERVER_UNAVAILABLE", "the org is under Maintenance", Code::OrgMaintenance, Class::Transient),
    (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be inserted: Lead", Code::ObjectNotWritable, Class::Permission),
    (500, "UNKNOWN_EXCEPTION", "x", Code::SalesforceUnavailable, Class::Transient),
    (500, "INTERNAL_ERROR", "x", Code::SalesforceUnavailable, Class::Transient),
    (500, "INTERNAL_SERVER_ERROR", "x", Code::SalesforceUnavailable, Class::Transient),
    (500, "A_CODE_OF_TOMORROW", "x", Code::SalesforceUnavailable, Class::Transient),
    (400, "A_CODE_OF_TOMORROW", "x", Code::RequestRefused, Class::Config),
    (400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", Code::RecordLocked, Class::Transient),
    (400, "QUERY_TIMEOUT", "Your query request was running for too long.", Code::QueryTimeout, Class::Split),
    (400, "OPERATION_TOO_LARGE", "exceeded 100000 distinct who/what's", Code::PermissionDenied, Class::Permission),
    (400, "INVALID_QUERY_LOCATOR", "invalid query locator", Code::QueryLocatorLost, Class::Restart),
    (400, "MALFORMED_QUERY", "unexpected token: 'FORM'", Code::QueryRefused, Class::Config),
    (400, "MALFORMED_QUERY", "SOQL statement is too long", Code::QueryTooLong, Class::Config),
    (400, "MALFORMED_SEARCH", "x", Code::QueryRefused, Class::Config),
    (400, "QUERY_TOO_COMPLICATED", "x", Code::QueryRefused, Class::Config),
    (400, "INVALID_FIELD", "No such column 'X' on entity 'Lead'", Code::FieldUnavailable, Class::Config),
    (400, "INVALID_TYPE", "sObject type 'Leed' is not supported", Code::ObjectUnavailable, Class::Config),
    (404, "NOT_FOUND", "The requested resource does not exist", Code::NotFound, Class::Config),
    (400, "INVALID_QUERY_FILTER_OPERATOR", "x", Code::QueryRefused, Class::Config),
    (400, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000", Code::QueryRefused, Class::Config),
    (400, "EXCEEDED_ID_LIMIT", "x", Code::RequestTooLarge, Class::Split),
    (400, "TOO_MANY_RECORDS", "x", Code::RequestTooLarge, Class::Split),
    (400, "BATCH_TOO_LARGE", "x", Code::RequestTooLarge, Class::Split),
    (403, "INSUFFICIENT_ACCESS", "x", Code::PermissionDenied, Class::Permission),
    (400, "INSUFFICIENT_ACCESS_OR_READONLY", "x", Code::RecordAccessDenied, Class::Permission),
    (400, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "x", Code::ParentAccessDenied, Class::Permission),
    (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "trigger failed", Code::RecordRefused, Class::Row),
    (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "UNABLE_TO_LOCK_ROW, unable to obtain", Code::RecordLocked, Class::Transient),
    (400, "CANNOT_EXECUTE_FLOW_TRIGGER", "x", Code::RecordRefused, Class::Row),
    (400, "CANNOT_UPDATE_CONVERTED_LEAD", "x", Code::RecordRefused, Class::Row),
    (400, "REQUIRED_FIELD_MISSING", "x", Code::RecordRefused, Class::Row),
    (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "x", Code::RecordRefused, Class::Row),
    (400, "FIELD_INTEGRITY_EXCEPTION", "x", Code::RecordRefused, Class::Row),
    (400, "FIELD_FILTER_VALIDATION_EXCEPTION", "x", Code::RecordRefused, Class::Row),
    (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "x", Code::RecordRefused, Class::Row),
    (400, "STRING_TOO_LONG", "x", Code::RecordRefused, Class::Row),
    (400, "INVALID_EMAIL_ADDRESS", "x", Code::RecordRefused, Class::Row),
    (400, "INVALID_CURRENCY_ISO", "x", Code::RecordRefused, Class::Row),
    (400, "JSON_PARSER_ERROR", "x", Code::BatchRefused, Class::Row),
    (400, "INVALID_FIELD_FOR_INSERT_UPDATE", "x", Code::FieldNotWritable, Class::Config),
    (400, "DUPLICATE_VALUE", "x", Code::RecordRefused, Class::Row),
    (400, "DUPLICATE_EXTERNAL_ID", "x", Code::RecordRefused, Class::Row),
    (400, "DUPLICATES_DETECTED", "x", Code::RecordRefused, Class::Row),
    (404, "ENTITY_IS_DELETED", "x", Code::RecordRefused, Class::Row),
    (400, "ENTITY_IS_LOCKED", "x", Code::RecordRefused, Class::Row),
    (400, "INVALID_CROSS_REFERENCE_KEY", "x", Code::RecordRefused, Class::Row),
    (400, "MALFORMED_ID", "x", Code::RecordRefused, Class::Row),
    (400, "ALL_OR_NONE_OPERATION_ROLLED_BACK", "x", Code::RecordNotTried, Class::Transient),
    (400, "PROCESSING_HALTED", "x", Code::RecordNotTried, Class::Transient),
    (412, "BATCH_PROCESSING_HALTED", "x", Code::RecordNotTried, Class::Transient),
    (403, "TXN_SECURITY_METERING_ERROR", "x", Code::SalesforceUnavailable, Class::Transient),
    (403, "TXN_SECURITY_NO_ACCESS", "x", Code::PermissionDenied, Class::Permission),
    (403, "TXN_SECURITY_OF_TOMORROW", "x", Code::PermissionDenied, Class::Permission),
    (403, "API_DISABLED_FOR_ORG", "x", Code::ApiAccessRefused, Class::Permission),
    (403, "API_CURRENTLY_DISABLED", "x", Code::OrgMaintenance, Class::Transient),
    (403, "API_CURRENTLY_DISABLED", "API is disabled for this User", Code::ApiAccessRefused, Class::Permission),
    (403, "ORG_LOCKED", "org locked", Code::OrgInactive, Class::Config),
    (403, "FUNCTIONALITY_NOT_ENABLED", "x", Code::FeatureUnavailable, Class::Config),
    (400, "FeatureNotEnabled", "Async API not enabled", Code::FeatureUnavailable, Class::Config),
    (400, "INVALIDENTITY", "Entity 'X' is not supported by the Bulk API.", Code::FeatureUnavailable, Class::Config),
    (400, "API_ERROR", "Implementation restriction: ContentDocument", Code::PermissionDenied, Class::Permission),
    (400, "API_ERROR", "job is not terminated", Code::RequestRefused, Class::Config),
    (409, "INVALIDJOBSTATE", "x", Code::RequestRefused, Class::Config),
    (400, "INVALIDJOB", "x", Code::RequestRefused, Class::Config),
    (400, "InvalidBatch", "Field name not found : X", Code::RequestRefused, Class::Config),
    (400, "CLIENT_ERROR", "x", Code::RequestRefused, Class::Config),
    (400, "UNSUPPORTED_API_VERSION", "x", Code::ApiVersionUnavailable, Class::Config),
    (404, "URL_NO_LONGER_EXISTS", "x", Code::ApiVersionUnavailable, Class::Config),
    (400, "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", "x", Code::OrgMaintenance, Class::Transient),
    (400, "STORAGE_LIMIT_EXCEEDED", "x", Code::StorageFull, Class::Config),
    (403, "INVALID_OPERATION_WITH_EXPIRED_PASSWORD", "x", Code::SignInRefused, Class::Config),
    (405, "METHOD_NOT_ALLOWED", "x", Code::RequestRefused, Class::Config),
];

pub(super) fn tries(class: Class) -> usize {
    match class {
        Class::Transient | Class::SlowDown => 3,
        Class::Auth => 2,
        _ => 1,
    }
}

/// Asks once and returns what the request came to: the code, the class, how often it was sent.
async fn outcome(reply: crate::support::wire::Reply) -> (Code, Class, usize, String) {
    let wire = org(move |_| reply.clone()).await;
    let error = client(&wire)
        .query("SELECT Id FROM Lead", Scope::Live, None)
        .await
        .unwrap_err();
    let sent = wire.requests_to("/services/data/v").len();
    let class = class(error.code()).expect("a class");
    (error.code(), class, sent, shown(&error))
}

#[tokio::test]
async fn every_documented_error_has_its_name_and_its_number_of_tries() {
    for (at, (status, remote, message, code, class)) in TABLE.iter().enumerate() {
        let array = serde_json::json!([{"message": message, "errorCode": remote, "fields": []}]);
        let object = serde_json::json!({"message": message, "errorCode": remote});
        let bulk = serde_json::json!({"exceptionMessage": message, "exceptionCode": remote});
        let row =
            serde_json::json!([{"message": message, "statusCode": remote, "extra": {"a": 1}}]);
        // The shape does not depend on the code, so each row is sent in two of the four.
        let shapes = [object, bulk, row];
        for body in [&array, &shapes[at % 3]] {
            let (was_code, was_class, sent, shown) =
                outcome(json(*status, &body.to_string())).await;
            let batched = *code == Code::QueryTooLong;
            assert_eq!((was_code, was_class), (*code, *class), "{remote}: {shown}");
            assert_eq!(sent, tries(*class) + usize::from(batched), "{remote}");
            assert!(shown.contains(remote), "{shown}");
            assert!(shown.contains("http_status: Some"), "{shown}");
        }
    }
}

#[tokio::test]
async fn answers_without_a_code_are_named_by_their_status() {
    let html = "<html><body>SECRET HTML</body></html>";
    #[rustfmt::skip]
    let table = [
        (300, Code::RecordRefused, 1), (400, Code::RequestRefused, 1), (401, Code::ApiAccessRefused, 1), (403, Code::PermissionDenied, 1),
        (404, Code::NotFound, 1), (405, Code::RequestRefused, 1), (406, Code::SalesforceUnavailable, 3),
        (408, Code::SalesforceUnavailable, 3), (409, Code::RequestRefused, 1), (410, Code::ApiVersionUnavailable, 1),
        (412, Code::RequestRefused, 1), (415, Code::RequestRefused, 1), (420, Code::SalesforceUnavailable, 3),
        (428, Code::RequestRefused, 1), (429, Code::SalesforceUnavailable, 3), (500, Code::SalesforceUnavailable, 3),
        (502, Code::SalesforceUnavailable, 3), (503, Code::SalesforceUnavailable, 3), (504, Code::SalesforceUnavailable, 3),
        (599, Code::SalesforceUnavailable, 3),
    ];
    for (status, code, expected) in table {
        for body in [
            html,
            "",
            "[]",
            "null",
            "{}",
            "[\"x\"]",
            "{\"hasErrors\":true,\"results\":[]}",
        ] {
            let (was, _, sent, shown) = outcome(answer(status, &[], body)).await;
            assert_eq!((was, sent), (code, expected), "{status} {body}: {shown}");
            assert!(!shown.contains("SECRET HTML"), "{shown}");
            assert!(
                shown.contains(&format!("(HTTP status {status})")),
                "{shown}"
            );
        }
    }
}

#[tokio::test]
async fn s22_the_two_request_limits_are_told_apart() {
    let daily =
        r#"[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#;
    let (code, class, sent, _) = outcome(json(403, daily)).await;
    assert_eq!(
        (code, class, sent),
        (Code::DailyLimitReached, Class::DailyLimit, 1)
    );

    let concurrent = r#"[{"message":"ConcurrentRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#;
    for status in [403, 503] {
        let (code, class, sent, _) = outcome(json(status, concurrent)).await;
        assert_eq!(
            (code, class, sent),
            (Code::ConcurrencyLimit, Class::SlowDown, 3)
        );
    }
}

#[tokio::test]
async fn the_request_id_and_the_try_are_part_of_the_error() {
    let wire = org(|_| {
        answer(
            500,
            &[
                "X-Request-Id: 4f1d-77AB",
                "Sforce-Limit-Info: api-usage=7/100",
            ],
            r#"[{"message":"oops","errorCode":"UNKNOWN_EXCEPTION"}]"#,
        )
    })
    .await;
    let client = client(&wire);
    let error = client.limits().await.unwrap_err();
    let context = error.context();
    assert_eq!(context.request_id.as_deref(), Some("4f1d-77AB"));
    assert_eq!(context.http_status, Some(500));
    assert_eq!(context.remote_code.as_deref(), Some("UNKNOWN_EXCEPTION"));
    assert_eq!(context.attempt, Some(3));
    assert_eq!(error.message(), "Salesforce could not answer: oops");
    assert_eq!(
        client.usage().daily.map(|daily| daily.used),
        Some(7),
        "errors tell the usage too"
    );
    assert_eq!((client.usage().retries, client.usage().api_calls), (2, 3));
}

#[tokio::test]
async fn a_failure_that_passes_is_survived() {
    let failures = std::sync::atomic::AtomicUsize::new(0);
    let wire = org(
        move |_| match failures.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => answer(503, &[], ""),
            1 => answer(406, &[], ""),
            _ => json(200, r#"{"totalSize":0,"done":true,"records":[]}"#),
        },
    )
    .await;
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut settings = settings(wire.url("http"));
    let told = std::sync::Arc::clone(&seen);
    settings.on_retry = Some(std::sync::Arc::new(move |retry| {
        told.lock()
            .unwrap()
            .push((retry.error.code(), retry.attempt));
    }));
    let client = Client::new(settings).unwrap();
    client
        .query("SELECT Id FROM Lead", Scope::Live, None)
        .await
        .unwrap();
    assert_eq!(
        *seen.lock().unwrap(),
        [
            (Code::SalesforceUnavailable, 2),
            (Code::SalesforceUnavailable, 3)
        ]
    );
}

#[tokio::test]
async fn a_gateway_that_asks_for_hours_ends_the_tries() {
    let (code, _, sent, _) = outcome(answer(429, &["Retry-After: 86400"], "")).await;
    assert_eq!((code, sent), (Code::SalesforceUnavailable, 1));
    let started = std::time::Instant::now();
    let (code, _, sent, _) = outcome(answer(503, &["Retry-After: 1"], "")).await;
    assert_eq!((code, sent), (Code::SalesforceUnavailable, 3));
    assert!(
        started.elapsed().as_secs() >= 2,
        "each wait is a second at least"
    );
}

#[tokio::test]
async fn a_page_that_speaks_of_maintenance_is_told_from_a_plain_outage() {
    let page = |word: &str| format!("<html><title>SECRET</title><h1>Down for {word}</h1></html>");
    for (status, word, code) in [
        (503, "Scheduled Maintenance", Code::OrgMaintenance),
        (500, "maintenance", Code::OrgMaintenance),
        (503, "now", Code::SalesforceUnavailable),
        (429, "maintenance", Code::SalesforceUnavailable),
        (403, "maintenance", Code::PermissionDenied),
        (404, "maintenance", Code::NotFound),
    ] {
        let (was, class, _, shown) = outcome(answer(status, &[], &page(word))).await;
        assert_eq!(was, code, "{status} {word}: {shown}");
        assert!(!shown.contains("SECRET"), "{shown}");
        if code == Code::OrgMaintenance {
            assert_eq!(class, Class::Transient);
        }
    }
}
