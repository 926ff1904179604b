//! The data of a fresh sandbox: the same for the same seed, number of leads and day.
//!
//! The well-known sample leads of a new developer org come first; generated ones follow, with the faults that real
//! lead lists have. Every stamp lies in the past of the day's first instant, by [`QUIET`] seconds at least.

mod columns;
mod companies;
mod engagement;
mod leads;
mod people;
mod sample;
pub(super) mod setup;

use fastrand::Rng;

use super::ids::RecordId;
use super::objects;
use super::org::{INSTANCE, Org};
use super::value::Stamp;

/// How long before the anchor the last row was touched, in seconds.
pub const QUIET: i64 = 15 * 60;

/// What decides the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe {
    /// Another seed gives other people.
    pub seed: u64,
    /// How many leads are not deleted; the sample leads are among them.
    pub leads: usize,
    /// The first instant of the day on which everything is in the past.
    pub anchor: Stamp,
}

impl Recipe {
    /// A source of chance for one thing: the same whatever else is generated.
    fn rng(&self, what: &str, number: usize) -> Rng {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for byte in what.bytes().chain(number.to_le_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Rng::with_seed(hash)
    }

    /// An instant between a row's making and the anchor's quiet time: most rows change soon, some long after.
    fn later(created: Stamp, recipe: Recipe, rng: &mut Rng) -> Stamp {
        let latest = recipe.anchor.0 - QUIET;
        let span = (latest - created.0).max(0);
        let after = if rng.bool() {
            rng.i64(0..=span.min(7_200))
        } else {
            rng.i64(0..=span)
        };
        Stamp(created.0 + after)
    }

    /// An instant `days` and `seconds` before the anchor's quiet time.
    fn ago(&self, days: i64, seconds: i64) -> Stamp {
        Stamp(self.anchor.0 - QUIET - days * 86_400 - seconds)
    }
}

/// Builds the org.
pub fn grow(recipe: Recipe) -> Org {
    let organization = RecordId::from_serial(*b"00D", INSTANCE, 1);
    let mut org = Org::new(organization, objects::all());
    let users = setup::fill(&mut org, recipe);
    let accounts = companies::fill(&mut org, recipe, &users);
    let contacts = people::fill(&mut org, recipe, &users, &accounts);
    let leads = leads::fill(&mut org, recipe, &users, &accounts, &contacts);
    engagement::fill(&mut org, recipe, &users, &leads, &contacts);
    setup::define_entities(&mut org);
    org
}

/// One of several, by chance.
fn pick<'a, T: ?Sized>(rng: &mut Rng, list: &[&'a T]) -> &'a T {
    list[rng.usize(..list.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::describe::ObjectType;
    use crate::sandbox::table::Row;
    use crate::sandbox::value::Value;

    const RECIPE: Recipe = Recipe {
        seed: 1,
        leads: 1_000,
        anchor: Stamp(1_790_000_000),
    };

    fn rows(recipe: Recipe) -> Vec<Row> {
        let org = grow(recipe);
        let table = org.table("Lead").unwrap();
        assert_eq!(table.live(), recipe.leads);
        table.rows().map(|(_, row)| row.clone()).collect()
    }

    fn values(rows: &[Row]) -> Vec<Vec<Value>> {
        rows.iter().map(|row| row.to_values(60)).collect()
    }

    #[test]
    fn the_same_recipe_gives_the_same_rows() {
        assert_eq!(values(&rows(RECIPE)), values(&rows(RECIPE)));
        let other = rows(Recipe { seed: 2, ..RECIPE });
        assert_ne!(values(&rows(RECIPE)), values(&other));
    }

    #[test]
    fn every_stamp_is_quiet_before_the_anchor_and_no_row_changed_before_it_was_made() {
        let org = grow(RECIPE);
        for table in org.tables().iter().filter(|table| table.has_stamps()) {
            let column = |name| table.object().index_of(name).unwrap();
            let (created, stamp) = (column("CreatedDate"), column("SystemModstamp"));
            for (_, row) in table.rows() {
                let (made, changed) = (
                    row.get(created).as_stamp().unwrap(),
                    row.get(stamp).as_stamp().unwrap(),
                );
                assert!(made <= changed && changed.0 <= RECIPE.anchor.0 - QUIET);
            }
        }
    }

    #[test]
    fn every_text_fits_its_field_and_every_reference_points_to_a_row() {
        let org = grow(RECIPE);
        for table in org.tables() {
            for (_, row) in table.rows() {
                check(&org, table.object(), row);
            }
        }
    }

    fn check(org: &Org, object: &ObjectType, row: &Row) {
        for (at, field) in object.fields.iter().enumerate() {
            match row.get(at) {
                Value::Text(text) => {
                    let length = text.as_str().chars().count();
                    assert!(
                        length <= field.length as usize,
                        "{} {}",
                        object.name,
                        field.name
                    );
                }
                Value::Id(id) if at > 0 => {
                    let target = org.row(*id).map(|(table, _)| table.object().name.clone());
                    assert!(target.is_some_and(|name| field.reference_to.contains(&name)));
                }
                _ => {}
            }
        }
    }

    #[test]
    fn ten_thousand_leads_share_stamps_by_the_thousand() {
        let rows = rows(Recipe {
            leads: 10_000,
            ..RECIPE
        });
        let org = grow(RECIPE);
        let column = org
            .table("Lead")
            .unwrap()
            .object()
            .index_of("SystemModstamp")
            .unwrap();
        let mut counts = std::collections::HashMap::new();
        for row in &rows {
            *counts.entry(row.get(column).as_stamp()).or_insert(0) += 1;
        }
        assert!(counts.values().max() >= Some(&5_000));
    }
}
