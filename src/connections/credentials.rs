//! A connection as the project file describes it, made into the settings of a client.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::secret::Secret;
use crate::salesforce::credentials::Credentials;
use crate::salesforce::settings::Settings;
use crate::salesforce::signing_key::SigningKey;
use crate::spec::project::{Auth, Connection, SalesforceConnection, WhatsAppConnection};
use crate::spec::text::{EnvText, SecretText};
use crate::vault::{Field, Vault};
use crate::whatsapp::settings::Settings as WhatsAppSettings;

use super::keeper::VaultKeeper;
use super::reference::{self, Lookup};

/// Opens the vault.
pub type Opener<'a> = dyn Fn() -> Result<Arc<Vault>> + 'a;

/// Where the credentials of a project's connections come from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// What was just entered for the connection in hand; it goes before what the vault keeps.
    pub entered: &'a [(Field, Secret)],
    /// Where relative paths start.
    pub base_dir: &'a Path,
    /// The value of an environment variable.
    pub lookup: Lookup<'a>,
    /// The vault, opened when a credential is needed that the project file does not refer to.
    pub vault: &'a Opener<'a>,
}

/// One credential of a connection: where it stands in the project file, and what it is called by people.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Which one it is.
    pub field: Field,
    /// Its key in the project file: `auth.api_key`.
    pub key: &'static str,
    /// Its name in Salesforce's or Meta's own pages.
    pub title: &'static str,
    /// Whether a connection works without it.
    pub optional: bool,
    /// The reference in the project file; without one the vault is asked.
    pub given: Option<&'a SecretText>,
}

/// Every credential that a connection may have.
pub fn wanted(connection: &Connection) -> Vec<Wanted<'_>> {
    match connection {
        Connection::Salesforce(connection) => of_auth(&connection.auth).into(),
        Connection::Whatsapp(connection) => of_whatsapp(connection),
    }
}

/// The app's Consumer Key, and what proves that the app is ours.
pub(super) fn of_auth(auth: &Auth) -> [Wanted<'_>; 2] {
    let key = |given| Wanted {
        field: Field::ConsumerKey,
        key: "auth.consumer_key",
        title: "Consumer Key",
        optional: false,
        given,
    };
    match auth {
        Auth::ApiKey {
            consumer_key,
            api_key,
        } => [
            key(consumer_key.as_ref()),
            Wanted {
                field: Field::ConsumerSecret,
                key: "auth.api_key",
                title: "Consumer Secret",
                optional: false,
                given: api_key.as_ref(),
            },
        ],
        Auth::Oauth {
            consumer_key,
            consumer_secret,
        } => [
            key(consumer_key.as_ref()),
            Wanted {
                field: Field::ConsumerSecret,
                key: "auth.consumer_secret",
                title: "Consumer Secret",
                optional: true,
                given: consumer_secret.as_ref(),
            },
        ],
        Auth::Jwt {
            consumer_key,
            private_key,
            ..
        } => [
            key(consumer_key.as_ref()),
            Wanted {
                field: Field::PrivateKey,
                key: "auth.private_key",
                title: "private key",
                optional: false,
                given: private_key.as_ref(),
            },
        ],
    }
}

fn of_whatsapp(connection: &WhatsAppConnection) -> Vec<Wanted<'_>> {
    let optional = |field, key, title, given| Wanted {
        field,
        key,
        title,
        optional: true,
        given,
    };
    let (secret, verify) = (
        connection.app_secret.as_ref(),
        connection.verify_token.as_ref(),
    );
    vec![
        access_token(connection),
        optional(Field::AppSecret, "app_secret", "app secret", secret),
        optional(Field::VerifyToken, "verify_token", "verify token", verify),
    ]
}

/// The token that signs requests to the Graph API.
fn access_token(connection: &WhatsAppConnection) -> Wanted<'_> {
    Wanted {
        field: Field::WhatsappToken,
        key: "access_token",
        title: "access token",
        optional: false,
        given: connection.access_token.as_ref(),
    }
}

impl Sources<'_> {
    /// A credential of the connection called `name`, or nothing where there is none.
    ///
    /// # Errors
    /// Those of [`reference::secret`] and of [`Vault::get`].
    pub fn credential(&self, name: &str, wanted: &Wanted<'_>) -> Result<Option<Secret>> {
        match wanted.given {
            Some(text) => {
                let what = format!("connection `{name}`");
                reference::secret(&what, text, self.base_dir, self.lookup).map(Some)
            }
            None => match self
                .entered
                .iter()
                .find(|(field, _)| *field == wanted.field)
            {
                Some((_, value)) => Ok(Some(value.clone())),
                None => (self.vault)()?.get(name, wanted.field),
            },
        }
    }

    /// The settings of the Salesforce connection called `name`.
    ///
    /// # Errors
    /// `missing-variable`, `secret-file-refused` and the vault's codes for credentials that cannot be had, `not-connected` for
    /// one that is nowhere; `private-key-unusable`; `connection-settings` for a `ca_bundle` that cannot be read.
    pub fn settings(&self, name: &str, connection: &SalesforceConnection) -> Result<Settings> {
        let credentials = self.credentials(name, connection)?;
        self.settings_of(name, connection, credentials)
    }

    /// The settings of the WhatsApp connection called `name`.
    ///
    /// # Errors
    /// As [`Sources::settings`], for the access token.
    pub fn whatsapp(
        &self,
        name: &str,
        connection: &WhatsAppConnection,
    ) -> Result<WhatsAppSettings> {
        let token = self.needed(name, &access_token(connection))?;
        let id = self.text(name, &connection.phone_number_id)?;
        let mut settings = WhatsAppSettings::new(id, token);
        settings.graph_version.clone_from(&connection.graph_version);
        if let Some(account) = &connection.business_account_id {
            settings.business_account_id = Some(self.text(name, account)?);
        }
        if let Some(address) = &connection.api_url {
            settings.api_url = self.text(name, address)?;
        }
        Ok(settings)
    }

    /// What deliveries to the webhook of the WhatsApp connection called `name` are checked with: the app secret and the verify
    /// token, each where there is one.
    ///
    /// # Errors
    /// As [`Sources::credential`].
    pub fn webhook(
        &self,
        name: &str,
        connection: &WhatsAppConnection,
    ) -> Result<(Option<Secret>, Option<Secret>)> {
        let wanted = of_whatsapp(connection);
        let one = |field| {
            let found = wanted.iter().find(|wanted| wanted.field == field);
            found.map_or(Ok(None), |wanted| self.credential(name, wanted))
        };
        Ok((one(Field::AppSecret)?, one(Field::VerifyToken)?))
    }

    /// The settings of a Salesforce connection without a way to sign in: for requests that carry their own credentials.
    pub(super) fn address(
        &self,
        name: &str,
        connection: &SalesforceConnection,
    ) -> Result<Settings> {
        let none = Credentials::ApiKey {
            consumer_key: String::new(),
            consumer_secret: Secret::new(""),
        };
        self.settings_of(name, connection, none)
    }

    fn settings_of(
        &self,
        name: &str,
        connection: &SalesforceConnection,
        credentials: Credentials,
    ) -> Result<Settings> {
        let mut settings =
            Settings::signed_in_by(self.text(name, &connection.instance_url)?, credentials);
        connection
            .api_version
            .as_str()
            .clone_into(&mut settings.api_version);
        if let Some(share) = connection.budget.daily_share {
            settings.budget.daily_share = share.as_fraction();
        }
        if let Some(rate) = connection.budget.requests_per_second {
            settings.budget.requests_per_second = NonZeroU32::new(rate);
        }
        if let Some(name) = &connection.client_name {
            settings.client_name = name.to_string();
        }
        settings.allowed_hosts.clone_from(&connection.allowed_hosts);
        if let Some(proxy) = &connection.proxy {
            settings.proxy = Some(Secret::new(self.text(name, proxy)?));
        }
        if let Some(bundle) = &connection.ca_bundle {
            let pem = std::fs::read(self.base_dir.join(bundle)).map_err(|error| {
                let message =
                    format!("the `ca_bundle` of connection `{name}` cannot be read: `{bundle}`");
                Error::new(Code::ConnectionSettings, message)
                    .help("give the path of a PEM file, relative to the project")
                    .caused_by(error)
            })?;
            settings.extra_ca.push(pem);
        }
        Ok(settings)
    }

    fn credentials(&self, name: &str, connection: &SalesforceConnection) -> Result<Credentials> {
        let [key, proof] = of_auth(&connection.auth);
        let consumer_key = self.needed(name, &key)?.expose().to_owned();
        Ok(match &connection.auth {
            Auth::ApiKey { .. } => Credentials::ApiKey {
                consumer_key,
                consumer_secret: self.needed(name, &proof)?,
            },
            Auth::Oauth { .. } => Credentials::Oauth {
                consumer_key,
                consumer_secret: self.credential(name, &proof)?,
                keeper: Arc::new(VaultKeeper::new((self.vault)()?, name)),
            },
            Auth::Jwt {
                username, audience, ..
            } => Credentials::Jwt {
                consumer_key,
                username: self.text(name, username)?,
                private_key: SigningKey::from_pem(&self.needed(name, &proof)?)?,
                audience: audience
                    .as_ref()
                    .map(|audience| self.text(name, audience))
                    .transpose()?,
            },
        })
    }

    /// A credential without which the connection does not work.
    pub(super) fn needed(&self, name: &str, wanted: &Wanted<'_>) -> Result<Secret> {
        self.credential(name, wanted)?
            .ok_or_else(|| not_connected(name, wanted))
    }

    fn text(&self, name: &str, text: &EnvText) -> Result<String> {
        reference::resolve(&format!("connection `{name}`"), text, self.lookup)
    }
}

/// The error of a connection that lacks a credential.
pub fn not_connected(name: &str, wanted: &Wanted<'_>) -> Error {
    let message = format!(
        "connection `{name}` has no {}: `bridged.yaml` refers to none, and none is kept",
        wanted.title
    );
    let help = format!("run `bridged connect {name}`");
    Error::new(Code::NotConnected, message).help(help)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn connection(auth: &Value) -> SalesforceConnection {
        serde_json::from_value(json!({
            "instance_url": "https://${DOMAIN}.my.salesforce.com",
            "auth": auth,
            "api_version": "66.0",
            "budget": { "daily_share": "80%", "requests_per_second": 20 },
            "client_name": "acme-bridge",
            "proxy": "http://${PROXY}:3128",
        }))
        .unwrap()
    }

    fn api_key() -> Value {
        json!({ "method": "api_key", "consumer_key": "${KEY}", "api_key": "${SECRET}" })
    }

    /// The settings where these variables are set, each to its own name, and the vault must not be opened.
    fn of(connection: &SalesforceConnection, known: &[&str]) -> Result<Settings> {
        let lookup = |name: &str| known.contains(&name).then(|| format!("<{name}>"));
        let sources = Sources {
            entered: &[],
            base_dir: Path::new("."),
            lookup: &lookup,
            vault: &|| Err(Error::bug("the vault was opened")),
        };
        sources.settings("crm", connection)
    }

    #[test]
    fn references_are_filled_in_and_limits_taken_over_without_the_vault() {
        let settings = of(
            &connection(&api_key()),
            &["DOMAIN", "KEY", "SECRET", "PROXY"],
        )
        .unwrap();
        assert_eq!(settings.instance_url, "https://<DOMAIN>.my.salesforce.com");
        let Credentials::ApiKey {
            consumer_key,
            consumer_secret,
        } = &settings.credentials
        else {
            panic!("{:?}", settings.credentials)
        };
        assert_eq!(consumer_key, "<KEY>");
        assert_eq!(consumer_secret.expose(), "<SECRET>");
        assert_eq!(settings.api_version, "66.0");
        assert_eq!(settings.client_name, "acme-bridge");
        assert!((settings.budget.daily_share - 0.8).abs() < 1e-9);
        assert_eq!(settings.budget.requests_per_second, NonZeroU32::new(20));
        let proxy = settings.proxy.as_ref().map(Secret::expose);
        assert_eq!(proxy, Some("http://<PROXY>:3128"));
    }

    #[test]
    fn a_variable_that_is_not_set_is_named_and_no_other_is_shown() {
        let error = of(&connection(&api_key()), &["DOMAIN", "KEY", "PROXY"]).unwrap_err();
        assert_eq!(error.code(), Code::MissingVariable);
        assert!(error.message().contains("`SECRET`"), "{error}");
        assert!(!format!("{error:?}").contains("<KEY>"), "{error:?}");
    }

    #[test]
    fn what_is_left_out_is_asked_of_the_vault() {
        for auth in [
            json!({ "method": "api_key" }),
            json!({ "method": "oauth" }),
            json!({ "method": "jwt", "username": "a@b.example" }),
            json!({ "method": "oauth", "consumer_key": "${KEY}" }),
        ] {
            let error = of(&connection(&auth), &["DOMAIN", "KEY", "PROXY"]).unwrap_err();
            assert_eq!(error.message(), "the vault was opened", "{auth}");
        }
    }

    #[test]
    fn a_certificate_bundle_that_is_not_there_is_named() {
        let mut connection = connection(&api_key());
        connection.ca_bundle = Some("missing.pem".into());
        let error = of(&connection, &["DOMAIN", "KEY", "SECRET", "PROXY"]).unwrap_err();
        assert_eq!(error.code(), Code::ConnectionSettings);
        assert!(error.message().contains("missing.pem"), "{error}");
    }

    #[test]
    fn what_is_entered_goes_before_the_vault() {
        let connection = connection(&json!({ "method": "api_key" }));
        let entered = [
            (Field::ConsumerKey, Secret::new("key")),
            (Field::ConsumerSecret, Secret::new("secret")),
        ];
        let sources = Sources {
            entered: &entered,
            base_dir: Path::new("."),
            lookup: &|name| Some(name.to_owned()),
            vault: &|| Err(Error::bug("the vault was opened")),
        };
        let settings = sources.settings("crm", &connection).unwrap();
        assert_eq!(settings.credentials.consumer_key(), "key");
    }
}
