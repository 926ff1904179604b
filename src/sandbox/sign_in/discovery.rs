//! What is published about signing in, for whoever asks.

use serde_json::{Value, json};

use crate::sandbox::apps::SCOPES;
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::state::State;

/// `/.well-known/openid-configuration`. `openid` is no scope here and no keys sign id tokens: the document says so.
pub(in crate::sandbox) fn openid_configuration(call: &Call) -> Answer {
    let at = |path: &str| format!("{}{path}", call.origin);
    let scopes: Vec<Value> = SCOPES.iter().map(|(name, _)| json!(name)).collect();
    Answer::ok(json!({
        "issuer": call.origin,
        "authorization_endpoint": at("/services/oauth2/authorize"),
        "token_endpoint": at("/services/oauth2/token"),
        "revocation_endpoint": at("/services/oauth2/revoke"),
        "userinfo_endpoint": at("/services/oauth2/userinfo"),
        "introspection_endpoint": at("/services/oauth2/introspect"),
        "jwks_uri": at("/id/keys"),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [
            "authorization_code",
            "refresh_token",
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
        ],
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [],
        "display_values_supported": ["page"],
        "prompt_values_supported": ["login", "consent", "none"],
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "client_secret_basic",
            "private_key_jwt",
        ],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "claims_supported": [
            "active",
            "email",
            "email_verified",
            "family_name",
            "given_name",
            "locale",
            "name",
            "nickname",
            "organization_id",
            "preferred_username",
            "sub",
            "updated_at",
            "user_id",
            "zoneinfo",
        ],
    }))
}

/// `/.well-known/auth-configuration`: how this org lets people log in.
pub(in crate::sandbox) fn auth_configuration(state: &State, call: &Call) -> Answer {
    Answer::ok(json!({
        "OrgId": state.org().id.short(),
        "Url": call.origin,
        "LoginPageType": "standard",
        "LoginPageTypeSettings": {},
        "LoginPage": { "LoginPageUrl": null, "PasswordLoginEnabled": true },
        "SamlProviders": [],
        "AuthProviders": [],
        "MobileSDK": {},
    }))
}

/// `/id/keys`: nothing is signed with a key of the org.
pub(in crate::sandbox) fn keys() -> Answer {
    Answer::ok(json!({ "keys": [] }))
}
