//! One record mapped to a profile, and straight to its stored form: both ways give the same, and refuse the same.

use bridged::engine::facts::mapped_scope;
use bridged::engine::map::{Mapper, condition};
use bridged::foundation::code::Code;
use bridged::foundation::record::{Record, RecordError};
use bridged::store::encoded::Encoded;
use serde_json::{Value, json};

use crate::support::org::plan;

const PIPELINE: &str = r#"
version: 1
name: p
direction: read
source: { object: Lead }
profile_key: "{{ Email }}"
consent: { whatsapp: "{{ WhatsApp_Opt_In__c }}", source: "{{ LeadSource }}", at: "{{ Opted_In_At__c }}" }
field_map:
  first: "{{ FirstName }}"
  full: "{{ FirstName }} {{ LastName }}"
  owner: "{{ Owner.Name }}"
  phone: "{{ MobilePhone }}"
  email: "{{ Email }}"
  staff: "{{ NumberOfEmployees + 1 }}"
  fixed: 5
filter: "{{ phone is not none and staff > 1 and consent.whatsapp and consent.source != 'bought list' and salesforce_id is not none }}"
"#;

fn row(changes: &Value) -> Record {
    let mut fields = json!({
        "Id": "00Q000000000001AAA", "FirstName": "Ada \"A.\"", "LastName": "Lovelace", "Owner": { "Name": "Ng" },
        "MobilePhone": "+14155550100", "Email": "Ada@Example.com", "NumberOfEmployees": 7, "WhatsApp_Opt_In__c": true,
        "LeadSource": "Web", "Opted_In_At__c": "2027-03-01T06:00:00.000+0000",
    });
    for (name, value) in changes.as_object().cloned().unwrap_or_default() {
        fields[name] = value;
    }
    Record::from(fields.as_object().cloned().unwrap_or_default())
}

/// What became of a record: its stored form, nothing where the filter drops it, or why not.
type Outcome = Result<Option<Encoded>, RecordError>;

/// The record both ways.
fn both(changes: &Value) -> (Outcome, Outcome) {
    let plan = plan(PIPELINE);
    let mapper = Mapper::of(&plan).unwrap();
    let record = row(changes);
    let through_a_profile = mapper.map(&record).and_then(|profile| {
        let encoded = Encoded::of(&profile).unwrap();
        let keeps = &plan.filter().unwrap().keep;
        let kept = condition(keeps, &mapped_scope(&profile), "filter")?;
        Ok(kept.then_some(encoded))
    });
    (mapper.encode(&record, plan.filter()), through_a_profile)
}

#[test]
fn a_record_is_encoded_as_its_profile_is() {
    for changes in [
        json!({}),
        json!({ "FirstName": "  ", "Owner": null, "NumberOfEmployees": 2.5 }),
        json!({ "LastName": "é\u{1f600}\n", "IsDeleted": true }),
        json!({ "LeadSource": null, "Opted_In_At__c": null }),
    ] {
        let (encoded, through_a_profile) = both(&changes);
        assert!(matches!(encoded, Ok(Some(_))), "{encoded:?}");
        assert_eq!(encoded, through_a_profile);
    }
}

#[test]
fn the_evidence_of_a_consent_is_kept_beside_it() {
    let plan = plan(PIPELINE);
    let profile = Mapper::of(&plan).unwrap().map(&row(&json!({}))).unwrap();
    assert_eq!(
        Value::Object(profile.consent),
        json!({ "whatsapp": true, "source": "Web", "at": "2027-03-01T06:00:00.000+0000" })
    );
}

#[test]
fn the_filter_sees_what_was_mapped() {
    for changes in [
        json!({ "MobilePhone": " " }),
        json!({ "NumberOfEmployees": 0 }),
        json!({ "WhatsApp_Opt_In__c": false }),
        json!({ "LeadSource": "bought list" }),
        json!({ "Id": null }),
    ] {
        assert_eq!(both(&changes), (Ok(None), Ok(None)));
    }
}

#[test]
fn both_ways_reject_a_record_for_the_same_reason() {
    let long = "k".repeat(600);
    for (changes, code, field) in [
        (
            json!({ "Email": null }),
            Code::KeyMissing,
            Some("profile_key"),
        ),
        (
            json!({ "NumberOfEmployees": "x" }),
            Code::TemplateTypeMismatch,
            Some("staff"),
        ),
        (
            json!({ "WhatsApp_Opt_In__c": "yes", "NumberOfEmployees": null }),
            Code::TemplateTypeMismatch,
            Some("staff"),
        ),
        (
            json!({ "LeadSource": ["Web"] }),
            Code::TemplateTypeMismatch,
            Some("consent.source"),
        ),
        (
            json!({ "Opted_In_At__c": 1_772_323_200 }),
            Code::TemplateTypeMismatch,
            Some("consent.at"),
        ),
        // What no store can hold is rejected, also where the filter would drop it.
        (
            json!({ "Email": long, "MobilePhone": null }),
            Code::ProfileUnstorable,
            None,
        ),
    ] {
        let (encoded, through_a_profile) = both(&changes);
        let Err(reason) = &encoded else {
            panic!("not rejected: {encoded:?}");
        };
        assert_eq!((reason.code, reason.field.as_deref()), (code, field));
        assert_eq!(encoded, through_a_profile);
    }
}
