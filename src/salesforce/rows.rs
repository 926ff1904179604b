//! Reading the rows that have certain keys, and counting rows.

use crate::foundation::error::{Error, Result};
use crate::foundation::record::Record;
use crate::soql::text;

use super::client::Client;
use super::query::Scope;

/// The most keys of one query.
const MOST_KEYS: usize = 200;

/// The most bytes of one query's list of keys, far below the 100,000 characters a query may have.
const MOST_LIST_BYTES: usize = 64 << 10;

impl Client {
    /// The rows of an object whose field `key` has one of `keys`, with `Id`, that field, and `fields`, which may be paths over
    /// parents (`Owner.Name`). The field must hold text or ids.
    ///
    /// Rows come in no certain order; a key that no row has is passed over, and text is compared without regard to case.
    /// It asks once for every 200 keys, and for less where they are long.
    pub async fn rows_by_key(
        &self,
        object: &str,
        key: &str,
        keys: &[&str],
        fields: &[&str],
    ) -> Result<Vec<Record>> {
        let mut columns = vec!["Id"];
        for column in [key].iter().chain(fields) {
            if !columns
                .iter()
                .any(|known| known.eq_ignore_ascii_case(column))
            {
                columns.push(column);
            }
        }
        if !text::is_name(object) || !columns.iter().all(|column| text::is_path(column)) {
            return Err(Error::bug(
                "a row is looked up by something else than API names",
            ));
        }
        let head = format!(
            "SELECT {} FROM {object} WHERE {key} IN ",
            columns.join(", ")
        );
        let mut rows = Vec::new();
        for chunk in chunks(keys) {
            let Some(list) = text::string_list(chunk.iter().copied()) else {
                continue;
            };
            let mut page = self
                .query(&format!("{head}{list}"), Scope::Live, None)
                .await?;
            rows.append(&mut page.records);
            while let Some(next) = page.next {
                page = self.next(&next).await?;
                rows.append(&mut page.records);
            }
        }
        Ok(rows)
    }

    /// How many rows a query of the form `SELECT COUNT() FROM …` finds.
    pub async fn count(&self, soql: &str) -> Result<u64> {
        Ok(self.query(soql, Scope::Live, None).await?.total_size)
    }
}

/// The keys in groups that fit one query each.
fn chunks<'a, 'k>(keys: &'a [&'k str]) -> Vec<&'a [&'k str]> {
    let mut chunks = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, key) in keys.iter().enumerate() {
        // An escape takes at most six bytes, and each key has its quotes and comma.
        let cost = key.len() * 6 + 4;
        if at > start && (at - start == MOST_KEYS || bytes + cost > MOST_LIST_BYTES) {
            chunks.push(&keys[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += cost;
    }
    chunks.push(&keys[start..]);
    chunks
}
