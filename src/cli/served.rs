//! The project of a server: its files, read again whenever they change, and its connections.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::digest::{Context, SHA256};

use super::connections;
use super::env::Env;
use super::exit::Exit;
use super::org::{self, Org, Shared};
use super::outcome::Stop;
use super::workspace::Workspace;
use crate::connections::connect::{Keeping, Signing};
use crate::engine::Outside;
use crate::engine::cancel::Cancel;
use crate::foundation::code::Code;
use crate::foundation::diagnostic::Diagnostic;
use crate::foundation::error::{Error, Result};
use crate::foundation::identity::IdentityKey;
use crate::foundation::secret::Secret;
use crate::plan::Plan;
use crate::sandbox::server::Sandbox;
use crate::serve::control::CallsLeft;
use crate::serve::http::WebhookSecrets;
use crate::serve::project::{Project, Revision, Served};
use crate::serve::server::Refused;
use crate::spec::amount::Period;
use crate::spec::load;
use crate::spec::project::Auth;
use crate::store::Store;

/// The files of a project, and the sandbox in the place of its connections where one was asked for.
pub struct Files {
    env: Env,
    root: PathBuf,
    sandbox: Option<Arc<Sandbox>>,
    shared: Shared,
}

impl Files {
    /// Loads the project once, and starts the sandbox where one was asked for.
    ///
    /// # Errors
    /// What is wrong with the project file.
    pub async fn open(env: &Env) -> std::result::Result<Self, Refused> {
        let workspace = workspace(env)?;
        let sandbox = org::sandbox(&workspace).await?.map(Arc::new);
        Ok(Self {
            env: env.clone(),
            root: workspace.directory,
            sandbox,
            shared: Shared::default(),
        })
    }

    fn workspace(&self) -> std::result::Result<Workspace, Refused> {
        workspace(&self.env)
    }

    /// The project's store, opened once for everything that the server does.
    ///
    /// # Errors
    /// What the store says.
    pub fn store(&self) -> std::result::Result<Arc<dyn Store>, Refused> {
        Ok(self.workspace()?.store()?)
    }

    /// The key under whose hashes people are remembered.
    ///
    /// # Errors
    /// `identity-key-missing`.
    pub fn identity_key(&self) -> std::result::Result<IdentityKey, Refused> {
        let workspace = self.workspace()?;
        Ok(Org::with(&workspace, self.sandbox.clone()).identity_key()?)
    }

    /// Whether any pipeline sends messages.
    pub fn broadcasts(&self) -> bool {
        let loaded = self.load().unwrap_or_default();
        loaded
            .pipelines
            .iter()
            .any(|served| served.plan.broadcast().is_some())
    }

    /// What deliveries to the webhook are checked with, of every WhatsApp connection that has an app secret.
    ///
    /// # Errors
    /// Of a reference that leads nowhere, or a vault that does not open.
    pub fn webhook_secrets(&self) -> std::result::Result<WebhookSecrets, Refused> {
        if let Some(sandbox) = &self.sandbox {
            let ready = sandbox.ready();
            return Ok(WebhookSecrets {
                app_secrets: vec![(
                    "whatsapp".to_owned(),
                    Secret::new(&ready.whatsapp_app_secret),
                )],
                verify_tokens: vec![Secret::new(&ready.whatsapp_verify_token)],
            });
        }
        let workspace = self.workspace()?;
        let vault = || workspace.vault().map(Arc::new);
        let sources = workspace.sources(&vault);
        let mut secrets = WebhookSecrets::default();
        for (name, connection) in &workspace.project().spec.connections {
            let Some(connection) = connection.whatsapp() else {
                continue;
            };
            let (secret, token) = sources.webhook(name.as_str(), connection)?;
            secrets
                .app_secrets
                .extend(secret.map(|secret| (name.to_string(), secret)));
            secrets.verify_tokens.extend(token);
        }
        Ok(secrets)
    }

    /// Lets the sandbox deliver its events to this server.
    pub fn point_webhook(&self, url: &str) {
        if let Some(sandbox) = &self.sandbox {
            sandbox.set_webhook(&format!("{url}/webhooks/whatsapp"));
        }
    }
}

fn workspace(env: &Env) -> std::result::Result<Workspace, Refused> {
    Workspace::load(env, &[]).map_err(|stop| match stop {
        Stop::Invalid(found) => Refused::Files(found),
        Stop::Failed(error) => Refused::Error(error),
    })
}

impl Project for Files {
    fn load(&self) -> std::result::Result<Revision, Vec<Diagnostic>> {
        let hash = self.stamp();
        let found = |refused: Refused| match refused {
            Refused::Files(found) => found,
            Refused::Error(error) => vec![Diagnostic::from(&error)],
        };
        let workspace = self.workspace().map_err(found)?;
        let checked = workspace.check();
        if Exit::of_findings(&checked.findings) != Exit::Done {
            return Err(checked.findings);
        }
        let mut pipelines = Vec::new();
        for plan in checked.plans {
            let timetable = workspace.timetable(&plan.pipeline);
            let timetable = timetable.map_err(|error| vec![Diagnostic::from(&error)])?;
            pipelines.push(Served { plan, timetable });
        }
        let retention = workspace.project().spec.retention;
        Ok(Revision {
            hash,
            pipelines,
            retention: retention.map(Period::as_duration),
        })
    }

    fn stamp(&self) -> String {
        let mut context = Context::new(&SHA256);
        take(&mut context, &self.root.join(load::PROJECT_FILE));
        let mut files: Vec<PathBuf> = fs::read_dir(self.root.join("pipelines"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|ending| ending == "yaml" || ending == "yml")
            })
            .collect();
        files.sort();
        for file in files {
            take(&mut context, &file);
        }
        let digest = context.finish();
        digest
            .as_ref()
            .iter()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    fn outside(&self, plan: &Plan, cancel: Cancel, actor: &str) -> Result<Outside> {
        let workspace = self.workspace().map_err(unusable)?;
        let org = Org::with(&workspace, self.sandbox.clone()).sharing(&self.shared);
        let store = workspace.store()?;
        let outside = org.outside(plan, store, cancel)?;
        Ok(Outside {
            actor: actor.into(),
            // The server's own log tells of each run once.
            observer: Arc::new(|_| {}),
            ..outside
        })
    }

    fn calls_left(&self) -> Vec<CallsLeft> {
        let told = self.shared.clients.calls_left().into_iter();
        told.map(|(connection, told)| CallsLeft {
            connection,
            left: told.left,
            used: told.used,
            max: told.max,
        })
        .collect()
    }

    fn signing(&self, connection: &str, actor: &str) -> Result<Signing> {
        if self.sandbox.is_some() {
            let message = "the sandbox signs in by itself, so there is nothing to connect";
            return Err(Error::new(Code::ConnectionSettings, message));
        }
        let workspace = self.workspace().map_err(unusable)?;
        let (name, _) = workspace.connection(Some(connection))?;
        let (_, salesforce) = workspace.salesforce(Some(&name))?;
        if !matches!(salesforce.auth, Auth::Oauth { .. }) {
            let message = format!("connection `{name}` is not signed in to in a browser");
            return Err(Error::new(Code::ConnectionSettings, message).help(
                "write `auth: { method: oauth }` for it, or enter its keys with `bridged connect`",
            ));
        }
        let keeping = Keeping {
            actor: actor.to_owned(),
            ..connections::keeping(&workspace, &name)?
        };
        keeping.vault.can_seal(&name)?;
        let vault = connections::opener(&keeping);
        let sources = workspace.sources(vault.as_ref());
        Signing::open(keeping, &sources, salesforce)
    }
}

fn unusable(refused: Refused) -> Error {
    match refused {
        Refused::Error(error) => error,
        Refused::Files(_) => Error::new(
            Code::ConnectionSettings,
            "the project file has errors now, so no connection can be opened",
        ),
    }
}

/// A file by its name and its content; one that cannot be read by its name alone.
fn take(context: &mut Context, path: &Path) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let bytes = fs::read(path).unwrap_or_default();
    for part in [name.as_bytes(), &bytes] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
}
