//! `bridged connect`: signs in, in a browser or with keys, and keeps what that takes, encrypted.

use serde_json::json;

use super::args::Format;
use super::connections;
use super::env::Env;
use super::exit::Exit;
use super::outcome::{self, Ended, Outcome};
use super::text::{DIM, GOOD, HINT, clean, line, paint};
use super::workspace::Workspace;
use super::{browser, enter, runtime, signals};
use crate::connections::attempts::LIFETIME;
use crate::connections::connect::{self, as_whom};
use crate::connections::credentials::{self, Sources, Wanted};
use crate::connections::listener::{DEFAULT_PORT, Listener};
use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::spec::project::{Auth, Connection};
use crate::store::model::Card;

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The connection, by its name in the project; may be left out where there is one Salesforce connection.
    pub connection: Option<String>,

    /// The port of the callback URL: the app must have registered `http://localhost:PORT/auth/salesforce/callback`.
    #[arg(long, value_name = "PORT", default_value_t = DEFAULT_PORT)]
    pub port: u16,

    /// Show the address of the sign-in without opening a browser.
    #[arg(long)]
    pub no_browser: bool,

    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// Asks for what is needed, tries it out, and keeps it.
pub fn execute(args: &Args, env: &Env) -> Ended {
    if env.sandbox {
        let message = "`--sandbox` signs in by itself, so there is nothing to connect";
        let help = "leave `--sandbox` out; to try `connect` itself, start `bridged sandbox` and put its address into `instance_url`";
        return Err(Error::new(Code::InvalidUsage, message).help(help).into());
    }
    let workspace = Workspace::load(env, &[])?;
    let (name, connection) = workspace.connection(args.connection.as_deref())?;
    let keeping = connections::keeping(&workspace, &name)?;
    let kept = keeping.vault.holds(&name)?;
    keeping.vault.can_seal(&name)?;
    let wanted: Vec<Wanted<'_>> = credentials::wanted(connection)
        .into_iter()
        .filter(|wanted| wanted.given.is_none())
        .collect();
    let entered = enter::ask(&name, &wanted, &kept, &workspace.directory)?;
    let vault = connections::opener(&keeping);
    let sources = Sources {
        entered: &entered,
        ..workspace.sources(vault.as_ref())
    };
    let card = match connection {
        Connection::Whatsapp(whatsapp) => {
            runtime::block_on(connect::whatsapp(&keeping, &sources, whatsapp))??
        }
        Connection::Salesforce(salesforce) => {
            let in_browser = matches!(salesforce.auth, Auth::Oauth { .. });
            runtime::block_on(async {
                if !in_browser {
                    return connect::with_keys(&keeping, &sources, salesforce).await;
                }
                let listener =
                    connect::in_browser(keeping.clone(), &sources, salesforce, args.port).await?;
                signed_in(listener, args).await?;
                keeping
                    .vault
                    .card(&name)?
                    .ok_or_else(|| Error::bug("the connection was kept without its card"))
            })??
        }
    };
    let result = json!({ "connection": name, "card": connections::card_json(&card) });
    Ok(Outcome::new(Exit::Done, result, text(&name, &card)))
}

/// Shows the way to a browser, and waits for it to come back.
async fn signed_in(listener: Listener, args: &Args) -> Result<()> {
    let cancelled = signals::listen(None)?;
    let address = listener.start_url();
    let opened = !args.no_browser && browser::open(&address);
    let lead = if opened {
        "A browser opens to sign in to Salesforce. If it does not, open this address:"
    } else {
        "Open this address in a browser on this machine to sign in to Salesforce:"
    };
    let hint = "Salesforce then sends the browser back to this Callback URL of the app:";
    outcome::print_err(&format!(
        "{lead}\n\n  {}\n\n{}\n\n  {}\n\n",
        paint(HINT, &address),
        paint(DIM, hint),
        paint(DIM, listener.redirect_uri())
    ));
    tokio::select! {
        ended = listener.wait(LIFETIME) => ended.map(|_| ()),
        () = cancelled.cancelled() => Err(Error::new(Code::Interrupted, "interrupted before the sign-in was done")),
    }
}

fn text(name: &str, card: &Card) -> String {
    let mut out = String::new();
    line(
        &mut out,
        format_args!(
            "{} `{}` is connected{}",
            paint(GOOD, "✓"),
            clean(name),
            clean(&as_whom(card))
        ),
    );
    let next = format!("`bridged check {name}` tells what it may do");
    line(&mut out, format_args!("{}", paint(DIM, next)));
    out
}
