//! Values: what does not fit its field is rejected unsent, and what fits arrives as it is.

use bridged::engine::Options;
use bridged::foundation::code::Code;
use bridged::foundation::record::RecordError;
use serde_json::{Value, json};

use crate::support::org::Org;

/// The reason for which a value of a target field is rejected.
async fn misfit(org: &Org, object: &str, field: &str, value: Value) -> Option<RecordError> {
    org.import_profiles(&[json!({ "key": "p0", "value": value })]);
    let required = if object == "Lead" {
        "LastName: X, Company: Y, "
    } else {
        ""
    };
    let yaml = format!(
        "version: 1
name: misfits
direction: write
source: {{ records: profiles }}
targets:
  row:
    object: {object}
    operation: upsert
    match: {{ Bridged_Id__c: \"{{{{ profile.key }}}}\" }}
    field_map: {{ {}{field}: \"{{{{ profile.value }}}}\" }}
",
        required
            .replace(&format!("{field}: X, "), "")
            .replace(&format!("{field}: Y, "), "")
    );
    let full = Options {
        full: true,
        limit: None,
        ..Options::default()
    };
    let report = org.run_with(&yaml, full).await.unwrap();
    assert!(
        report.ledger.read == 1 && report.error.is_none(),
        "{field}: {report:?}"
    );
    (report.ledger.rejected == 1).then(|| org.letters().pop().unwrap().letter.reason)
}

fn long(count: usize) -> Value {
    json!("x".repeat(count))
}

/// Expects each value to be rejected unsent, with its code and the field named.
async fn all_rejected(object: &str, cases: Vec<(&str, Value, Code)>) {
    let org = Org::with_leads(0).await;
    for (field, value, code) in cases {
        let told = format!("{object}.{field} <- {:.40}", value.to_string());
        let reason = misfit(&org, object, field, value).await;
        let reason = reason.unwrap_or_else(|| panic!("{told} went through"));
        let named = (reason.code, reason.field.as_deref());
        assert_eq!(named, (code, Some(field)), "{told}: {reason:?}");
        assert!(reason.message.contains(field), "{told}: {reason:?}");
    }
    assert!(org.writes().await.is_empty(), "nothing of it was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn s29_a_value_that_does_not_fit_a_field_of_leads_is_rejected_unsent() {
    let too_many = 9_007_199_254_740_993_i64;
    let cases = vec![
        ("LastName", long(81), Code::ValueTooLong),
        ("LastName", json!("😀".repeat(41)), Code::ValueTooLong),
        ("LastName", json!("  "), Code::RequiredFieldMissing),
        ("Company", Value::Null, Code::RequiredFieldMissing),
        ("LastName", json!(7), Code::WrongValueType),
        ("LastName", json!(["a"]), Code::WrongValueType),
        ("Email", json!("not an address"), Code::WrongValueType),
        ("DoNotCall", json!("yes"), Code::WrongValueType),
        ("DoNotCall", Value::Null, Code::WrongValueType),
        ("NumberOfEmployees", json!("many"), Code::WrongValueType),
        ("NumberOfEmployees", json!(2.5), Code::WrongValueType),
        (
            "NumberOfEmployees",
            json!(1_i64 << 31),
            Code::ValueOutOfRange,
        ),
        ("AnnualRevenue", json!(too_many), Code::ValueOutOfRange),
        ("Lead_Score__c", json!(1_000), Code::ValueOutOfRange),
        ("OwnerId", json!("nobody"), Code::WrongValueType),
    ];
    all_rejected("Lead", cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s29_a_value_that_does_not_fit_a_field_of_conversations_is_rejected_unsent() {
    let (no_day, no_year) = ("2027-02-30T00:00:00Z", "1582-10-10T00:00:00Z");
    let cases = vec![
        ("Outcome__c", json!("bought"), Code::ValueNotListed),
        ("Summary__c", long(32_769), Code::ValueTooLong),
        ("Summary__c", long(131_072), Code::ValueTooLong),
        ("Occurred_At__c", json!(no_day), Code::WrongValueType),
        ("Occurred_At__c", json!(no_year), Code::ValueOutOfRange),
        ("Lead__c", json!("00Q"), Code::WrongValueType),
    ];
    all_rejected("Conversation__c", cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s30_values_arrive_in_salesforce_as_they_are() {
    let org = Org::with_leads(0).await;
    for (object, field, value) in [
        (
            "Conversation__c",
            "Summary__c",
            json!("🦀 emoji 👩‍👩‍👧 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠜎"),
        ),
        ("Conversation__c", "Summary__c", json!("שלום עולם مرحبا")),
        (
            "Conversation__c",
            "Summary__c",
            json!("two\r\nlines\nand\ta tab"),
        ),
        (
            "Conversation__c",
            "Summary__c",
            json!("\"quotes\" 'quotes' \\ back\\slashes {{ braces }} ${DOLLARS} %s"),
        ),
        ("Conversation__c", "Summary__c", json!("x".repeat(32_768))),
        ("Conversation__c", "Summary__c", json!("null")),
        (
            "Conversation__c",
            "Occurred_At__c",
            json!("1700-01-01T00:00:00.000+0000"),
        ),
        ("Lead", "LastName", json!("😀".repeat(40))),
        ("Lead", "LastName", json!("O'Brien; DROP TABLE Lead --")),
        ("Lead", "NumberOfEmployees", json!(-99_999_999)),
        ("Lead", "DoNotCall", json!(true)),
        ("Lead", "City", Value::Null),
    ] {
        assert_eq!(
            misfit(&org, object, field, value.clone()).await,
            None,
            "{field} <- {value}"
        );
        let row = org.row(object, "Bridged_Id__c", "p0").await;
        assert_eq!(row[field], value);
    }
}

/// Whatever Salesforce would do to a value is done to what it is compared with too: a second run has nothing to send.
#[tokio::test(flavor = "multi_thread")]
async fn s30_a_value_that_salesforce_rounds_or_trims_is_not_sent_for_ever() {
    let org = Org::with_leads(0).await;
    for (field, value) in [
        ("AnnualRevenue", json!(12.6)),
        ("City", json!("  Oslo ")),
        ("Lead_Score__c", json!(99.4)),
    ] {
        assert_eq!(misfit(&org, "Lead", field, value).await, None, "{field}");
        let before = org.writes().await.len();
        org.import_profiles(&[json!({ "key": "p0", "other": field })]);
        assert_eq!(
            misfit(
                &org,
                "Lead",
                field,
                org.store.profile("p0").unwrap().unwrap().profile.attributes["value"].clone()
            )
            .await,
            None
        );
        assert_eq!(org.writes().await.len(), before, "{field}");
    }
}
