//! The clients of a command: of the project's connections, or of a sandbox that lives as long as the command.

use std::sync::Arc;

use super::actor;
use super::progress::{self, Progress};
use super::workspace::{Workspace, sandbox_identity_key, variable};
use crate::engine::Outside;
use crate::engine::broadcast::{self, Messaging, Reach};
use crate::engine::cancel::Cancel;
use crate::foundation::clock::Clock;
use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::event::RunEvent;
use crate::foundation::identity::IdentityKey;
use crate::foundation::secret::Secret;
use crate::plan::Plan;
use crate::salesforce::client::Client;
use crate::salesforce::clients::Clients;
use crate::salesforce::settings::Settings;
use crate::sandbox::server::Sandbox;
use crate::sandbox::settings::Settings as SandboxSettings;
use crate::spec::tree;
use crate::spec::variables;
use crate::store::Store;
use crate::whatsapp::client::Client as WhatsAppClient;
use crate::whatsapp::pace::{Numbers, Pace};
use crate::whatsapp::send::Messenger;
use crate::whatsapp::settings::Settings as WhatsAppSettings;

/// Where a command reaches Salesforce.
#[derive(Debug)]
pub struct Org<'a> {
    workspace: &'a Workspace,
    sandbox: Option<Arc<Sandbox>>,
    shared: Option<&'a Shared>,
}

/// What the runs of one process share.
#[derive(Debug, Default)]
pub struct Shared {
    /// Their Salesforce clients.
    pub clients: Clients,
    /// The numbers that they send by.
    pub numbers: Numbers,
}

/// Starts the sandbox where one was asked for. Must be called within a runtime.
///
/// # Errors
/// `sandbox-start`.
pub async fn sandbox(workspace: &Workspace) -> Result<Option<Sandbox>> {
    if !workspace.sandbox {
        return Ok(None);
    }
    Sandbox::start(SandboxSettings::default()).await.map(Some)
}

impl<'a> Org<'a> {
    /// Starts the sandbox where one was asked for. Must be called within a runtime.
    pub async fn open(workspace: &'a Workspace) -> Result<Self> {
        let sandbox = sandbox(workspace).await?;
        Ok(Self::with(workspace, sandbox.map(Arc::new)))
    }

    /// With a sandbox that was started before, or without one.
    pub const fn with(workspace: &'a Workspace, sandbox: Option<Arc<Sandbox>>) -> Self {
        Self {
            workspace,
            sandbox,
            shared: None,
        }
    }

    /// The same for one of many runs.
    #[must_use]
    pub fn sharing(mut self, shared: &'a Shared) -> Self {
        self.shared = Some(shared);
        self
    }

    /// A client of a connection, by its name in the project.
    pub fn client(&self, name: &str, progress: Option<&Arc<Progress>>) -> Result<Client> {
        let mut settings = self.settings(name)?;
        if let Some(progress) = progress {
            let retrying = Arc::clone(progress);
            settings.on_retry = Some(Arc::new(move |retry| retrying.retrying(retry)));
            let progress = Arc::clone(progress);
            settings.on_outage = Some(Arc::new(move |outage| {
                progress.observe(&RunEvent::Warning {
                    message: outage.to_string(),
                });
            }));
        }
        match self.shared {
            Some(shared) => shared.clients.client(name, settings),
            None => Client::new(settings),
        }
    }

    /// The outside of one run of `plan`, with its progress shown.
    pub fn outside(&self, plan: &Plan, store: Arc<dyn Store>, cancel: Cancel) -> Result<Outside> {
        let progress = Progress::new(plan.pipeline.as_str(), progress::on_terminal());
        Ok(Outside {
            client: self.client(&plan.connection, Some(&progress))?,
            store,
            clock: Clock::system(),
            observer: Arc::new(move |event| progress.observe(event)),
            cancel,
            actor: actor::actor().into(),
            messaging: self.messaging(plan)?,
        })
    }

    /// What a plan's broadcast sends with; `None` for a plan without one.
    pub fn messaging(&self, plan: &Plan) -> Result<Option<Arc<Messaging>>> {
        let Some(step) = plan.broadcast() else {
            return Ok(None);
        };
        let settings = self.whatsapp(&step.connection)?;
        let number = match self.shared {
            Some(shared) => shared.numbers.pace(&settings.phone_number_id),
            None => Arc::new(Pace::of_a_number()),
        };
        let reach = Reach {
            client: WhatsAppClient::new(settings)?,
            key: self.identity_key()?,
        };
        Ok(Some(Arc::new(Messaging {
            messenger: Messenger::new(reach.client.clone()),
            number,
            rest: broadcast::REST,
            reach,
        })))
    }

    /// What a plan's broadcast looks at before it sends. It cannot send.
    pub fn reach(&self, plan: &Plan) -> Result<Option<Reach>> {
        let Some(step) = plan.broadcast() else {
            return Ok(None);
        };
        Ok(Some(Reach {
            client: WhatsAppClient::new(self.whatsapp(&step.connection)?)?,
            key: self.known_identity_key()?,
        }))
    }

    /// The key where there is one, and otherwise one that nobody was remembered under.
    fn known_identity_key(&self) -> Result<IdentityKey> {
        if self.sandbox.is_some() {
            return self.identity_key();
        }
        match self.workspace.vault()?.known_identity_key()? {
            Some(key) => Ok(key),
            None => Ok(IdentityKey::new(&Secret::random()?)),
        }
    }

    /// The key under whose hashes people are remembered.
    ///
    /// # Errors
    /// `identity-key-missing`, where the vault has none and cannot make one.
    pub fn identity_key(&self) -> Result<IdentityKey> {
        if self.sandbox.is_some() {
            return Ok(sandbox_identity_key());
        }
        let now = Clock::system().now();
        self.workspace.vault()?.identity_key(&actor::actor(), now)
    }

    /// Names every variable of a connection that is not set, with the place that asks for it.
    fn all_variables_set(&self, name: &str) -> Result<()> {
        let pointer = tree::join("/connections", name);
        let unset = variables::unset(self.workspace.project(), &pointer, &variable);
        let Some(first) = unset.first() else {
            return Ok(());
        };
        let list: Vec<String> = unset
            .iter()
            .map(|unset| {
                let start = unset.place.start();
                let file = &unset.place.file.path;
                format!("`{}` ({file}:{}:{})", unset.name, start.line, start.column)
            })
            .collect();
        let what = if list.len() == 1 {
            "an environment variable that is not set"
        } else {
            "environment variables that are not set"
        };
        let message = format!("connection `{name}` needs {what}: {}", list.join(", "));
        let help = format!(
            "set `{}`, or try the command with `--sandbox`, which needs no credentials",
            first.name
        );
        Err(Error::new(Code::MissingVariable, message).help(help))
    }

    /// The settings of a WhatsApp connection, by its name in the project.
    pub fn whatsapp(&self, name: &str) -> Result<WhatsAppSettings> {
        if let Some(sandbox) = &self.sandbox {
            let ready = sandbox.ready();
            let token = Secret::new(ready.whatsapp_token.clone());
            let mut settings = WhatsAppSettings::new(&ready.whatsapp_phone_number_id, token);
            settings.api_url.clone_from(&ready.whatsapp_url);
            settings.business_account_id = Some(ready.whatsapp_business_account_id.clone());
            return Ok(settings);
        }
        let (name, known) = self.workspace.connection(Some(name))?;
        let Some(known) = known.whatsapp() else {
            let message = format!("connection `{name}` is no WhatsApp connection");
            return Err(Error::new(Code::UnknownConnection, message));
        };
        self.all_variables_set(&name)?;
        let vault = || self.workspace.vault().map(Arc::new);
        self.workspace.sources(&vault).whatsapp(&name, known)
    }

    /// Where the connection leads, to be shown.
    pub fn settings(&self, name: &str) -> Result<Settings> {
        if let Some(sandbox) = &self.sandbox {
            let ready = sandbox.ready();
            let secret = Secret::new(ready.api_key.clone());
            return Ok(Settings::new(
                &ready.salesforce_url,
                &ready.consumer_key,
                secret,
            ));
        }
        let (name, known) = self.workspace.salesforce(Some(name))?;
        let name = name.as_str();
        self.all_variables_set(name)?;
        let vault = || self.workspace.vault().map(Arc::new);
        self.workspace.sources(&vault).settings(name, known)
    }
}
