//! Whether a message template is there, is approved, and has the places that a pipeline fills.

use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, nearest};
use crate::foundation::error::Result;
use crate::spec::broadcast::{ButtonKind, HeaderKind, MessageTemplate};
use crate::whatsapp::client::Client;
use crate::whatsapp::template::{Button, Header, Template};

use super::messaging::helped;
use super::step::Step;

/// The line of one template, by one question, or two where no template has its name.
pub(super) async fn check(client: &Client, wanted: &MessageTemplate) -> Step {
    let (template, language) = (wanted.name.as_str(), wanted.language.as_str());
    let name = format!("template {template} {language}");
    if !client.knows_account() {
        let message = format!(
            "`{template}` cannot be looked up: the connection has no `business_account_id`"
        );
        let finding = Diagnostic::warning(Code::WhatsappTemplateUnchecked, message);
        return Step::failed(name, helped(finding));
    }
    let known = match client.templates(Some(template)).await {
        Ok(known) => known,
        Err(error) => return Step::failed(name, (&error).into()),
    };
    let Some(found) = known.iter().find(|one| one.language == language) else {
        return Step::of(name, Some(missing(client, wanted, &known).await), "");
    };
    let wrong = not_approved(found).or_else(|| mismatch(found, wanted));
    let many = match found.body.len() {
        1 => "1 place in its body".to_owned(),
        many => format!("{many} places in its body"),
    };
    let category = found.category.to_lowercase();
    Step::of(name, wrong, &format!("approved, {category}, {many}"))
}

/// There is no such template: in this language, or at all.
async fn missing(client: &Client, wanted: &MessageTemplate, known: &[Template]) -> Diagnostic {
    let (template, language) = (wanted.name.as_str(), wanted.language.as_str());
    let finding = |message| helped(Diagnostic::error(Code::WhatsappTemplateMissing, message));
    if known.is_empty() {
        let message = format!("the business account has no template `{template}`");
        return match nearest_name(client, template).await {
            Ok(Some(near)) => finding(message).help(format!("did you mean `{near}`?")),
            // The question was for the help alone.
            Ok(None) | Err(_) => finding(message),
        };
    }
    let languages: Vec<&str> = known.iter().map(|one| one.language.as_str()).collect();
    let message = format!(
        "the template `{template}` is not there in `{language}`, but in `{}`",
        languages.join("`, `")
    );
    match nearest_language(language, &languages) {
        Some(near) => finding(message).help(format!("write `language: {near}`")),
        None => finding(message),
    }
}

async fn nearest_name(client: &Client, wanted: &str) -> Result<Option<String>> {
    let all = client.templates(None).await?;
    let names = all.iter().map(|template| template.name.as_str());
    Ok(nearest(wanted, names).map(str::to_owned))
}

/// The same language of another country goes before one that is spelt alike.
fn nearest_language<'a>(wanted: &str, known: &[&'a str]) -> Option<&'a str> {
    let of = |code: &str| code.split('_').next().unwrap_or_default().to_owned();
    let same = known.iter().find(|one| of(one) == of(wanted)).copied();
    same.or_else(|| nearest(wanted, known.iter().copied()))
}

/// What keeps a template from being sent, by its status (Meta, "Template statuses").
fn not_approved(found: &Template) -> Option<Diagnostic> {
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
    let finding = helped(Diagnostic::error(
        Code::WhatsappTemplateNotApproved,
        message,
    ));
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
fn mismatch(found: &Template, wanted: &MessageTemplate) -> Option<Diagnostic> {
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
    Some(helped(Diagnostic::error(
        Code::WhatsappTemplateMismatch,
        message,
    )))
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
