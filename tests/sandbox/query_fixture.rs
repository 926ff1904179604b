//! A small org whose rows are told as text, and a way to ask it.

use bridged::sandbox::describe::{Field, FieldType, Flag, ObjectType};
use bridged::sandbox::ids::RecordId;
use bridged::sandbox::org::Org;
use bridged::sandbox::query::error::QueryError;
use bridged::sandbox::query::output::{Page, write_answer};
use bridged::sandbox::query::run::{Options, execute};
use bridged::sandbox::table::Row;
use bridged::sandbox::user::{Permissions, User};
use bridged::sandbox::value::{Decimal, Stamp, Value};

/// A Wednesday.
pub(super) const NOW: &str = "2026-02-11T15:30:00Z";

pub(super) struct Fixture {
    pub(super) org: Org,
    pub(super) user: User,
    pub(super) include_deleted: bool,
}

fn field(name: &str, kind: FieldType) -> Field {
    Field::new(name, name, kind).length(255)
}

fn audit() -> [Field; 3] {
    [
        field("IsDeleted", FieldType::Boolean).system(),
        field("CreatedDate", FieldType::DateTime).system(),
        field("SystemModstamp", FieldType::DateTime).system(),
    ]
}

fn object(name: &str, prefix: [u8; 3], fields: Vec<Field>) -> ObjectType {
    let mut all = vec![field("Id", FieldType::Id).system()];
    all.extend(fields);
    all.extend(audit());
    ObjectType::new(name, name, &format!("{name}s"), &prefix, all)
}

fn reference(name: &str, to: &[&str], parent: &str, children: Option<&str>) -> Field {
    field(name, FieldType::Reference).points_to(to, parent, children)
}

fn objects() -> Vec<ObjectType> {
    let name = || field("Name", FieldType::String).with(Flag::NameField);
    let owner = || reference("OwnerId", &["Group", "User"], "Owner", None);
    let industries = ["Technology", "Agriculture", "Banking"];
    vec![
        object(
            "Account",
            *b"001",
            vec![
                name(),
                field("Industry", FieldType::Picklist).values(&industries),
                field("AnnualRevenue", FieldType::Currency),
                reference("ParentId", &["Account"], "Parent", Some("ChildAccounts")),
                owner(),
                field("Active__c", FieldType::Boolean),
            ],
        ),
        object(
            "Contact",
            *b"003",
            vec![
                field("LastName", FieldType::String),
                field("Email", FieldType::Email),
                reference("AccountId", &["Account"], "Account", Some("Contacts")),
                owner(),
                field("Birthdate", FieldType::Date),
                field("Opt_In__c", FieldType::Boolean),
                field("Age__c", FieldType::Int),
                field("Score__c", FieldType::Double),
                field("Topics__c", FieldType::MultiPicklist),
                field("Starts__c", FieldType::Time),
                field("Key__c", FieldType::String)
                    .with(Flag::Unique)
                    .with(Flag::ExternalId),
                field("Code__c", FieldType::String)
                    .with(Flag::Unique)
                    .with(Flag::CaseSensitive),
                field("Notes__c", FieldType::TextArea)
                    .without(Flag::Filterable)
                    .without(Flag::Sortable)
                    .without(Flag::Groupable),
            ],
        ),
        object(
            "Task",
            *b"00T",
            vec![
                field("Subject", FieldType::String),
                reference("WhoId", &["Contact", "Lead"], "Who", Some("Tasks")),
                reference("WhatId", &["Account"], "What", None),
                owner(),
            ],
        ),
        object(
            "Lead",
            *b"00Q",
            vec![name(), field("Email", FieldType::Email), owner()],
        ),
        object(
            "User",
            *b"005",
            vec![
                name(),
                field("Email", FieldType::Email),
                reference("ProfileId", &["Profile"], "Profile", None),
            ],
        ),
        object("Group", *b"00G", vec![name()]),
        object("Profile", *b"00e", vec![name()]),
    ]
}

/// The id with a prefix and a number, in its 18-character form.
pub(super) fn id(prefix: [u8; 3], number: u64) -> String {
    RecordId::from_serial(prefix, *b"bg", number).to_string()
}

pub(super) fn stamp(text: &str) -> Stamp {
    Stamp::of(text.parse().expect(text))
}

fn value(kind: FieldType, text: &str) -> Value {
    match kind {
        FieldType::Id | FieldType::Reference => Value::Id(RecordId::parse(text).expect(text)),
        FieldType::Boolean => Value::Bool(text == "true"),
        FieldType::Date => Value::Date(text.parse().expect(text)),
        FieldType::DateTime => Value::DateTime(stamp(text)),
        FieldType::Time => {
            let time: jiff::civil::Time = text.parse().expect(text);
            let since = time.duration_since(jiff::civil::Time::midnight());
            Value::Time(u32::try_from(since.as_millis()).expect(text))
        }
        kind if kind.is_number() => Value::Number(Decimal::parse(text).expect(text)),
        _ => Value::text(text),
    }
}

impl Fixture {
    /// An org without rows.
    pub(super) fn empty() -> Self {
        let organization = RecordId::from_serial(*b"00D", *b"bg", 1);
        Self {
            org: Org::new(organization, objects()),
            user: User {
                id: RecordId::from_serial(*b"005", *b"bg", 1),
                username: "ada@example.com".to_owned(),
                timezone: "UTC".to_owned(),
                permissions: Permissions::default(),
            },
            include_deleted: false,
        }
    }

    /// Adds a row of `Field=text` parts, separated by `|`; returns its id. `IsDeleted=true` puts it into the bin.
    pub(super) fn add(&mut self, object: &str, number: u64, parts: &str) -> String {
        let table = self.org.table_mut(object).expect(object);
        let kind = table.object().clone();
        let prefix = kind.key_prefix.expect(object);
        // A boolean is never null: its default is false.
        let mut values: Vec<Value> = kind.fields.iter().map(|f| f.default.clone()).collect();
        let mut set = |name: &str, text: &str| {
            let at = kind.index_of(name).expect(name);
            values[at] = value(kind.fields[at].kind, text);
        };
        set("Id", &id(prefix, number));
        set("CreatedDate", "2026-01-01T00:00:00Z");
        set("SystemModstamp", "2026-01-01T00:00:00Z");
        for part in parts.split('|').filter(|part| !part.is_empty()) {
            let (name, text) = part.split_once('=').expect(part);
            set(name.trim(), text.trim());
        }
        table.insert(Row::new(values, parts.contains("IsDeleted=true")));
        id(prefix, number)
    }

    /// Three accounts, six contacts, tasks, owners: enough for every kind of relationship.
    pub(super) fn filled() -> Self {
        let mut org = Self::empty();
        let profile = org.add("Profile", 1, "Name=Admin");
        let ada = org.add(
            "User",
            1,
            &format!("Name=Ada|Email=ada@x.io|ProfileId={profile}"),
        );
        let queue = org.add("Group", 1, "Name=Queue");
        let acme = org.add(
            "Account",
            1,
            &format!(
                "Name=Acme|Industry=Banking|AnnualRevenue=1000.50|OwnerId={ada}|Active__c=true"
            ),
        );
        let beta = org.add(
            "Account",
            2,
            &format!(
                "Name=beta|Industry=Technology|AnnualRevenue=250|OwnerId={queue}|ParentId={acme}"
            ),
        );
        org.add(
            "Account",
            3,
            &format!("Name=Çelik|Industry=Agriculture|ParentId={beta}"),
        );
        let people = [
            format!(
                "LastName=Lovelace|Email=ADA@x.io|AccountId={acme}|OwnerId={ada}|Birthdate=1985-12-10|Opt_In__c=true|Age__c=40|Score__c=9.5|Topics__c=math;code|Starts__c=09:00:00|Key__c=K-1|Code__c=abc"
            ),
            format!(
                "LastName=Byron|AccountId={acme}|OwnerId={queue}|Birthdate=1988-01-22|Age__c=38|Score__c=2|Topics__c=poetry|Starts__c=22:30:00.5|Key__c=K-2|Code__c=ABC"
            ),
            format!(
                "LastName=Babbage|Email=charles@y.io|AccountId={beta}|OwnerId={ada}|Age__c=54|Score__c=9.25|Topics__c=math;tea|CreatedDate=2026-02-11T08:00:00Z"
            ),
            "LastName=O'Neil|Email=100%_real@y.io|Opt_In__c=true|CreatedDate=2026-02-10T23:59:59Z"
                .to_owned(),
            "LastName=von Ångström|Score__c=-1|CreatedDate=2026-02-12T00:00:00Z".to_owned(),
            format!("LastName=Gone|AccountId={acme}|Age__c=1|IsDeleted=true"),
        ];
        for (at, person) in people.iter().enumerate() {
            org.add("Contact", at as u64 + 1, person);
        }
        let lead = org.add(
            "Lead",
            1,
            &format!("Name=Grace|Email=g@z.io|OwnerId={queue}"),
        );
        let contact = id(*b"003", 1);
        org.add(
            "Task",
            1,
            &format!("Subject=Call|WhoId={contact}|WhatId={acme}|OwnerId={ada}"),
        );
        org.add(
            "Task",
            2,
            &format!("Subject=Mail|WhoId={lead}|OwnerId={ada}"),
        );
        org.add(
            "Task",
            3,
            &format!("Subject=Visit|WhoId={contact}|OwnerId={queue}"),
        );
        org.add("Task", 4, "Subject=Plan");
        org
    }

    pub(super) fn options(&self) -> Options {
        Options {
            include_deleted: self.include_deleted,
            now: NOW.parse().expect(NOW),
        }
    }

    /// The whole answer as JSON.
    pub(super) fn ask(&self, soql: &str) -> Result<serde_json::Value, QueryError> {
        let answer = execute(&self.org, &self.user, soql, self.options())?;
        let mut out = Vec::new();
        let mut page = Page {
            org: &self.org,
            version: "67.0",
            batch: 2_000,
            keep: &mut |_| "01gKEPT".to_owned(),
        };
        write_answer(&mut out, &mut page, &answer);
        Ok(serde_json::from_slice(&out).expect("JSON"))
    }

    /// One field of every record, as text.
    pub(super) fn column(&self, field: &str, soql: &str) -> Vec<String> {
        let answer = self
            .ask(soql)
            .unwrap_or_else(|error| panic!("{soql}: {error:?}"));
        let records = answer["records"].as_array().expect("records");
        let shown = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        records.iter().map(|record| shown(&record[field])).collect()
    }

    /// The last names of the contacts that pass a condition, in the order of their ids.
    pub(super) fn contacts(&self, condition: &str) -> Vec<String> {
        let soql = format!("SELECT LastName FROM Contact WHERE {condition} ORDER BY Id");
        self.column("LastName", &soql)
    }
}
