//! Leads: the samples, then generated ones with the faults that real lists have.

use fastrand::Rng;

use super::super::ids::RecordId;
use super::super::org::Org;
use super::super::table::Row;
use super::super::value::{Stamp, Value};
use super::columns::{Audit, Draft, columns};
use super::sample::{SAMPLES, Sample};
use super::{Recipe, companies, people, pick};

columns!(Columns {
    last: "LastName",
    first: "FirstName",
    salutation: "Salutation",
    name: "Name",
    title: "Title",
    company: "Company",
    street: "Street",
    city: "City",
    state: "State",
    postal: "PostalCode",
    country: "Country",
    phone: "Phone",
    mobile: "MobilePhone",
    email: "Email",
    website: "Website",
    description: "Description",
    source: "LeadSource",
    status: "Status",
    industry: "Industry",
    rating: "Rating",
    revenue: "AnnualRevenue",
    employees: "NumberOfEmployees",
    opted_out: "HasOptedOutOfEmail",
    do_not_call: "DoNotCall",
    converted: "IsConverted",
    converted_date: "ConvertedDate",
    converted_account: "ConvertedAccountId",
    converted_contact: "ConvertedContactId",
    unread: "IsUnreadByOwner",
    bounced: "EmailBouncedReason",
    bounced_date: "EmailBouncedDate",
    opt_in: "WhatsApp_Opt_In__c",
});

/// A description with everything that JSON and CSV must escape.
const NOTE: &str =
    "Met at the fair.\r\nSaid: \"call me in spring\" \u{2013} likes C:\\tea\\ & cake.";

/// Everything a lead is made with.
struct Maker<'a> {
    object: std::sync::Arc<super::super::describe::ObjectType>,
    audit: Audit,
    columns: Columns,
    recipe: Recipe,
    users: &'a [RecordId],
    accounts: &'a [RecordId],
    contacts: &'a [RecordId],
}

/// Makes the leads that are asked for, and one more in the recycle bin for every hundred; returns the ids of the first.
pub(super) fn fill(
    org: &mut Org,
    recipe: Recipe,
    users: &[RecordId],
    accounts: &[RecordId],
    contacts: &[RecordId],
) -> Vec<RecordId> {
    let total = recipe.leads + recipe.leads / 100;
    let ids: Vec<RecordId> = (0..total).map(|_| org.next_id(*b"00Q")).collect();
    let Some(table) = org.table_mut("Lead") else {
        return ids;
    };
    let object = table.object().clone();
    let maker = Maker {
        audit: Audit::of(&object),
        columns: Columns::of(&object),
        object,
        recipe,
        users,
        accounts,
        contacts,
    };
    let rows = ids
        .iter()
        .enumerate()
        .map(|(number, id)| match SAMPLES.get(number) {
            Some(sample) => maker.sample(sample, number, *id),
            None => maker.generated(number, *id, number >= recipe.leads),
        });
    table.extend(rows.collect());
    ids[..recipe.leads].to_vec()
}

impl Maker<'_> {
    fn sample(&self, sample: &Sample, number: usize, id: RecordId) -> Row {
        let columns = &self.columns;
        let mut rng = self.recipe.rng("sample", number);
        let mut draft = Draft::new(&self.object, id);
        // Like a new org's: all created in one second.
        let created = self.recipe.ago(365, 0);
        draft.sign(
            &self.audit,
            self.users[0],
            created,
            self.recipe.ago(rng.i64(1..300), rng.i64(0..86_400)),
        );
        self.set_name(&mut draft, sample.salutation, sample.first, sample.last);
        for (column, text) in [
            (columns.title, sample.title),
            (columns.company, sample.company),
            (columns.state, sample.state),
            (columns.country, sample.country),
            (columns.phone, sample.phone),
            (columns.email, sample.email),
            (columns.source, sample.source),
            (columns.status, sample.status),
            (columns.industry, sample.industry),
        ] {
            draft.text(column, text);
        }
        draft.set(columns.unread, Value::Bool(false));
        draft.set(columns.opt_in, Value::Bool(number.is_multiple_of(2)));
        draft.row(&self.audit, false)
    }

    fn generated(&self, number: usize, id: RecordId, deleted: bool) -> Row {
        let columns = &self.columns;
        let mut rng = self.recipe.rng("lead", number);
        let mut draft = Draft::new(&self.object, id);
        let (created, changed) = self.stamps(&mut rng, number);
        let user = self.users[rng.usize(..self.users.len())];
        draft.sign(&self.audit, user, created, changed);
        self.person(&mut draft, &mut rng, number);
        draft.text(columns.company, &companies::company(&mut rng));
        if rng.u8(..10) > 0 {
            draft.text(columns.title, people::title(&mut rng));
        }
        draft.text(
            columns.source,
            pick(
                &mut rng,
                &[
                    "Web",
                    "Phone Inquiry",
                    "Partner Referral",
                    "Purchased List",
                    "Other",
                ],
            ),
        );
        let statuses = [
            "Open - Not Contacted",
            "Working - Contacted",
            "Closed - Not Converted",
        ];
        draft.text(columns.status, pick(&mut rng, &statuses));
        if rng.u8(..3) > 0 {
            draft.text(
                columns.industry,
                pick(
                    &mut rng,
                    &[
                        "Technology",
                        "Retail",
                        "Banking",
                        "Healthcare",
                        "Food & Beverage",
                        "Not For Profit",
                    ],
                ),
            );
            draft.set(columns.revenue, Value::int(rng.i64(1..9_000) * 50_000));
            draft.set(columns.employees, Value::int(rng.i64(1..12_000)));
        }
        if rng.bool() {
            draft.text(columns.rating, pick(&mut rng, &["Hot", "Warm", "Cold"]));
        }
        draft.set(columns.opted_out, Value::Bool(rng.u8(..100) < 8));
        draft.set(columns.do_not_call, Value::Bool(rng.u8(..100) < 5));
        draft.set(columns.opt_in, Value::Bool(rng.u8(..100) < 60));
        draft.set(columns.unread, Value::Bool(rng.bool()));
        if rng.u8(..100) < 20 {
            let website = format!("https://www.company{}.example", number % 5_000);
            draft.text(columns.website, &website);
        }
        if rng.u8(..100) < 5 {
            draft.text(columns.description, NOTE);
        }
        self.fate(&mut draft, &mut rng, changed);
        draft.row(&self.audit, deleted)
    }

    /// Name and ways to reach the person, with their faults.
    fn person(&self, draft: &mut Draft, rng: &mut Rng, number: usize) {
        let columns = &self.columns;
        // Three in a hundred repeat the person before them, spelled a little differently.
        let twin = rng.u8(..100) < 3;
        let mut own = if twin {
            self.recipe.rng("person", number - 1)
        } else {
            self.recipe.rng("person", number)
        };
        let (first, last) = people::name(&mut own);
        let place = people::place(&mut own);
        let (phone, mobile) = (place.phone(&mut own), place.phone(&mut own));
        let email = people::email(first, last, number - usize::from(twin));
        let (first, last) = match rng.u16(..1_000) {
            _ if twin => (first.to_uppercase(), last.to_owned()),
            0..10 => (
                format!("{first} {}", pick(rng, &["🦊", "🌻", "👩🏽‍💻"])),
                last.to_owned(),
            ),
            10..15 => (
                first.to_owned(),
                "von Hohenlohe-Waldenburg-Schillingsfürst zu Öttingen".to_owned(),
            ),
            15..35 => (String::new(), last.to_owned()),
            35..55 => (format!("{first} "), last.to_lowercase()),
            _ => (first.to_owned(), last.to_owned()),
        };
        let salutation = if rng.u8(..4) == 0 {
            pick(rng, &["Mr.", "Ms.", "Dr."])
        } else {
            ""
        };
        self.set_name(draft, salutation, &first, &last);
        draft.text(columns.city, place.city);
        draft.text(columns.state, place.state);
        draft.text(columns.postal, place.postal);
        draft.text(columns.country, place.country);
        if rng.u8(..3) == 0 {
            draft.text(
                columns.street,
                &format!("{} Market Street", rng.u16(1..2_000)),
            );
        }
        self.numbers(draft, rng, &phone, &mobile);
        if rng.u8(..100) > 3 {
            let email = if twin { email.to_uppercase() } else { email };
            draft.text(columns.email, &email);
        }
    }

    /// Telephone numbers: seven in a hundred have none, two have something else in their place.
    fn numbers(&self, draft: &mut Draft, rng: &mut Rng, phone: &str, mobile: &str) {
        let columns = &self.columns;
        match rng.u8(..100) {
            0..7 => {}
            7..9 => {
                let other = ["n/a", "call assistant", "none", "555-0100 x12"];
                draft.text(columns.phone, pick(rng, &other));
            }
            9..40 => draft.text(columns.phone, phone),
            40..70 => draft.text(columns.mobile, mobile),
            _ => {
                draft.text(columns.phone, phone);
                draft.text(columns.mobile, mobile);
            }
        }
    }

    /// What became of the lead: converted, or its e-mail bounced.
    fn fate(&self, draft: &mut Draft, rng: &mut Rng, changed: Stamp) {
        let columns = &self.columns;
        let day = changed.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date();
        match rng.u8(..100) {
            0..4 => {
                draft.text(columns.status, "Closed - Converted");
                draft.set(columns.converted, Value::Bool(true));
                draft.set(columns.converted_date, Value::Date(day));
                draft.set(
                    columns.converted_account,
                    Value::Id(self.accounts[rng.usize(..self.accounts.len())]),
                );
                draft.set(
                    columns.converted_contact,
                    Value::Id(self.contacts[rng.usize(..self.contacts.len())]),
                );
            }
            4..7 if !draft.get(columns.email).is_null() => {
                draft.text(columns.bounced, "550 5.1.1 recipient unknown");
                draft.set(columns.bounced_date, Value::DateTime(changed));
            }
            _ => {}
        }
    }

    fn set_name(&self, draft: &mut Draft, salutation: &str, first: &str, last: &str) {
        draft.text(self.columns.salutation, salutation);
        draft.text(self.columns.first, first.trim());
        draft.text(self.columns.last, last);
        draft.text(self.columns.name, format!("{} {last}", first.trim()).trim());
    }

    /// When the lead was made and last changed. Of ten thousand in a row, 5,200 come from two bulk loads of one second each.
    fn stamps(&self, rng: &mut Rng, number: usize) -> (Stamp, Stamp) {
        let (block, place) = (number / 10_000, number % 10_000);
        let load = match place {
            200..400 => Some(block * 2),
            4_000..9_000 => Some(block * 2 + 1),
            _ => None,
        };
        if let Some(load) = load {
            let mut rng = self.recipe.rng("load", load);
            let at = self.recipe.ago(rng.i64(1..180), rng.i64(0..86_400));
            return (at, at);
        }
        let created = self.recipe.ago(rng.i64(0..400), rng.i64(0..86_400));
        (created, Recipe::later(created, self.recipe, rng))
    }
}
