//! The client credentials grant: the app signs in by its key and secret, as its Run As user.

use url::Url;

use super::token_endpoint::{self, ClientId, Form, Tokens};
use crate::foundation::secret::Secret;
use crate::salesforce::refusal::Failure;
use crate::salesforce::wire::Wire;

/// One request (Salesforce Help, "OAuth 2.0 Client Credentials Flow for Server-to-Server Integration"). It can be repeated:
/// each one gives a token of its own.
pub(in crate::salesforce) async fn sign_in(
    wire: &Wire,
    instance: &Url,
    consumer_key: &str,
    consumer_secret: &Secret,
) -> Result<Tokens, Failure> {
    let client = ClientId {
        consumer_key,
        consumer_secret: Some(consumer_secret),
    };
    let form = Form::grant("client_credentials");
    token_endpoint::ask(wire, instance, Some(client), form, &[]).await
}
