//! The pages of the authorize endpoint: plain HTML without scripts. Whatever came with a request is escaped.
//!
//! The ids of the controls are those of the service's own pages, which tools that drive a browser look for. *Unconfirmed.*

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use ring::digest::{SHA256, digest};
use url::Url;

use crate::sandbox::apps::SCOPES;
use crate::sandbox::call::{Answer, HTML};
use crate::sandbox::texts::oauth::Fault;

/// What the log-in page says of a user name and a password that do not belong together.
pub(super) const WRONG_PASSWORD: &str = "Please check your username and password. If you still can't log in, contact your administrator.";

const STYLE: &str = "\
:root{color-scheme:light}\
*{box-sizing:border-box}\
body{margin:0;min-height:100vh;display:flex;align-items:center;justify-content:center;padding:1.5rem;\
background:#f4f6f9;color:#16325c;font:1rem/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}\
main{width:100%;max-width:26rem;background:#fff;border:1px solid #d8dde6;border-radius:.5rem;padding:2rem;\
box-shadow:0 2px 8px rgba(22,50,92,.08)}\
h1{font-size:1.35rem;line-height:1.3;margin:0 0 1rem}\
p{margin:0 0 1rem}\
label{display:block;font-weight:600;margin:0 0 .25rem}\
input{width:100%;font:inherit;padding:.6rem .75rem;margin:0 0 1rem;border:1px solid #747b87;border-radius:.25rem}\
button{width:100%;font:inherit;font-weight:600;padding:.65rem 1rem;margin:0 0 .75rem;border-radius:.25rem;\
border:1px solid #0b5cab;background:#0b5cab;color:#fff;cursor:pointer}\
button.quiet{background:#fff;color:#0b5cab}\
button.link{border:0;background:none;color:#0b5cab;text-decoration:underline;margin:0;padding:.25rem}\
input:focus-visible,button:focus-visible{outline:3px solid #f59f00;outline-offset:2px}\
ul{margin:0 0 1rem;padding-left:1.25rem}\
.alert{border-left:4px solid #ba0517;background:#fdecea;color:#690a10;padding:.75rem 1rem;border-radius:.25rem}\
.note{font-size:.875rem;color:#444;overflow-wrap:anywhere;margin:1rem 0 0}\
code{font-family:ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}";

/// What the log-in page shows.
pub(super) struct LogIn<'a> {
    /// The query of the request, which the form goes back with.
    pub(super) query: &'a str,
    pub(super) form_token: &'a str,
    pub(super) app: &'a str,
    /// What stands in the field already.
    pub(super) username: &'a str,
    /// Why the page is shown again.
    pub(super) wrong: Option<&'a str>,
    pub(super) redirect_uri: &'a str,
}

/// What the consent page shows.
pub(super) struct Consent<'a> {
    pub(super) query: &'a str,
    pub(super) form_token: &'a str,
    pub(super) app: &'a str,
    /// Name and user name.
    pub(super) user: &'a str,
    pub(super) scopes: &'a [String],
    pub(super) redirect_uri: &'a str,
}

/// Asks who is there.
pub(super) fn log_in(page: &LogIn<'_>) -> Answer {
    let alert = page.wrong.map_or_else(String::new, |wrong| {
        format!(
            "<p class=\"alert\" role=\"alert\" id=\"error\">{}</p>",
            escape(wrong)
        )
    });
    let described = if page.wrong.is_some() {
        " aria-describedby=\"error\""
    } else {
        ""
    };
    let body = format!(
        "<h1>Log in</h1>\
         <p>to go on to <strong>{app}</strong></p>{alert}\
         <form method=\"post\" action=\"{action}\" id=\"login_form\">\
         <input type=\"hidden\" name=\"form_token\" value=\"{token}\">\
         <label for=\"username\">Username</label>\
         <input id=\"username\" name=\"username\" type=\"text\" value=\"{username}\" autocomplete=\"username\" \
         autocapitalize=\"none\" spellcheck=\"false\" required{described}>\
         <label for=\"password\">Password</label>\
         <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required{described}>\
         <button id=\"Login\" type=\"submit\">Log In</button>\
         </form>\
         <p class=\"note\">This is a sandbox on your own machine. Its user name and password are in the line that it \
         printed when it started.</p>",
        app = escape(page.app),
        action = action(page.query),
        token = escape(page.form_token),
        username = escape(page.username),
    );
    html(StatusCode::OK, "Log in", &body, Some(page.redirect_uri))
}

/// Asks whether the app may do what it wants to.
pub(super) fn consent(page: &Consent<'_>) -> Answer {
    let mut scopes = String::new();
    for scope in page.scopes {
        let words = SCOPES.iter().find(|(name, _)| name == scope);
        let words = words.map_or(scope.as_str(), |(_, words)| words);
        let _infallible = write!(
            scopes,
            "<li>{} (<code>{}</code>)</li>",
            escape(words),
            escape(scope)
        );
    }
    let body = format!(
        "<h1>Allow access?</h1>\
         <p><strong id=\"app\">{app}</strong> asks to:</p>\
         <ul id=\"scopes\">{scopes}</ul>\
         <p>Do you want to allow access for <strong id=\"user\">{user}</strong>?</p>\
         <form method=\"post\" action=\"{action}\" id=\"editPage\">\
         <input type=\"hidden\" name=\"form_token\" value=\"{token}\">\
         <button id=\"oaapprove\" type=\"submit\" name=\"decision\" value=\"allow\">Allow</button>\
         <button id=\"oadeny\" type=\"submit\" name=\"decision\" value=\"deny\" class=\"quiet\">Deny</button>\
         <button id=\"switch\" type=\"submit\" name=\"decision\" value=\"switch\" class=\"link\">Not you?</button>\
         </form>\
         <p class=\"note\">You go back to <code>{callback}</code>.</p>",
        app = escape(page.app),
        user = escape(page.user),
        action = action(page.query),
        token = escape(page.form_token),
        callback = escape(page.redirect_uri),
    );
    html(
        StatusCode::OK,
        "Allow access?",
        &body,
        Some(page.redirect_uri),
    )
}

/// Says why nobody can be sent anywhere.
pub(super) fn refusal(fault: &Fault) -> Answer {
    let body = format!(
        "<h1>The app cannot be authorized</h1>\
         <p class=\"alert\" role=\"alert\"><code id=\"error\">{}</code>: <span id=\"error_description\">{}</span></p>\
         <p>Compare the Consumer Key and the callback URL that the app sent with those in Setup.</p>",
        escape(fault.error),
        escape(&fault.description),
    );
    html(StatusCode::BAD_REQUEST, "Not authorized", &body, None)
}

/// Says that a form was not one of this browser's.
pub(super) fn out_of_date(query: &str) -> Answer {
    let body = format!(
        "<h1>This page is out of date</h1>\
         <p class=\"alert\" role=\"alert\">The form was not made for this browser, or was sent before.</p>\
         <p><a href=\"{}\">Start again</a></p>",
        action(query)
    );
    html(StatusCode::FORBIDDEN, "Out of date", &body, None)
}

/// The same answer, kept out of caches, frames and referrers.
pub(super) fn guarded(answer: Answer) -> Answer {
    answer
        .header("cache-control", "no-cache, no-store")
        .header("x-frame-options", "DENY")
        .header("x-content-type-options", "nosniff")
        .header("referrer-policy", "same-origin")
}

fn html(status: StatusCode, title: &str, body: &str, redirect_uri: Option<&str>) -> Answer {
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\">\
         <title>{title} | Bridged sandbox</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    );
    let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    // Browsers hold the answer to a form to `form-action` too, and the last one leads to the app.
    let back = redirect_uri.map(source).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'{back}; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    guarded(Answer::new(status, HTML, page)).header("content-security-policy", &policy)
}

/// A callback as a source of a content security policy, with a blank before it.
fn source(redirect_uri: &str) -> String {
    match Url::parse(redirect_uri) {
        Ok(url) if url.origin().is_tuple() => format!(" {}", url.origin().ascii_serialization()),
        Ok(url) => format!(" {}:", url.scheme()),
        Err(_) => String::new(),
    }
}

fn action(query: &str) -> String {
    escape(&format!("/services/oauth2/authorize?{query}"))
}

/// A text as it may stand in HTML, inside and outside of quotes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
