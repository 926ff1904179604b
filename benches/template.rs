//! A field map of ten templates, evaluated by bridged and by ten raw minijinja templates, in one run.
//!
//! `cargo bench --bench template`. Six plain references, two concatenations, one filter and one condition, over a page
//! of 50 records of 20 fields, which lies in the processor's cache as it does when it was just read. Both sides start
//! from the same record as it was read. Bridged lends the values that stand in it, as in a run; minijinja gets its
//! fields converted once a record, and once more with the conversion uncounted. The last column is the ratio to bridged.

use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use bridged::foundation::record::Record;
use bridged::template::Template;
use bridged::template::scope::Scope;
use minijinja::{Environment, Value as Engine};
use serde_json::{Map, Value, json};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const FIELD_MAP: [&str; 10] = [
    "{{ Id }}",
    "{{ LastName }}",
    "{{ Email }}",
    "{{ Company }}",
    "{{ NumberOfEmployees }}",
    "{{ Owner.Name }}",
    "{{ FirstName }} {{ LastName }}",
    "{{ Street }}, {{ City }} {{ PostalCode }}",
    "{{ LeadSource | upper }}",
    "{% if NumberOfEmployees > 100 %}Enterprise{% else %}Small{% endif %}",
];
const RECORDS: usize = 50;
const ROUNDS: usize = 2_000;

fn record(index: usize) -> Record {
    let mut fields: Map<String, Value> = Map::new();
    for (name, value) in [
        ("Id", json!(format!("00Q5e00000{index:05}AAA"))),
        ("FirstName", json!("Ada")),
        ("LastName", json!(format!("Lovelace {index}"))),
        ("Company", json!("Analytical Engines Ltd")),
        ("Email", json!(format!("ada.{index}@example.com"))),
        ("Phone", json!("(415) 555-0100")),
        ("MobilePhone", json!(null)),
        ("Street", json!("12 St James's Square")),
        ("City", json!("London")),
        ("PostalCode", json!("SW1Y 4JH")),
        ("Country", json!("GB")),
        ("LeadSource", json!("Web")),
        ("Status", json!("Open - Not Contacted")),
        ("Rating", json!("Hot")),
        ("Industry", json!("Engineering")),
        ("NumberOfEmployees", json!(index % 200)),
        ("AnnualRevenue", json!(1_250_000.5)),
        ("CreatedDate", json!("2024-07-24T14:05:58.000+0000")),
        ("IsConverted", json!(false)),
        ("Owner", json!({"Name": "Grace Hopper"})),
    ] {
        fields.insert(name.to_owned(), value);
    }
    Record::from(fields)
}

/// The record as minijinja sees it when it is given the row: every field converted once a record.
fn converted(value: &Value) -> Engine {
    match value {
        Value::Null => Engine::from(()),
        Value::Bool(truth) => Engine::from(*truth),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Engine::from(whole),
            None => Engine::from(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Engine::from(text.as_str()),
        Value::Array(items) => items.iter().map(converted).collect(),
        Value::Object(fields) => Engine::from_pairs(
            fields
                .iter()
                .map(|(name, value)| (name.as_str(), converted(value))),
        ),
    }
}

fn engine_row(record: &Record) -> Engine {
    Engine::from_pairs(record.iter().map(|(name, value)| (name, converted(value))))
}

/// What a contender does with all records.
type Round<'a> = Box<dyn FnMut() -> Outcome + 'a>;

/// The best round of each in nanoseconds a record. They take turns, so that what else the machine does meets all of them.
fn best(contenders: &mut [(&'static str, Round<'_>)]) -> Outcome<Vec<(&'static str, f64)>> {
    let mut best = vec![Duration::MAX; contenders.len()];
    for _ in 0..ROUNDS {
        for ((_, round), best) in contenders.iter_mut().zip(&mut best) {
            let start = Instant::now();
            round()?;
            *best = start.elapsed().min(*best);
        }
    }
    let nanoseconds = |time: Duration| time.as_secs_f64() * 1e9 / RECORDS as f64;
    let names = contenders.iter().map(|(name, _)| *name);
    Ok(names.zip(best.into_iter().map(nanoseconds)).collect())
}

fn evaluated(templates: &[Template], records: &[Record]) -> Outcome {
    for record in records {
        let scope = Scope::new().with_record(record);
        for template in templates {
            black_box(template.borrow(&scope)?);
        }
    }
    Ok(())
}

fn main() -> Outcome {
    let records: Vec<Record> = (0..RECORDS).map(record).collect();
    let compiled = |texts: &[&str]| -> Result<Vec<Template>, _> {
        texts.iter().map(|text| Template::compile(text)).collect()
    };
    let ours = compiled(&FIELD_MAP)?;
    let phone = compiled(&["{{ Phone | e164(country='US') }}"])?;
    let mut environment = Environment::new();
    let names: Vec<String> = (0..FIELD_MAP.len())
        .map(|index| format!("t{index}"))
        .collect();
    for (name, text) in names.iter().zip(FIELD_MAP) {
        environment.add_template(name, text)?;
    }
    let raw: Result<Vec<_>, _> = names
        .iter()
        .map(|name| environment.get_template(name))
        .collect();
    let raw = raw?;
    let ready: Vec<Engine> = records.iter().map(engine_row).collect();

    let mut contenders: Vec<(&str, Round<'_>)> = vec![
        (
            "ten-field map by bridged, a record",
            Box::new(|| evaluated(&ours, &records)),
        ),
        (
            "the same by minijinja",
            Box::new(|| {
                records
                    .iter()
                    .try_for_each(|record| rendered(&raw, &engine_row(record)))
            }),
        ),
        (
            "the same by minijinja, rows ready",
            Box::new(|| ready.iter().try_for_each(|row| rendered(&raw, row))),
        ),
        (
            "one telephone number by e164",
            Box::new(|| evaluated(&phone, &records)),
        ),
        (
            "compiling one template",
            Box::new(|| {
                for _ in 0..RECORDS / FIELD_MAP.len() {
                    black_box(compiled(&FIELD_MAP)?);
                }
                Ok(())
            }),
        ),
    ];
    let measured = best(&mut contenders)?;
    let bridged = measured.first().map_or(f64::NAN, |(_, time)| *time);
    let mut out = std::io::stdout();
    for (what, time) in measured {
        writeln!(out, "{what:<36} {time:8.0} ns {:6.1}", time / bridged)?;
    }
    Ok(())
}

fn rendered(templates: &[minijinja::Template<'_, '_>], row: &Engine) -> Outcome {
    for template in templates {
        black_box(template.render(row)?);
    }
    Ok(())
}
