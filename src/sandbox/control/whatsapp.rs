//! The control call about the WhatsApp number and its templates.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::access::Patch;
use super::{Wrong, parse};
use crate::sandbox::call::Answer;
use crate::sandbox::graph::{Refused, Token};
use crate::sandbox::sessions::letters;
use crate::sandbox::state::State;

/// What is not named stays as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    token: Option<Token>,
    /// Null ends it.
    #[serde(default)]
    error: Patch<Refused>,
    held: Option<bool>,
    #[serde(default)]
    number: NumberBody,
    #[serde(default)]
    templates: Vec<TemplateBody>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct NumberBody {
    status: Option<String>,
    quality_rating: Option<String>,
    name_status: Option<String>,
    verified_name: Option<String>,
    messaging_limit: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateBody {
    name: String,
    language: String,
    status: Option<String>,
    category: Option<String>,
    components: Option<Value>,
    #[serde(default)]
    removed: bool,
}

/// Changes the number, the templates and the token; answers with all of them.
pub(super) fn change(state: &State, body: &[u8]) -> Result<Answer, Wrong> {
    let body: Body = parse(body)?;
    if let Some(refused) = body.error.value()
        && refused.checked_status().is_none()
    {
        return Err("the status of an error is 400 to 599".to_owned());
    }
    let mut business = state.business();
    business.token_is = body.token.unwrap_or(business.token_is);
    body.error.apply(&mut business.error);
    business.held = body.held.unwrap_or(business.held);
    let number = body.number;
    let fields = [
        ("status", number.status),
        ("quality_rating", number.quality_rating),
        ("name_status", number.name_status),
        ("verified_name", number.verified_name),
        (
            "whatsapp_business_manager_messaging_limit",
            number.messaging_limit,
        ),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            business.number.insert(name.to_owned(), json!(value));
        }
    }
    let mut moved = Vec::new();
    for change in body.templates {
        if change.removed {
            let is_it = (change.name.as_str(), change.language.as_str());
            business
                .templates
                .retain(|row| (row.name.as_str(), row.language.as_str()) != is_it);
            continue;
        }
        let template = business.template_mut(&change.name, &change.language);
        if let Some(status) = change.status {
            if template.status != status {
                moved.push(json!({
                    "event": if status == "APPROVED" { "REINSTATED" } else { &status },
                    "message_template_name": template.name,
                    "message_template_language": template.language,
                }));
            }
            template.status = status;
        }
        if let Some(category) = change.category {
            template.category = category;
        }
        if let Some(components) = change.components {
            template.components = components;
        }
    }
    let mut sends = state.sends();
    for event in moved {
        sends.push("message_template_status_update", "", event);
    }
    Ok(Answer::ok(&*business))
}

/// Where events go, and how people behave; what is not named stays as it is.
pub(super) fn events(state: &State, body: &[u8]) -> Result<Answer, Wrong> {
    let mut given: Map<String, Value> = parse(body)?;
    let webhook = given.remove("webhook");
    let mut sends = state.sends();
    let mut all = serde_json::to_value(&sends.behaviour).unwrap_or_default();
    for (name, value) in given {
        all[name] = value;
    }
    sends.behaviour = serde_json::from_value(all).map_err(|error| error.to_string())?;
    if let Some(webhook) = webhook {
        sends.webhook = webhook.as_str().map(str::to_owned);
    }
    Ok(Answer::ok(
        json!({ "webhook": sends.webhook, "behaviour": sends.behaviour }),
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InboundBody {
    from: String,
    text: Option<String>,
    button: Option<String>,
    preference: Option<String>,
    answers: Option<String>,
    id: Option<String>,
}

/// Delivers what a person does.
pub(super) fn inbound(state: &State, body: &[u8]) -> Result<Answer, Wrong> {
    let InboundBody {
        from,
        text,
        button,
        preference,
        answers,
        id,
    } = parse(body)?;
    let timestamp = state.clock.now().as_second().to_string();
    let mut sends = state.sends();
    if let Some(preference) = preference {
        let event = json!({ "wa_id": from, "category": "marketing_messages", "value": preference, "timestamp": timestamp });
        sends.push("user_preferences", "user_preferences", event);
        return Ok(Answer::ok(json!({})));
    }
    let number = sends.due.len();
    let id = id.unwrap_or_else(|| {
        format!(
            "wamid.{}",
            letters(&format!("{from} {timestamp} {number}"), 40)
        )
    });
    let mut event = json!({ "from": from, "id": id, "timestamp": timestamp });
    match (text, button) {
        (Some(text), None) => {
            event["type"] = json!("text");
            event["text"] = json!({ "body": text });
        }
        (None, Some(payload)) => {
            event["type"] = json!("button");
            event["button"] = json!({ "payload": payload, "text": "A button" });
        }
        _ => return Err("one of text, button and preference is needed".to_owned()),
    }
    if let Some(answers) = answers {
        event["context"] = json!({ "from": "16505550123", "id": answers });
    }
    sends.push("messages", "messages", event);
    Ok(Answer::ok(json!({ "id": id })))
}
