//! The control call about the WhatsApp number and its templates.

use serde::Deserialize;
use serde_json::{Value, json};

use super::access::Patch;
use super::{Wrong, parse};
use crate::sandbox::call::Answer;
use crate::sandbox::graph::{Refused, Token};
use crate::sandbox::state::State;

/// What is not named stays as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    token: Option<Token>,
    /// Null ends it.
    #[serde(default)]
    error: Patch<Refused>,
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
    let number = body.number;
    let fields = [
        ("status", number.status),
        ("quality_rating", number.quality_rating),
        ("name_status", number.name_status),
        ("verified_name", number.verified_name),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            business.number.insert(name.to_owned(), json!(value));
        }
    }
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
            template.status = status;
        }
        if let Some(category) = change.category {
            template.category = category;
        }
        if let Some(components) = change.components {
            template.components = components;
        }
    }
    Ok(Answer::ok(&*business))
}
