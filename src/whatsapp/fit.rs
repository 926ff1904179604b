//! Whether WhatsApp sends a template, and whether a pipeline fills the places that it has.

use crate::foundation::code::Code;
use crate::foundation::error::Error;
use crate::spec::broadcast::{ButtonKind, HeaderKind, MessageTemplate};

use super::errors;
use super::template::{Button, Header, Template};

/// What keeps a pipeline's messages from being sent by this template; `None` where nothing does.
pub fn misfit(found: &Template, wanted: &MessageTemplate) -> Option<Error> {
    not_approved(found).or_else(|| mismatch(found, wanted))
}

/// What keeps a template from being sent, by its status (Meta, "Template statuses").
fn not_approved(found: &Template) -> Option<Error> {
    if found.is_approved() {
        return None;
    }
    let Template {
        name,
        language,
        status,
        ..
    } = found;
    let message = format!("WhatsApp does not send `{name}` ({language}): its status is `{status}`");
    let finding = errors::error(Code::WhatsappTemplateNotApproved, message);
    let what = match status.as_str() {
        "PENDING" | "IN_APPEAL" => "wait for Meta's review",
        "REJECTED" => "correct it and submit it again",
        "PAUSED" => "take it up again, and send it to people who want it",
        "DISABLED" => "write another template: this one is not approved any more",
        _ => return Some(finding),
    };
    Some(finding.help(format!(
        "{what}: WhatsApp Manager → Message templates → Manage templates"
    )))
}

/// Whether the pipeline fills other places than the template has.
fn mismatch(found: &Template, wanted: &MessageTemplate) -> Option<Error> {
    let mut wrong = Vec::new();
    wrong.extend(header(found.header, wanted.header.as_ref().map(|h| h.kind)));
    let (has, fills) = (found.body.len(), wanted.parameters.len());
    if has != fills {
        let places = if has == 1 { "place" } else { "places" };
        wrong.push(format!(
            "its body has {has} {places}, and `parameters` lists {fills}"
        ));
    }
    wrong.extend(buttons(found, wanted));
    if wrong.is_empty() {
        return None;
    }
    let Template { name, language, .. } = found;
    let message = format!(
        "`{name}` ({language}) takes other values: {}",
        wrong.join("; ")
    );
    Some(errors::error(Code::WhatsappTemplateMismatch, message))
}

fn header(has: Option<Header>, given: Option<HeaderKind>) -> Option<String> {
    let fits = match (has, given) {
        (None, None) => true,
        (Some(has), Some(given)) => matches!(
            (has, given),
            (Header::Text, HeaderKind::Text)
                | (Header::Image, HeaderKind::Image)
                | (Header::Video, HeaderKind::Video)
                | (Header::Document, HeaderKind::Document)
        ),
        _ => false,
    };
    let takes = match has {
        None => "nothing",
        Some(Header::Text) => "a text",
        Some(Header::Image) => "an image",
        Some(Header::Video) => "a video",
        Some(Header::Document) => "a document",
        Some(Header::Other) => "what cannot be given here",
    };
    let offers = match given {
        None => "there is no `header`",
        Some(HeaderKind::Text) => "`header` gives a text",
        Some(HeaderKind::Image) => "`header` gives an image",
        Some(HeaderKind::Video) => "`header` gives a video",
        Some(HeaderKind::Document) => "`header` gives a document",
    };
    (!fits).then(|| format!("its header takes {takes}, and {offers}"))
}

fn buttons(found: &Template, wanted: &MessageTemplate) -> Vec<String> {
    let mut wrong = Vec::new();
    for (index, button) in found.buttons.iter().enumerate() {
        let given = wanted
            .buttons
            .iter()
            .find(|given| usize::from(given.index) == index);
        let told = match (button, given.map(|given| given.kind)) {
            (Button::Address, Some(ButtonKind::Url))
            | (Button::Reply, Some(ButtonKind::QuickReply))
            | (Button::Reply | Button::Fixed, None) => continue,
            (Button::Address, None) => "takes the end of an address, and `buttons` gives none",
            (Button::Address, Some(_)) => {
                "takes the end of an address, and `buttons` gives a reply"
            }
            (Button::Reply, Some(_)) => "is a reply, and `buttons` gives the end of an address",
            (Button::Code, _) => "copies a code, which cannot be given here",
            (Button::Fixed, Some(_)) => "takes nothing, and `buttons` gives a value",
        };
        wrong.push(format!("its button {index} {told}"));
    }
    let beyond = wanted.buttons.iter().map(|given| usize::from(given.index));
    let beyond = beyond.filter(|index| *index >= found.buttons.len());
    wrong.extend(beyond.map(|index| format!("it has no button {index}, and `buttons` gives one")));
    wrong
}
