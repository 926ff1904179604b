//! Requests that change an org: what is sent, what each record's result means, and ends that stay unclear.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bridged::foundation::code::Code;
use bridged::foundation::error::{Error, Result};
use bridged::salesforce::client::Client;
use bridged::salesforce::errors::{Class, class};
use bridged::salesforce::write::{
    RowOutcome, RowRefusal, WriteBatch, WriteOperation, WriteOptions, Writer,
};
use serde_json::{Map, Value, json};

use super::errors::{TABLE, tries};
use super::org::{client, org, settings, shown, token};
use crate::support::wire::{Reply, Request, Wire, answer, head, json as reply};

const COLLECTIONS: &str = "/services/data/v67.0/composite/sobjects";
const KEY: &str = "Bridged_Id__c";

/// Every way to write, and whether a repeat of it is harmless.
const OPERATIONS: [(WriteOperation<'static>, bool); 4] = [
    (WriteOperation::Update, true),
    (WriteOperation::Upsert { key: KEY }, true),
    (WriteOperation::Create { key: Some(KEY) }, true),
    (WriteOperation::Create { key: None }, false),
];

fn id(number: usize) -> String {
    bridged::salesforce::record_id::long(&format!("00Q5g0000{number:06}")).unwrap()
}

/// A record that fits every operation.
fn record(number: usize) -> Map<String, Value> {
    let record = json!({"Id": id(number), KEY: format!("key-{number}"), "LastName": "Byron", "Rating": null});
    match record {
        Value::Object(fields) => fields,
        _ => unreachable!(),
    }
}

fn records(count: usize) -> Vec<Map<String, Value>> {
    (1..=count).map(record).collect()
}

async fn write(
    client: &Client,
    operation: WriteOperation<'_>,
    records: &[Map<String, Value>],
) -> Result<Vec<RowOutcome>> {
    let options = WriteOptions::default();
    let batch = WriteBatch {
        object: "Lead",
        operation,
        records,
        options: &options,
    };
    Writer::new(client.clone()).write(&batch).await
}

/// The answer to a request of so many records that all went well.
fn done(count: usize) -> Reply {
    let results: Vec<Value> = (1..=count)
        .map(|number| json!({"id": id(number), "success": true, "errors": [], "created": true}))
        .collect();
    reply(200, &Value::Array(results).to_string())
}

fn row_error(code: &str, message: &str, fields: &[&str]) -> Value {
    json!({"success": false, "errors": [{"statusCode": code, "message": message, "fields": fields}]})
}

fn written(number: usize) -> RowOutcome {
    RowOutcome::Written {
        id: id(number),
        created: true,
    }
}

/// The requests that were to write.
fn sent(wire: &Wire) -> Vec<Request> {
    wire.requests_to(COLLECTIONS)
}

/// Answers the first tries by a list, and all further ones with success.
async fn after(replies: Vec<Reply>, count: usize) -> Wire {
    let at = AtomicUsize::new(0);
    org(move |_| {
        let reply = replies.get(at.fetch_add(1, Ordering::Relaxed));
        reply.cloned().unwrap_or_else(|| done(count))
    })
    .await
}

#[tokio::test]
async fn each_operation_has_its_request() {
    let upsert = format!("{COLLECTIONS}/Lead/{KEY}");
    let expected = [
        ("PATCH", COLLECTIONS),
        ("PATCH", upsert.as_str()),
        ("POST", COLLECTIONS),
        ("POST", COLLECTIONS),
    ];
    for ((operation, _), (method, target)) in OPERATIONS.iter().zip(expected) {
        let wire = org(|_| done(2)).await;
        let client = client(&wire);
        let outcomes = write(&client, *operation, &records(2)).await.unwrap();
        assert_eq!(outcomes, [written(1), written(2)], "{operation:?}");
        let request = &sent(&wire)[0];
        assert_eq!(
            (request.method.as_str(), request.target.as_str()),
            (method, target)
        );
        let typed: Vec<Value> = records(2)
            .into_iter()
            .map(|mut fields| {
                fields.insert("attributes".to_owned(), json!({"type": "Lead"}));
                let id = fields.remove("Id").unwrap();
                fields.insert("id".to_owned(), id);
                Value::Object(fields)
            })
            .collect();
        let body: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(body, json!({"allOrNone": false, "records": typed}));
        assert_eq!(request.header("content-type"), "application/json");
        assert_eq!(request.header("sforce-call-options"), "client=bridged");
        assert_eq!(request.header("sforce-auto-assign"), "FALSE");
        assert_eq!(request.header("sforce-duplicate-rule-header"), "");
        let usage = client.usage();
        assert_eq!((usage.requests.write, usage.api_calls), (1, 1));
        assert_eq!((usage.requests.query, usage.requests.other), (0, 0));
    }
}

#[tokio::test]
async fn null_clears_and_an_absent_field_is_not_sent() {
    let wire = org(|_| done(1)).await;
    let mut fields = record(1);
    fields.remove("LastName");
    fields.insert("Owner".to_owned(), json!({"Ext__c": "x"}));
    write(&client(&wire), WriteOperation::Update, &[fields])
        .await
        .unwrap();
    let body = &sent(&wire)[0].body;
    assert!(body.contains(r#""Rating":null"#), "{body}");
    assert!(body.contains(r#""Owner":{"Ext__c":"x"}"#), "{body}");
    assert!(!body.contains("LastName"), "{body}");
}

#[tokio::test]
async fn options_travel_as_headers() {
    for (allow_save, run_as_current_user, expected) in [
        (true, false, "allowSave=true; runAsCurrentUser=false"),
        (false, true, "allowSave=false; runAsCurrentUser=true"),
        (true, true, "allowSave=true; runAsCurrentUser=true"),
    ] {
        let wire = org(|_| done(1)).await;
        let options = WriteOptions {
            assignment_rule: "01Q000000000001AAA".to_owned(),
            allow_save,
            run_as_current_user,
        };
        let records = records(1);
        let batch = WriteBatch {
            object: "Lead",
            operation: WriteOperation::Create { key: None },
            records: &records,
            options: &options,
        };
        Writer::new(client(&wire)).write(&batch).await.unwrap();
        let request = &sent(&wire)[0];
        assert_eq!(request.header("sforce-auto-assign"), "01Q000000000001AAA");
        assert_eq!(request.header("sforce-duplicate-rule-header"), expected);
    }
}

#[tokio::test]
async fn s01_results_belong_to_records_by_their_position_and_success_alone_decides() {
    let results = json!([
        {"id": id(1), "success": true, "errors": [], "created": true},
        {"id": id(2), "success": true, "errors": [], "created": false},
        {"id": id(3), "success": true, "errors": []},
        // 15 characters become 18, and unknown members are passed over.
        {"id": &id(4)[..15], "success": true, "errors": [], "more": {"a": [1]}},
        // Rolled back, and yet with an id.
        {"id": id(5), "success": false, "errors": [{"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": "rolled back", "fields": []}]},
        row_error("DUPLICATE_EXTERNAL_ID", "more than one record found for external id field: [00Q1, 00Q2]", &[KEY]),
    ]);
    let wire = org(move |_| reply(200, &results.to_string())).await;
    let outcomes = write(
        &client(&wire),
        WriteOperation::Upsert { key: KEY },
        &records(6),
    )
    .await
    .unwrap();
    let changed = |number| RowOutcome::Written {
        id: id(number),
        created: false,
    };
    assert_eq!(
        outcomes[..4],
        [written(1), changed(2), changed(3), changed(4)]
    );
    let refused: Vec<&RowRefusal> = outcomes[4..].iter().map(refusal).collect();
    assert_eq!(
        (refused[0].code, refused[0].class),
        (Code::RecordNotTried, Class::Transient)
    );
    assert_eq!(
        (refused[1].code, refused[1].class),
        (Code::RecordRefused, Class::Row)
    );
    assert_eq!(refused[1].fields, [KEY]);
    assert!(refused[1].message.contains("[00Q1, 00Q2]"), "the ids stay");
    assert_eq!(sent(&wire).len(), 1, "rows are not sent again from here");
}

fn refusal(outcome: &RowOutcome) -> &RowRefusal {
    match outcome {
        RowOutcome::Refused(refusal) => refusal,
        RowOutcome::Written { .. } => panic!("{outcome:?}"),
    }
}

/// What a row's own error means where that differs from the same error of a whole request.
fn of_a_row(remote: &str, code: Code, class: Class) -> (Code, Class) {
    match (remote, code) {
        ("NOT_FOUND" | "NUMBER_OUTSIDE_VALID_RANGE" | "JSON_PARSER_ERROR", _)
        | (_, Code::RequestRefused) => (Code::RecordRefused, Class::Row),
        ("INSUFFICIENT_ACCESS", _) => (Code::ObjectNotWritable, Class::Permission),
        _ => (code, class),
    }
}

#[tokio::test]
async fn every_documented_error_of_a_row_has_its_name_and_costs_that_row_alone() {
    for (_, remote, message, code, class) in TABLE {
        // Codes nobody documents are named by the status, which a row has not.
        if remote.ends_with("OF_TOMORROW") || *remote == "SOMETHING_ELSE" {
            continue;
        }
        let results = json!([
            {"id": id(1), "success": true, "errors": []},
            row_error(remote, message, &["LastName", "Company"]),
            {"id": id(3), "success": true, "errors": []},
        ]);
        let wire = org(move |_| reply(200, &results.to_string())).await;
        let create = WriteOperation::Create { key: None };
        let outcomes = write(&client(&wire), create, &records(3)).await.unwrap();
        assert_eq!(
            (&outcomes[0], &outcomes[2]),
            (&written(1), &written(3)),
            "{remote}"
        );
        let refused = refusal(&outcomes[1]);
        assert_eq!(
            (refused.code, refused.class),
            of_a_row(remote, *code, *class),
            "{remote}"
        );
        assert_eq!(refused.remote_code, *remote);
        assert_eq!(refused.fields, ["LastName", "Company"]);
        assert!(refused.message.starts_with(refused.code.title()));
        assert_eq!(sent(&wire).len(), 1, "{remote}");
    }
}

#[tokio::test]
async fn odd_results_of_a_row_are_refusals_too() {
    for (result, remote, message) in [
        (
            json!({"success": false}),
            "",
            "Salesforce refused the record, and gave no reason",
        ),
        (
            json!({"success": false, "errors": [{"statusCode": "A_CODE_OF_TOMORROW"}]}),
            "A_CODE_OF_TOMORROW",
            "Salesforce refused the record: `A_CODE_OF_TOMORROW`",
        ),
        (
            json!({"success": false, "errors": [{"statusCode": "<b>", "message": "a\n\u{7} b.", "fields": null}]}),
            "",
            "Salesforce refused the record: a b",
        ),
        (
            json!({"success": false, "errors": [
                {"statusCode": "REQUIRED_FIELD_MISSING", "message": "x", "fields": ["A"]},
                {"statusCode": "STRING_TOO_LONG", "message": "y", "fields": ["A", "B"]},
            ]}),
            "REQUIRED_FIELD_MISSING",
            "Salesforce refused the record: x (and more errors of the same record)",
        ),
    ] {
        let body = Value::Array(vec![result]).to_string();
        let wire = org(move |_| reply(200, &body)).await;
        let outcomes = write(&client(&wire), WriteOperation::Update, &records(1))
            .await
            .unwrap();
        let refused = refusal(&outcomes[0]);
        assert_eq!(
            (refused.code, refused.class),
            (Code::RecordRefused, Class::Row)
        );
        assert_eq!(
            (refused.remote_code.as_str(), refused.message.as_str()),
            (remote, message)
        );
    }
}

#[tokio::test]
async fn values_of_the_records_are_not_repeated() {
    let mut fields = record(1);
    fields.insert("Email".to_owned(), json!("ada@secret.example"));
    fields.insert("Amount".to_owned(), json!(987_654));
    fields.insert("Account".to_owned(), json!({"Ext__c": "parent-key"}));
    fields.insert("Part".to_owned(), json!("Mail"));
    fields.insert("Account__c".to_owned(), json!(id(7)));
    let message = "Email: ada@secret.example, 987654 for parent-key by Byron, row of Mailer 00Q5g0000000007EAA";
    let expected = "Email: …, … for … by …, row of Mailer 00Q5g0000000007EAA";
    let row = Value::Array(vec![row_error("INVALID_EMAIL_ADDRESS", message, &[])]).to_string();
    let whole = json!([{"errorCode": "JSON_PARSER_ERROR", "message": message}]).to_string();
    let wire = after(vec![reply(200, &row), reply(400, &whole)], 1).await;
    let client = client(&wire);
    let outcomes = write(&client, WriteOperation::Update, &[fields.clone()]).await;
    let outcomes = outcomes.unwrap();
    let shown_row = &refusal(&outcomes[0]).message;
    assert!(shown_row.ends_with(expected), "{shown_row}");
    let error = write(&client, WriteOperation::Update, &[fields])
        .await
        .unwrap_err();
    assert!(error.message().ends_with(expected), "{error}");
}

#[tokio::test]
async fn every_documented_refusal_of_a_whole_request_has_its_name_and_its_number_of_tries() {
    for (status, remote, message, code, class) in TABLE {
        let body = json!([{"message": message, "errorCode": remote}]).to_string();
        for (operation, harmless) in OPERATIONS {
            let body = body.clone();
            let wire = org(move |_| reply(*status, &body)).await;
            let error = write(&client(&wire), operation, &records(2))
                .await
                .unwrap_err();
            let is_outage = matches!(code, Code::SalesforceUnavailable | Code::OrgMaintenance);
            let is_unclear = is_outage && *status >= 500;
            let (code, tries) = if is_unclear && !harmless {
                (Code::WriteUnclear, 1)
            } else {
                (*code, tries(*class))
            };
            assert_eq!(error.code(), code, "{remote}: {}", shown(&error));
            assert_eq!(sent(&wire).len(), tries, "{remote} {operation:?}");
        }
    }
}

#[tokio::test]
async fn a_cell_that_spoils_the_request_and_a_request_that_is_too_large_are_told_from_the_rest() {
    let parser = r#"[{"message":"Cannot deserialize instance of datetime from VALUE_STRING value x","errorCode":"JSON_PARSER_ERROR"}]"#;
    let many = r#"[{"message":"record limit reached.","errorCode":"EXCEEDED_ID_LIMIT"}]"#;
    for (answer, code, expected) in [
        (reply(400, parser), Code::BatchRefused, Class::Row),
        (reply(400, many), Code::RequestTooLarge, Class::Split),
        (answer(413, &[], ""), Code::RequestTooLarge, Class::Split),
        (
            answer(300, &[], "[\"/a\"]"),
            Code::RecordRefused,
            Class::Row,
        ),
    ] {
        let wire = org(move |_| answer.clone()).await;
        for (operation, _) in OPERATIONS {
            let error = write(&client(&wire), operation, &records(2))
                .await
                .unwrap_err();
            assert_eq!((error.code(), class(error.code())), (code, Some(expected)));
            assert!(error.help_text().is_some());
        }
        assert_eq!(sent(&wire).len(), OPERATIONS.len(), "never sent again");
    }
}

#[tokio::test]
async fn s22_the_daily_limit_stops_a_write_and_a_concurrent_one_slows_it_down() {
    let limit = |what: &str| {
        reply(
            403,
            &json!([{"message": format!("{what} Limit exceeded."), "errorCode": "REQUEST_LIMIT_EXCEEDED"}])
                .to_string(),
        )
    };
    for (operation, _) in OPERATIONS {
        let wire = after(vec![limit("TotalRequests")], 2).await;
        let error = write(&client(&wire), operation, &records(2))
            .await
            .unwrap_err();
        assert_eq!(
            (error.code(), sent(&wire).len()),
            (Code::DailyLimitReached, 1)
        );
        let wire = after(vec![limit("ConcurrentRequests")], 2).await;
        write(&client(&wire), operation, &records(2)).await.unwrap();
        assert_eq!(sent(&wire).len(), 2, "{operation:?}");
    }
}

/// Ends that leave it open whether the records were written, by name.
#[rustfmt::skip]
fn unclear_ends() -> Vec<(&'static str, Reply, Code)> {
    let json = ["Content-Type: application/json"];
    let whole = format!(r#"[{{"id":"{}","success":true,"errors":[]}}]"#, id(1));
    let one = &whole[1..whole.len() - 1];
    let begun = head(200, &json, Some(whole.len()), &whole.as_bytes()[..20]);
    vec![
        ("reset before the answer", Reply::Cut(Vec::new()), Code::AnswerCutOff),
        ("reset in the header", Reply::Cut(b"HTTP/1.1 200 OK\r\nConte".to_vec()), Code::AnswerCutOff),
        ("reset in the body", Reply::Cut(begun.clone()), Code::AnswerCutOff),
        ("503", answer(503, &[], "<html>"), Code::SalesforceUnavailable),
        ("500", answer(500, &[], ""), Code::SalesforceUnavailable),
        ("504", answer(504, &[], ""), Code::SalesforceUnavailable),
        ("406", answer(406, &[], ""), Code::SalesforceUnavailable),
        ("garbage", answer(200, &json, "\u{0}<p>"), Code::AnswerUnreadable),
        ("truncated JSON", answer(200, &json, &whole[..20]), Code::AnswerCutOff),
        ("other JSON", answer(200, &json, "{}"), Code::AnswerUnreadable),
        ("no JSON at all", answer(204, &[], ""), Code::AnswerCutOff),
        ("no HTTP", Reply::Cut(b"SSH-2.0-x\r\n\r\n".to_vec()), Code::AnswerUnreadable),
        ("too few results", answer(200, &json, "[]"), Code::AnswerUnreadable),
        ("too many results", answer(200, &json, &format!("[{one},{one},{one}]")), Code::AnswerUnreadable),
        ("a success without an id", answer(200, &json, r#"[{"success":true},{"success":true}]"#), Code::AnswerUnreadable),
        ("silence", Reply::Hang(Vec::new()), Code::AnswerLate),
        ("a silent body", Reply::Hang(begun), Code::AnswerLate),
    ]
}

/// A client that does not wait long for an answer.
fn impatient(wire: &Wire) -> Client {
    let mut settings = settings(wire.url("http"));
    settings.timeouts.answer = Duration::from_millis(300);
    settings.timeouts.read = Duration::from_millis(300);
    Client::new(settings).unwrap()
}

#[tokio::test]
async fn s03_s04_an_unclear_end_is_resolved_by_the_same_request_where_that_is_harmless() {
    for (name, end, code) in unclear_ends() {
        for (operation, harmless) in OPERATIONS {
            let wire = after(vec![end.clone()], 2).await;
            let outcome = write(&impatient(&wire), operation, &records(2)).await;
            let requests = sent(&wire);
            if harmless {
                assert_eq!(outcome.unwrap(), [written(1), written(2)], "{name}");
                assert_eq!(requests.len(), 2, "{name} {operation:?}");
                assert_eq!(requests[0].body, requests[1].body, "{name}: the same again");
                assert_eq!(requests[0].method, requests[1].method);
            } else {
                let error = outcome.unwrap_err();
                assert_eq!(
                    error.code(),
                    Code::WriteUnclear,
                    "{name}: {}",
                    shown(&error)
                );
                assert_eq!(class(error.code()), Some(Class::Unclear));
                assert_eq!(requests.len(), 1, "{name}: never blindly created");
                assert_eq!(cause(&error), code, "{name}");
            }
        }
    }
}

fn cause(error: &Error) -> Code {
    std::error::Error::source(error)
        .and_then(|cause| cause.downcast_ref::<Error>())
        .map(Error::code)
        .expect("a cause")
}

#[tokio::test]
async fn an_end_that_stays_unclear_is_named_for_what_it_is() {
    for (name, end, code) in unclear_ends() {
        let wire = org(move |_| end.clone()).await;
        let error = write(&impatient(&wire), WriteOperation::Update, &records(2))
            .await
            .unwrap_err();
        assert_eq!(error.code(), code, "{name}");
        assert_eq!(
            (sent(&wire).len(), error.context().attempt),
            (3, Some(3)),
            "{name}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_asked_for_twice() {
    for (operation, harmless) in OPERATIONS {
        let wire = org(|_| answer(200, &[], &" ".repeat(5000))).await;
        let mut settings = settings(wire.url("http"));
        settings.max_answer_bytes = 1000;
        let error = write(&Client::new(settings).unwrap(), operation, &records(1))
            .await
            .unwrap_err();
        let expected = if harmless {
            Code::AnswerTooLarge
        } else {
            Code::WriteUnclear
        };
        assert_eq!((error.code(), sent(&wire).len()), (expected, 1));
    }
}

#[tokio::test]
async fn what_never_left_is_sent_again_whatever_it_is() {
    for (operation, _) in OPERATIONS {
        // One connection for the log-in, and none for what follows.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let Reply::Bytes(bytes) = token(&url, 1) else {
            panic!("a whole answer");
        };
        tokio::spawn(async move {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            let (mut stream, _) = listener.accept().await.unwrap();
            drop(listener);
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let text = String::from_utf8(bytes).unwrap();
            let text = text.replacen("\r\n", "\r\nConnection: close\r\n", 1);
            let _ = stream.write_all(text.as_bytes()).await;
        });
        let client = Client::new(settings(url)).unwrap();
        client.sign_in().await.unwrap();
        let error = write(&client, operation, &records(1)).await.unwrap_err();
        assert_eq!(error.code(), Code::ConnectionFailed, "{}", shown(&error));
        assert_eq!(client.usage().requests.write, 3, "{operation:?}");
    }
}

#[tokio::test]
async fn a_session_that_ended_is_renewed_once_and_the_records_are_sent_again() {
    let expired = r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#;
    for (operation, _) in OPERATIONS {
        let wire = after(vec![reply(401, expired)], 1).await;
        let client = client(&wire);
        let outcomes = write(&client, operation, &records(1)).await.unwrap();
        assert_eq!(outcomes, [written(1)]);
        assert_eq!(sent(&wire).len(), 2);
        assert_eq!(client.usage().requests.auth, 2);
    }
}

#[tokio::test]
async fn a_log_in_that_fails_leaves_nothing_unclear() {
    let wire = Wire::start(|_| answer(503, &[], "")).await;
    let create = WriteOperation::Create { key: None };
    let error = write(&client(&wire), create, &records(1))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::SalesforceUnavailable);
    assert_eq!(sent(&wire).len(), 0);
}

fn duplicate(message: &str, fields: &[&str]) -> Reply {
    let results = Value::Array(vec![row_error("DUPLICATE_VALUE", message, fields)]);
    reply(200, &results.to_string())
}

#[tokio::test]
async fn a_row_of_an_unclear_first_try_is_recognised_by_its_key() {
    let own = format!(
        "duplicate value found: {KEY} duplicates value on record with id: {}",
        &id(1)[..15]
    );
    let other = format!(
        "duplicate value found: Other__c duplicates value on record with id: {}",
        id(1)
    );
    let nameless = format!(
        "duplicate value found: <unknown> duplicates value on record with id: {}",
        id(1)
    );
    let reset = || Reply::Cut(Vec::new());
    let create = WriteOperation::Create { key: Some(KEY) };
    for (first, then, is_own) in [
        (reset(), duplicate(&own, &[]), true),
        (reset(), duplicate(&nameless, &[KEY]), true),
        (reset(), duplicate(&other, &["Other__c"]), false),
        (reset(), duplicate("duplicate value found", &[KEY]), false),
        // Without an unclear try before it, somebody else has the key.
        (
            reply(
                403,
                r#"[{"message":"Concurrent","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#,
            ),
            duplicate(&own, &[KEY]),
            false,
        ),
    ] {
        let wire = after(vec![first, then], 1).await;
        let outcomes = write(&client(&wire), create, &records(1)).await.unwrap();
        if is_own {
            assert_eq!(outcomes, [written(1)]);
        } else {
            assert_eq!(refusal(&outcomes[0]).remote_code, "DUPLICATE_VALUE");
        }
        assert_eq!(sent(&wire).len(), 2);
    }
    // An upsert never recognises a row so: its second try finds the row itself.
    let wire = after(vec![reset(), duplicate(&own, &[KEY])], 1).await;
    let upsert = WriteOperation::Upsert { key: KEY };
    let outcomes = write(&client(&wire), upsert, &records(1)).await.unwrap();
    assert_eq!(refusal(&outcomes[0]).remote_code, "DUPLICATE_VALUE");
}

#[tokio::test]
async fn rows_are_deleted_by_their_ids() {
    let wire = org(|_| done(2)).await;
    let client = client(&wire);
    let (first, second) = (id(1), id(2));
    let outcomes = Writer::new(client.clone())
        .delete(&[&first, &second])
        .await
        .unwrap();
    let gone = |number| RowOutcome::Written {
        id: id(number),
        created: true,
    };
    assert_eq!(outcomes, [gone(1), gone(2)]);
    let request = &sent(&wire)[0];
    assert_eq!(request.method, "DELETE");
    assert_eq!(
        request.target,
        format!("{COLLECTIONS}?ids={first},{second}&allOrNone=false")
    );
    assert_eq!(request.body, "");
    assert_eq!(client.usage().requests.write, 1);
}

#[tokio::test]
async fn a_row_that_is_gone_after_an_unclear_deletion_was_deleted_by_it() {
    let gone = Value::Array(vec![row_error(
        "ENTITY_IS_DELETED",
        "entity is deleted",
        &[],
    )]);
    let gone = reply(200, &gone.to_string());
    let first = id(1);
    let wire = after(vec![Reply::Cut(Vec::new()), gone.clone()], 1).await;
    let outcomes = Writer::new(client(&wire)).delete(&[&first]).await.unwrap();
    assert_eq!(
        outcomes,
        [RowOutcome::Written {
            id: id(1),
            created: false
        }]
    );
    let wire = after(vec![gone], 1).await;
    let outcomes = Writer::new(client(&wire)).delete(&[&first]).await.unwrap();
    assert_eq!(refusal(&outcomes[0]).remote_code, "ENTITY_IS_DELETED");
}

#[tokio::test]
async fn a_request_that_should_not_be_made_is_not() {
    let wire = org(|_| done(1)).await;
    let client = client(&wire);
    let writer = Writer::new(client.clone());
    let keyless = |name: &str| {
        let mut fields = record(1);
        fields.remove(name);
        vec![fields]
    };
    let mut empty = record(1);
    empty.insert(KEY.to_owned(), Value::Null);
    let many = records(51);
    for (operation, records) in [
        (WriteOperation::Update, Vec::new()),
        (WriteOperation::Update, many.clone()),
        (WriteOperation::Create { key: None }, many),
        (WriteOperation::Update, keyless("Id")),
        (WriteOperation::Upsert { key: KEY }, keyless(KEY)),
        (WriteOperation::Upsert { key: KEY }, vec![empty]),
        (WriteOperation::Create { key: Some(KEY) }, keyless(KEY)),
        (WriteOperation::Upsert { key: "a/b" }, records(1)),
    ] {
        let error = write(&client, operation, &records).await.unwrap_err();
        assert_eq!(error.code(), Code::Bug, "{operation:?}");
    }
    let ids = vec!["00Q5g0000000001"; 51];
    for ids in [&ids[..0], &ids[..51], &["x&allOrNone=true"][..]] {
        assert_eq!(writer.delete(ids).await.unwrap_err().code(), Code::Bug);
    }
    assert_eq!(wire.requests().len(), 0);
    assert!(
        write(&client, WriteOperation::Update, &records(50))
            .await
            .is_err()
    );
    assert_eq!(sent(&wire)[0].body.matches("Byron").count(), 50);
}

#[tokio::test]
async fn s20_past_the_share_reads_stop_and_what_was_read_can_still_be_written() {
    let used = AtomicUsize::new(79);
    let wire = org(move |request| {
        let used = used.fetch_add(1, Ordering::Relaxed) + 1;
        let info = format!("Sforce-Limit-Info: api-usage={used}/100");
        let body = if request.target.starts_with(COLLECTIONS) {
            format!(r#"[{{"id":"{}","success":true,"errors":[]}}]"#, id(1))
        } else {
            r#"{"totalSize":0,"done":true,"records":[]}"#.to_owned()
        };
        answer(200, &[&info], &body)
    })
    .await;
    let mut settings = settings(wire.url("http"));
    settings.budget.daily_share = 0.8;
    let client = Client::new(settings).unwrap();
    client.count("SELECT COUNT() FROM Lead").await.unwrap();
    let stopped = client.count("SELECT COUNT() FROM Lead").await.unwrap_err();
    assert_eq!(stopped.code(), Code::BudgetSpent);
    let mut writes = 0;
    let error = loop {
        match write(&client, WriteOperation::Update, &records(1)).await {
            Ok(_) => writes += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((writes, error.code()), (10, Code::BudgetSpent));
    assert!(
        error.message().contains("ends writing at 90% (90 calls)"),
        "{error}"
    );
    assert_eq!(class(error.code()), Some(Class::DailyLimit));
}
