//! What a well-formed pipeline compiles to.

use bridged::plan::{Carries, Plan};

use crate::support::org::{plan, planned};

fn read(source: &str, map: &str) -> Plan {
    plan(&format!(
        "version: 1\nname: p\ndirection: read\nsource: {source}\nfield_map: {map}\n"
    ))
}

#[test]
fn columns_are_the_names_of_the_templates_each_once() {
    let cases: [(&str, &[&str]); 8] = [
        ("{ a: \"{{ Email }}\" }", &["Id", "Email"]),
        (
            "{ a: \"{{ Email }}\", b: \"{{ email | lower }}\" }",
            &["Id", "Email"],
        ),
        ("{ a: \"{{ Id }}\", b: \"{{ salesforce_id }}\" }", &["Id"]),
        (
            "{ a: \"{{ FirstName }} {{ LastName }}\" }",
            &["Id", "FirstName", "LastName"],
        ),
        (
            "{ a: \"{{ Owner.Name }}\", b: \"{{ Owner.Profile.Name }}\" }",
            &["Id", "Owner.Name", "Owner.Profile.Name"],
        ),
        (
            "{ a: \"{{ Rating if IsConverted else Status }}\" }",
            &["Id", "Rating", "IsConverted", "Status"],
        ),
        ("{ a: fixed, b: 5, c: true, d: null }", &["Id"]),
        ("{ a: \"{{ deleted }} {{ object }}\" }", &["Id"]),
    ];
    for (map, columns) in cases {
        let plan = read("{ object: Lead }", map);
        let mut found = plan.read().unwrap().query.fields.clone();
        let mut expected: Vec<String> = columns.iter().map(ToString::to_string).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{map}");
    }
}

#[test]
fn key_and_consent_are_columns_too_and_the_filter_is_not() {
    let plan = plan(
        "version: 1
name: p
direction: read
source: { object: Lead }
profile_key: \"{{ Bridged_Id__c }}\"
consent: { whatsapp: \"{{ WhatsApp_Opt_In__c }}\", source: \"{{ LeadSource }}\" }
field_map: { phone: \"{{ MobilePhone }}\" }
filter: \"{{ phone is not none and consent.whatsapp }}\"
",
    );
    assert_eq!(
        plan.read().unwrap().query.fields,
        [
            "Id",
            "MobilePhone",
            "Bridged_Id__c",
            "WhatsApp_Opt_In__c",
            "LeadSource"
        ]
    );
}

#[test]
fn child_rows_become_a_subquery_of_the_fields_that_are_used() {
    let plan = read(
        "{ object: Lead, related: { Tasks: { where: \"IsClosed = true\", order_by: CreatedDate DESC, limit: 20 } } }",
        "{ done: \"{{ Tasks | selectattr('Status', 'equalto', 'Completed') | list | length }}\" }",
    );
    let soql = plan.read().unwrap().sample_soql();
    let subquery =
        "(SELECT Status FROM Tasks WHERE IsClosed = true ORDER BY CreatedDate DESC LIMIT 20)";
    assert!(soql.contains(subquery), "{soql}");
}

#[test]
fn the_steps_of_a_reading_pipeline_form_a_chain() {
    let plan = read("{ object: Lead }", "{ a: \"{{ Email }}\" }");
    let names: Vec<&str> = plan.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["read", "map", "profiles"]);
    let flow: Vec<_> = plan
        .edges
        .iter()
        .map(|edge| (edge.from, edge.to, edge.carries))
        .collect();
    assert_eq!(flow, [(0, 1, Carries::Records), (1, 2, Carries::Profiles)]);
}

const NURTURE: &str = "version: 1
name: p
direction: write
source: { records: outcomes }
targets:
  second:
    object: Conversation__c
    operation: upsert
    match: { Bridged_Id__c: \"{{ outcome.id }}\" }
    field_map: { Lead__c: \"{{ targets.first.id }}\" }
  first:
    object: Lead
    operation: upsert
    match: { Bridged_Id__c: \"{{ profile.key }}\" }
    field_map: { LastName: \"{{ profile.last_name }}\" }
  third:
    object: Task
    operation: upsert
    match: { Bridged_Id__c: \"{{ outcome.id }}\" }
    field_map: { WhoId: \"{{ targets.first.id }}\", WhatId: \"{{ targets.second.id }}\" }
";

#[test]
fn a_target_waits_for_the_targets_whose_ids_it_uses() {
    let plan = plan(NURTURE);
    let waves: Vec<_> = plan
        .steps
        .iter()
        .map(|step| (step.name.as_str(), step.wave))
        .collect();
    assert_eq!(
        waves,
        [
            ("records", 0),
            ("target:first", 1),
            ("target:second", 2),
            ("target:third", 3)
        ]
    );
    let ids = plan
        .edges
        .iter()
        .filter(|edge| edge.carries == Carries::Ids);
    assert_eq!(
        ids.map(|edge| (edge.from, edge.to)).collect::<Vec<_>>(),
        [(1, 2), (1, 3), (2, 3)]
    );
}

#[test]
fn i2_the_fingerprint_covers_what_a_run_does_and_nothing_else() {
    let base = "version: 1
name: p
direction: read
source: { object: Lead, where: \"IsConverted = false\" }
field_map: { a: \"{{ Email }}\" }
filter: \"{{ a is not none }}\"
";
    let fingerprint = |yaml: &str| plan(yaml).fingerprint;
    let same = [
        base.replace("name: p", "name: p # a comment"),
        base.to_owned() + "description: Something else.\n",
        base.to_owned()
            + "tests: [{ name: t, given: { Email: a }, expect: { profile: { a: a } } }]\n",
        base.to_owned() + "schedule: daily\n",
        base.to_owned() + "batch: { size: 50 }\n",
    ];
    for yaml in same {
        assert_eq!(fingerprint(&yaml), fingerprint(base), "{yaml}");
    }
    let other = [
        base.replace("name: p", "name: q"),
        base.replace("object: Lead", "object: Contact"),
        base.replace("IsConverted = false", "IsConverted = true"),
        base.replace("where:", "page_size: 100, where:"),
        base.replace("where:", "include_deleted: true, where:"),
        base.replace("where:", "overlap: 1h, where:"),
        base.replace("where:", "incremental: false, where:"),
        base.replace("{{ Email }}", "{{ Email | lower }}"),
        base.replace("a is not none", "a is none"),
        base.to_owned() + "profile_key: \"{{ Email }}\"\n",
        base.to_owned() + "consent: { whatsapp: \"{{ WhatsApp_Opt_In__c }}\" }\n",
        base.to_owned() + "batch: { size: 49 }\n",
        base.to_owned() + "on_error: { max_rejected: 5% }\n",
        base.to_owned() + "on_error: { max_attempts: 2 }\n",
    ];
    for yaml in other {
        assert_ne!(fingerprint(&yaml), fingerprint(base), "{yaml}");
    }
}

#[test]
fn i1_compiling_the_same_text_twice_gives_the_same_plan() {
    let first = bridged::plan::render::canonical(&plan(NURTURE));
    assert_eq!(first, bridged::plan::render::canonical(&plan(NURTURE)));
    assert!(planned(NURTURE).1.is_empty());
}
