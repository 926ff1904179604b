//! What is wrong with a pipeline although its shape is right: each finding with its code, place and way out.

use bridged::foundation::code::Code;
use bridged::foundation::diagnostic::Diagnostic;
use bridged::plan::compile::{Input, compile};
use bridged::plan::snapshot::Snapshots;
use bridged::salesforce::describe::ObjectDescribe;
use bridged::spec::read;
use serde_json::json;

use bridged::cli::findings::text;

use crate::support::golden::assert_golden;
use crate::support::org::{PROJECT, planned};

fn reading(source: &str, map: &str, more: &str) -> String {
    format!("version: 1\nname: p\ndirection: read\nsource: {source}\nfield_map: {map}\n{more}")
}

/// The one finding, with the text it points at.
#[track_caller]
fn only(yaml: &str) -> (Diagnostic, String) {
    let (_, mut findings) = planned(yaml);
    assert_eq!(findings.len(), 1, "{yaml}\n{findings:#?}");
    let finding = findings.remove(0);
    let place = finding.place.clone().expect("a place");
    (finding, place.file.text[place.span].to_owned())
}

/// A pipeline with a slip, the code it must get, text under the carets, and text of the help.
type Slip = (String, Code, &'static str, &'static str);

fn slips_in_templates() -> Vec<Slip> {
    let lead = "{ object: Lead }";
    let tasks = "{ object: Lead, related: { Tasks: {} } }";
    let phone = "{ phone: \"{{ MobilePhone }}\" }";
    let filter = |name: &str| {
        reading(
            lead,
            phone,
            &format!("filter: \"{{{{ {name} is not none }}}}\"\n"),
        )
    };
    let map = |source: &str, template: &str| {
        reading(source, &format!("{{ n: \"{{{{ {template} }}}}\" }}"), "")
    };
    let listed = "Tasks | map(attribute='Status') | join(',')";
    vec![
        (
            filter("phne"),
            Code::UnknownName,
            "phne",
            "did you mean `phone`?",
        ),
        (
            filter("MobilePhone"),
            Code::UnknownName,
            "MobilePhone",
            "map it in `field_map` first",
        ),
        (
            map(lead, listed),
            Code::RelatedMissing,
            "Tasks",
            "source.related",
        ),
        (
            map(tasks, "Tasks.Status"),
            Code::RelatedMissing,
            "Tasks.Status",
            "map(attribute='Status')",
        ),
        (
            reading(tasks, phone, ""),
            Code::RelatedUnused,
            "Tasks",
            "take them out",
        ),
        (
            map(lead, "A.B.C.D.E.F.G"),
            Code::PathTooLong,
            "A.B.C.D.E.F.G",
            "at most 5",
        ),
        (
            map(lead, "Email | lowr"),
            Code::TemplateUnknownFilter,
            "lowr",
            "did you mean `lower`?",
        ),
        (
            reading(lead, "{ n: \"{{ Email \" }", ""),
            Code::TemplateSyntax,
            "",
            "",
        ),
    ]
}

fn slips_in_conditions() -> Vec<Slip> {
    let phone = "{ phone: \"{{ MobilePhone }}\" }";
    let mixed = "{ object: Lead, where: \"A = 1 AND B = 2 OR C = 3\" }";
    let quoted = "{ object: Lead, where: \"Status = \\\"Open\\\"\" }";
    let child = "{ object: Lead, related: { Tasks: { where: \"Status =\" } } }";
    vec![
        (
            reading(mixed, phone, ""),
            Code::SoqlSyntax,
            "OR",
            "parenthes",
        ),
        (reading(quoted, phone, ""), Code::SoqlSyntax, "", "'"),
        (
            reading(child, "{ n: \"{{ Tasks | length }}\" }", ""),
            Code::SoqlSyntax,
            "",
            "",
        ),
    ]
}

#[test]
fn each_slip_is_one_finding_at_its_place() {
    let cases = slips_in_templates()
        .into_iter()
        .chain(slips_in_conditions());
    for (number, (yaml, code, at, help)) in cases.enumerate() {
        let (_, findings) = planned(&yaml);
        let shown = anstream::adapter::strip_str(&text::render(&findings)).to_string();
        assert_golden(
            &format!("plan/finding-{:02}-{code}.txt", number + 1),
            &shown,
        );
        let finding = findings.iter().find(|finding| finding.code == code);
        let finding = finding.unwrap_or_else(|| panic!("{yaml}\n{findings:#?}"));
        let place = finding.place.clone().expect("a place");
        assert!(
            place.file.text[place.span.clone()].contains(at),
            "{yaml}\n{finding:#?}"
        );
        assert!(
            finding.help.as_deref().unwrap_or_default().contains(help),
            "{yaml}\n{finding:#?}"
        );
    }
}

fn targets(first: &str, second: &str) -> String {
    format!(
        "version: 1
name: p
direction: write
source: {{ records: outcomes }}
targets:
  first: {{ object: Lead, operation: upsert, match: {{ Bridged_Id__c: \"{{{{ profile.key }}}}\" }}, field_map: {{ LastName: \"{first}\" }} }}
  second: {{ object: Lead, operation: upsert, match: {{ Bridged_Id__c: \"{{{{ outcome.id }}}}\" }}, field_map: {{ LastName: \"{second}\" }} }}
"
    )
}

#[test]
fn a_cycle_of_targets_is_told_with_its_path() {
    let (finding, at) = only(&targets(
        "{{ targets.second.id }}",
        "{{ targets.first.id }}",
    ));
    assert_eq!((finding.code, at.as_str()), (Code::TargetCycle, "first"));
    assert_eq!(
        finding.message,
        "targets wait for each other: first -> second -> first"
    );
    let (finding, _) = only(&targets("{{ targets.first.id }}", "x"));
    assert_eq!(
        finding.message,
        "targets wait for each other: first -> first"
    );
}

#[test]
fn a_reference_must_name_a_target_and_its_id() {
    let (finding, _) = only(&targets("x", "{{ targets.frst.id }}"));
    assert_eq!(
        (finding.code, finding.help.as_deref()),
        (Code::UnknownTarget, Some("did you mean `first`?"))
    );
    let (finding, _) = only(&targets("x", "{{ targets.first.name }}"));
    assert_eq!(finding.help.as_deref(), Some("write `targets.first.id`"));
}

#[test]
fn all_findings_of_a_file_come_at_once_in_its_order() {
    let yaml = reading(
        "{ object: Lead, where: \"Status =\" }",
        "{ a: \"{{ Email | lowr }}\", b: \"{{ A.B.C.D.E.F.G }}\" }",
        "filter: \"{{ c }}\"\n",
    );
    let (plan, findings) = planned(&yaml);
    assert!(plan.is_none());
    let codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
    assert_eq!(
        codes,
        [
            Code::SoqlSyntax,
            Code::TemplateUnknownFilter,
            Code::PathTooLong,
            Code::UnknownName
        ]
    );
}

fn lead() -> ObjectDescribe {
    serde_json::from_value(json!({
        "name": "Lead",
        "queryable": true,
        "fields": [
            { "name": "Id", "type": "id" },
            { "name": "Email", "type": "email" },
            { "name": "SystemModstamp", "type": "datetime" },
            { "name": "OwnerId", "type": "reference", "relationshipName": "Owner", "referenceTo": ["User"] },
        ],
        "childRelationships": [{ "relationshipName": "Tasks", "childSObject": "Task", "field": "WhoId" }],
    }))
    .unwrap()
}

fn user() -> ObjectDescribe {
    serde_json::from_value(
        json!({ "name": "User", "fields": [{ "name": "Name", "type": "string" }] }),
    )
    .unwrap()
}

fn against_the_org(yaml: &str) -> Vec<Diagnostic> {
    let pipeline = read::pipeline("pipelines/p.yaml", yaml.as_bytes())
        .document
        .unwrap();
    let project = read::project("bridged.yaml", PROJECT.as_bytes())
        .document
        .unwrap();
    let snapshots: Snapshots = [lead(), user()].into_iter().collect();
    compile(&Input {
        pipeline: &pipeline,
        project: &project,
        snapshots: &snapshots,
    })
    .1
}

#[test]
fn s29_what_the_org_does_not_have_is_found_offline() {
    let source = "{ object: Lead, related: { Tasks: {} } }";
    let with = |map: &str| {
        reading(
            source,
            &format!("{{ n: \"{{{{ Tasks | length }}}}\", a: \"{{{{ {map} }}}}\" }}"),
            "",
        )
    };
    for (map, code, help) in [
        ("Emial", Code::UnknownField, "did you mean `Email`?"),
        (
            "Zodiac",
            Code::FieldUnavailable,
            "Setup → Object Manager → Lead → Fields & Relationships → Zodiac → Set Field-Level Security",
        ),
        ("Owner", Code::UnknownField, ""),
        ("Ownr.Name", Code::UnknownField, "did you mean `Owner`?"),
        ("OwnerId.Name", Code::UnknownField, "`Owner`"),
        ("Owner.Nme", Code::UnknownField, "did you mean `Name`?"),
    ] {
        let findings = against_the_org(&with(map));
        assert_eq!(findings.len(), 1, "{map}: {findings:#?}");
        assert_eq!(findings[0].code, code, "{map}");
        assert!(
            findings[0].help.as_deref().unwrap().contains(help),
            "{map}: {findings:#?}"
        );
    }
    for map in ["Email", "email", "Owner.Name", "owner.name", "OwnerId"] {
        assert_eq!(against_the_org(&with(map)), [], "{map}");
    }
    let findings = against_the_org(&reading(
        "{ object: Lead, related: { Task: {} } }",
        "{ n: \"{{ Task | map(attribute='Status') | list }}\" }",
        "",
    ));
    assert_eq!(findings[0].code, Code::UnknownRelationship);
    assert_eq!(findings[0].help.as_deref(), Some("did you mean `Tasks`?"));
}

#[test]
fn x25_an_identifier_cannot_come_from_data() {
    let map = "{ n: \"{{ Email }}\" }";
    for source in [
        "{ object: \"{{ FirstName }}\" }",
        "{ object: \"Lead WHERE Id != null\" }",
        "{ object: \"${OBJECT}\" }",
        "{ object: Lead, related: { \"{{ Rows }}\": {} } }",
        "{ object: Lead, related: { Tasks: { order_by: \"Id) FROM User\" } } }",
        "{ object: Lead, related: { Tasks: { order_by: \"Id LIMIT 1\" } } }",
        "{ object: Lead, where: \"Id = null) OR (Id != null\" }",
        "{ object: Lead, where: \"Id != null ORDER BY Id LIMIT 1\" }",
    ] {
        let yaml = reading(source, map, "");
        let read = read::pipeline("pipelines/p.yaml", yaml.as_bytes());
        let refused = match &read.document {
            None => read.findings.iter().any(Diagnostic::is_error),
            Some(_) => read.findings.iter().any(Diagnostic::is_error) || planned(&yaml).0.is_none(),
        };
        assert!(refused, "{source}: {:#?}", read.findings);
    }
}
