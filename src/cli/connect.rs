//! The clients of a command: of the project's connections, or of a sandbox that lives as long as the command.

use std::sync::Arc;

use super::progress::Progress;
use super::workspace::{Workspace, variable};
use crate::foundation::error::Result;
use crate::foundation::secret::Secret;
use crate::salesforce::client::Client;
use crate::salesforce::connection;
use crate::salesforce::settings::Settings;
use crate::sandbox::server::Sandbox;
use crate::sandbox::settings::Settings as SandboxSettings;

/// Where a command reaches Salesforce.
#[derive(Debug)]
pub struct Org<'a> {
    workspace: &'a Workspace,
    sandbox: Option<Sandbox>,
}

impl<'a> Org<'a> {
    /// Starts the sandbox where one was asked for. Must be called within a runtime.
    pub async fn open(workspace: &'a Workspace) -> Result<Self> {
        let sandbox = if workspace.sandbox {
            Some(Sandbox::start(SandboxSettings::default()).await?)
        } else {
            None
        };
        Ok(Self { workspace, sandbox })
    }

    /// A client of a connection, by its name in the project.
    pub fn client(&self, name: &str, progress: Option<&Arc<Progress>>) -> Result<Client> {
        let mut settings = self.settings(name)?;
        if let Some(progress) = progress {
            let progress = Arc::clone(progress);
            settings.on_retry = Some(Arc::new(move |retry| progress.retrying(retry)));
        }
        Client::new(settings)
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
        let (_, known) = self.workspace.salesforce(Some(name))?;
        connection::settings(name, known, &self.workspace.directory, &variable)
    }
}
