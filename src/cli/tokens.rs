//! Tokens as a table and as JSON.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::exit::Exit;
use super::ledger::moment;
use super::outcome::Outcome;
use super::table::{self, Cell};
use super::text::{BOLD, DIM};
use crate::store::model::ApiToken;

/// A line a token, without the token itself.
pub(super) fn table_of(tokens: &[ApiToken], now: Timestamp) -> Outcome {
    let rows: Vec<Value> = tokens
        .iter()
        .map(|token| {
            json!({
                "name": token.name,
                "role": token.role.as_str(),
                "created_at": token.created_at,
                "expires_at": token.expires_at,
            })
        })
        .collect();
    let cells: Vec<Vec<Cell>> = tokens
        .iter()
        .map(|token| {
            let until = match token.expires_at {
                None => "until it is revoked".to_owned(),
                Some(at) if at <= now => format!("expired {}", moment(at)),
                Some(at) => format!("until {}", moment(at)),
            };
            vec![
                Cell::text(&token.name).style(BOLD),
                Cell::text(token.role.as_str()),
                Cell::text(&moment(token.created_at)).style(DIM),
                Cell::text(&until),
            ]
        })
        .collect();
    let text = if cells.is_empty() {
        "no tokens: `bridged token create NAME --role operator` makes one\n".to_owned()
    } else {
        table::render(&["token", "role", "made", "good"], &cells)
    };
    Outcome::new(Exit::Done, json!({ "tokens": rows }), text)
}
