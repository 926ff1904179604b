//! `/_sandbox`: what tests use to look behind the scenes and to change the rules. None of it is in the ledger.
//!
//! | call | does |
//! |---|---|
//! | `GET ledger` | every request so far, and totals |
//! | `GET records/OBJECT` | every row with every field, deleted ones too |
//! | `POST records/OBJECT` | puts rows in as they are given: `SystemModstamp`, `IsDeleted` and `Id` (to replace a row) among them; `visible_after` (`"5m"`) or `visible_at` (an instant) keeps a row back |
//! | `DELETE records/OBJECT/ID` | removes a row for good |
//! | `POST faults` | replaces the faults in force (see `faults`) |
//! | `GET clock`, `POST clock` | `{ "set": INSTANT }`, `{ "advance": "1h" }`, `{ "hold": true }` |
//! | `POST permissions` | `{ "username"?, "objects": { "Lead": { "read", "create", "edit", "delete", "sees": "none" \| "own" \| "all" } }, "fields": { "Lead.Phone": { "read", "edit" } }, "records": { "00Q…": { "read", "edit" } } }`; what is not named stays allowed, `sees` is which rows sharing shows |
//! | `GET rules`, `POST rules` | the org's validation, duplicate and assignment rules (see `rules`); posting replaces all |
//! | `POST limits` | `{ "max"?, "used"? }` |
//! | `POST sessions` | `{ "expire": true }` ends access tokens, `{ "revoke": true }` also refresh tokens and consents, as an administrator does; `{ "lifetime": "15m" }` |
//! | `GET apps` | every app with its Consumer Key, Secret and settings |
//! | `POST apps` | changes one (`consumer_key`, the first where it is missing): `name`, `run_as`, `callbacks`, `scopes`, `enabled`, `blocked`, `installed`, `admin_approved_only`, `approved` (user names), `ip_relaxed`, `secret_for_web_server`, `secret_for_refresh`, `pkce_required`, `rotation`, `refresh_policy` (`"infinite"`, `"immediately-expire"`, `{ "lifetime": "720h" }`, `{ "inactivity": "24h" }`), `certificate` (PEM), `new_secret`; answers with the app |
//! | `POST users` | changes one (`username`, that of the API key where it is missing): `active`, `locked`, `unlock` (forgets wrong passwords), `password`, `login_hours` (`{ "from": "09:00", "to": "17:00" }` in UTC), `ip_restricted`, `api_enabled`, `password_expired`, `api_only` (whether their profile is that of an integration) |
//! | `POST org` | `{ "active"?, "api"? }`: whether the org is in order, and whether its edition has the API |
//! | `POST maintenance` | `{ "mode": "page" }` (status 503 with HTML for every request), `"json"` (503 with JSON), `"read-only"` (no writes), `"off"` |
//! | `GET whatsapp`, `POST whatsapp` | the WhatsApp number and the templates; posting changes them: `{ "token"?: "good" \| "expired" \| "revoked", "error"?: { "code", "subcode"?, "status" } \| null (each read is refused so), "number"?: { "status"?, "quality_rating"?, "name_status"?, "verified_name"?, "messaging_limit"? }, "templates"?: [{ "name", "language", "status"?, "category"?, "components"?, "removed"? }] }`; a template that is not there is made; answers with both |
//! | `GET whatsapp/messages` | every message that was posted, refused ones too; `?to=NUMBER` those to one person |
//! | `GET whatsapp/recipients` | for each person how many posts came and how many were taken |
//! | `POST whatsapp/events` | where events go and how people behave: `{ "webhook"?: URL, "delay_ms"?, "read"?, "replied"?, "opted_out"?, "failed"?, "failed_code"?, "duplicates"?, "shuffled"?, "batch"?, "rate"?, "pair_seconds"? }`; answers with all |
//! | `POST whatsapp/inbound` | delivers one event: `{ "text": TEXT, "from": NUMBER, "answers"?: WAMID }`, `{ "button": PAYLOAD, "from": NUMBER }`, `{ "preference": "stop" \| "resume", "from": NUMBER }` |
//! | `POST reset` | everything back to the start, but the clock |

mod access;
mod permissions;
mod whatsapp;

use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::call::{Answer, Call, JSON};
use super::faults::{Faults, read};
use super::ids::RecordId;
use super::json::{write_field, write_text};
use super::rules::Rules;
use super::seed::setup::INTEGRATION_USERNAME;
use super::state::State;
use super::table::Table;
use super::value::Stamp;
use super::writes;

/// What went wrong with a control call.
type Wrong = String;

/// Answers a path under `/_sandbox`.
pub(super) fn answer(state: &State, call: &Call) -> Answer {
    let segments = call.segments();
    let path: Vec<&str> = segments.iter().skip(1).map(String::as_str).collect();
    let _pass = state.pass(false);
    let outcome = match (&call.method, path.as_slice()) {
        (&Method::GET, ["ledger"]) => Ok(Answer::ok(&*state.ledger())),
        (&Method::GET, ["records", object]) => records(state, object),
        (&Method::POST, ["records", object]) => place(state, object, &call.body),
        (&Method::DELETE, ["records", object, id]) => purge(state, object, id),
        (&Method::POST, ["faults"]) => faults(state, &call.body),
        (&Method::GET, ["clock"]) => Ok(clock_answer(state)),
        (&Method::POST, ["clock"]) => clock(state, &call.body),
        (&Method::POST, ["permissions"]) => permissions::permissions(state, &call.body),
        (&Method::GET, ["rules"]) => Ok(Answer::ok(&*state.rules())),
        (&Method::POST, ["rules"]) => rules(state, &call.body),
        (&Method::POST, ["limits"]) => limits(state, &call.body),
        (&Method::POST, ["sessions"]) => sessions(state, &call.body),
        (&Method::GET, ["apps"]) => Ok(Answer::ok(state.sessions().apps())),
        (&Method::POST, ["apps"]) => access::app(state, &call.body),
        (&Method::POST, ["users"]) => access::user(state, &call.body),
        (&Method::POST, ["org"]) => access::org(state, &call.body),
        (&Method::POST, ["maintenance"]) => access::maintenance(state, &call.body),
        (&Method::GET, ["whatsapp"]) => Ok(Answer::ok(&*state.business())),
        (&Method::POST, ["whatsapp"]) => whatsapp::change(state, &call.body),
        (&Method::GET, ["whatsapp", "messages"]) => {
            let to = call.parameter("to");
            Ok(Answer::ok(state.sends().posts(to.as_deref())))
        }
        (&Method::GET, ["whatsapp", "recipients"]) => Ok(Answer::ok(state.sends().recipients())),
        (&Method::POST, ["whatsapp", "events"]) => whatsapp::events(state, &call.body),
        (&Method::POST, ["whatsapp", "inbound"]) => whatsapp::inbound(state, &call.body),
        (&Method::POST, ["reset"]) => {
            state.reset();
            Ok(done())
        }
        _ => {
            return Answer::json(
                StatusCode::NOT_FOUND,
                json!({ "error": "no such control call" }),
            );
        }
    };
    outcome.unwrap_or_else(|wrong| Answer::json(StatusCode::BAD_REQUEST, json!({ "error": wrong })))
}

fn done() -> Answer {
    Answer::empty(StatusCode::NO_CONTENT)
}

fn parse<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, Wrong> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn records(state: &State, object: &str) -> Result<Answer, Wrong> {
    let org = state.org();
    let table = org.table(object).ok_or_else(|| no_object(object))?;
    let mut out = vec![b'['];
    for (_, row) in table.rows() {
        if out.len() > 1 {
            out.push(b',');
        }
        write_record(&mut out, table, row);
    }
    out.push(b']');
    Ok(Answer::new(StatusCode::OK, JSON, out))
}

fn write_record(out: &mut Vec<u8>, table: &Table, row: &super::table::Row) {
    for (at, field) in table.object().fields.iter().enumerate() {
        out.push(if at == 0 { b'{' } else { b',' });
        write_text(out, &field.name);
        out.push(b':');
        write_field(out, table.object(), at, row);
    }
    out.push(b'}');
}

/// One row or a list of rows.
fn place(state: &State, object: &str, body: &[u8]) -> Result<Answer, Wrong> {
    let rows: Vec<Map<String, Value>> = match parse(body)? {
        Value::Array(rows) => rows.into_iter().map(into_map).collect::<Result<_, _>>()?,
        row => vec![into_map(row)?],
    };
    let now = state.clock.stamp();
    let mut org = state.org_mut();
    let mut ids = Vec::with_capacity(rows.len());
    for (mut row, number) in rows.into_iter().zip(1..) {
        let visible_at =
            visible_at(&mut row, now).map_err(|wrong| format!("row {number}: {wrong}"))?;
        let placed = writes::place(&mut org, now, object, &row, visible_at);
        let id = placed.map_err(|refusal| format!("row {number}: {}", refusal.message))?;
        ids.push(id.to_string());
    }
    Ok(Answer::ok(json!({ "ids": ids })))
}

fn into_map(row: Value) -> Result<Map<String, Value>, Wrong> {
    match row {
        Value::Object(row) => Ok(row),
        other => Err(format!("a row must be an object, not {other}")),
    }
}

/// Takes `visible_at` or `visible_after` out of a row.
fn visible_at(row: &mut Map<String, Value>, now: Stamp) -> Result<Option<Stamp>, Wrong> {
    let text = |value: Value| match value {
        Value::String(text) => Ok(text),
        other => Err(format!("{other} is no text")),
    };
    if let Some(at) = row.remove("visible_at") {
        let at: Timestamp = text(at)?
            .parse()
            .map_err(|error: jiff::Error| error.to_string())?;
        return Ok(Some(Stamp::of(at)));
    }
    let Some(after) = row.remove("visible_after") else {
        return Ok(None);
    };
    let after: SignedDuration = text(after)?
        .parse()
        .map_err(|error: jiff::Error| error.to_string())?;
    Ok(Some(Stamp(now.0 + after.as_secs())))
}

fn purge(state: &State, object: &str, id: &str) -> Result<Answer, Wrong> {
    let id = RecordId::parse(id).ok_or_else(|| format!("`{id}` is no id"))?;
    let mut org = state.org_mut();
    let table = org.table_mut(object).ok_or_else(|| no_object(object))?;
    let number = table.find(id).ok_or_else(|| format!("no row `{id}`"))?;
    table.take(number);
    Ok(done())
}

fn faults(state: &State, body: &[u8]) -> Result<Answer, Wrong> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    let rules = read(text).map_err(|error| error.to_string())?;
    *state.faults() = Faults::new(rules, state.settings.seed);
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockBody {
    set: Option<Timestamp>,
    advance: Option<SignedDuration>,
    hold: Option<bool>,
}

fn clock(state: &State, body: &[u8]) -> Result<Answer, Wrong> {
    let body: ClockBody = parse(body)?;
    // Held first: what is set then shows to the last digit.
    if let Some(held) = body.hold {
        state.clock.hold(held);
    }
    if let Some(time) = body.set {
        state.clock.set(time);
    }
    if let Some(by) = body.advance {
        state.clock.advance(by);
    }
    Ok(clock_answer(state))
}

fn clock_answer(state: &State) -> Answer {
    Answer::ok(json!({ "now": state.clock.now() }))
}

fn rules(state: &State, body: &[u8]) -> Result<Answer, Wrong> {
    let rules: Rules = parse(body)?;
    let user = state
        .user_named(INTEGRATION_USERNAME)
        .ok_or_else(|| format!("no user `{INTEGRATION_USERNAME}`"))?;
    rules.check(&state.org(), &user, state.clock.now())?;
    state.set_rules(rules);
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsBody {
    max: Option<u64>,
    used: Option<u64>,
}

fn limits(state: &State, body: &[u8]) -> Result<Answer, Wrong> {
    let body: LimitsBody = parse(body)?;
    state.limits().set(body.max, body.used, state.clock.stamp());
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionsBody {
    #[serde(default)]
    expire: bool,
    #[serde(default)]
    revoke: bool,
    lifetime: Option<SignedDuration>,
}

fn sessions(state: &State, body: &[u8]) -> Result<Answer, Wrong> {
    let body: SessionsBody = parse(body)?;
    let mut sessions = state.sessions();
    if let Some(lifetime) = body.lifetime {
        sessions.set_lifetime(lifetime);
    }
    if body.expire || body.revoke {
        sessions.close_all();
    }
    if body.revoke {
        sessions.grants.end_all();
    }
    Ok(done())
}

fn no_object(object: &str) -> Wrong {
    format!("no object `{object}`")
}
