//! The first half of the web server flow: a log-in page, a consent page, and the way back to the app with a code.
//!
//! What is wrong with the app or its callback is shown on a page and never sent anywhere; everything else goes back to
//! the callback as `error` and `error_description`. The query stays the same through both forms, and is read and
//! checked again with each of them.

mod request;

use http::StatusCode;
use http::header::{COOKIE, LOCATION, SET_COOKIE};

use self::request::{Refused, Request};
use super::admission::{Approval, admit, is_approved};
use super::form::Form;
use super::identity::column;
use super::pages::{self, Consent};
use crate::sandbox::browsers::Browser;
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::grants::Code;
use crate::sandbox::ids::RecordId;
use crate::sandbox::state::State;
use crate::sandbox::texts::oauth::{self, Fault};

/// The cookie of the pages. `SameSite=Lax` lets an app's link bring it along, and no other site's form.
const COOKIE_NAME: &str = "sandbox_sid";

/// Shows the page that comes next, or goes back at once where nothing is left to ask.
pub(super) fn show(state: &State, call: &Call) -> Answer {
    let request = match Request::read(state, call) {
        Ok(request) => request,
        Err(refused) => return refuse(*refused),
    };
    let browser = browser(state, call);
    let known = browser
        .as_ref()
        .and_then(|browser| Some((browser, browser.user?)));
    match known {
        Some((browser, user)) if !request.asks_for("login") => {
            after_login(state, call, &request, browser, user)
        }
        _ if request.asks_for("none") => back(&request, &oauth::login_required()),
        _ => {
            let hint = request.login_hint.clone().unwrap_or_default();
            log_in_page(state, call, &request, browser, &hint, None)
        }
    }
}

/// Takes a form: a user name with a password, or a decision.
pub(super) fn submit(state: &State, call: &Call) -> Answer {
    let request = match Request::read(state, call) {
        Ok(request) => request,
        Err(refused) => return refuse(*refused),
    };
    let form = Form::of_body(call);
    let given = form.get("form_token").unwrap_or_default();
    let own = browser(state, call).filter(|browser| {
        // An empty token would be one that could not be made.
        !browser.form_token.is_empty() && browser.form_token == given
    });
    let Some(browser) = own else {
        return pages::out_of_date(&call.query);
    };
    match (form.get("decision"), browser.user) {
        (Some("allow"), Some(user)) => allow(state, &request, user),
        (Some("deny"), Some(_)) => back(&request, &oauth::access_denied()),
        (Some("switch"), _) => {
            state.sessions().browsers.close(&browser.id);
            log_in_page(state, call, &request, None, "", None)
        }
        (Some(_), _) => log_in_page(state, call, &request, Some(browser), "", None),
        (None, _) => log_in(state, call, &request, browser, &form),
    }
}

fn log_in(state: &State, call: &Call, request: &Request, browser: Browser, form: &Form) -> Answer {
    let username = form.get("username").unwrap_or_default().trim();
    let password = form.get("password").unwrap_or_default();
    let now = state.clock.now();
    let user = state.user_named(username).map(|user| user.id);
    let right = user.filter(|&user| state.accounts().of(user).try_password(password, now));
    let Some(user) = right else {
        // The same words whether the user or the password is wrong.
        let wrong = Some(pages::WRONG_PASSWORD);
        return log_in_page(state, call, request, Some(browser), username, wrong);
    };
    let browser = {
        let mut sessions = state.sessions();
        sessions.browsers.close(&browser.id);
        sessions.browsers.open(Some(user))
    };
    let answer = after_login(state, call, request, &browser, user);
    with_cookie(answer, call, &browser)
}

/// Asks for consent, unless it was given before or is nobody's to give.
fn after_login(
    state: &State,
    call: &Call,
    request: &Request,
    browser: &Browser,
    user: RecordId,
) -> Answer {
    if let Err(fault) = admit(state, &request.app, user, Approval::User) {
        return back(request, &fault);
    }
    let app = &request.app;
    let given = app.admin_approved_only && is_approved(state, app, user)
        || state
            .sessions()
            .grants
            .consented(&app.consumer_key, user, &request.scopes);
    if given && !request.asks_for("consent") {
        return with_code(state, request, user);
    }
    if request.asks_for("none") {
        return back(request, &oauth::consent_required());
    }
    pages::consent(&Consent {
        query: &call.query,
        form_token: &browser.form_token,
        app: &app.name,
        user: &label(state, user),
        scopes: &request.scopes,
        redirect_uri: &request.redirect_uri,
    })
}

fn allow(state: &State, request: &Request, user: RecordId) -> Answer {
    if let Err(fault) = admit(state, &request.app, user, Approval::User) {
        return back(request, &fault);
    }
    let key = &request.app.consumer_key;
    state.sessions().grants.consent(key, user, &request.scopes);
    with_code(state, request, user)
}

/// Goes back to the app with a code.
fn with_code(state: &State, request: &Request, user: RecordId) -> Answer {
    let code = Code::new(
        &request.app.consumer_key,
        user,
        &request.redirect_uri,
        request.challenge.clone(),
        request.scopes.clone(),
        state.clock.now(),
    );
    let code = state.sessions().grants.offer(code);
    redirect(
        &request.callback,
        &[("code", &code)],
        request.state.as_deref(),
    )
}

/// Goes back to the app with the reason why there is no code.
fn back(request: &Request, fault: &Fault) -> Answer {
    send_back(&request.callback, fault, request.state.as_deref())
}

fn send_back(callback: &url::Url, fault: &Fault, state: Option<&str>) -> Answer {
    let pairs = [
        ("error", fault.error),
        ("error_description", fault.description.as_ref()),
    ];
    redirect(callback, &pairs, state)
}

fn refuse(refused: Refused) -> Answer {
    match refused {
        Refused::Page(fault) => pages::refusal(&fault),
        Refused::Back {
            callback,
            fault,
            state,
        } => send_back(&callback, &fault, state.as_deref()),
    }
}

fn redirect(callback: &url::Url, pairs: &[(&str, &str)], state: Option<&str>) -> Answer {
    let mut target = callback.clone();
    {
        let mut query = target.query_pairs_mut();
        query.extend_pairs(pairs);
        if let Some(state) = state {
            query.append_pair("state", state);
        }
    }
    // A form that was sent is not sent on: the callback is asked for with GET.
    let answer = Answer::empty(StatusCode::SEE_OTHER).header(LOCATION.as_str(), target.as_str());
    pages::guarded(answer)
}

fn log_in_page(
    state: &State,
    call: &Call,
    request: &Request,
    browser: Option<Browser>,
    username: &str,
    wrong: Option<&str>,
) -> Answer {
    let browser = browser.unwrap_or_else(|| state.sessions().browsers.open(None));
    let page = pages::log_in(&pages::LogIn {
        query: &call.query,
        form_token: &browser.form_token,
        app: &request.app.name,
        username,
        wrong,
        redirect_uri: &request.redirect_uri,
    });
    with_cookie(page, call, &browser)
}

fn with_cookie(answer: Answer, call: &Call, browser: &Browser) -> Answer {
    let secure = if call.origin.starts_with("https:") {
        "; Secure"
    } else {
        ""
    };
    let cookie = format!(
        "{COOKIE_NAME}={}; Path=/; HttpOnly; SameSite=Lax{secure}",
        browser.id
    );
    answer.header(SET_COOKIE.as_str(), &cookie)
}

fn browser(state: &State, call: &Call) -> Option<Browser> {
    let cookies = call.header(COOKIE.as_str()).split(';');
    let mut pairs = cookies.filter_map(|pair| pair.trim().split_once('='));
    let (_, id) = pairs.find(|(name, _)| *name == COOKIE_NAME)?;
    state.sessions().browsers.find(id)
}

/// A user as the consent page names them.
fn label(state: &State, user: RecordId) -> String {
    let text = |field: &str| {
        let value = column(state, user, field);
        value.as_str().unwrap_or_default().to_owned()
    };
    format!("{} ({})", text("Name"), text("Username"))
}
