//! What benchmarks of whole runs share: a sandbox in another process, a project, and one run of the binary.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) type Failure = Box<dyn std::error::Error>;

const BRIDGED: &str = env!("CARGO_BIN_EXE_bridged");

/// A sandbox in a process of its own; dropping it ends the process.
pub(crate) struct Sandbox {
    child: Child,
    ready: Value,
}

impl Sandbox {
    /// Starts a sandbox on a free port with further arguments.
    pub(crate) fn start(args: &[&str]) -> Result<Self, Failure> {
        let mut child = Command::new(BRIDGED)
            .args(["sandbox", "--listen", "127.0.0.1:0"])
            .args(args)
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

    /// A value of the line it printed.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap_or_default()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One run of the binary.
pub(crate) struct Run {
    pub(crate) wall: Duration,
    pub(crate) peak_kib: u64,
    pub(crate) code: Option<i32>,
    /// The run's part of the report.
    pub(crate) report: Value,
}

impl Run {
    /// A count of the report, by the names that lead to it.
    pub(crate) fn count(&self, names: &[&str]) -> u64 {
        let value = names.iter().fold(&self.report, |value, name| &value[name]);
        value.as_u64().unwrap_or_default()
    }

    /// The most memory the process had resident, in MiB.
    pub(crate) fn peak_mib(&self) -> f64 {
        self.peak_kib as f64 / 1024.0
    }
}

/// Writes a project with one pipeline.
pub(crate) fn write_project(dir: &Path, pipeline: &str, yaml: &str) -> Result<(), Failure> {
    std::fs::create_dir(dir.join("pipelines"))?;
    std::fs::write(
        dir.join("bridged.yaml"),
        "version: 1\nname: bench\nconnections:\n  salesforce:\n    type: salesforce\n    instance_url: ${BENCH_URL}\n    \
         auth: { method: api_key, consumer_key: \"${BENCH_KEY}\", api_key: \"${BENCH_SECRET}\" }\n    \
         budget: { daily_share: 100% }\n",
    )?;
    std::fs::write(dir.join(format!("pipelines/{pipeline}.yaml")), yaml)?;
    Ok(())
}

/// Runs a pipeline of a project, and watches the memory of the process.
pub(crate) fn run(dir: &Path, args: &[&str], sandbox: &Sandbox) -> Result<Run, Failure> {
    let begun = Instant::now();
    let mut child = Command::new(BRIDGED)
        .arg("-C")
        .arg(dir)
        .arg("run")
        .args(args)
        .args(["--format", "json"])
        .env("BENCH_URL", sandbox.value("salesforce_url"))
        .env("BENCH_KEY", sandbox.value("consumer_key"))
        .env("BENCH_SECRET", sandbox.value("api_key"))
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    let ended = loop {
        peak_kib = peak_kib.max(high_water(&status));
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let wall = begun.elapsed();
    let report: Value = serde_json::from_reader(child.stdout.take().ok_or("no output")?)?;
    Ok(Run {
        wall,
        peak_kib,
        code: ended.code(),
        report: report["result"]["runs"][0].clone(),
    })
}

/// The most memory the process had resident, in KiB; 0 where the system does not tell.
fn high_water(status: &str) -> u64 {
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or_default()
}
