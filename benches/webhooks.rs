//! Webhooks at full rate: how many signed deliveries a second `bridged serve` keeps, and how soon it answers.
//!
//! `cargo bench --bench webhooks` starts the server and sends it deliveries of one status each, from this process, over
//! loopback: for `BRIDGED_BENCH_SECONDS` (20) at each of the rates of `BRIDGED_BENCH_RATES` (1000,2000,3000) a second. An answer's
//! time counts from when its delivery was to leave, so that one that waits for its turn counts too. Halfway through the last
//! rate the server is killed and started again, and what it had answered with 200 is counted in its store behind that.
//! Both sides share the machine's cores.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ring::hmac;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

type Failure = Box<dyn std::error::Error>;

const BRIDGED: &str = env!("CARGO_BIN_EXE_bridged");

const SECRET: &str = "a secret of the app";

/// Connections that deliveries come over.
const CONNECTIONS: u64 = 64;

fn main() -> Result<(), Failure> {
    // Only the first one that is installed counts.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(measure())
}

async fn measure() -> Result<(), Failure> {
    let rates = std::env::var("BRIDGED_BENCH_RATES").unwrap_or_else(|_| "1000,2000,3000".into());
    let seconds: u64 = std::env::var("BRIDGED_BENCH_SECONDS")
        .unwrap_or_else(|_| "20".into())
        .parse()?;
    let rates = rates
        .split(',')
        .map(|rate| rate.trim().parse())
        .collect::<Result<Vec<u64>, _>>()?;
    for (number, &rate) in rates.iter().enumerate() {
        let dir = tempfile::tempdir()?;
        write_project(dir.path())?;
        let server = Server::start(dir.path())?;
        let load = Load::new(&server.url, rate, seconds);
        let is_last = number + 1 == rates.len();
        let (answers, restarted) = if is_last {
            let half = tokio::time::sleep(Duration::from_secs(seconds) / 2);
            let dir = dir.path().to_owned();
            let killed = async move {
                half.await;
                drop(server);
                Server::start(&dir)
            };
            let (answers, server) = tokio::join!(load.run(), killed);
            (answers, server?)
        } else {
            (load.run().await, server)
        };
        let told = answers.told(rate, seconds);
        drop(restarted);
        println!("{told}, {} in the store", kept(dir.path())?);
        if is_last {
            println!("the last rate's server was killed halfway: what was not taken got no 200");
        }
    }
    Ok(())
}

fn write_project(dir: &Path) -> Result<(), Failure> {
    std::fs::create_dir(dir.join("pipelines"))?;
    std::fs::write(
        dir.join("bridged.yaml"),
        "version: 1\nname: bench\nstore: sqlite:state/bridged.db\nconnections:\n  whatsapp:\n    type: whatsapp\n    \
         phone_number_id: \"1\"\n    access_token: ${BENCH_TOKEN}\n    app_secret: ${BENCH_APP_SECRET}\n    \
         verify_token: ${BENCH_TOKEN}\n",
    )?;
    let made = Command::new(BRIDGED)
        .args(["vault", "key", "--out"])
        .arg(dir.join("key"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !made.success() {
        return Err("no key was made".into());
    }
    Ok(())
}

/// The server in a process of its own, at one address however often it is started; dropping it kills the process.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(dir: &Path) -> Result<Self, Failure> {
        let address = dir.join("address");
        let listen = std::fs::read_to_string(&address).unwrap_or_else(|_| "127.0.0.1:0".into());
        let mut child = Command::new(BRIDGED)
            .arg("-C")
            .arg(dir)
            .args(["serve", "--listen", &listen])
            .env("BENCH_TOKEN", "a token")
            .env("BENCH_APP_SECRET", SECRET)
            .env("BRIDGED_KEY_FILE", dir.join("key"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line)?;
        let url = ready["url"].as_str().ok_or("no address")?.to_owned();
        std::fs::write(address, url.trim_start_matches("http://"))?;
        Ok(Self { child, url })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Deliveries at one rate.
#[derive(Clone)]
struct Load {
    http: reqwest::Client,
    url: String,
    rate: u64,
    all: u64,
}

impl Load {
    fn new(url: &str, rate: u64, seconds: u64) -> Self {
        Self {
            http: reqwest::Client::new(),
            url: format!("{url}/webhooks/whatsapp"),
            rate,
            all: rate * seconds,
        }
    }

    async fn run(&self) -> Answers {
        let next = Arc::new(AtomicU64::new(0));
        let begun = Instant::now();
        let mut workers = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let load = self.clone();
            let next = Arc::clone(&next);
            workers.spawn(async move { load.work(begun, &next).await });
        }
        let mut answers = Answers::default();
        while let Some(Ok(own)) = workers.join_next().await {
            answers.taken.extend(own.taken);
            answers.not_taken += own.not_taken;
        }
        answers.wall = begun.elapsed();
        answers.taken.sort_unstable();
        answers
    }
}

impl Load {
    /// One connection's part.
    async fn work(&self, begun: Instant, next: &AtomicU64) -> Answers {
        let mut answers = Answers::default();
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= self.all {
                return answers;
            }
            let due = begun + Duration::from_secs_f64(number as f64 / self.rate as f64);
            let body = delivery(number);
            let sent = self
                .http
                .post(&self.url)
                .header("x-hub-signature-256", signature(&key, &body))
                .body(body);
            sleep_until(due).await;
            match sent.send().await {
                Ok(answer) if answer.status() == 200 => answers.taken.push(due.elapsed()),
                _ => answers.not_taken += 1,
            }
        }
    }
}

fn delivery(number: u64) -> Vec<u8> {
    json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "16505550123", "phone_number_id": "1" },
            "statuses": [{
                "id": format!("wamid.{number}"),
                "status": "delivered",
                "timestamp": "1800000000",
                "recipient_id": "447946000001",
            }],
        } }] }],
    })
    .to_string()
    .into_bytes()
}

fn signature(key: &hmac::Key, body: &[u8]) -> String {
    let mut signature = "sha256=".to_owned();
    for byte in hmac::sign(key, body).as_ref() {
        // Writing into a string does not fail.
        let _ = write!(signature, "{byte:02x}");
    }
    signature
}

#[derive(Default)]
struct Answers {
    taken: Vec<Duration>,
    not_taken: u64,
    wall: Duration,
}

impl Answers {
    fn told(&self, rate: u64, seconds: u64) -> String {
        let at = |share: f64| {
            let place = (self.taken.len() as f64 * share) as usize;
            let answer = self
                .taken
                .get(place.min(self.taken.len().saturating_sub(1)));
            answer.copied().unwrap_or_default().as_secs_f64() * 1000.0
        };
        format!(
            "{rate}/s for {seconds} s: {} taken and {} not in {:.1} s ({:.0}/s), p50 {:.1} ms, p99 {:.1} ms, latest {:.1} ms",
            self.taken.len(),
            self.not_taken,
            self.wall.as_secs_f64(),
            self.taken.len() as f64 / self.wall.as_secs_f64(),
            at(0.5),
            at(0.99),
            at(1.0),
        )
    }
}

/// Deliveries that the store knows.
fn kept(dir: &Path) -> Result<i64, Failure> {
    let store = rusqlite::Connection::open(dir.join("state/bridged.db"))?;
    Ok(store.query_row("SELECT count(*) FROM webhooks", [], |row| row.get(0))?)
}
