//! The Graph API, as far as it is about a WhatsApp number, its account's templates, and sending them.
//!
//! | call | answers with |
//! |---|---|
//! | `GET /vN.0/PHONE_NUMBER_ID` | the number: the `fields` asked for, or a few |
//! | `GET /vN.0/ACCOUNT_ID` | the business account's id and name |
//! | `GET /vN.0/ACCOUNT_ID/message_templates` | the templates whose name contains `name`, `limit` at a time, further ones behind the cursor `after` |
//! | `POST /vN.0/PHONE_NUMBER_ID/messages` | the message's id, or why it is refused |
//!
//! Any version is served. Every other path is unknown.

mod business;
mod messages;
pub(super) mod sends;

use http::Method;
use serde_json::{Map, Value, json};

pub(super) use self::business::{
    BUSINESS_ACCOUNT_ID, Business, PHONE_NUMBER_ID, Refused, TemplateRow, Token, token,
};
use super::call::{Answer, Call};
use super::routes::bearer;
use super::state::State;
use super::texts::graph as texts;

/// Templates in one answer, where none is asked for. *Unconfirmed*.
const LIMIT: usize = 25;
/// The most templates in one answer. *Unconfirmed*.
const LIMIT_MAX: usize = 1_000;

/// What a number shows where no fields are asked for (Meta, "WhatsApp Business Account Phone Number API").
const NUMBER_FIELDS: &str =
    "verified_name,code_verification_status,display_phone_number,quality_rating,id";
/// What a template shows where no fields are asked for.
const TEMPLATE_FIELDS: &str = "name,components,language,status,category,id";

/// Answers a path behind the version.
pub(super) fn answer(state: &State, call: &Call, resource: &[&str]) -> Answer {
    if let (&Method::POST, [id, "messages" | "marketing_messages"]) = (&call.method, resource) {
        return messages::send(state, call, id);
    }
    let business = state.business();
    match (&call.method, resource) {
        (&Method::GET, [id]) if is_id(id) => {
            admitted(&business, call).unwrap_or_else(|| object(&business, call, id))
        }
        (&Method::GET, [id, "message_templates"]) => {
            admitted(&business, call).unwrap_or_else(|| templates(&business, call, id))
        }
        (method, _) => unknown_path(method, resource),
    }
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Why a request is not looked at, where it is not.
fn admitted(business: &Business, call: &Call) -> Option<Answer> {
    let is_known = bearer(call).is_some_and(|token| token == business.token);
    match (is_known, business.token_is) {
        (false, _) => return Some(texts::unknown_token()),
        (true, Token::Expired) => return Some(texts::expired_token()),
        (true, Token::Revoked) => return Some(texts::revoked_token()),
        (true, Token::Good) => {}
    }
    let refused = business.error.as_ref()?;
    Some(texts::stated(
        refused.status(),
        refused.code,
        refused.subcode,
    ))
}

fn object(business: &Business, call: &Call, id: &str) -> Answer {
    let asked = call.parameter("fields");
    match id {
        PHONE_NUMBER_ID => {
            let asked = asked.as_deref().unwrap_or(NUMBER_FIELDS);
            chosen(&business.number, asked, "WhatsAppBusinessPhoneNumber")
                .map_or_else(|refused| *refused, Answer::ok)
        }
        BUSINESS_ACCOUNT_ID => {
            let account = json!({ "id": BUSINESS_ACCOUNT_ID, "name": business::ACCOUNT_NAME });
            let asked = asked.as_deref().unwrap_or("id,name");
            let account = account.as_object().cloned().unwrap_or_default();
            chosen(&account, asked, "WhatsAppBusinessAccount")
                .map_or_else(|refused| *refused, Answer::ok)
        }
        _ => texts::unknown_object(id),
    }
}

fn templates(business: &Business, call: &Call, id: &str) -> Answer {
    if id != BUSINESS_ACCOUNT_ID {
        return texts::unknown_object(id);
    }
    let Some(limit) = limit(call) else {
        return texts::bad_parameter("limit");
    };
    let Some(start) = start(call) else {
        return texts::bad_parameter("after");
    };
    let name = call.parameter("name").unwrap_or_default();
    let found: Vec<&TemplateRow> = business
        .templates
        .iter()
        .filter(|template| template.name.contains(&name))
        .collect();
    let asked = call.parameter("fields");
    let asked = asked.as_deref().unwrap_or(TEMPLATE_FIELDS);
    let shown = found
        .iter()
        .skip(start)
        .take(limit)
        .map(|template| chosen(&template.fields(), asked, "WhatsAppMessageTemplate"));
    let shown: Vec<Value> = match shown.collect::<Result<_, _>>() {
        Ok(shown) => shown,
        Err(refused) => return *refused,
    };
    let end = start + shown.len();
    let mut paging =
        json!({ "cursors": { "before": start.to_string(), "after": end.to_string() } });
    if end < found.len() {
        paging["next"] = json!(format!("{}{}?after={end}", call.origin, call.path));
    }
    let count = shown.len();
    Answer::ok(json!({ "data": shown, "paging": paging })).counting(count)
}

fn limit(call: &Call) -> Option<usize> {
    match call.parameter("limit") {
        None => Some(LIMIT),
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=LIMIT_MAX).contains(limit)),
    }
}

fn start(call: &Call) -> Option<usize> {
    match call.parameter("after") {
        None => Some(0),
        Some(text) => text.parse().ok(),
    }
}

/// The fields that are asked for, and always the id.
fn chosen(fields: &Map<String, Value>, asked: &str, node: &str) -> Result<Value, Box<Answer>> {
    let mut shown = Map::new();
    for name in asked.split(',').map(str::trim).chain(["id"]) {
        match fields.get(name) {
            Some(value) => drop(shown.insert(name.to_owned(), value.clone())),
            None => return Err(Box::new(texts::unknown_field(name, node))),
        }
    }
    Ok(Value::Object(shown))
}

fn unknown_path(method: &Method, resource: &[&str]) -> Answer {
    let method = match *method {
        Method::GET => "get",
        Method::POST => "post",
        Method::DELETE => "delete",
        _ => "other",
    };
    texts::unknown_path(method, &format!("/{}", resource.join("/")))
}
