//! The sandbox's answers at full size: what a page costs on a million leads, without HTTP.
//!
//! `cargo bench --bench query` prints one line a query: the median time to find the rows and to write the first page.
//! `BRIDGED_BENCH_LEADS` takes another number of leads.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::{Duration, Instant};

use bridged::sandbox::ids::RecordId;
use bridged::sandbox::org::Org;
use bridged::sandbox::query::output::{Page, write_answer};
use bridged::sandbox::query::run::{Options, execute};
use bridged::sandbox::seed::{Recipe, grow};
use bridged::sandbox::user::{Permissions, User};
use bridged::sandbox::value::Stamp;
use bridged::soql::text::datetime;

type Failure = Box<dyn std::error::Error>;

const LEADS: usize = 1_000_000;

/// Each query runs so often; the median is told.
const ROUNDS: usize = 21;

const FIELDS: &str = "Id, FirstName, LastName, Company, Email, Phone, MobilePhone, Status, SystemModstamp, Owner.Name";

fn main() -> Result<(), Failure> {
    let leads = match std::env::var("BRIDGED_BENCH_LEADS") {
        Ok(text) => text.parse()?,
        Err(_) => LEADS,
    };
    let anchor = Stamp::of("2026-01-01T00:00:00Z".parse()?);
    let started = Instant::now();
    let org = grow(Recipe {
        seed: 1,
        leads,
        anchor,
    });
    println!("{leads} leads grown in {:.1?}", started.elapsed());
    let user = User {
        id: RecordId::MIN,
        username: String::new(),
        timezone: "UTC".to_owned(),
        permissions: Permissions::default(),
    };
    let options = Options {
        include_deleted: false,
        now: anchor.timestamp(),
    };
    for (name, soql) in queries(&org)? {
        let mut found = Vec::with_capacity(ROUNDS);
        let mut written = Vec::with_capacity(ROUNDS);
        let mut out = Vec::new();
        for _ in 0..ROUNDS {
            out.clear();
            let started = Instant::now();
            let answer = execute(&org, &user, &soql, options).map_err(|error| error.message)?;
            found.push(started.elapsed());
            let started = Instant::now();
            let mut page = Page {
                org: &org,
                version: "67.0",
                batch: 2_000,
                keep: &mut |_| "01g".to_owned(),
            };
            write_answer(&mut out, &mut page, &answer);
            written.push(started.elapsed());
        }
        let (found, written) = (median(found), median(written));
        println!(
            "{name:32} find {found:>9.1?}  write {written:>9.1?}  {} bytes",
            out.len()
        );
    }
    Ok(())
}

/// Queries that begin in the middle of the stamps, so that an index must be entered at a place of its own.
fn queries(org: &Org) -> Result<Vec<(&'static str, String)>, Failure> {
    let table = org.table("Lead").ok_or("no leads")?;
    let stamp_field = table
        .object()
        .index_of("SystemModstamp")
        .ok_or("no stamps")?;
    let middle = table.in_stamp_order(..).nth(table.stored() / 2);
    let row = middle
        .and_then(|number| table.row(number))
        .ok_or("no rows")?;
    let stamp = row.get(stamp_field).as_stamp().ok_or("no stamp")?;
    let (stamp, id) = (datetime(stamp.timestamp()), row.id());
    let window = format!(
        "(SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > '{id}')) \
         AND SystemModstamp <= 2026-01-01T00:00:00Z"
    );
    let order = "ORDER BY SystemModstamp ASC, Id ASC LIMIT";
    let step = (table.stored() / 200).max(1);
    let ids: Vec<String> = table
        .rows()
        .step_by(step)
        .map(|(_, row)| format!("'{}'", row.id()))
        .collect();
    let ids = ids.join(",");
    Ok(vec![
        (
            "keyset page of 2,000",
            format!("SELECT {FIELDS} FROM Lead WHERE {window} {order} 2000"),
        ),
        (
            "keyset page of 50",
            format!("SELECT {FIELDS} FROM Lead WHERE {window} {order} 50"),
        ),
        (
            "the same with a condition",
            format!(
                "SELECT {FIELDS} FROM Lead WHERE {window} AND (Company LIKE '%a%') {order} 2000"
            ),
        ),
        (
            "the same with tasks",
            format!(
                "SELECT {FIELDS}, (SELECT Id, Subject FROM Tasks LIMIT 200) FROM Lead WHERE {window} {order} 2000"
            ),
        ),
        (
            "Id IN of 200",
            format!("SELECT {FIELDS} FROM Lead WHERE Id IN ({ids})"),
        ),
        (
            "WhoId IN of 200",
            format!("SELECT Id, Subject FROM Task WHERE WhoId IN ({ids})"),
        ),
        (
            "count of half the leads",
            format!("SELECT COUNT() FROM Lead WHERE SystemModstamp > {stamp}"),
        ),
        (
            "every row, without an index",
            "SELECT COUNT() FROM Lead WHERE Company LIKE '%zz%'".to_owned(),
        ),
    ])
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
