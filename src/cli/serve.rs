//! `bridged serve`: runs the project's pipelines by themselves, until it is stopped.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use url::Url;

use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::findings;
use super::outcome::{self, Stop};
use super::served::Files;
use super::{runtime, signals};
use crate::engine::cancel::Cancel;
use crate::foundation::clock::Clock;
use crate::foundation::error::{Error, Result};
use crate::serve::control::{Control as _, Reloaded};
use crate::serve::http::listen::{self, Listen};
use crate::serve::http::{self, App, KnownAs};
use crate::serve::intake;
use crate::serve::server::{Refused, Server, Settings, Stopped};

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8910", value_parser = listen::address)]
    pub listen: SocketAddr,

    /// The address under which others reach it, through a proxy that ends TLS.
    #[arg(long, value_name = "URL")]
    pub public_url: Option<Url>,

    /// A PEM file of the certificate chain, to serve https.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,

    /// A PEM file of that certificate's key.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,

    /// Listen on a public address without TLS: the network in between is trusted.
    #[arg(long)]
    pub allow_plain_http: bool,

    /// Runs at once.
    #[arg(long, value_name = "N", default_value = "4", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub runs: u16,

    /// How many seconds runs may take to end when the server is stopped.
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    pub drain: u64,
}

/// Serves until SIGTERM or Ctrl-C; being stopped is its ordinary end.
pub fn execute(args: &Args, env: &Env) -> Exit {
    let ended = runtime::block_on(serve(args, env)).unwrap_or_else(|error| Err(error.into()));
    match ended {
        Ok(Stopped::Drained) => Exit::Done,
        Ok(Stopped::Late) => Exit::Failed,
        Err(Refused::Files(found)) => {
            outcome::print_err(&findings::text::render(&found));
            Exit::Invalid
        }
        Err(Refused::Error(error)) => {
            outcome::report("serve", Format::Text, &Err(Stop::Failed(error)))
        }
    }
}

async fn serve(args: &Args, env: &Env) -> Result<Stopped, Refused> {
    let stop = signals::listen(Some("stopping: runs finish what they have in hand"))?;
    let files = Arc::new(Files::open(env).await?);
    let store = files.store()?;
    let settings = Settings {
        runs: args.runs.into(),
        drain: Duration::from_secs(args.drain),
    };
    let server = Server::new(
        Arc::clone(&files) as _,
        Arc::clone(&store),
        Clock::system(),
        settings,
    )?;
    let bound = Listen {
        address: args.listen,
        tls: args.tls_certificate.clone().zip(args.tls_key.clone()),
        public_url: args.public_url.clone(),
        allow_plain_http: args.allow_plain_http,
    }
    .bind()
    .await?;
    let secrets = files.webhook_secrets()?;
    let takes_webhooks = !secrets.app_secrets.is_empty();
    let url = bound.url.clone();
    let public = args.public_url.as_ref();
    let known_as = KnownAs {
        hosts: bound.hosts.clone(),
        origin: public.map_or_else(|| url.clone(), |url| url.origin().ascii_serialization()),
    };
    let app = App::new(
        Arc::clone(&server) as _,
        Arc::clone(&store),
        Clock::system(),
        Arc::clone(&server.metrics),
        secrets,
        known_as,
    );
    let arrived = app.arrived();
    let (close, closing) = watch::channel(false);
    let listening = tokio::spawn(http::serve(bound, app, closing));
    if takes_webhooks {
        files.point_webhook(&url);
        let key = files.identity_key()?;
        let (server, store) = (Arc::clone(&server), Arc::clone(&store));
        tokio::spawn(intake::run(server, store, key, Clock::system(), arrived));
    } else if files.broadcasts() {
        tracing::warn!(
            "no WhatsApp connection has an `app_secret`: statuses and replies are not taken in"
        );
    }
    reload_on_hangup(&server)?;
    stopping_at_once(&server, stop.clone());
    let (revision, pipelines) = server.revision();
    let ready = json!({ "url": url, "revision": revision, "pipelines": pipelines });
    outcome::print(&format!("{ready}\n"));
    let stopped = server.run(stop).await;
    close.send_replace(true);
    // Connections end within their own time.
    let _ = listening.await;
    Ok(stopped)
}

/// Loads the files again whenever SIGHUP comes.
fn reload_on_hangup(server: &Arc<Server>) -> Result<()> {
    let mut hangup = signal(SignalKind::hangup())
        .map_err(|error| Error::bug("signals cannot be received").caused_by(error))?;
    let server = Arc::clone(server);
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            let server = Arc::clone(&server);
            let reloaded = tokio::task::spawn_blocking(move || server.reload()).await;
            match reloaded {
                Ok(Reloaded::Unchanged(_)) => {
                    tracing::info!("SIGHUP: the files are those that run");
                }
                Ok(Reloaded::Replaced(revision)) => {
                    tracing::info!(revision, "SIGHUP: a new revision runs");
                }
                Ok(Reloaded::Refused(found)) => {
                    tracing::error!("SIGHUP: the files have errors; the revision before goes on");
                    outcome::print_err(&findings::text::render(&found));
                }
                Err(panic) => tracing::error!("loading the files panicked: {panic}"),
            }
        }
    });
    Ok(())
}

/// Tells `/readyz` at the first signal, before any run has ended.
fn stopping_at_once(server: &Arc<Server>, stop: Cancel) {
    let server = Arc::clone(server);
    tokio::spawn(async move {
        stop.cancelled().await;
        server.stopping();
    });
}
