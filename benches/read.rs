//! Reading at full size: records a second, peak memory and API calls of `bridged run`, beside a bare loop.
//!
//! `cargo bench --bench read` starts a sandbox in another process, reads 100,000 leads of 20 fields at 2,000 a page, and
//! prints one line a run. `BRIDGED_BENCH_LEADS` takes other sizes, separated by commas. The bare loop sends the same
//! queries from one thread and parses the answers into `serde_json::Value`, nothing else.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

type Failure = Box<dyn std::error::Error>;

const BRIDGED: &str = env!("CARGO_BIN_EXE_bridged");

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
    for size in sizes.split(',') {
        measure(size.trim().parse()?)?;
    }
    Ok(())
}

fn measure(leads: u64) -> Result<(), Failure> {
    let sandbox = Sandbox::start(leads)?;
    let rounds = if leads > 200_000 { 1 } else { ROUNDS };
    let mut bare = Vec::new();
    let mut full = Vec::new();
    for _ in 0..rounds {
        bare.push(bare_loop(&sandbox)?);
        full.push(bridged_run(&sandbox, leads)?);
    }
    let bare = median(bare.iter().map(Duration::as_secs_f64));
    let wall = median(full.iter().map(|run| run.wall.as_secs_f64()));
    let peak = full
        .iter()
        .map(|run| run.peak_kib)
        .max()
        .unwrap_or_default();
    let calls = full.first().map(|run| run.api_calls).unwrap_or_default();
    println!(
        "{leads} leads, {} fields, 2000 a page: bridged {wall:.2} s ({:.0} records/s, {:.1} MiB at its peak, {calls} API calls); \
         bare loop {bare:.2} s; ratio {:.2}",
        FIELDS.len(),
        leads as f64 / wall,
        peak as f64 / 1024.0,
        wall / bare,
    );
    Ok(())
}

/// A sandbox in a process of its own; dropping it ends the process.
struct Sandbox {
    child: Child,
    ready: Value,
}

impl Sandbox {
    fn start(leads: u64) -> Result<Self, Failure> {
        let mut child = Command::new(BRIDGED)
            .args([
                "sandbox",
                "--listen",
                "127.0.0.1:0",
                "--leads",
                &leads.to_string(),
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        Ok(Self {
            child,
            ready: serde_json::from_str(&line)?,
        })
    }

    fn value(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap_or_default()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Run {
    wall: Duration,
    peak_kib: u64,
    api_calls: u64,
}

fn bridged_run(sandbox: &Sandbox, leads: u64) -> Result<Run, Failure> {
    let project = tempfile::tempdir()?;
    write_project(project.path())?;
    let begun = Instant::now();
    let mut child = Command::new(BRIDGED)
        .arg("-C")
        .arg(project.path())
        .args(["run", "leads", "--format", "json"])
        .env("BENCH_URL", sandbox.value("salesforce_url"))
        .env("BENCH_KEY", sandbox.value("consumer_key"))
        .env("BENCH_SECRET", sandbox.value("api_key"))
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    while child.try_wait()?.is_none() {
        peak_kib = peak_kib.max(high_water(&status));
        std::thread::sleep(Duration::from_millis(5));
    }
    let wall = begun.elapsed();
    let report: Value = serde_json::from_reader(child.stdout.take().ok_or("no output")?)?;
    let run = &report["result"]["runs"][0];
    assert_eq!(run["ledger"]["read"], leads, "{report}");
    assert_eq!(run["ledger"]["delivered"], leads, "{report}");
    Ok(Run {
        wall,
        peak_kib,
        api_calls: run["api_calls"].as_u64().unwrap_or_default(),
    })
}

/// The most memory the process had resident, in KiB; 0 where the system does not tell.
fn high_water(status: &str) -> u64 {
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or_default()
}

fn write_project(dir: &Path) -> Result<(), Failure> {
    std::fs::create_dir(dir.join("pipelines"))?;
    std::fs::write(
        dir.join("bridged.yaml"),
        "version: 1\nname: bench\nconnections:\n  salesforce:\n    type: salesforce\n    instance_url: ${BENCH_URL}\n    \
         auth: { method: api_key, consumer_key: \"${BENCH_KEY}\", api_key: \"${BENCH_SECRET}\" }\n    \
         budget: { daily_share: 100% }\n",
    )?;
    let map: Vec<String> = FIELDS
        .iter()
        .map(|field| format!("  {}: \"{{{{ {field} }}}}\"", field.to_lowercase()))
        .collect();
    let map = map.join("\n");
    std::fs::write(
        dir.join("pipelines/leads.yaml"),
        format!(
            "version: 1\nname: leads\ndirection: read\nsource: {{ object: Lead, page_size: 2000 }}\nfield_map:\n{map}"
        ),
    )?;
    Ok(())
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
