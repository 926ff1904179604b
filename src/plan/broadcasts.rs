//! Compiling the `broadcast` section.

use crate::spec::pipeline::Pipeline;
use crate::spec::project::Project;

use super::scope::Names;
use super::step::StepKind;
use super::step::broadcast::Broadcast;
use super::texts::Texts;

/// The step that sends, where the pipeline has one.
pub(super) fn compile(
    spec: &Pipeline,
    project: &Project,
    texts: &mut Texts<'_>,
) -> Option<(String, StepKind)> {
    let section = spec.broadcast.as_ref()?;
    let names = Names::behind_scoring(spec);
    let to = texts.mapped("/broadcast/to", &section.to, &names);
    let audience = section
        .audience
        .as_ref()
        .and_then(|audience| texts.mapped("/broadcast/audience", audience, &names));
    let template = &section.template;
    let mut parameters = Vec::new();
    if let Some(header) = &template.header {
        let made = texts.mapped("/broadcast/template/header/value", &header.value, &names);
        parameters.extend(made.map(super::expression::Expression::Template));
    }
    for (place, parameter) in template.parameters.iter().enumerate() {
        let pointer = format!("/broadcast/template/parameters/{place}");
        parameters.extend(texts.mapped_value(&pointer, parameter, &names));
    }
    for (place, button) in template.buttons.iter().enumerate() {
        let pointer = format!("/broadcast/template/buttons/{place}/value");
        let made = texts.mapped(&pointer, &button.value, &names);
        parameters.extend(made.map(super::expression::Expression::Template));
    }
    let chosen = section.connection.as_ref().map(ToString::to_string);
    let only = || {
        let mut known = project
            .connections
            .iter()
            .filter(|(_, c)| c.whatsapp().is_some());
        known.next().map(|(name, _)| name.to_string())
    };
    let step = Broadcast {
        connection: chosen.or_else(only).unwrap_or_default(),
        section: section.clone(),
        to: to?,
        audience,
        parameters,
    };
    Some(("broadcast".to_owned(), StepKind::Broadcast(step)))
}
