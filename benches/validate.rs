//! What validating costs before templates and SOQL: reading, parsing, schema, types and the checks of files.
//!
//! `cargo bench --bench validate [-- FILES]`; 1,000 files of about 2 KB where nothing is said. Prints the best and the
//! median of ten passes over a project on disk, and how one file's time is spent.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bridged::foundation::diagnostic::SourceFile;
use bridged::spec::{load, read, yaml};

const PASSES: usize = 10;

const PROJECT: &str = "version: 1\nname: bench\nconnections:\n  salesforce: { type: salesforce, instance_url: \"${URL}\", auth: { method: oauth }, objects: { Lead: read_write } }\n";

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let files = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(1_000);
    let folder = tempfile::tempdir()?;
    let text = pipeline(0);
    write_project(folder.path(), files)?;
    let mut out = std::io::stdout();
    writeln!(out, "{files} files of {} bytes", text.len())?;

    let mut times = Vec::new();
    for _ in 0..PASSES {
        let start = Instant::now();
        let loaded = load::load_project(folder.path());
        times.push(start.elapsed());
        if loaded.pipelines.len() != files || !loaded.diagnostics.is_empty() {
            return Err(format!("{:?}", loaded.diagnostics.first()).into());
        }
    }
    times.sort();
    let (best, median) = (times[0], times[PASSES / 2]);
    writeln!(out, "project     best {best:>9.2?}  median {median:>9.2?}")?;

    let file = Arc::new(SourceFile {
        path: "p.yaml".to_owned(),
        text: text.clone(),
        first_line: 1,
    });
    let parse = each(files, || drop(yaml::parse(&file)));
    let whole = each(files, || drop(read::pipeline("p.yaml", text.as_bytes())));
    writeln!(
        out,
        "one file    {whole:>9.2?} in all, {parse:>9.2?} of it YAML"
    )?;
    Ok(())
}

/// The time of one call, as the mean of as many calls as there are files.
fn each(calls: usize, mut call: impl FnMut()) -> Duration {
    let start = Instant::now();
    for _ in 0..calls {
        call();
    }
    start.elapsed() / u32::try_from(calls).unwrap_or(u32::MAX)
}

fn write_project(folder: &Path, files: usize) -> Outcome {
    fs::write(folder.join("bridged.yaml"), PROJECT)?;
    fs::create_dir(folder.join("pipelines"))?;
    for index in 0..files {
        fs::write(
            folder.join(format!("pipelines/p{index:05}.yaml")),
            pipeline(index),
        )?;
    }
    Ok(())
}

fn pipeline(index: usize) -> String {
    let line = |field| format!("  field_{field}: \"{{{{ Custom_Field_{field}__c | trim }}}}\"\n");
    let fields = (0..20).map(line).collect::<Vec<_>>().concat();
    format!(
        r#"# yaml-language-server: $schema=../schemas/pipeline.schema.json
version: 1
name: p{index}
description: Score open leads on their engagement and write the score back.
playbook: qualification
connection: salesforce
direction: read_write
schedule: {{ cron: "0 6 * * 1-5", timezone: Europe/London }}
source:
  object: Lead
  where: "IsConverted = false"
  overlap: 10m
  page_size: 200
  related:
    Tasks: {{ where: "CreatedDate = LAST_N_DAYS:90", limit: 200 }}
field_map:
  full_name: "{{{{ FirstName }}}} {{{{ LastName }}}}"
  phone: "{{{{ MobilePhone | e164(country='US') }}}}"
{fields}filter: "{{{{ phone is not none }}}}"
score:
  base: 0
  rules:
    - {{ name: replied, when: "{{{{ engagement.replies > 0 }}}}", points: 40 }}
    - {{ name: called, when: "{{{{ Tasks | length >= 2 }}}}", points: 20 }}
  clamp: [0, 100]
  grades: {{ Hot: 80, Warm: 50, Cold: 0 }}
targets:
  lead:
    object: Lead
    operation: update
    match: {{ Id: "{{{{ salesforce_id }}}}" }}
    field_map:
      Lead_Score__c: "{{{{ score }}}}"
      Rating: "{{{{ grade }}}}"
batch: {{ size: 50, concurrency: 4 }}
on_error: {{ max_attempts: 6, max_rejected: 5% }}
"#
    )
}
