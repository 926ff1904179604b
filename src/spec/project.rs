//! The project file, `bridged.yaml`, as types.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::amount::{Percent, Period};
use super::name::{ApiName, SlugName};
use super::pipeline::FormatVersion;
use super::shape::{filled, given, whole};
use super::text::{EnvText, SecretText};

/// The project: its connections and its store.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// The version of the file format; always 1.
    pub version: FormatVersion,
    /// The name of the project.
    #[schemars(example = &"acme-revops")]
    pub name: SlugName,
    /// Where profiles, ledgers and positions are kept: `sqlite:` with a path relative to the project, or a
    /// `postgres://` address.
    #[serde(default = "default_store")]
    #[schemars(extend("default" = DEFAULT_STORE), example = &"sqlite:.bridged/bridged.db")]
    pub store: EnvText,
    /// How long values of people are kept that nothing needs any more, at least `1d`: the records of rejected ones, profiles of
    /// rows that were deleted in Salesforce, webhooks that could not be read. Counts stay. Left out: for good.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"30d")]
    pub retention: Option<Period>,
    /// The accounts on other systems, by the names that pipelines use.
    #[serde(deserialize_with = "filled")]
    #[schemars(extend("minProperties" = 1))]
    pub connections: IndexMap<SlugName, Connection>,
}

impl Project {
    /// The connection that a section uses: the one it names, or the only one of its kind; `None` where it is not
    /// there, is of another kind, or where there are several to choose from.
    pub fn connection(
        &self,
        named: Option<&SlugName>,
        kind: &str,
    ) -> Option<(&SlugName, &Connection)> {
        if let Some(name) = named {
            return self
                .connections
                .get_key_value(name)
                .filter(|(_, connection)| connection.kind() == kind);
        }
        let mut of_kind = self
            .connections
            .iter()
            .filter(|(_, connection)| connection.kind() == kind);
        of_kind.next().filter(|_| of_kind.next().is_none())
    }
}

/// The store of a project that names none.
pub const DEFAULT_STORE: &str = "sqlite:.bridged/bridged.db";

/// An account on another system.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Connection {
    /// A Salesforce org.
    Salesforce(Box<SalesforceConnection>),
    /// A WhatsApp business phone number.
    Whatsapp(Box<WhatsAppConnection>),
}

impl Connection {
    /// The word in the file.
    pub const fn kind(&self) -> &'static str {
        match self {
            Connection::Salesforce(_) => "salesforce",
            Connection::Whatsapp(_) => "whatsapp",
        }
    }

    /// The Salesforce org, where it is one.
    pub fn salesforce(&self) -> Option<&SalesforceConnection> {
        match self {
            Connection::Salesforce(connection) => Some(connection),
            Connection::Whatsapp(_) => None,
        }
    }

    /// The WhatsApp number, where it is one.
    pub fn whatsapp(&self) -> Option<&WhatsAppConnection> {
        match self {
            Connection::Salesforce(_) => None,
            Connection::Whatsapp(connection) => Some(connection),
        }
    }
}

/// A Salesforce org.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SalesforceConnection {
    /// The org's My Domain address.
    #[schemars(example = &"https://acme.my.salesforce.com")]
    pub instance_url: EnvText,
    /// How bridged signs in.
    pub auth: Auth,
    /// The objects that bridged may touch, each with what it may do; left out: whatever the signed-in user may.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = objects_example())]
    pub objects: Option<IndexMap<ApiName, Access>>,
    /// The version of the Salesforce API, in quotes.
    #[serde(default)]
    #[schemars(extend("default" = ApiVersion::DEFAULT))]
    pub api_version: ApiVersion,
    /// How much of the org's API allowance bridged may use.
    #[serde(default)]
    pub budget: Budget,
    /// The name under which Salesforce tells bridged's changes from those of other programs (`Sforce-Call-Options`).
    #[serde(default, deserialize_with = "given")]
    #[schemars(extend("default" = "bridged"), example = &"bridged")]
    pub client_name: Option<SlugName>,
    /// Hosts outside Salesforce's own domains that credentials may go to, by their exact names.
    #[serde(default)]
    #[schemars(example = hosts_example())]
    pub allowed_hosts: Vec<String>,
    /// A PEM file with certificate authorities to trust in addition, relative to the project.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"certs/company-ca.pem")]
    pub ca_bundle: Option<String>,
    /// The address of a proxy to go through; without one the connection is direct, whatever the environment says.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"${BRIDGED_PROXY}")]
    pub proxy: Option<EnvText>,
}

/// How bridged signs in to Salesforce. A credential that is left out is the one that `bridged connect` keeps, encrypted.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    /// A Consumer Key and Secret of the org's app (OAuth 2.0 client credentials).
    ApiKey {
        /// The app's Consumer Key.
        #[serde(default, deserialize_with = "given")]
        consumer_key: Option<SecretText>,
        /// The app's Consumer Secret.
        #[serde(default, deserialize_with = "given")]
        api_key: Option<SecretText>,
    },
    /// A sign-in in the browser (OAuth 2.0 web server flow with PKCE); `bridged connect` keeps the tokens, encrypted.
    Oauth {
        /// The app's Consumer Key.
        #[serde(default, deserialize_with = "given")]
        consumer_key: Option<SecretText>,
        /// The app's Consumer Secret, where the app asks for it.
        #[serde(default, deserialize_with = "given")]
        consumer_secret: Option<SecretText>,
    },
    /// A signed assertion (OAuth 2.0 JWT bearer), for servers.
    Jwt {
        /// The app's Consumer Key.
        #[serde(default, deserialize_with = "given")]
        consumer_key: Option<SecretText>,
        /// The Salesforce user that bridged acts as.
        #[schemars(example = &"integration@acme.example")]
        username: EnvText,
        /// The private key that signs, in PEM form.
        #[serde(default, deserialize_with = "given")]
        private_key: Option<SecretText>,
        /// For whom the assertion is made, where it is not Salesforce's own log-in address.
        #[serde(default, deserialize_with = "given")]
        #[schemars(example = &"https://login.salesforce.com")]
        audience: Option<EnvText>,
    },
}

impl Auth {
    /// The word in the file.
    pub const fn method(&self) -> &'static str {
        match self {
            Auth::ApiKey { .. } => "api_key",
            Auth::Oauth { .. } => "oauth",
            Auth::Jwt { .. } => "jwt",
        }
    }
}

/// What bridged may do with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Read it.
    Read,
    /// Write it.
    Write,
    /// Both.
    ReadWrite,
}

impl Access {
    /// Whether reading is allowed.
    pub const fn reads(self) -> bool {
        matches!(self, Access::Read | Access::ReadWrite)
    }

    /// Whether writing is allowed.
    pub const fn writes(self) -> bool {
        matches!(self, Access::Write | Access::ReadWrite)
    }
}

/// The version of the Salesforce API.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ApiVersion(String);

impl ApiVersion {
    /// The form in the schema.
    pub const PATTERN: &'static str = r"^[1-9][0-9]{1,2}\.0$";

    /// The version unless the author asks for another.
    pub const DEFAULT: &'static str = "67.0";

    /// The version with its decimal, as addresses carry it behind `v`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let number = text.strip_suffix(".0")?;
        let valid = matches!(number.len(), 2 | 3)
            && !number.starts_with('0')
            && number.bytes().all(|byte| byte.is_ascii_digit());
        valid.then(|| Self(text.to_owned()))
    }
}

impl Default for ApiVersion {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

impl<'de> Deserialize<'de> for ApiVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::shape::text(deserializer, "an API version such as `67.0`", Self::parse)
    }
}

super::shape::text_schema!(
    ApiVersion,
    ApiVersion::PATTERN,
    ["67.0"],
    "The version of the Salesforce API, in quotes."
);

/// How much of the org's API allowance bridged may use.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The share of the org's calls in 24 hours after which bridged stops; the rest stays for others.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"80%")]
    pub daily_share: Option<Percent>,
    /// The most requests in a second.
    #[serde(default, deserialize_with = "per_second")]
    #[schemars(range(min = 1, max = MAX_REQUESTS_PER_SECOND), example = 20)]
    pub requests_per_second: Option<u32>,
}

/// The highest `requests_per_second` that is taken for meant.
pub const MAX_REQUESTS_PER_SECOND: u32 = 1000;

/// A WhatsApp business phone number.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhatsAppConnection {
    /// The id of the phone number, as Meta shows it (not the number itself).
    #[schemars(example = &"${WHATSAPP_PHONE_NUMBER_ID}")]
    pub phone_number_id: EnvText,
    /// The token that signs requests; left out: the one that `bridged connect` keeps, encrypted.
    #[serde(default, deserialize_with = "given")]
    pub access_token: Option<SecretText>,
    /// The version of the Graph API.
    #[serde(default)]
    #[schemars(extend("default" = GraphVersion::DEFAULT))]
    pub graph_version: GraphVersion,
    /// The id of the business account, for looking up templates.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"${WHATSAPP_BUSINESS_ACCOUNT_ID}")]
    pub business_account_id: Option<EnvText>,
    /// The secret with which Meta signs what it delivers to the webhook.
    #[serde(default, deserialize_with = "given")]
    pub app_secret: Option<SecretText>,
    /// The token that Meta repeats when it verifies the webhook.
    #[serde(default, deserialize_with = "given")]
    pub verify_token: Option<SecretText>,
    /// The address of the Graph API, where it is not Meta's own.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"http://127.0.0.1:8900")]
    pub api_url: Option<EnvText>,
}

/// The version of the Graph API.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GraphVersion(String);

impl GraphVersion {
    /// The form in the schema.
    pub const PATTERN: &'static str = r"^v[1-9][0-9]{0,2}\.0$";

    /// The version unless the author asks for another.
    pub const DEFAULT: &'static str = "v25.0";

    /// The version as addresses carry it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let number = text.strip_prefix('v')?.strip_suffix(".0")?;
        let valid = matches!(number.len(), 1..=3)
            && !number.starts_with('0')
            && number.bytes().all(|byte| byte.is_ascii_digit());
        valid.then(|| Self(text.to_owned()))
    }
}

impl Default for GraphVersion {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

impl<'de> Deserialize<'de> for GraphVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::shape::text(
            deserializer,
            "a Graph API version such as `v25.0`",
            Self::parse,
        )
    }
}

super::shape::text_schema!(
    GraphVersion,
    GraphVersion::PATTERN,
    ["v25.0"],
    "The version of the Graph API."
);

fn default_store() -> EnvText {
    EnvText::new(DEFAULT_STORE)
}

fn per_second<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let number: u32 = whole(deserializer)?;
    if (1..=MAX_REQUESTS_PER_SECOND).contains(&number) {
        return Ok(Some(number));
    }
    Err(D::Error::custom(format!(
        "{number} is not within 1 to {MAX_REQUESTS_PER_SECOND}"
    )))
}

fn objects_example() -> serde_json::Value {
    serde_json::json!({ "Lead": "read_write", "Contact": "read", "Conversation__c": "write" })
}

fn hosts_example() -> serde_json::Value {
    serde_json::json!(["salesforce.acme.example"])
}
