//! The pages that a browser shows on its way back from Salesforce: what came of the sign-in, and nothing to click.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue};
use ring::digest::{SHA256, digest};

use crate::foundation::error::Error;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--back:#f6f8fa;--card:#fff;--line:#d0d7de;--good:#1a7f37;--bad:#cf222e}\
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--back:#0d1117;--card:#151b23;--line:#3d444d;--good:#3fb950;--bad:#f85149}}\
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--back);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\
main{max-width:34rem;margin:1rem;padding:2rem 2.5rem;background:var(--card);border:1px solid var(--line);border-radius:12px;overflow-wrap:anywhere}\
h1{margin:0 0 .5rem;font-size:1.4rem;line-height:1.3}\
p{margin:.75rem 0 0}\
.good h1::before{content:'\\2713\\00a0';color:var(--good)}\
.bad h1::before{content:'\\2717\\00a0';color:var(--bad)}\
.soft{color:var(--soft)}\
code{padding:.1rem .35rem;background:var(--back);border-radius:6px;font:.9em ui-monospace,monospace}";

/// Sets the policy of every page: its own style, and nothing else (W3C, "Content Security Policy Level 3").
pub(super) fn protect(headers: &mut HeaderMap) {
    let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    // Base64 and the rest of it fit a header.
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
}

/// The sign-in succeeded; `connected` says for which connection, and as whom.
pub(super) fn connected(connected: &str) -> String {
    let text = format!(
        "<p>{}</p><p class=soft>You can close this page; everything else is in the terminal.</p>",
        marked_up(connected)
    );
    page("good", "Connected", &text)
}

/// The sign-in failed.
pub(super) fn failed(error: &Error) -> String {
    let mut text = format!("<p>{}</p>", marked_up(error.message()));
    if let Some(help) = error.help_text() {
        // Writing to a String cannot fail.
        let _ = write!(text, "<p>{}</p>", marked_up(help));
    }
    let code = error.code();
    let _ = write!(
        text,
        "<p class=soft>The code of this error is <code>{code}</code>; <code>bridged explain {code}</code> tells more.</p>"
    );
    page("bad", "Not connected", &text)
}

fn page(kind: &str, title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n\
         <meta name=viewport content=\"width=device-width, initial-scale=1\">\n<title>{title} · bridged</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main class={kind}>\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )
}

/// Our own messages, in which backticks stand around names.
fn marked_up(text: &str) -> String {
    let mut out = String::new();
    for (number, part) in text.split('`').enumerate() {
        let part = escape(part);
        // Writing to a String cannot fail.
        let _ = if number % 2 == 1 {
            write!(out, "<code>{part}</code>")
        } else {
            write!(out, "{part}")
        };
    }
    out
}

/// Text as HTML shows it, wherever it stands.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::code::Code;

    #[test]
    fn names_between_backticks_are_set_apart() {
        assert_eq!(
            marked_up("run `bridged <x>` & go"),
            "run <code>bridged &lt;x&gt;</code> &amp; go"
        );
        assert_eq!(marked_up("an odd ` one"), "an odd <code> one</code>");
    }

    #[test]
    fn x14_nothing_that_came_from_outside_is_markup() {
        let error =
            Error::new(Code::Bug, "<script>alert(1)</script>").help("\"><img src=x onerror='a'>");
        for page in [
            failed(&error),
            connected("<b>ada</b>@example.com & \"friends\""),
        ] {
            assert!(!page.contains("<script"), "{page}");
            assert!(!page.contains("<img"), "{page}");
            assert!(!page.contains("<b>"), "{page}");
        }
    }
}
