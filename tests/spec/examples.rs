//! The forms of the file format that documents show load without a finding, into the types they mean.

use std::path::Path;

use bridged::spec::amount::{Percent, Period, Threshold};
use bridged::spec::document::Document;
use bridged::spec::load;
use bridged::spec::pipeline::{Direction, Pipeline, Playbook};
use bridged::spec::project::{Access, Auth, Project};
use bridged::spec::read;
use bridged::spec::schedule::Schedule;
use bridged::spec::source::{RecordKind, Source};
use bridged::spec::target::Operation;
use bridged::spec::text::{FieldValue, SecretSource, SecretText};

use super::findings::listed;

/// The smallest pipeline there is.
pub(crate) const MINIMAL: &str = "version: 1\nname: demo\ndirection: read\nsource: { object: Lead }\nfield_map: { full_name: \"{{ Name }}\" }\n";

const QUALIFICATION: &str = r#"# yaml-language-server: $schema=../schemas/pipeline.schema.json
version: 1
name: qualification
description: Score open leads on their engagement and write the score back.
playbook: qualification            # activation | qualification | nurture; optional
connection: salesforce             # a name from bridged.yaml; may be left out where there is one
direction: read_write
schedule: hourly
source:
  object: Lead                     # any standard or custom object
  where: "IsConverted = false"     # SOQL condition, checked when the file is validated
  incremental: true
  overlap: 10m
  page_size: 50
  include_deleted: false
  related:
    Tasks: { where: "CreatedDate = LAST_N_DAYS:90", limit: 200 }
field_map:
  full_name: "{{ FirstName }} {{ LastName }}"
  phone: "{{ MobilePhone | e164(country='US') }}"
  owner: "{{ Owner.Name }}"
  calls: "{{ Tasks | selectattr('Status', 'equalto', 'Completed') | list | length }}"
filter: "{{ phone is not none }}"
score:
  base: 0
  rules:
    - { name: replied, when: "{{ engagement.replies > 0 }}", points: 40 }
    - { name: called twice, when: "{{ calls >= 2 }}", points: 20 }
  clamp: [0, 100]
  grades: { Hot: 80, Warm: 50, Cold: 0 }
  qualified_at: 60
targets:
  lead:
    object: Lead
    operation: update
    match: { Id: "{{ salesforce_id }}" }
    when: "{{ score is not none }}"
    field_map:
      Lead_Score__c: "{{ score }}"
      Rating: "{{ grade }}"
batch: { size: 50, concurrency: 4 }
on_error: { max_attempts: 6, max_rejected: 5% }
tests:
  - name: two completed calls score twenty
    given: { FirstName: Ada, LastName: Lovelace, MobilePhone: "(415) 555-0100", Tasks: [{ Status: Completed }, { Status: Completed }] }
    expect: { profile: { full_name: Ada Lovelace, phone: "+14155550100" }, score: 20, targets: { lead: { Rating: Cold } } }
"#;

const ACTIVATION: &str = r#"version: 1
name: activation
playbook: activation
direction: read
source: { object: Contact }
consent: { whatsapp: "{{ WhatsApp_Opt_In__c }}" }
field_map:
  full_name: "{{ Name }}"
  phone: "{{ MobilePhone | e164(country='US') }}"
broadcast:
  connection: whatsapp
  template: { name: spring_offer, language: en_US, parameters: ["{{ full_name }}"] }
  to: "{{ phone }}"
  audience: "{{ consent.whatsapp and not opted_out }}"
  campaign: spring-2027
  quiet_hours: { from: "21:00", to: "08:00", timezone: profile }
  pace: 80/s
"#;

const NURTURE: &str = r#"version: 1
name: nurture
playbook: nurture
direction: write
source: { records: outcomes, when: "{{ outcome.kind in ['qualified', 'converted'] }}" }
targets:
  lead:
    object: Lead
    operation: upsert
    match: { Bridged_Id__c: "{{ profile.key }}" }
    field_map: { LastName: "{{ profile.last_name }}", Company: "{{ profile.company }}", Status: Qualified }
  conversation:
    object: Conversation__c
    operation: upsert
    match: { Bridged_Id__c: "{{ outcome.id }}" }
    field_map: { Lead__c: "{{ targets.lead.id }}", Outcome__c: "{{ outcome.kind }}", Summary__c: "{{ outcome.summary }}" }
"#;

const PROJECT: &str = r#"version: 1
name: acme-revops
store: sqlite:.bridged/bridged.db          # or postgres://…
connections:
  salesforce:
    type: salesforce
    instance_url: ${SALESFORCE_INSTANCE_URL}
    auth: { method: api_key, consumer_key: "${SALESFORCE_CONSUMER_KEY}", api_key: "${SALESFORCE_API_KEY}" }
    objects: { Lead: read_write, Contact: read, Account: read, Conversation__c: write }
    api_version: "67.0"
    budget: { daily_share: 80%, requests_per_second: 20 }
  whatsapp: { type: whatsapp, phone_number_id: "…", access_token: "${WHATSAPP_TOKEN}", graph_version: v25.0 }
"#;

pub(crate) fn pipeline(text: &str) -> Document<Pipeline> {
    let read = read::pipeline("pipelines/demo.yaml", text.as_bytes());
    assert!(read.findings.is_empty(), "{}", listed(&read.findings));
    read.document.expect("no finding, so a document")
}

pub(crate) fn project(text: &str) -> Document<Project> {
    let read = read::project("bridged.yaml", text.as_bytes());
    assert!(read.findings.is_empty(), "{}", listed(&read.findings));
    read.document.expect("no finding, so a document")
}

#[test]
fn the_smallest_pipeline_has_the_defaults_the_documents_name() {
    let spec = pipeline(MINIMAL).spec;
    let Source::Object(source) = &spec.source else {
        panic!("{:?}", spec.source)
    };
    assert_eq!(source.page_size, 50);
    assert_eq!(source.overlap, Period::from_secs(600));
    assert_eq!(source.incremental, None);
    assert!(!source.include_deleted);
    assert_eq!(spec.schedule, Schedule::Manual);
    assert_eq!((spec.batch.size, spec.batch.concurrency), (50, 4));
    assert_eq!(spec.on_error.max_attempts, 6);
    assert_eq!(spec.on_error.max_rejected, None);
}

#[test]
fn the_qualification_pipeline_means_what_it_says() {
    let spec = pipeline(QUALIFICATION).spec;
    assert_eq!(spec.playbook, Some(Playbook::Qualification));
    assert_eq!(spec.direction, Direction::ReadWrite);
    assert_eq!(spec.schedule, Schedule::Hourly);
    let Source::Object(source) = &spec.source else {
        panic!("{:?}", spec.source)
    };
    assert_eq!(source.condition.as_deref(), Some("IsConverted = false"));
    assert_eq!(source.related["Tasks"].limit, Some(200));
    let names: Vec<_> = spec.field_map.keys().map(ToString::to_string).collect();
    assert_eq!(
        names,
        ["full_name", "phone", "owner", "calls"],
        "the order of the file"
    );
    let score = spec.score.unwrap();
    assert_eq!(score.clamp, Some([0, 100]));
    assert_eq!(score.grades["Warm"], 50);
    assert_eq!(score.rules[1].points, 20);
    let lead = &spec.targets["lead"];
    assert_eq!(lead.operation, Operation::Update);
    assert!(lead.key.as_ref().unwrap().is_id());
    assert_eq!(
        spec.on_error.max_rejected,
        Percent::parse("5%").map(Threshold::Share)
    );
    let test = &spec.tests[0];
    assert_eq!(test.expect.score, Some(20));
    assert_eq!(
        test.expect.targets["lead"].0.as_ref().unwrap()["Rating"],
        "Cold"
    );
}

#[test]
fn the_activation_pipeline_means_what_it_says() {
    let spec = pipeline(ACTIVATION).spec;
    let broadcast = spec.broadcast.unwrap();
    assert_eq!(broadcast.template.language.as_str(), "en_US");
    assert_eq!(broadcast.campaign.as_str(), "spring-2027");
    assert!((broadcast.pace.per_second() - 80.0).abs() < 1e-9);
    let quiet = broadcast.quiet_hours.unwrap();
    assert_eq!(
        (quiet.from.to_string(), quiet.unknown.as_str()),
        ("21:00".to_owned(), "hold")
    );
}

#[test]
fn the_nurture_pipeline_means_what_it_says() {
    let spec = pipeline(NURTURE).spec;
    let Source::Records(source) = &spec.source else {
        panic!("{:?}", spec.source)
    };
    assert_eq!(source.records, RecordKind::Outcomes);
    let status = &spec.targets["lead"].field_map["Status"];
    assert!(matches!(status, FieldValue::Template(text) if text.as_str() == "Qualified"));
}

#[test]
fn the_project_file_means_what_it_says() {
    let spec = project(PROJECT).spec;
    let salesforce = spec.connections["salesforce"].salesforce().unwrap();
    let objects = salesforce.objects.as_ref().unwrap();
    assert_eq!(objects["Lead"], Access::ReadWrite);
    assert!(!objects["Conversation__c"].reads());
    let share = salesforce.budget.daily_share.unwrap();
    assert!((share.as_fraction() - 0.8).abs() < 1e-9);
    let Auth::ApiKey { consumer_key, .. } = &salesforce.auth else {
        panic!("{:?}", salesforce.auth)
    };
    let variables = |name: &str| (name == "SALESFORCE_CONSUMER_KEY").then(|| "key".to_owned());
    let Some(SecretSource::Variables(text)) = consumer_key.as_ref().map(SecretText::source) else {
        panic!("{consumer_key:?}")
    };
    assert_eq!(text.resolve(&variables).as_deref(), Ok("key"));
    assert!(spec.connections["whatsapp"].whatsapp().is_some());
    assert_eq!(
        spec.connection(None, "salesforce").unwrap().0.as_str(),
        "salesforce"
    );
}

#[test]
fn a_sign_in_in_the_browser_needs_no_keys() {
    let text = PROJECT.replace(
        "auth: { method: api_key, consumer_key: \"${SALESFORCE_CONSUMER_KEY}\", api_key: \"${SALESFORCE_API_KEY}\" }",
        "auth: { method: oauth }",
    );
    assert_eq!(
        project(&text).spec.connections["salesforce"]
            .salesforce()
            .unwrap()
            .auth
            .method(),
        "oauth"
    );
}

#[test]
fn the_project_of_this_repository_loads_without_a_finding() {
    let loaded = load::load_project(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(
        loaded.diagnostics.is_empty(),
        "{}",
        listed(&loaded.diagnostics)
    );
    assert!(loaded.project.is_some() && loaded.pipelines.len() >= 5);
    let by_file = loaded.pipeline("pipelines/nurture.yaml").unwrap();
    assert_eq!(loaded.pipeline("nurture"), Some(by_file));
    assert_eq!(loaded.pipeline("./pipelines/nurture.yaml"), Some(by_file));
    assert_eq!(loaded.pipeline("nowhere"), None);
}
