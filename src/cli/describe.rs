//! `bridged describe`: what the org says of an object, kept in the project for validation without the org.

use std::fs;

use serde_json::json;

use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::org::Org;
use super::outcome::{Ended, Outcome, Stop};
use super::text::{DIM, GOOD, count, line, paint};
use super::workspace::{SNAPSHOTS, Workspace};
use super::{object, runtime};
use crate::check::described;
use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, nearest};
use crate::foundation::error::{Error, Result};
use crate::salesforce::describe::ObjectDescribe;

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub what: What,
}

/// What to do with descriptions.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Fetch objects from the org and keep them in `schemas/salesforce`.
    Pull(Pull),
    /// Show an object as it is kept.
    Show(Show),
}

/// What can be typed behind `describe pull`.
#[derive(Debug, clap::Args)]
pub struct Pull {
    /// The objects, by API name; all that the project's pipelines use without it.
    #[arg(value_name = "OBJECT")]
    pub objects: Vec<String>,

    /// The connection to ask; may be left out where there is one.
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,

    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// What can be typed behind `describe show`.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// The object, by its API name.
    pub object: String,

    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// The form asked for.
pub const fn format(args: &Args) -> Format {
    match &args.what {
        What::Pull(pull) => pull.format,
        What::Show(show) => show.format,
    }
}

/// Fetches or shows.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let workspace = Workspace::load(env, &[])?;
    match &args.what {
        What::Pull(args) => pull(args, &workspace),
        What::Show(args) => show(&args.object, &workspace),
    }
}

fn pull(args: &Pull, workspace: &Workspace) -> Ended {
    let objects = if args.objects.is_empty() {
        described::objects(&workspace.check().plans)
    } else {
        args.objects.clone()
    };
    let (connection, _) = workspace.salesforce(args.connection.as_deref())?;
    let described = runtime::block_on(async {
        let org = Org::open(workspace).await?;
        let client = org.client(&connection, None)?;
        let mut described = Vec::new();
        for object in &objects {
            described.push(client.describe(object, None).await?.object);
        }
        Ok::<_, Error>(described)
    })??;
    let mut text = String::new();
    let mut rows = Vec::new();
    for object in described {
        let path = keep(&object, workspace)?;
        let fields = count(object.fields.len() as u64, "field");
        line(
            &mut text,
            format_args!("{} {path}  {}", paint(GOOD, "kept"), paint(DIM, &fields)),
        );
        rows.push(json!({ "object": object.name, "file": path, "fields": object.fields.len() }));
    }
    Ok(Outcome::new(Exit::Done, json!({ "objects": rows }), text))
}

fn keep(object: &ObjectDescribe, workspace: &Workspace) -> Result<String> {
    let path = format!("{SNAPSHOTS}/{}.json", object.name);
    let target = workspace.directory.join(&path);
    let json = serde_json::to_string_pretty(object)
        .map_err(|error| Error::bug("a description has no JSON form").caused_by(error))?;
    // Written beside and renamed, so that no reader ever meets half a file.
    let beside = target.with_extension("json.new");
    let write = || {
        fs::create_dir_all(workspace.directory.join(SNAPSHOTS))?;
        fs::write(&beside, json + "\n")?;
        fs::rename(&beside, &target)
    };
    write().map_err(|error| {
        Error::new(
            Code::FileNotWritten,
            format!("`{path}` could not be written"),
        )
        .caused_by(error)
    })?;
    Ok(path)
}

fn show(name: &str, workspace: &Workspace) -> Ended {
    let (snapshots, unreadable) = workspace.snapshots();
    let Some(object) = snapshots.get(name) else {
        return Err(unknown(name, workspace, unreadable));
    };
    let result = serde_json::to_value(object)
        .map_err(|error| Error::bug("a description has no JSON form").caused_by(error))?;
    Ok(Outcome::new(Exit::Done, result, object::text(object)))
}

fn unknown(name: &str, workspace: &Workspace, mut unreadable: Vec<Diagnostic>) -> Stop {
    let kept = workspace.snapshot_names();
    let help = match nearest(name, kept.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("fetch it with `bridged describe pull {name}`"),
    };
    let message = format!("no description of `{name}` is kept");
    unreadable.push(Diagnostic::error(Code::UnknownSnapshot, message).help(help));
    Stop::Invalid(unreadable)
}
