//! `bridged sandbox`: a local Salesforce that runs until it is stopped.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::env::Env;
use super::exit::Exit;
use super::outcome::{self, Stop};
use super::{args::Format, runtime, signals};
use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::sandbox::faults::{self, Rule};
use crate::sandbox::server::Sandbox;
use crate::sandbox::settings::Settings;

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to listen; only loopback addresses are served, port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8900")]
    pub listen: SocketAddr,

    /// Serve https with a self-signed certificate, whose path is printed.
    #[arg(long)]
    pub tls: bool,

    /// How many leads there are.
    #[arg(long, value_name = "N", default_value = "500")]
    pub leads: usize,

    /// Decides the people, the keys and the tokens.
    #[arg(long, value_name = "N", default_value = "1")]
    pub seed: u64,

    /// How long every answer waits, as `50ms` or `2s`.
    #[arg(long, value_name = "DURATION", default_value = "0ms", value_parser = duration)]
    pub latency: Duration,

    /// Where WhatsApp's events are delivered, as a server of `bridged serve` takes them.
    #[arg(long, value_name = "URL")]
    pub webhook: Option<String>,

    /// Faults that are in force from the start: a JSON file with a list of rules.
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
}

/// Serves until Ctrl-C or SIGTERM; being stopped is its ordinary end.
pub fn execute(args: &Args, env: &Env) -> Exit {
    match runtime::block_on(serve(args, env)).and_then(|ended| ended) {
        Ok(()) => Exit::Done,
        Err(error) => outcome::report("sandbox", Format::Text, &Err(Stop::Failed(error))),
    }
}

async fn serve(args: &Args, env: &Env) -> Result<()> {
    let stopped = signals::listen(None)?;
    let sandbox = Sandbox::start(settings(args, env)?).await?;
    let ready = serde_json::to_string(sandbox.ready())
        .map_err(|error| Error::bug("the sandbox's address has no JSON form").caused_by(error))?;
    outcome::print(&format!("{ready}\n"));
    stopped.cancelled().await;
    sandbox.stop().await;
    Ok(())
}

fn settings(args: &Args, env: &Env) -> Result<Settings> {
    let faults = match &args.faults {
        None => Vec::new(),
        Some(path) => read_faults(&env.directory.join(path))?,
    };
    Ok(Settings {
        listen: args.listen,
        tls: args.tls,
        leads: args.leads,
        seed: args.seed,
        latency: args.latency,
        faults,
        webhook: args.webhook.clone(),
        ..Settings::default()
    })
}

/// `50ms`, `2s` or `1m 30s`.
fn duration(text: &str) -> Result<Duration, String> {
    let parsed: jiff::SignedDuration = text
        .parse()
        .map_err(|_| "write it as `50ms` or `2s`".to_owned())?;
    Duration::try_from(parsed).map_err(|_| "it cannot be negative".to_owned())
}

fn read_faults(path: &Path) -> Result<Vec<Rule>> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!("the faults in `{}` cannot be read", path.display());
        Error::new(Code::SandboxFaults, message).caused_by(error)
    })?;
    faults::read(&text)
}
