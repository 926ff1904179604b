//! Reading at full size: records a second, peak memory and API calls of `bridged run`, beside a bare loop.
//!
//! `cargo bench --bench read` starts a sandbox in another process, reads 100,000 leads of 20 fields at 2,000 a page, and
//! prints one line a size. `BRIDGED_BENCH_LEADS` takes other sizes, separated by commas, and behind each but the first
//! its peak memory is told as a ratio to the first one's. The bare loop sends the same queries from one thread and parses
//! the answers into `serde_json::Value`, nothing else; its time begins behind its sign-in. The time of bridged is that of
//! the whole process: start, sign-in, description, pages, commits and report.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod support;

use std::time::{Duration, Instant};

use serde_json::Value;

use support::{Failure, Run, Sandbox};

/// Each side runs so often, in turn; the median is told.
const ROUNDS: usize = 5;

const FIELDS: [&str; 20] = [
    "FirstName",
    "LastName",
    "Title",
    "Company",
    "Street",
    "City",
    "State",
    "PostalCode",
    "Country",
    "Phone",
    "MobilePhone",
    "Email",
    "Website",
    "LeadSource",
    "Status",
    "Industry",
    "Rating",
    "AnnualRevenue",
    "NumberOfEmployees",
    "CreatedDate",
];

fn main() -> Result<(), Failure> {
    let sizes = std::env::var("BRIDGED_BENCH_LEADS").unwrap_or_else(|_| "100000".to_owned());
    let mut first = None;
    for size in sizes.split(',') {
        let leads = size.trim().parse()?;
        let peak = measure(leads)?;
        let (first_leads, first_peak) = *first.get_or_insert((leads, peak));
        if first_leads != leads {
            println!(
                "peak memory with {leads} leads is {:.2} times that with {first_leads}",
                peak / first_peak
            );
        }
    }
    Ok(())
}

/// Measures one size and returns the peak memory of bridged in MiB.
fn measure(leads: u64) -> Result<f64, Failure> {
    let sandbox = Sandbox::start(&["--leads", &leads.to_string()])?;
    let rounds = if leads > 200_000 { 1 } else { ROUNDS };
    let mut bare = Vec::new();
    let mut full = Vec::new();
    for _ in 0..rounds {
        bare.push(bare_loop(&sandbox)?);
        full.push(bridged_run(&sandbox, leads)?);
    }
    let bare = median(bare.iter().map(Duration::as_secs_f64));
    let wall = median(full.iter().map(|run| run.wall.as_secs_f64()));
    let peak = full.iter().map(Run::peak_mib).fold(0.0, f64::max);
    let calls = full
        .first()
        .map(|run| run.count(&["api_calls"]))
        .unwrap_or_default();
    println!(
        "{leads} leads, {} fields, 2000 a page: bridged {wall:.2} s ({:.0} records/s, {:.1} MiB at its peak, {calls} API calls); \
         bare loop {bare:.2} s; ratio {:.2}",
        FIELDS.len(),
        leads as f64 / wall,
        peak,
        wall / bare,
    );
    Ok(peak)
}

fn bridged_run(sandbox: &Sandbox, leads: u64) -> Result<Run, Failure> {
    let project = tempfile::tempdir()?;
    support::write_project(project.path(), "leads", &pipeline())?;
    let run = support::run(project.path(), &["leads"], sandbox)?;
    assert_eq!(run.code, Some(0), "{}", run.report);
    assert_eq!(run.count(&["ledger", "read"]), leads, "{}", run.report);
    assert_eq!(run.count(&["ledger", "delivered"]), leads, "{}", run.report);
    Ok(run)
}

fn pipeline() -> String {
    let map: Vec<String> = FIELDS
        .iter()
        .map(|field| format!("  {}: \"{{{{ {field} }}}}\"", field.to_lowercase()))
        .collect();
    let map = map.join("\n");
    format!(
        "version: 1\nname: leads\ndirection: read\nsource: {{ object: Lead, page_size: 2000 }}\nfield_map:\n{map}"
    )
}

/// The same pages, one after the other, parsed and dropped.
fn bare_loop(sandbox: &Sandbox) -> Result<Duration, Failure> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let client = reqwest::Client::builder().build()?;
        let url = sandbox.value("salesforce_url");
        let form = [("grant_type", "client_credentials")];
        let token: Value = client
            .post(format!("{url}/services/oauth2/token"))
            .basic_auth(sandbox.value("consumer_key"), Some(sandbox.value("api_key")))
            .form(&form)
            .send()
            .await?
            .json()
            .await?;
        let token = token["access_token"].as_str().ok_or("no token")?;
        let begun = Instant::now();
        let mut after = String::new();
        loop {
            let soql = format!(
                "SELECT Id, {}, SystemModstamp FROM Lead {after} \
                 ORDER BY SystemModstamp ASC NULLS FIRST, Id ASC NULLS FIRST LIMIT 2000",
                FIELDS.join(", ")
            );
            let body = client
                .get(format!("{url}/services/data/v67.0/query"))
                .query(&[("q", soql.as_str())])
                .bearer_auth(token)
                .send()
                .await?
                .bytes()
                .await?;
            let page: Value = serde_json::from_slice(&body)?;
            let records = page["records"].as_array().ok_or("no records")?;
            let Some(last) = records.last().filter(|_| records.len() == 2000) else { break };
            let stamp = last["SystemModstamp"].as_str().unwrap_or_default().replace(".000+0000", "Z");
            let id = last["Id"].as_str().unwrap_or_default();
            after = format!(
                "WHERE SystemModstamp >= {stamp} AND (SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > '{id}'))"
            );
        }
        Ok(begun.elapsed())
    })
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
