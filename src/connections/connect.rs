//! Connecting an account: what was entered or granted is tried out, and kept, sealed, only when it works.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::foundation::clock::Clock;
use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::secret::Secret;
use crate::salesforce::client::{Client, Identity};
use crate::salesforce::web_server::{App, SignIn};
use crate::spec::project::{SalesforceConnection, WhatsAppConnection};
use crate::store::model::{AuditAction, Card, CardChange, ConnectionLock, NewAudit};
use crate::vault::{Change, Field, Vault};
use crate::whatsapp;

use super::attempts::LIFETIME;
use super::credentials::{self, Sources};
use super::door::{Arrived, Begin, Door, Finish};
use super::listener::Listener;

/// What bridged asks for in a browser: the API, and tokens that last (Salesforce Help, "OAuth Tokens and Scopes").
pub const SCOPES: [&str; 2] = ["api", "refresh_token"];

/// How long to wait for a process that renews a connection's tokens; one request rarely takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait between two looks at its lock.
const LOOK: Duration = Duration::from_millis(50);

/// Where a connection is kept, and by whom.
#[derive(Debug, Clone)]
pub struct Keeping {
    /// The connection's name.
    pub name: String,
    /// The vault.
    pub vault: Arc<Vault>,
    /// Who acts, as the audit log names them.
    pub actor: String,
    /// The clock.
    pub clock: Clock,
}

/// Signs in with a key or a signed assertion, and keeps what was entered.
///
/// # Errors
/// What signing in refuses; nothing is kept then.
pub async fn with_keys(
    keeping: &Keeping,
    sources: &Sources<'_>,
    connection: &SalesforceConnection,
) -> Result<Card> {
    let settings = sources.settings(&keeping.name, connection)?;
    let address = settings.instance_url.clone();
    let client = Client::new(settings)?;
    let scopes = client.sign_in().await?;
    let identity = client.identity().await?;
    let card = keeping.card(
        connection.auth.method(),
        Some(&address),
        Some(identity),
        Some(scopes),
    );
    keeping.keep(sources.entered, &[], &card)?;
    Ok(card)
}

/// Asks for the number that a WhatsApp token sends from, and keeps what was entered. The card's user name is the number with
/// its verified name.
///
/// # Errors
/// What the Graph API refuses with; nothing is kept then.
pub async fn whatsapp(
    keeping: &Keeping,
    sources: &Sources<'_>,
    connection: &WhatsAppConnection,
) -> Result<Card> {
    let settings = sources.whatsapp(&keeping.name, connection)?;
    let sender = whatsapp::client::Client::new(settings)?.sender().await?;
    let mut card = keeping.card("access_token", None, None, None);
    card.username = Some(sender.shown());
    keeping.keep(sources.entered, &[], &card)?;
    Ok(card)
}

/// Listens for the browser in which somebody signs in; [`Listener::wait`] ends when the tokens are kept.
///
/// # Errors
/// What is wrong with the connection, and what Salesforce says of the callback URL and the Consumer Key before a browser is
/// opened: `callback-mismatch`, `wrong-consumer-key`.
pub async fn in_browser(
    keeping: Keeping,
    sources: &Sources<'_>,
    connection: &SalesforceConnection,
    port: u16,
) -> Result<Listener> {
    let signing = Signing::open(keeping, sources, connection)?;
    let listener = Listener::bind(port, signing.begin(), signing.finish()).await?;
    signing.try_out(&listener.redirect_uri()).await?;
    Ok(listener)
}

/// The door through which somebody signs in at a server, whose address others know as `origin`.
///
/// # Errors
/// As [`in_browser`].
pub async fn at_door(signing: Signing, origin: &str) -> Result<Door> {
    let door = Door::new(origin, LIFETIME, signing.begin(), signing.finish())?;
    signing.try_out(&door.redirect_uri()).await?;
    Ok(door)
}

/// What it takes to sign in, in a browser, for one connection.
pub struct Signing {
    sign_in: Arc<SignIn>,
    granting: Granting,
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signing({})", self.granting.keeping.name)
    }
}

impl Signing {
    /// Gathers it; nothing is sent.
    ///
    /// # Errors
    /// What is wrong with the connection.
    pub fn open(
        keeping: Keeping,
        sources: &Sources<'_>,
        connection: &SalesforceConnection,
    ) -> Result<Self> {
        let [key, proof] = credentials::of_auth(&connection.auth);
        let consumer_key = sources.needed(&keeping.name, &key)?;
        let consumer_secret = sources.credential(&keeping.name, &proof)?;
        let settings = sources.address(&keeping.name, connection)?;
        let app = App {
            consumer_key: consumer_key.expose().to_owned(),
            consumer_secret,
        };
        Ok(Self {
            sign_in: Arc::new(SignIn::new(&settings, app)?),
            granting: Granting {
                keeping,
                address: settings.instance_url.clone(),
                entered: sources.entered.into(),
            },
        })
    }

    fn begin(&self) -> Begin {
        let sign_in = Arc::clone(&self.sign_in);
        Arc::new(move |redirect_uri| sign_in.authorize(redirect_uri, &SCOPES))
    }

    fn finish(&self) -> Finish {
        let (sign_in, granting) = (Arc::clone(&self.sign_in), self.granting.clone());
        Arc::new(move |arrived| {
            let (sign_in, granting) = (Arc::clone(&sign_in), granting.clone());
            Box::pin(async move { granting.keep(&sign_in, arrived).await })
        })
    }

    /// Asks Salesforce whether it takes the callback URL and the Consumer Key.
    async fn try_out(&self, redirect_uri: &str) -> Result<()> {
        self.sign_in.try_out(redirect_uri, &SCOPES).await
    }
}

/// What it takes to keep what a browser brings.
#[derive(Clone)]
struct Granting {
    keeping: Keeping,
    address: String,
    entered: Arc<[(Field, Secret)]>,
}

impl Granting {
    /// Exchanges the code, looks who it is, uses the refresh token once, and keeps the tokens.
    async fn keep(&self, sign_in: &SignIn, arrived: Arrived) -> Result<String> {
        let granted = sign_in
            .exchange(&arrived.code, &arrived.verifier, &arrived.redirect_uri)
            .await?;
        let Some(refresh) = granted.refresh else {
            let message =
                "Salesforce granted no refresh token, so the connection would end with the session";
            let help = "add the scope `Perform requests at any time (refresh_token, offline_access)` to the app, then connect again";
            return Err(Error::new(Code::ScopeMissing, message).help(help));
        };
        let identity = sign_in.identity(&granted.access).await?;
        // Used once while somebody is there to begin again: it proves that the token works, and tells whether it rotates.
        let fresh = sign_in.refresh_once(&refresh).await?;
        let scopes = granted
            .scope
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        let mut card =
            self.keeping
                .card("oauth", Some(&self.address), Some(identity), Some(scopes));
        card.refresh_rotates = Some(fresh.refresh.is_some());
        card.refreshed_at = Some(self.keeping.clock.now());
        let tokens = [
            (Field::AccessToken, fresh.access),
            (Field::RefreshToken, fresh.refresh.unwrap_or(refresh)),
        ];
        self.keeping.keep(&self.entered, &tokens, &card)?;
        Ok(format!(
            "`{}` is connected{}.",
            self.keeping.name,
            as_whom(&card)
        ))
    }
}

impl Keeping {
    /// What is shown of the connection from now on.
    fn card(
        &self,
        method: &str,
        address: Option<&str>,
        identity: Option<Identity>,
        scopes: Option<Vec<String>>,
    ) -> Card {
        let mut card = Card::new(&self.name, method, self.clock.now());
        card.instance_url = address.map(str::to_owned);
        card.scopes = scopes.unwrap_or_default();
        if let Some(identity) = identity {
            card.user_id = Some(identity.user_id);
            card.organization_id = Some(identity.organization_id);
            card.username = identity.preferred_username.or(identity.name);
        }
        card
    }

    /// Keeps the credentials and the card, and writes the audit log, in one transaction.
    fn keep(
        &self,
        entered: &[(Field, Secret)],
        granted: &[(Field, Secret)],
        card: &Card,
    ) -> Result<()> {
        let put: Vec<(Field, &Secret)> = entered
            .iter()
            .chain(granted)
            .map(|(field, secret)| (*field, secret))
            .collect();
        // Tokens of an earlier sign-in are another person's, or another app's.
        let tokens = [Field::AccessToken, Field::RefreshToken];
        let remove: Vec<Field> = tokens
            .into_iter()
            .filter(|token| put.iter().all(|(field, _)| field != token))
            .collect();
        let details = Map::from_iter([
            ("method".to_owned(), json!(card.method)),
            ("username".to_owned(), json!(card.username)),
            ("organization_id".to_owned(), json!(card.organization_id)),
            ("scopes".to_owned(), json!(card.scopes)),
        ]);
        let change = Change {
            connection: &self.name,
            put: &put,
            remove: &remove,
            card: Some(CardChange::Put(card)),
            audit: Some(self.entry(AuditAction::Connected, details)),
        };
        let _lock = self.exclusively()?;
        self.vault.change(&change, self.clock.now())
    }

    /// Waits until no process renews the connection's tokens: what one of them kept later would take the place of what is
    /// kept now.
    ///
    /// # Errors
    /// `connection-busy`.
    pub(super) fn exclusively(&self) -> Result<ConnectionLock> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(lock) = self.vault.lock(&self.name)? {
                return Ok(lock);
            }
            if Instant::now() > until {
                let message = format!(
                    "another process has been renewing the tokens of connection `{}` for too long",
                    self.name
                );
                let help = "wait until it has ended, then run the command again";
                return Err(Error::new(Code::ConnectionBusy, message).help(help));
            }
            std::thread::sleep(LOOK);
        }
    }

    /// An entry of the audit log about the connection.
    pub(super) fn entry(&self, action: AuditAction, details: Map<String, Value>) -> NewAudit {
        NewAudit {
            at: self.clock.now(),
            action,
            subject: self.name.clone(),
            actor: self.actor.clone(),
            details,
        }
    }
}

/// Who a connection acts as: ` as NAME, org ID`; empty where that is not known.
pub fn as_whom(card: &Card) -> String {
    let mut text = String::new();
    if let Some(username) = &card.username {
        text.push_str(" as ");
        text.push_str(username);
    }
    if let Some(org) = &card.organization_id {
        text.push_str(", org ");
        text.push_str(org);
    }
    text
}
