//! What a target asks of an object, against what the org says of it.

use bridged::foundation::code::Code;
use bridged::foundation::diagnostic::{Diagnostic, Severity};
use bridged::plan::compile::{Input, compile};
use bridged::plan::snapshot::Snapshots;
use bridged::salesforce::describe::ObjectDescribe;
use bridged::sandbox::settings::Settings;
use bridged::spec::read;
use serde_json::{Value, json};

use crate::support::org::{Org, PROJECT};

fn object(value: Value) -> ObjectDescribe {
    serde_json::from_value(value).unwrap()
}

/// A field that may be set, changed and left out.
fn field(name: &str, kind: &str, more: Value) -> Value {
    let mut field = json!({
        "name": name, "type": kind, "length": 80, "nillable": true, "createable": true, "updateable": true,
    });
    if let (Value::Object(field), Value::Object(more)) = (&mut field, more) {
        field.extend(more);
    }
    field
}

fn lead(createable: bool, updateable: bool) -> ObjectDescribe {
    let key = json!({"externalId": true, "unique": true, "idLookup": true});
    let list = json!([{"value": "Hot", "active": true}, {"value": "Old", "active": false}]);
    object(json!({
        "name": "Lead", "queryable": true, "createable": createable, "updateable": updateable,
        "fields": [
            field("Id", "id", json!({"createable": false, "updateable": false, "idLookup": true})),
            field("Name", "string", json!({"createable": false, "updateable": false})),
            field("FirstName", "string", json!({"compoundFieldName": "Name"})),
            field("LastName", "string", json!({"compoundFieldName": "Name", "nillable": false})),
            field("Company", "string", json!({"nillable": false})),
            field("Status", "picklist", json!({"nillable": false, "defaultedOnCreate": true})),
            field("DoNotCall", "boolean", json!({"nillable": false})),
            field("Rating", "picklist", json!({"restrictedPicklist": true, "picklistValues": list})),
            field("Email", "email", json!({"idLookup": true})),
            field("Score__c", "double", json!({"precision": 3, "scale": 0})),
            field("Sum__c", "double", json!({"calculated": true, "createable": false, "updateable": false})),
            field("CreatedDate", "datetime", json!({"createable": false, "updateable": false, "nillable": false})),
            field("Hidden__c", "string", json!({"createable": false, "updateable": false})),
            field("Fixed__c", "string", json!({"updateable": false})),
            field("Late__c", "string", json!({"createable": false})),
            field("Bridged_Id__c", "string", key.clone()),
            field("Loose__c", "string", json!({"externalId": true, "idLookup": true})),
            field("Plain__c", "string", json!({})),
            field("Number__c", "string", json!({"unique": true})),
            field("Closed__c", "string", json!({"externalId": true, "unique": true, "createable": false})),
            field("OwnerId", "reference", json!({"relationshipName": "Owner", "referenceTo": ["Group", "User"]})),
            field("Account__c", "reference", json!({"relationshipName": "Account__r", "referenceTo": ["Account"]})),
            field("Far__c", "reference", json!({"relationshipName": "Far__r", "referenceTo": ["Far__c"]})),
            field("Locked__c", "reference", json!({
                "relationshipName": "Locked__r", "referenceTo": ["Account"], "createable": false, "updateable": false,
            })),
        ],
    }))
}

fn account() -> ObjectDescribe {
    let key = json!({"externalId": true, "unique": true});
    object(json!({
        "name": "Account",
        "fields": [
            field("Name", "string", json!({})),
            field("Key__c", "string", key),
            field("Loose__c", "string", json!({"externalId": true})),
        ],
    }))
}

fn target(operation: &str, key: &str, map: &str) -> String {
    format!(
        "version: 1
name: p
direction: write
source: {{ records: outcomes }}
targets:
  lead:
    object: Lead
    operation: {operation}
    {key}
    field_map: {{ {map} }}
"
    )
}

const BY_ID: &str = "match: { Id: \"{{ profile.key }}\" }";
const BY_KEY: &str = "match: { Bridged_Id__c: \"{{ profile.key }}\" }";
const BLIND: &str = "duplicates: accept";

#[track_caller]
fn findings(yaml: &str, lead: ObjectDescribe) -> Vec<Diagnostic> {
    let pipeline = read::pipeline("pipelines/p.yaml", yaml.as_bytes());
    let pipeline = pipeline
        .document
        .unwrap_or_else(|| panic!("{yaml}\n{:#?}", pipeline.findings));
    let project = read::project("bridged.yaml", PROJECT.as_bytes());
    let snapshots: Snapshots = [lead, account()].into_iter().collect();
    let input = Input {
        pipeline: &pipeline,
        project: &project.document.unwrap(),
        snapshots: &snapshots,
    };
    compile(&input).1
}

/// The one finding: its code, the text it points at, and everything it says.
#[track_caller]
fn only(yaml: &str) -> (Code, String, String) {
    let mut found = findings(yaml, lead(true, true));
    assert_eq!(found.len(), 1, "{yaml}\n{found:#?}");
    let finding = found.remove(0);
    let place = finding.place.expect("a place");
    let said = format!("{}; {}", finding.message, finding.help.unwrap_or_default());
    (finding.code, place.file.text[place.span].to_owned(), said)
}

#[test]
fn a_target_that_the_org_allows_has_no_finding() {
    let all = "LastName: \"{{ profile.key }}\", company: ACME, Rating: hot, Score__c: 100, DoNotCall: true, \
               Email: null, Account__r.Key__c: \"{{ profile.key }}\", Far__r.Any__c: x, Owner.Any__c: y";
    for (operation, key) in [
        ("create", BLIND),
        ("create", "match: { Number__c: \"{{ profile.key }}\" }"),
        ("create", BY_KEY),
        ("upsert", BY_KEY),
        ("update", BY_ID),
    ] {
        let yaml = target(operation, key, all);
        assert_eq!(findings(&yaml, lead(true, true)), [], "{yaml}");
    }
    // What an update leaves out stays as it is.
    let yaml = target("update", BY_ID, "Late__c: x");
    assert_eq!(findings(&yaml, lead(false, true)), []);
    let yaml = target("create", BLIND, "LastName: x, Company: y, Fixed__c: z");
    assert_eq!(findings(&yaml, lead(true, false)), []);
}

#[test]
fn a_missing_permission_on_the_object_is_named_as_the_menus_name_it() {
    let map = "LastName: x, Company: y";
    for (operation, key, createable, updateable, expected) in [
        ("create", BLIND, false, true, Some("tick `Create`:")),
        ("create", BLIND, true, false, None),
        ("update", BY_ID, true, false, Some("tick `Edit`:")),
        ("update", BY_ID, false, true, None),
        ("upsert", BY_KEY, false, true, Some("tick `Create`:")),
        ("upsert", BY_KEY, true, false, Some("tick `Edit`:")),
        (
            "upsert",
            BY_KEY,
            false,
            false,
            Some("tick `Create` and `Edit`:"),
        ),
    ] {
        let yaml = target(operation, key, map);
        let found = findings(&yaml, lead(createable, updateable));
        let Some(expected) = expected else {
            assert_eq!(found, [], "{yaml}");
            continue;
        };
        assert_eq!(found.len(), 1, "{found:#?}");
        let (finding, help) = (&found[0], found[0].help.as_deref().unwrap());
        assert_eq!(finding.code, Code::ObjectNotWritable);
        assert!(help.contains(expected), "{help}");
        assert!(
            help.contains("Setup → Permission Sets → a set of the user → Object Settings → Lead")
        );
        let place = finding.place.clone().expect("a place");
        assert_eq!(&place.file.text[place.span], "object");
    }
}

#[test]
fn each_field_that_cannot_be_written_says_why() {
    let cases = [
        ("Id: x", "Id", "it is the row's own id"),
        (
            "Name: x",
            "Name",
            "write its parts instead: `FirstName`, `LastName`",
        ),
        ("Sum__c: 1", "Sum__c", "it is a formula or a summary"),
        (
            "CreatedDate: x",
            "CreatedDate",
            "Salesforce keeps it itself",
        ),
        ("Hidden__c: x", "Hidden__c", "Set Field-Level Security"),
        (
            "Fixed__c: x",
            "Fixed__c",
            "it is set only when a row is created",
        ),
        (
            "Locked__r.Key__c: x",
            "Locked__r.Key__c",
            "`Locked__c` of `Lead` cannot be written",
        ),
    ];
    for (map, at, expected) in cases {
        let (code, found_at, said) = only(&target("update", BY_ID, map));
        assert_eq!((code, found_at.as_str()), (Code::FieldNotWritable, at));
        assert!(said.contains(expected), "{said}");
    }
    let both = "LastName: x, Company: y";
    for (operation, key, field, expected) in [
        (
            "create",
            BLIND,
            "Late__c",
            "it cannot be set when a row is created",
        ),
        (
            "upsert",
            BY_KEY,
            "Late__c",
            "it cannot be set when a row is created",
        ),
        (
            "upsert",
            BY_KEY,
            "Fixed__c",
            "it is set only when a row is created",
        ),
    ] {
        let (code, at, said) = only(&target(operation, key, &format!("{both}, {field}: z")));
        assert_eq!((code, at.as_str()), (Code::FieldNotWritable, field));
        assert!(said.contains(expected), "{said}");
    }
    let closed = "match: { Closed__c: \"{{ profile.key }}\" }";
    let (code, at, _) = only(&target("upsert", closed, both));
    assert_eq!((code, at.as_str()), (Code::FieldNotWritable, "Closed__c"));
}

#[test]
fn s29_a_field_that_is_not_there_is_named_with_the_nearest_one() {
    for (map, at, expected) in [
        ("Emial: x", "Emial", "did you mean `Email`?"),
        ("Zodiac__c: x", "Zodiac__c", "Set Field-Level Security"),
        (
            "Account__r: x",
            "Account__r",
            "write the parent's Id to `Account__c`",
        ),
        (
            "Acount__r.Key__c: x",
            "Acount__r.Key__c",
            "did you mean `Account__r`?",
        ),
        (
            "Account__c.Key__c: x",
            "Account__c.Key__c",
            "did you mean `Account__r`?",
        ),
        (
            "Zodiac__r.Key__c: x",
            "Zodiac__r.Key__c",
            "a lookup field's relationship",
        ),
        (
            "Account__r.Kay__c: x",
            "Account__r.Kay__c",
            "did you mean `Key__c`?",
        ),
    ] {
        let (code, found_at, said) = only(&target("update", BY_ID, map));
        // Nothing is spelt like it: field-level security may hide it.
        let hidden = at == "Zodiac__c";
        let expected_code = if hidden {
            Code::FieldUnavailable
        } else {
            Code::UnknownField
        };
        assert_eq!((code, found_at.as_str()), (expected_code, at), "{said}");
        assert!(said.contains(expected), "{said}");
    }
    let unknown = "match: { Bridged_Key__c: \"{{ profile.key }}\" }";
    let (code, at, said) = only(&target("upsert", unknown, "LastName: x, Company: y"));
    assert_eq!((code, at.as_str()), (Code::UnknownField, "Bridged_Key__c"));
    assert!(said.contains("did you mean `Bridged_Id__c`?"), "{said}");
}

#[test]
fn s02_a_key_that_may_find_several_rows_is_refused_with_the_way_to_mend_it() {
    let both = "LastName: x, Company: y";
    for (operation, field, expected) in [
        ("upsert", "Loose__c", "`Loose__c` of `Lead` is not unique"),
        (
            "upsert",
            "Plain__c",
            "is neither marked as an external id nor unique",
        ),
        ("upsert", "Number__c", "is not marked as an external id"),
        ("upsert", "Email", "`Email` of `Lead` is not unique"),
        ("create", "Plain__c", "`Plain__c` of `Lead` is not unique"),
    ] {
        let key = format!("match: {{ {field}: \"{{{{ profile.key }}}}\" }}");
        let (code, at, said) = only(&target(operation, &key, both));
        assert_eq!((code, at.as_str()), (Code::KeyNotUnique, field), "{said}");
        assert!(said.contains(expected), "{said}");
        assert!(said.contains("tick `External ID` and `Do not allow duplicate values`"));
    }
    for field in ["Name", "Loose__c"] {
        let path = format!("Account__r.{field}");
        let (code, at, said) = only(&target("update", BY_ID, &format!("{path}: x")));
        assert_eq!((code, at.as_str()), (Code::KeyNotUnique, path.as_str()));
        assert!(said.contains("of `Account`"), "{said}");
    }
}

#[test]
fn what_a_new_row_needs_is_an_error_for_a_create_and_a_warning_for_an_upsert() {
    for (operation, key, severity) in [
        ("create", BLIND, Severity::Error),
        ("upsert", BY_KEY, Severity::Warning),
    ] {
        let found = findings(&target(operation, key, "FirstName: x"), lead(true, true));
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(
            (found[0].code, found[0].severity),
            (Code::RequiredFieldMissing, severity)
        );
        assert_eq!(
            found[0].message,
            "a new `Lead` needs `LastName` and `Company`, and the field map does not set them"
        );
        let found = findings(&target(operation, key, "LASTNAME: x"), lead(true, true));
        assert!(
            found[0]
                .message
                .contains("needs `Company`, and the field map does not set it")
        );
    }
    assert_eq!(
        findings(&target("update", BY_ID, "FirstName: x"), lead(true, true)),
        []
    );
}

#[test]
fn s29_a_constant_that_does_not_fit_is_found_before_any_run() {
    let long = format!("FirstName: {}", "x".repeat(81));
    for (map, code, at, expected) in [
        (
            "Score__c: \"5\"",
            Code::WrongValueType,
            "5",
            "takes a number",
        ),
        (
            "Score__c: 1000",
            Code::ValueOutOfRange,
            "Score__c",
            "3 digits",
        ),
        (
            "FirstName: 5",
            Code::WrongValueType,
            "FirstName",
            "| string",
        ),
        (long.as_str(), Code::ValueTooLong, "xxxx", "80 characters"),
        (
            "Rating: Hott",
            Code::ValueNotListed,
            "Hott",
            "did you mean `Hot`?",
        ),
        ("Rating: Old", Code::ValueNotListed, "Old", ""),
        (
            "DoNotCall: null",
            Code::WrongValueType,
            "DoNotCall",
            "never empty",
        ),
        (
            "LastName: null",
            Code::RequiredFieldMissing,
            "LastName",
            "may not be empty",
        ),
        ("Account__c: x", Code::WrongValueType, "x", "15 or 18"),
        (
            "FirstName: \"{{ 1 + 1 }}\"",
            Code::WrongValueType,
            "{{ 1 + 1 }}",
            "| string",
        ),
    ] {
        let (was, found_at, said) = only(&target("update", BY_ID, map));
        assert_eq!(was, code, "{said}");
        assert!(found_at.contains(at), "{map}: {found_at}");
        assert!(said.contains(expected), "{said}");
    }
    // What depends on the record is for the run to say.
    let yaml = target("update", BY_ID, "Score__c: \"{{ profile.key }}\"");
    assert_eq!(findings(&yaml, lead(true, true)), []);
}

#[test]
fn an_object_that_is_not_described_is_not_checked() {
    let yaml = target("upsert", BY_KEY, "Zodiac__c: 5");
    let yaml = yaml.replace("object: Lead", "object: Pet__c");
    assert_eq!(findings(&yaml, lead(false, false)), []);
}

#[tokio::test]
async fn the_project_s_own_pipelines_fit_the_sandbox() {
    let org = Org::start(Settings {
        leads: 1,
        ..Settings::default()
    })
    .await;
    let client = org.client();
    let mut snapshots = Snapshots::default();
    for name in ["Lead", "Conversation__c"] {
        let described = client.describe(name, None).await.unwrap();
        snapshots.insert(described.object.as_ref().clone());
    }
    let project = read::project("bridged.yaml", PROJECT.as_bytes());
    let project = project.document.unwrap();
    for (file, text) in [
        (
            "qualification.yaml",
            include_str!("../../pipelines/qualification.yaml"),
        ),
        ("nurture.yaml", include_str!("../../pipelines/nurture.yaml")),
    ] {
        let pipeline = read::pipeline(file, text.as_bytes()).document.unwrap();
        let (plan, findings) = compile(&Input {
            pipeline: &pipeline,
            project: &project,
            snapshots: &snapshots,
        });
        assert_eq!(findings, [], "{file}");
        assert!(plan.is_some());
    }
}
