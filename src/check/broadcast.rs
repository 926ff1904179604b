//! What a pipeline needs to send messages, as far as the project's own files tell it.

use crate::foundation::code::Code;
use crate::foundation::diagnostic::Diagnostic;
use crate::plan::Plan;
use crate::plan::step::StepKind;

use super::step::Step;

/// One line for each message step: it asks nobody, and says so.
pub(super) fn check(plan: &Plan, unset: &dyn Fn(&str) -> Vec<String>) -> Vec<Step> {
    let broadcasts = plan.steps.iter().filter_map(|step| match &step.kind {
        StepKind::Broadcast(broadcast) => Some(broadcast),
        _ => None,
    });
    let lines = broadcasts.map(|broadcast| {
        let connection = &broadcast.connection;
        let unset: Vec<String> = unset(connection)
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        let wrong = (!unset.is_empty()).then(|| {
            let message = format!(
                "connection `{connection}` needs environment variables that are not set: {}",
                unset.join(", ")
            );
            Diagnostic::error(Code::MissingVariable, message).help("set them where bridged runs")
        });
        let template = &broadcast.section.template;
        let detail = format!(
            "template `{}` ({}) by `{connection}`, credentials set; WhatsApp itself is not asked",
            template.name, template.language
        );
        Step::of("broadcast", wrong, &detail)
    });
    lines.collect()
}
