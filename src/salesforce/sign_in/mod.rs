//! What a refused sign-in means, and the grants by which an access token is got, over one way to ask the token endpoint.

pub(super) mod refusals;
pub(super) mod token_endpoint;
pub(super) mod client_credentials;
pub(super) mod jwt_bearer;
pub(super) mod refresh;
