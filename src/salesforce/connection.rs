//! A connection as the project file describes it, made into the settings of a client.

use std::num::NonZeroU32;
use std::path::Path;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::secret::Secret;
use crate::spec::project::{Auth, SalesforceConnection};
use crate::spec::text::{EnvError, EnvText};

use super::settings::Settings;

/// The settings of the connection called `name`. `lookup` gives the value of an environment variable; relative paths start
/// at `base_dir`.
///
/// # Errors
/// `missing-variable` for a variable that is not set; `connection-settings` for a way to sign in that needs a stored session, and
/// for a `ca_bundle` that cannot be read.
pub fn settings(
    name: &str,
    connection: &SalesforceConnection,
    base_dir: &Path,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Settings> {
    let Auth::ApiKey {
        consumer_key,
        api_key,
    } = &connection.auth
    else {
        let method = connection.auth.method();
        let message = format!(
            "connection `{name}` signs in by `{method}`, which this version validates but does not carry out"
        );
        let help = "use `auth: { method: api_key, consumer_key: …, api_key: … }`";
        return Err(Error::new(Code::ConnectionSettings, message).help(help));
    };
    let what = format!("connection `{name}`");
    let value = |text: &EnvText| resolve(&what, text, lookup);
    let mut settings = Settings::new(
        value(&connection.instance_url)?,
        value(consumer_key.env_text())?,
        Secret::new(value(api_key.env_text())?),
    );
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
    if let Some(bundle) = &connection.ca_bundle {
        let pem = std::fs::read(base_dir.join(bundle)).map_err(|error| {
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

/// The text with its variables filled in; `what` names its owner in errors.
///
/// # Errors
/// `missing-variable` for a variable that is not set or empty, `connection-settings` for a `${` that starts no variable.
pub fn resolve(
    what: &str,
    text: &EnvText,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<String> {
    text.resolve(lookup).map_err(|error| match error {
        EnvError::Unset(variable, _) => {
            let message =
                format!("{what} needs the environment variable `{variable}`, which is not set");
            let help = format!(
                "set `{variable}`, or try the command with `--sandbox`, which needs no credentials"
            );
            Error::new(Code::MissingVariable, message).help(help)
        }
        EnvError::Malformed(_) => {
            let message = format!("{what} holds a `${{` that no name and `}}` follow");
            Error::new(Code::ConnectionSettings, message)
                .help("write `${NAME}`; a plain `${` is written `$${`")
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::credentials::Credentials;
    use super::*;

    fn connection(auth: &Value) -> SalesforceConnection {
        serde_json::from_value(json!({
            "instance_url": "https://${DOMAIN}.my.salesforce.com",
            "auth": auth,
            "api_version": "66.0",
            "budget": { "daily_share": "80%", "requests_per_second": 20 },
        }))
        .unwrap()
    }

    fn api_key() -> Value {
        json!({ "method": "api_key", "consumer_key": "${KEY}", "api_key": "${SECRET}" })
    }

    fn of(auth: &Value, known: &[&str]) -> Result<Settings> {
        let lookup = |name: &str| known.contains(&name).then(|| format!("<{name}>"));
        settings("salesforce", &connection(auth), Path::new("."), &lookup)
    }

    #[test]
    fn variables_are_filled_in_and_limits_taken_over() {
        let settings = of(&api_key(), &["DOMAIN", "KEY", "SECRET"]).unwrap();
        assert_eq!(settings.instance_url, "https://<DOMAIN>.my.salesforce.com");
        let Credentials::ApiKey {
            consumer_key,
            consumer_secret,
        } = &settings.credentials
        else {
            panic!("{:?}", settings.credentials);
        };
        assert_eq!(consumer_key, "<KEY>");
        assert_eq!(consumer_secret.expose(), "<SECRET>");
        assert_eq!(settings.api_version, "66.0");
        assert!((settings.budget.daily_share - 0.8).abs() < 1e-9);
        assert_eq!(settings.budget.requests_per_second, NonZeroU32::new(20));
    }

    #[test]
    fn a_variable_that_is_not_set_is_named_and_no_other_is_shown() {
        let error = of(&api_key(), &["DOMAIN", "KEY"]).unwrap_err();
        assert_eq!(error.code(), Code::MissingVariable);
        assert!(error.message().contains("`SECRET`"), "{error}");
        assert!(!format!("{error:?}").contains("<KEY>"), "{error:?}");
    }

    #[test]
    fn a_sign_in_in_the_browser_is_refused_with_the_way_on() {
        let error = of(&json!({ "method": "oauth" }), &["DOMAIN"]).unwrap_err();
        assert_eq!(error.code(), Code::ConnectionSettings);
        assert!(error.help_text().unwrap().contains("api_key"));
    }

    #[test]
    fn a_certificate_bundle_that_is_not_there_is_named() {
        let mut connection = connection(&api_key());
        connection.ca_bundle = Some("missing.pem".into());
        let lookup = |name: &str| Some(name.to_owned());
        let error =
            settings("salesforce", &connection, Path::new("/nowhere"), &lookup).unwrap_err();
        assert_eq!(error.code(), Code::ConnectionSettings);
        assert!(error.message().contains("missing.pem"), "{error}");
    }
}
