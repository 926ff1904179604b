//! `bridged campaign`: how campaigns stand, and holding them.

use serde_json::{Map, json};

use super::actor::actor;
use super::args::Format;
use super::campaigns::table_of;
use super::env::Env;
use super::exit::Exit;
use super::outcome::{Ended, Outcome};
use super::text::{BOLD, GOOD, clean, paint};
use super::workspace::Workspace;
use crate::foundation::clock::Clock;
use crate::foundation::code::Code;
use crate::foundation::diagnostic::nearest;
use crate::foundation::error::{Error, Result};
use crate::store::Store;
use crate::store::model::{AuditAction, CampaignState, NewAudit};

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub what: What,

    /// The form of the report: text or json.
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// What to do with campaigns.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// List all, with their messages by state.
    List,
    /// Show one.
    Show {
        /// The campaign.
        name: String,
    },
    /// Send nothing more of it until it is resumed.
    Pause {
        /// The campaign.
        name: String,
    },
    /// Go on where it was paused or stopped.
    Resume {
        /// The campaign.
        name: String,
    },
    /// Give up what was not sent.
    Stop {
        /// The campaign.
        name: String,
    },
}

/// The form asked for.
pub const fn format(args: &Args) -> Format {
    args.format
}

/// Looks, or changes a campaign's state, which the audit log tells of.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let store = Workspace::load(env, &[])?.store()?;
    let store = store.as_ref();
    let (name, state) = match &args.what {
        What::List => return Ok(table_of(&store.campaigns()?, store)?),
        What::Show { name } => {
            let campaign = store.campaign(name)?;
            let campaign = campaign.map_or_else(|| Err(unknown(store, name)?), Ok)?;
            return Ok(table_of(&[campaign], store)?);
        }
        What::Pause { name } => (name, CampaignState::Paused),
        What::Resume { name } => (name, CampaignState::Running),
        What::Stop { name } => (name, CampaignState::Stopped),
    };
    let now = Clock::system().now();
    let mut details = Map::new();
    details.insert("state".to_owned(), state.as_str().into());
    let told = NewAudit {
        at: now,
        action: AuditAction::CampaignChanged,
        subject: name.clone(),
        actor: actor(),
        details,
    };
    if store.campaign(name)?.is_none()
        || !store.set_campaign(name, state, None, now, Some(&told))?
    {
        return Err(unknown(store, name)?.into());
    }
    let result = json!({ "campaign": name, "state": state.as_str() });
    let text = format!(
        "campaign {} is {}\n",
        paint(BOLD, clean(name)),
        paint(GOOD, state.as_str())
    );
    Ok(Outcome::new(Exit::Done, result, text))
}

fn unknown(store: &dyn Store, name: &str) -> Result<Error> {
    let all = store.campaigns()?;
    let near = nearest(name, all.iter().map(|campaign| campaign.name.as_str()));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`bridged campaign list` shows those that there are".to_owned(),
    };
    let message = format!("there is no campaign `{name}`");
    Ok(Error::new(Code::UnknownCampaign, message).help(help))
}
