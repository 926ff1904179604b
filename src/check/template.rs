//! Whether a message template is there, is approved, and has the places that a pipeline fills.

use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, nearest};
use crate::foundation::error::Result;
use crate::spec::broadcast::MessageTemplate;
use crate::whatsapp::client::Client;
use crate::whatsapp::fit;
use crate::whatsapp::template::Template;

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
    let wrong = fit::misfit(found, wanted).map(|error| Diagnostic::from(&error));
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
