//! Apps that sign users in: what a developer and an administrator set on each of them.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::sessions::letters;

/// The callbacks that every app of a seed has: that of `bridged connect` on its default port, in both spellings of
/// loopback, and that of the Salesforce CLI.
pub(super) const CALLBACKS: [&str; 3] = [
    "http://localhost:8910/auth/salesforce/callback",
    "http://127.0.0.1:8910/auth/salesforce/callback",
    "http://localhost:1717/OauthRedirect",
];

/// What can be asked for, with the words of the consent page. `openid` is missing: no id tokens are made.
///
/// Source: "OAuth Tokens and Scopes" in Salesforce Help.
pub(super) const SCOPES: [(&str, &str); 8] = [
    ("api", "Manage user data via APIs"),
    ("web", "Manage user data via Web browsers"),
    ("full", "Full access"),
    ("id", "Access the identity URL service"),
    ("profile", "Access the user's profile"),
    ("email", "Access the user's email address"),
    ("refresh_token", "Perform requests at any time"),
    ("offline_access", "Perform requests at any time"),
];

/// An app with a Consumer Key and Secret: a connected app or an external client app, which the wire cannot tell apart.
#[derive(Debug, Clone, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a checkbox of its own in Setup"
)]
pub(super) struct App {
    /// The name on the consent page.
    pub(super) name: String,
    pub(super) consumer_key: String,
    pub(super) api_key: String,
    /// As whom client credentials act; an app without anyone refuses them.
    pub(super) run_as: Option<String>,
    /// Where a browser may be sent back to, letter by letter.
    pub(super) callbacks: Vec<String>,
    /// What its tokens may be used for; a request for more is refused.
    pub(super) scopes: Vec<String>,
    /// An app that is switched off is unknown to every endpoint.
    pub(super) enabled: bool,
    /// An administrator blocked it.
    pub(super) blocked: bool,
    /// It is installed in the org; users can only approve an app that is.
    pub(super) installed: bool,
    /// Only users that an administrator approved may use it.
    pub(super) admin_approved_only: bool,
    /// User names that an administrator approved.
    pub(super) approved: Vec<String>,
    /// A user's IP restriction does not hold for it.
    pub(super) ip_relaxed: bool,
    /// The web server flow asks for the secret.
    pub(super) secret_for_web_server: bool,
    /// The refresh asks for the secret.
    pub(super) secret_for_refresh: bool,
    /// The web server flow asks for PKCE.
    pub(super) pkce_required: bool,
    /// Every refresh gives another refresh token, and ends the one before.
    pub(super) rotation: bool,
    /// How long refresh tokens live.
    pub(super) refresh_policy: RefreshPolicy,
    /// What verifies its JWTs: a certificate or a public key, in PEM.
    pub(super) certificate: Option<String>,
}

/// How long a refresh token lives.
///
/// Source: "Manage OAuth Access Policies for a Connected App" in Salesforce Help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RefreshPolicy {
    /// Until it is revoked.
    Infinite,
    /// Not at all: it cannot be used even once.
    ImmediatelyExpire,
    /// So long from the consent.
    Lifetime(SignedDuration),
    /// So long from its last use.
    Inactivity(SignedDuration),
}

impl RefreshPolicy {
    /// Whether a token of a grant that began and was last used then is still good.
    pub(super) fn holds(self, begun: Timestamp, used: Timestamp, now: Timestamp) -> bool {
        match self {
            RefreshPolicy::Infinite => true,
            RefreshPolicy::ImmediatelyExpire => false,
            RefreshPolicy::Lifetime(span) => now.duration_since(begun) <= span,
            RefreshPolicy::Inactivity(span) => now.duration_since(used) <= span,
        }
    }
}

impl App {
    /// The `number`-th app of a seed's secret, with what a new external client app has switched on.
    pub(super) fn of_seed(secret: &str, number: usize, run_as: Option<&str>) -> Self {
        Self {
            name: match run_as {
                Some(_) if number == 0 => "Bridged".to_owned(),
                Some(_) => format!("Bridged {}", number + 1),
                None => "Bridged without a Run As user".to_owned(),
            },
            consumer_key: format!("3MVG9{}", letters(&format!("{secret} key {number}"), 80)),
            api_key: letters(&format!("{secret} secret {number}"), 64),
            run_as: run_as.map(str::to_owned),
            callbacks: CALLBACKS.map(str::to_owned).to_vec(),
            scopes: ["api", "id", "web", "refresh_token"]
                .map(str::to_owned)
                .to_vec(),
            enabled: true,
            blocked: false,
            installed: true,
            admin_approved_only: false,
            approved: Vec::new(),
            ip_relaxed: false,
            secret_for_web_server: true,
            secret_for_refresh: true,
            pkce_required: true,
            rotation: false,
            refresh_policy: RefreshPolicy::Infinite,
            certificate: None,
        }
    }

    /// Whether an administrator approved a user.
    pub(super) fn approves(&self, username: &str) -> bool {
        self.approved
            .iter()
            .any(|approved| approved.eq_ignore_ascii_case(username))
    }

    /// The scopes of a request, or the first that the app may not ask for; all of the app's where none is named.
    pub(super) fn scopes_of(&self, wanted: &str) -> Result<Vec<String>, String> {
        let wanted: Vec<&str> = wanted.split_whitespace().collect();
        if wanted.is_empty() {
            return Ok(self.scopes.clone());
        }
        let mut scopes: Vec<String> = Vec::with_capacity(wanted.len());
        for scope in wanted {
            if !self.may_ask(scope) {
                return Err(scope.to_owned());
            }
            if !scopes.iter().any(|known| known == scope) {
                scopes.push(scope.to_owned());
            }
        }
        Ok(scopes)
    }

    fn may_ask(&self, scope: &str) -> bool {
        let has = |name: &str| self.scopes.iter().any(|own| own == name);
        if is_offline(scope) {
            return self.is_offline();
        }
        let known = SCOPES.iter().any(|(name, _)| *name == scope);
        has(scope) || known && has("full")
    }

    /// Whether the app may have refresh tokens.
    pub(super) fn is_offline(&self) -> bool {
        self.scopes.iter().any(|scope| is_offline(scope))
    }
}

/// Whether a scope asks for a refresh token; it has two names.
pub(super) fn is_offline(scope: &str) -> bool {
    scope == "refresh_token" || scope == "offline_access"
}

/// Whether a token with these scopes may be used with the REST API.
pub(super) fn allows_api(scopes: &[String]) -> bool {
    scopes.iter().any(|scope| scope == "api" || scope == "full")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(scopes: &[&str]) -> App {
        App {
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            ..App::of_seed("x", 0, None)
        }
    }

    #[test]
    fn an_app_asks_for_no_more_than_it_has() {
        let some = app(&["api", "refresh_token"]);
        assert_eq!(some.scopes_of("").unwrap(), ["api", "refresh_token"]);
        assert_eq!(some.scopes_of("api  api").unwrap(), ["api"]);
        assert_eq!(
            some.scopes_of("offline_access").unwrap(),
            ["offline_access"]
        );
        assert_eq!(some.scopes_of("api web").unwrap_err(), "web");
        let full = app(&["full"]);
        assert_eq!(full.scopes_of("api web").unwrap(), ["api", "web"]);
        assert_eq!(
            full.scopes_of("refresh_token").unwrap_err(),
            "refresh_token"
        );
        assert_eq!(full.scopes_of("nonsense").unwrap_err(), "nonsense");
    }

    #[test]
    fn each_policy_ends_a_token_at_its_own_time() {
        let hours = |n: i64| {
            "2026-03-01T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(n)
        };
        let holds = |policy: RefreshPolicy, used: i64, now: i64| {
            policy.holds(hours(0), hours(used), hours(now))
        };
        let two = SignedDuration::from_hours(2);
        assert!(holds(RefreshPolicy::Infinite, 0, 100_000));
        assert!(!holds(RefreshPolicy::ImmediatelyExpire, 0, 0));
        assert!(
            holds(RefreshPolicy::Lifetime(two), 0, 2) && !holds(RefreshPolicy::Lifetime(two), 2, 3)
        );
        assert!(
            holds(RefreshPolicy::Inactivity(two), 2, 4)
                && !holds(RefreshPolicy::Inactivity(two), 0, 3)
        );
    }
}
