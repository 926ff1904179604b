//! Ending a connection: first at Salesforce, then here.

use serde_json::{Map, json};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::salesforce::web_server::{App, SignIn};
use crate::spec::project::{Connection, SalesforceConnection};
use crate::store::model::{AuditAction, CardChange};
use crate::vault::{Change, Field};

use super::connect::Keeping;
use super::credentials::{self, Sources};

/// What a revocation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Whether Salesforce ended tokens.
    pub at_salesforce: bool,
    /// What was kept, and is not any more.
    pub removed: Vec<Field>,
    /// What is left for a person to end, as the rest of a sentence: `revoke the app's …`.
    pub left: Option<&'static str>,
}

/// Revokes the connection's tokens at Salesforce, then removes everything that is kept of it.
///
/// With `here_only`, Salesforce is not asked: for tokens that cannot be read any more, or an org that is gone.
///
/// # Errors
/// `not-connected` where nothing is kept; what Salesforce or the network refuses, and then nothing is removed.
pub async fn revoke(
    keeping: &Keeping,
    sources: &Sources<'_>,
    connection: Option<&Connection>,
    here_only: bool,
) -> Result<Revoked> {
    let _lock = keeping.exclusively()?;
    let removed = keeping.vault.holds(&keeping.name)?;
    let card = keeping.vault.card(&keeping.name)?;
    if removed.is_empty() && card.is_none() {
        let message = format!("nothing is kept of connection `{}`", keeping.name);
        let help = "credentials that `bridged.yaml` refers to are ended where they come from";
        return Err(Error::new(Code::NotConnected, message).help(help));
    }
    let at_salesforce = match connection {
        Some(Connection::Salesforce(salesforce)) if !here_only => {
            at_salesforce(keeping, sources, salesforce).await?
        }
        _ => false,
    };
    let names: Vec<&str> = removed.iter().map(|field| field.as_str()).collect();
    let details = Map::from_iter([
        ("at_salesforce".to_owned(), json!(at_salesforce)),
        ("removed".to_owned(), json!(names)),
    ]);
    let change = Change {
        connection: &keeping.name,
        put: &[],
        remove: &removed,
        card: Some(CardChange::Remove),
        audit: Some(keeping.entry(AuditAction::Revoked, details)),
    };
    keeping.vault.change(&change, keeping.clock.now())?;
    Ok(Revoked {
        at_salesforce,
        left: left(&removed, at_salesforce),
        removed,
    })
}

/// Ends the tokens that a browser's sign-in brought; whether there were any.
async fn at_salesforce(
    keeping: &Keeping,
    sources: &Sources<'_>,
    connection: &SalesforceConnection,
) -> Result<bool> {
    let vault = &keeping.vault;
    // Ending the refresh token ends the access tokens that came of it (Salesforce Help, "Revoke OAuth Tokens").
    let token = match vault.get(&keeping.name, Field::RefreshToken)? {
        Some(token) => Some(token),
        None => vault.get(&keeping.name, Field::AccessToken)?,
    };
    let Some(token) = token else {
        return Ok(false);
    };
    let [key, proof] = credentials::of_auth(&connection.auth);
    let settings = sources.address(&keeping.name, connection)?;
    let app = App {
        consumer_key: sources.needed(&keeping.name, &key)?.expose().to_owned(),
        consumer_secret: sources.credential(&keeping.name, &proof)?,
    };
    SignIn::new(&settings, app)?.revoke(&token).await?;
    Ok(true)
}

/// What only a person can end.
fn left(removed: &[Field], at_salesforce: bool) -> Option<&'static str> {
    let had = |field: Field| removed.contains(&field);
    if had(Field::WhatsappToken) {
        return Some(
            "the access token stays good until it is revoked in Meta's Business Settings, under System Users",
        );
    }
    if had(Field::RefreshToken) && !at_salesforce {
        return Some(
            "the tokens stay good until they are revoked: Setup → OAuth Connected Apps OAuth Usage",
        );
    }
    if had(Field::PrivateKey) {
        return Some(
            "the certificate stays good until it is removed from the app: Setup → External Client App Manager → the app → Settings → OAuth Settings",
        );
    }
    had(Field::ConsumerSecret).then_some(
        "the Consumer Secret stays good until it is rotated: Setup → External Client App Manager → the app → Settings → OAuth Settings → Consumer Key and Secret",
    )
}
