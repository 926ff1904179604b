//! Sending: a message is checked as Meta checks it, written into a ledger, and its later life is planned.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::business::{PHONE_NUMBER_ID, TemplateRow};
use super::{Business, admitted};
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::graph::sends::Post;
use crate::sandbox::state::State;
use crate::sandbox::texts::graph as texts;

/// The longest body once its places are filled (Meta, "Template components").
const BODY_MAX: usize = 1_024;

/// The longest callback data (Meta, "Messages").
const CALLBACK_MAX: usize = 512;

/// Why a message is refused: Meta's code, the status, and what the details say.
pub(super) struct Refused {
    code: i64,
    status: StatusCode,
    details: String,
}

fn refused(code: i64, details: impl Into<String>) -> Refused {
    Refused {
        code,
        status: StatusCode::BAD_REQUEST,
        details: details.into(),
    }
}

/// Answers `POST PHONE_NUMBER_ID/messages`.
pub(super) fn send(state: &State, call: &Call, id: &str) -> Answer {
    if let Some(answer) = admitted(&state.business(), call) {
        return answer;
    }
    if id != PHONE_NUMBER_ID {
        return texts::unknown_object(id);
    }
    let now = state.clock.now();
    let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(&call.body) else {
        return texts::message_refused(
            StatusCode::BAD_REQUEST,
            100,
            "The body is not a JSON object",
        );
    };
    let post = Post::of(&body, now);
    let checked = check(&state.business(), &body);
    let mut sends = state.sends();
    // Limits come behind the checks: a message that is wrong costs nothing of them.
    let checked = checked.and_then(|()| {
        sends.admit(&post.to).map_err(|code| Refused {
            code,
            status: if code == 130_429 {
                StatusCode::TOO_MANY_REQUESTS
            } else {
                StatusCode::BAD_REQUEST
            },
            details: "The limit was reached".to_owned(),
        })
    });
    if let Err(Refused {
        code,
        status,
        details,
    }) = checked
    {
        sends.refuse(post, code);
        return texts::message_refused(status, code, &details);
    }
    let (input, is_user) = (post.to.clone(), post.is_user);
    let wamid = sends.accept(post);
    drop(sends);
    let known_as = if is_user { "user_id" } else { "wa_id" };
    let status = if state.business().held {
        "held_for_quality_assessment"
    } else {
        "accepted"
    };
    Answer::ok(json!({
        "messaging_product": "whatsapp",
        "contacts": [{ "input": input, known_as: input }],
        "messages": [{ "id": wamid, "message_status": status }],
    }))
    .counting(1)
}

fn check(business: &Business, body: &Map<String, Value>) -> Result<(), Refused> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    if text("messaging_product") != Some("whatsapp") {
        return Err(refused(100, "messaging_product must be whatsapp"));
    }
    if let Some(kind) = text("recipient_type")
        && kind != "individual"
    {
        return Err(refused(100, "recipient_type must be individual"));
    }
    match (text("to"), text("recipient")) {
        (Some(to), None) => check_number(to, business)?,
        (None, Some(user)) if user.contains('.') => {}
        _ => return Err(refused(131_008, "One of to and recipient is required")),
    }
    if text("biz_opaque_callback_data").is_some_and(|data| data.len() > CALLBACK_MAX) {
        return Err(refused(131_009, "biz_opaque_callback_data is too long"));
    }
    match text("type") {
        Some("template") => {}
        // Free text is for the 24 hours behind a person's own message, and the sandbox's people begin none.
        Some("text") => return Err(refused(131_047, "More than 24 hours have passed")),
        _ => return Err(refused(131_051, "Unsupported message type")),
    }
    let Some(template) = body.get("template").and_then(Value::as_object) else {
        return Err(refused(131_008, "template is required"));
    };
    check_template(business, template)
}

fn check_number(to: &str, business: &Business) -> Result<(), Refused> {
    let digits = to.strip_prefix('+').unwrap_or(to);
    let fits = (7..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    if !fits {
        return Err(refused(
            100,
            "to is not a phone number with its country code",
        ));
    }
    let own = business.number.get("display_phone_number");
    let own: String = own
        .and_then(Value::as_str)
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    if own == digits {
        return Err(refused(131_021, "Sender and recipient are the same number"));
    }
    Ok(())
}

fn check_template(business: &Business, template: &Map<String, Value>) -> Result<(), Refused> {
    let name = template.get("name").and_then(Value::as_str);
    let language = template
        .get("language")
        .and_then(|language| language.get("code"));
    let (Some(name), Some(language)) = (name, language.and_then(Value::as_str)) else {
        return Err(refused(
            131_008,
            "template.name and template.language.code are required",
        ));
    };
    let mut known = business.templates.iter();
    let row = known.find(|row| row.name == name && row.language == language);
    let missing = || {
        refused(
            132_001,
            format!("template name ({name}) does not exist in {language}"),
        )
    };
    let row = row.ok_or_else(missing)?;
    match row.status.as_str() {
        "APPROVED" => {}
        "PAUSED" => return Err(refused(132_015, "The template is paused")),
        "DISABLED" => return Err(refused(132_016, "The template is disabled")),
        _ => return Err(missing()),
    }
    let components = template.get("components").and_then(Value::as_array);
    check_components(row, components.map_or(&[], Vec::as_slice))
}

fn check_components(row: &TemplateRow, given: &[Value]) -> Result<(), Refused> {
    let all = row.components.as_array().map_or(&[][..], Vec::as_slice);
    let own = |kind: &str| all.iter().find(|one| one["type"] == kind);
    let of = |kind: &str| given.iter().find(|one| one["type"] == kind);
    let parameters = |component: Option<&Value>| -> Vec<Value> {
        let list = component.and_then(|one| one.get("parameters"));
        list.and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let body = own("BODY")
        .and_then(|body| body["text"].as_str())
        .unwrap_or_default();
    let filled = parameters(of("body"));
    let places = places(body);
    if filled.len() != places.len() {
        let details = format!(
            "body: number of localizable_params ({}) does not match the expected number of params ({})",
            filled.len(),
            places.len()
        );
        return Err(refused(132_000, details));
    }
    let mut text = body.to_owned();
    for (parameter, place) in filled.iter().zip(&places) {
        let value = check_text(parameter)?;
        if place.parse::<u32>().is_err() && parameter["parameter_name"] != place.as_str() {
            return Err(refused(100, format!("parameter_name {place} is missing")));
        }
        text = text.replace(&format!("{{{{{place}}}}}"), value);
    }
    if text.chars().count() > BODY_MAX {
        return Err(refused(132_005, "body text too long"));
    }
    check_header(own("HEADER"), &parameters(of("header")))?;
    check_buttons(own("BUTTONS"), given)
}

fn check_header(own: Option<&Value>, given: &[Value]) -> Result<(), Refused> {
    let format = own
        .and_then(|header| header["format"].as_str())
        .unwrap_or("TEXT");
    let text = own
        .and_then(|header| header["text"].as_str())
        .unwrap_or_default();
    let expected = match format {
        "TEXT" => places(text).len(),
        _ => usize::from(own.is_some()),
    };
    if given.len() != expected {
        return Err(refused(132_000, "header: number of params does not match"));
    }
    let kind = format.to_ascii_lowercase();
    for parameter in given {
        if parameter["type"] != kind.as_str() {
            return Err(refused(132_012, format!("header: expected {format}")));
        }
        if kind == "text" {
            check_text(parameter)?;
        } else if !(parameter[&kind]["link"].is_string() || parameter[&kind]["id"].is_string()) {
            return Err(refused(131_008, "header: a link or an id is required"));
        }
    }
    Ok(())
}

fn check_buttons(own: Option<&Value>, given: &[Value]) -> Result<(), Refused> {
    let buttons = own.and_then(|row| row["buttons"].as_array());
    let buttons = buttons.map_or(&[][..], Vec::as_slice);
    let mut filled = vec![false; buttons.len()];
    for component in given.iter().filter(|one| one["type"] == "button") {
        let index = component["index"]
            .as_str()
            .and_then(|index| index.parse::<usize>().ok());
        let Some((at, button)) = index.and_then(|at| Some((at, buttons.get(at)?))) else {
            return Err(refused(131_009, "button: index is not valid"));
        };
        let fits = matches!(
            (button["type"].as_str(), component["sub_type"].as_str()),
            (Some("URL"), Some("url")) | (Some("QUICK_REPLY"), Some("quick_reply"))
        );
        if !fits {
            return Err(refused(132_012, "button: the type does not match"));
        }
        filled[at] = true;
    }
    for (button, filled) in buttons.iter().zip(filled) {
        let wants = button["url"]
            .as_str()
            .is_some_and(|url| !places(url).is_empty());
        if wants && !filled {
            return Err(refused(
                131_008,
                "button: the end of its address is required",
            ));
        }
    }
    Ok(())
}

/// A text parameter's text, where Meta takes it.
fn check_text(parameter: &Value) -> Result<&str, Refused> {
    let text = parameter["text"].as_str();
    let text = text.ok_or_else(|| refused(131_008, "a text parameter needs its text"))?;
    if text.is_empty() {
        return Err(refused(131_008, "a text parameter is empty"));
    }
    if text.contains(['\n', '\t']) || text.contains("     ") {
        let details =
            "Param text cannot have new-line/tab characters or more than 4 consecutive spaces";
        return Err(refused(132_018, details));
    }
    Ok(text)
}

/// The names between `{{` and `}}`, each once.
fn places(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for part in text.split("{{").skip(1) {
        if let Some((name, _)) = part.split_once("}}")
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
        }
    }
    names
}
