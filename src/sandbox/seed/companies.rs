//! Accounts: the sample companies, then generated ones.

use super::super::ids::RecordId;
use super::super::org::Org;
use super::super::value::Value;
use super::columns::{Audit, Draft, columns};
use super::{Recipe, pick};
use fastrand::Rng;

columns!(Columns {
    name: "Name",
    kind: "Type",
    city: "BillingCity",
    state: "BillingState",
    country: "BillingCountry",
    phone: "Phone",
    website: "Website",
    industry: "Industry",
    revenue: "AnnualRevenue",
    employees: "NumberOfEmployees",
    rating: "Rating",
});

const SAMPLES: [(&str, &str, &str, &str, &str); 5] = [
    (
        "Edge Communications",
        "Austin",
        "TX",
        "(512) 757-6000",
        "Electronics",
    ),
    (
        "Burlington Textiles Corp of America",
        "Burlington",
        "NC",
        "(336) 222-7000",
        "Apparel",
    ),
    (
        "Pyramid Construction Inc.",
        "Paris",
        "",
        "(014) 427-4427",
        "Construction",
    ),
    (
        "Grand Hotels & Resorts Ltd",
        "Chicago",
        "IL",
        "(312) 596-1000",
        "Hospitality",
    ),
    (
        "United Oil & Gas Corp.",
        "New York",
        "NY",
        "(212) 842-5500",
        "Energy",
    ),
];

const STEMS: [&str; 24] = [
    "Alder",
    "Northwind",
    "Cobalt",
    "Harbour",
    "Juniper",
    "Meridian",
    "Quarry",
    "Summit",
    "Tidewater",
    "Vantage",
    "Willow",
    "Zephyr",
    "Bright",
    "Copper",
    "Delta",
    "Ember",
    "Falcon",
    "Granite",
    "Iris",
    "Keystone",
    "Lumen",
    "Orchard",
    "Pioneer",
    "Ridge",
];
const TRADES: [&str; 12] = [
    "Analytics",
    "Freight",
    "Foods",
    "Energy",
    "Media",
    "Systems",
    "Health",
    "Textiles",
    "Robotics",
    "Hotels",
    "Partners",
    "Insurance",
];
const FORMS: [&str; 8] = [
    "Inc.", "LLC", "Ltd", "GmbH", "S.A.", "K.K.", "Pty Ltd", "& Sons",
];

/// A company name; there are a few thousand.
pub(super) fn company(rng: &mut Rng) -> String {
    format!(
        "{} {} {}",
        pick(rng, &STEMS),
        pick(rng, &TRADES),
        pick(rng, &FORMS)
    )
}

/// Makes the accounts, one for twenty leads and at most two thousand; returns their ids.
pub(super) fn fill(org: &mut Org, recipe: Recipe, users: &[RecordId]) -> Vec<RecordId> {
    let count = SAMPLES.len() + (recipe.leads / 20).min(2_000);
    let ids: Vec<RecordId> = (0..count).map(|_| org.next_id(*b"001")).collect();
    let Some(table) = org.table_mut("Account") else {
        return ids;
    };
    let object = table.object().clone();
    let (audit, columns) = (Audit::of(&object), Columns::of(&object));
    let mut rows = Vec::with_capacity(count);
    for (number, id) in ids.iter().enumerate() {
        let mut rng = recipe.rng("account", number);
        let mut draft = Draft::new(&object, *id);
        let created = recipe.ago(rng.i64(30..700), rng.i64(0..86_400));
        draft.sign(
            &audit,
            users[number % users.len()],
            created,
            Recipe::later(created, recipe, &mut rng),
        );
        if let Some((name, city, state, phone, industry)) = SAMPLES.get(number) {
            draft.text(columns.name, name);
            draft.text(columns.city, city);
            draft.text(columns.state, state);
            draft.text(columns.phone, phone);
            draft.text(columns.industry, industry);
        } else {
            draft.text(columns.name, &company(&mut rng));
            draft.text(
                columns.country,
                pick(&mut rng, &["USA", "Germany", "Japan", "Brazil", "India"]),
            );
            draft.text(
                columns.industry,
                pick(&mut rng, &["Technology", "Retail", "Banking", "Energy"]),
            );
        }
        draft.text(
            columns.kind,
            pick(
                &mut rng,
                &["Prospect", "Customer - Direct", "Customer - Channel"],
            ),
        );
        draft.text(columns.rating, pick(&mut rng, &["Hot", "Warm", "Cold"]));
        draft.text(columns.website, &format!("www.company{number}.example"));
        draft.set(columns.revenue, Value::int(rng.i64(10..5_000) * 100_000));
        draft.set(columns.employees, Value::int(rng.i64(5..20_000)));
        rows.push(draft.row(&audit, false));
    }
    table.extend(rows);
    ids
}
