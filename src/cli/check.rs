//! `bridged check`: whether a connection works, one line a step.

use std::sync::Arc;

use super::args::Format;
use super::checklist::Checklist;
use super::env::Env;
use super::exit::Exit;
use super::org::Org;
use super::outcome::{Ended, Outcome, Stop};
use super::runtime;
use super::workspace::Workspace;
use crate::check::{self, Step, Subject, messaging};
use crate::engine::round_trip;
use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::plan::Plan;
use crate::salesforce::client::Client;
use crate::salesforce::credentials::Credentials;
use crate::salesforce::settings::Settings;
use crate::salesforce::write::Writer;
use crate::whatsapp::client as whatsapp;

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The connection, by its name in the project; may be left out where there is one Salesforce connection.
    pub connection: Option<String>,

    /// Create a test lead, read it, mark it as qualified, see it written back, and remove it.
    #[arg(long)]
    pub write: bool,

    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// Asks the org, step by step; a step that fails ends what depends on it.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let workspace = Workspace::load(env, &[])?;
    let (connection, known) = workspace.connection(args.connection.as_deref())?;
    let planned = workspace.plans()?;
    let is_whatsapp = known.whatsapp().is_some();
    if args.write {
        may_write(&workspace, &connection)?;
    }
    let plans: Vec<_> = planned
        .plans
        .iter()
        .filter(|plan| plan.connection == connection)
        .cloned()
        .collect();
    let list = runtime::block_on(async {
        let org = Org::open(&workspace).await?;
        if is_whatsapp {
            return messages(&org, connection, &planned.plans).await;
        }
        let settings = org.settings(&connection)?;
        let mut list = Checklist {
            connection: connection.clone(),
            address: settings.instance_url.clone(),
            steps: Vec::new(),
            api_calls: 0,
        };
        match Client::new(settings.clone().impatient()) {
            Ok(client) => {
                list.steps = ask(args, &org, &settings, &client, &plans).await;
                list.api_calls = client.usage().api_calls;
            }
            Err(error) => list.steps.push(Step::failed("address", (&error).into())),
        }
        Ok::<_, Error>(list)
    })??;
    let exit = if list.steps.iter().all(Step::passed) {
        Exit::Done
    } else {
        Exit::Failed
    };
    let mut outcome = Outcome::new(exit, list.json(), list.text(env.width));
    outcome.findings = planned.findings;
    outcome.told = list.findings();
    Ok(outcome)
}

/// The steps of the connection and its pipelines, and of a test lead where one is asked for.
async fn ask(
    args: &Args,
    org: &Org<'_>,
    settings: &Settings,
    client: &Client,
    plans: &[Arc<Plan>],
) -> Vec<Step> {
    let messaging = |name: &str| whatsapp::Client::new(org.whatsapp(name)?);
    let subject = Subject {
        client,
        signs_in: signs_in(settings),
        api_version: &settings.api_version,
        plans,
        messaging: &messaging,
    };
    let mut steps = check::check(&subject).await;
    let is_connected = steps
        .iter()
        .filter(|step| step.pipeline.is_none())
        .all(Step::passed);
    if args.write && is_connected {
        let legs = round_trip::run(&Writer::new(client.clone())).await;
        steps.extend(legs.into_iter().map(Step::from));
    }
    steps
}

/// How a connection signs in, in words.
const fn signs_in(settings: &Settings) -> &'static str {
    match settings.credentials {
        Credentials::ApiKey { .. } => "client credentials",
        Credentials::Jwt { .. } => "JWT bearer",
        Credentials::Oauth { .. } => "web server flow, with kept tokens",
    }
}

/// The sender of a WhatsApp connection, and the templates of the pipelines that send by it.
async fn messages(org: &Org<'_>, connection: String, plans: &[Arc<Plan>]) -> Result<Checklist> {
    let settings = org.whatsapp(&connection)?;
    let mut list = Checklist {
        address: settings.api_url.clone(),
        connection,
        steps: Vec::new(),
        api_calls: 0,
    };
    match whatsapp::Client::new(settings) {
        Ok(client) => {
            list.steps = messaging::check(&list.connection, &client, plans).await;
        }
        Err(error) => list.steps.push(Step::failed("address", (&error).into())),
    }
    Ok(list)
}

/// Refuses the round trip of a lead where the project does not let bridged write leads.
fn may_write(workspace: &Workspace, name: &str) -> Result<(), Stop> {
    let (_, connection) = workspace.salesforce(Some(name))?;
    let Some(objects) = &connection.objects else {
        return Ok(());
    };
    let access = objects
        .iter()
        .find(|(object, _)| object.as_str().eq_ignore_ascii_case(round_trip::OBJECT));
    if access.is_some_and(|(_, access)| access.writes()) {
        return Ok(());
    }
    let message = format!("`--write` writes a Lead, and the connection `{name}` may not");
    let help =
        "write `Lead: read_write` under `objects` of the connection, or check without `--write`";
    Err(Error::new(Code::ObjectNotAllowed, message)
        .help(help)
        .into())
}
