//! Names, phone numbers and addresses as lists of leads have them, and the contacts made of them.

use super::super::ids::RecordId;
use super::super::org::Org;
use super::super::value::Value;
use super::columns::{Audit, Draft, columns};
use super::{Recipe, pick};
use fastrand::Rng;

/// One place with the way its people write telephone numbers (`#` is a digit).
pub(super) struct Place {
    pub(super) city: &'static str,
    pub(super) state: &'static str,
    pub(super) postal: &'static str,
    pub(super) country: &'static str,
    phones: &'static [&'static str],
}

const US_PHONES: &[&str] = &[
    "(###) 555-01##",
    "###-555-01##",
    "+1 ### 555 01##",
    "1.###.555.01##",
    "###55501##",
];

macro_rules! places {
    ($([$city:literal, $state:literal, $postal:literal, $country:literal, $phones:expr])*) => {
        &[$(Place { city: $city, state: $state, postal: $postal, country: $country, phones: $phones },)*]
    };
}

// The fictional ranges of each country where there are any: nobody's number is dialled by mistake.
const PLACES: &[Place] = places! {
    ["San Francisco", "CA", "94105", "USA", US_PHONES]
    ["Austin", "TX", "78701", "United States", US_PHONES]
    ["New York", "NY", "10001", "US", US_PHONES]
    ["Chicago", "IL", "60601", "USA", US_PHONES]
    ["Miami", "FL", "33101", "USA", US_PHONES]
    ["Toronto", "ON", "M5H 2N2", "Canada", &["(416) 555-01##", "+1 (416) 555-01##"]]
    ["London", "", "EC1A 1BB", "United Kingdom", &["020 7946 0###", "+44 20 7946 0###", "07700 900###", "+44 (0)7700 900###"]]
    ["Manchester", "", "M1 1AE", "UK", &["0161 496 0###", "07700 900###"]]
    ["Berlin", "BE", "10115", "Germany", &["030 23125###", "+49 30 23125###", "0049 30 23125###"]]
    ["München", "BY", "80331", "Deutschland", &["089 99998###", "+49 (0)89 99998###"]]
    ["Paris", "", "75001", "France", &["01 99 00 ## ##", "+33 6 39 98 ## ##", "06 39 98 ## ##"]]
    ["São Paulo", "SP", "01310-100", "Brazil", &["(11) 95550-0###", "+55 11 95550-0###"]]
    ["Ciudad de México", "CDMX", "06000", "Mexico", &["55 5550 0###", "+52 1 55 5550 0###"]]
    ["Mumbai", "MH", "400001", "India", &["+91 98765 43###", "098765 43###", "98765-43###"]]
    ["Tokyo", "", "100-0001", "Japan", &["03-5550-0###", "+81 3 5550 0###"]]
    ["Sydney", "NSW", "2000", "Australia", &["(02) 5550 0###", "0491 570 ###", "+61 491 570 ###"]]
    ["Zürich", "ZH", "8001", "Switzerland", &["044 555 0# ##", "+41 44 555 0# ##"]]
    ["Dublin", "", "D01 F5P2", "Ireland", &["(01) 555 0###", "+353 1 555 0###"]]
};

const FIRST: [&str; 40] = [
    "Aisha",
    "Ben",
    "Carla",
    "Dmitri",
    "Elena",
    "Farid",
    "Grace",
    "Hiro",
    "Ines",
    "Jonas",
    "Kamala",
    "Liam",
    "Mei",
    "Noor",
    "Olga",
    "Pablo",
    "Quinn",
    "Rosa",
    "Sven",
    "Tara",
    "Umar",
    "Vera",
    "Wei",
    "Ximena",
    "Yusuf",
    "Zoë",
    "André",
    "Bjørn",
    "Chloé",
    "Dáithí",
    "Łukasz",
    "Nguyễn",
    "Özlem",
    "Renée",
    "Siân",
    "Jean-Luc",
    "Mary Ann",
    "O'Shea",
    "Владимир",
    "美咲",
];
const LAST: [&str; 40] = [
    "Okafor",
    "Schneider",
    "Rossi",
    "Petrov",
    "Vasquez",
    "Haddad",
    "Kim",
    "Tanaka",
    "Costa",
    "Weber",
    "Iyer",
    "Murphy",
    "Chen",
    "Rahman",
    "Novak",
    "Silva",
    "Adeyemi",
    "Delgado",
    "Larsson",
    "Nair",
    "Farouk",
    "Sokolova",
    "Zhang",
    "Ortega",
    "Demir",
    "Müller",
    "García",
    "Ødegård",
    "Lefèvre",
    "Ó Briain",
    "Wiśniewski",
    "van der Berg",
    "O'Neil",
    "D'Angelo",
    "Smith-Jones",
    "St. John",
    "Ng",
    "Li",
    "Fernández de la Cruz",
    "佐藤",
];
const TITLES: [&str; 12] = [
    "CEO",
    "CFO",
    "VP, Operations",
    "Head of Sales",
    "Buyer",
    "Office Manager",
    "IT Director",
    "Marketing Lead",
    "Engineer",
    "Owner",
    "Procurement Specialist",
    "Assistant",
];

/// A first and a last name.
pub(super) fn name(rng: &mut Rng) -> (&'static str, &'static str) {
    (pick(rng, &FIRST), pick(rng, &LAST))
}

/// A job title.
pub(super) fn title(rng: &mut Rng) -> &'static str {
    pick(rng, &TITLES)
}

/// A place to live.
pub(super) fn place(rng: &mut Rng) -> &'static Place {
    &PLACES[rng.usize(..PLACES.len())]
}

impl Place {
    /// A telephone number, written as people there write it.
    pub(super) fn phone(&self, rng: &mut Rng) -> String {
        let pattern = pick(rng, self.phones);
        let mut first = true;
        let digit = |mark: char| match mark {
            '#' => {
                // No area code starts with 0 or 1.
                let low = if std::mem::take(&mut first) { 2 } else { 0 };
                char::from(b'0' + rng.u8(low..10))
            }
            other => other,
        };
        pattern.chars().map(digit).collect()
    }
}

/// An e-mail address out of a name: ASCII letters only, lower case.
pub(super) fn email(first: &str, last: &str, number: usize) -> String {
    let ascii = |text: &str| -> String {
        text.chars()
            .filter(char::is_ascii_alphabetic)
            .collect::<String>()
            .to_lowercase()
    };
    format!("{}.{}{number}@example.com", ascii(first), ascii(last))
}

columns!(Columns {
    account: "AccountId",
    last: "LastName",
    first: "FirstName",
    name: "Name",
    city: "MailingCity",
    country: "MailingCountry",
    phone: "Phone",
    mobile: "MobilePhone",
    email: "Email",
    title: "Title",
    opt_in: "WhatsApp_Opt_In__c",
});

/// Makes the contacts, one for ten leads and at most five thousand; returns their ids.
pub(super) fn fill(
    org: &mut Org,
    recipe: Recipe,
    users: &[RecordId],
    accounts: &[RecordId],
) -> Vec<RecordId> {
    let count = (recipe.leads / 10).clamp(10, 5_000);
    let ids: Vec<RecordId> = (0..count).map(|_| org.next_id(*b"003")).collect();
    let Some(table) = org.table_mut("Contact") else {
        return ids;
    };
    let object = table.object().clone();
    let (audit, columns) = (Audit::of(&object), Columns::of(&object));
    let mut rows = Vec::with_capacity(count);
    for (number, id) in ids.iter().enumerate() {
        let mut rng = recipe.rng("contact", number);
        let ((first, last), place) = (name(&mut rng), place(&mut rng));
        let mut draft = Draft::new(&object, *id);
        let created = recipe.ago(rng.i64(10..600), rng.i64(0..86_400));
        draft.sign(
            &audit,
            users[number % users.len()],
            created,
            Recipe::later(created, recipe, &mut rng),
        );
        // One contact in ten is private: it belongs to no account.
        if number % 10 != 9 {
            draft.set(
                columns.account,
                Value::Id(accounts[rng.usize(..accounts.len())]),
            );
        }
        draft.text(columns.last, last);
        draft.text(columns.first, first);
        draft.text(columns.name, &format!("{first} {last}"));
        draft.text(columns.city, place.city);
        draft.text(columns.country, place.country);
        draft.text(columns.phone, &place.phone(&mut rng));
        if rng.bool() {
            draft.text(columns.mobile, &place.phone(&mut rng));
        }
        draft.text(columns.email, &email(first, last, number));
        draft.text(columns.title, title(&mut rng));
        draft.set(columns.opt_in, Value::Bool(rng.bool()));
        rows.push(draft.row(&audit, false));
    }
    table.extend(rows);
    ids
}
