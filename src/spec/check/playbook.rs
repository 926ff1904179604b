//! Whether the sections agree with the direction, and with the playbook.

use crate::foundation::code::Code;
use crate::foundation::diagnostic::Diagnostic;

use crate::spec::document::Document;
use crate::spec::pipeline::{Direction, Pipeline, Playbook};
use crate::spec::source::Source;

pub(super) fn check(document: &Document<Pipeline>, found: &mut Vec<Diagnostic>) {
    for (pointer, message, help) in direction(&document.spec) {
        found.push(
            Diagnostic::error(Code::DirectionMismatch, message)
                .at(document.key_place(pointer))
                .help(help),
        );
    }
    if document.spec.broadcast.is_some()
        && document.spec.consent.is_none()
        && document.spec.playbook != Some(Playbook::Activation)
    {
        found.push(
            Diagnostic::warning(
                Code::MissingKey,
                "there is no `consent`, so the broadcast reaches nobody",
            )
            .at(document.key_place("/broadcast"))
            .help("add `consent: { whatsapp: \"{{ … }}\" }` with the field that holds the opt-in"),
        );
    }
    let Some(playbook) = document.spec.playbook else {
        return;
    };
    for (message, help) in needs(&document.spec, playbook) {
        found.push(
            Diagnostic::error(Code::PlaybookMismatch, message)
                .at(document.place("/playbook"))
                .help(help),
        );
    }
}

/// Each disagreement with the direction: where, what, and the way out.
fn direction(pipeline: &Pipeline) -> Vec<(&'static str, String, &'static str)> {
    let direction = pipeline.direction;
    let word = direction.as_str();
    let mut found = Vec::new();
    let mut note = |pointer, message: String, help| found.push((pointer, message, help));
    match (&pipeline.source, direction) {
        (Source::Records(_), Direction::Read | Direction::ReadWrite) => note(
            "/source/records",
            format!(
                "`direction: {word}` reads from Salesforce, and `source` names Bridged's records"
            ),
            "write `source: { object: … }`, or `direction: write`",
        ),
        (Source::Object(_), Direction::Write) => note(
            "/source/object",
            "`direction: write` takes Bridged's records, and `source` names a Salesforce object"
                .to_owned(),
            "write `source: { records: profiles }` or `{ records: outcomes }`, or `direction: read_write`",
        ),
        _ => {}
    }
    if direction.writes() && pipeline.targets.is_empty() {
        note(
            "/direction",
            format!("`direction: {word}` writes to Salesforce, and there are no `targets`"),
            "add `targets`, or write `direction: read`",
        );
    }
    if direction == Direction::Read && !pipeline.targets.is_empty() {
        note(
            "/targets",
            "`direction: read` writes nothing to Salesforce, and there are `targets`".to_owned(),
            "write `direction: read_write`, or remove `targets`",
        );
    }
    if direction.reads() && pipeline.field_map.is_empty() {
        note(
            "/direction",
            format!("`direction: {word}` makes profiles, and there is no `field_map`"),
            "add `field_map` with the attributes of a profile, such as `full_name: \"{{ Name }}\"`",
        );
    }
    if direction == Direction::Write {
        for (pointer, present) in [
            ("/field_map", !pipeline.field_map.is_empty()),
            ("/profile_key", pipeline.profile_key.is_some()),
            ("/consent", pipeline.consent.is_some()),
            ("/broadcast", pipeline.broadcast.is_some()),
        ] {
            if present {
                note(
                    pointer,
                    format!(
                        "`{}` belongs to what is read, and `direction: write` reads nothing from Salesforce",
                        &pointer[1..]
                    ),
                    "remove it, or write `direction: read_write` with a Salesforce `object`",
                );
            }
        }
    }
    found
}

/// Each section that the playbook needs and the pipeline lacks.
fn needs(pipeline: &Pipeline, playbook: Playbook) -> Vec<(String, &'static str)> {
    let reads = pipeline.direction.reads();
    let writes = pipeline.direction.writes();
    let needed: &[(bool, &str, &'static str)] = &match playbook {
        Playbook::Activation => [
            (reads, "a direction that reads", "write `direction: read`"),
            (
                pipeline.broadcast.is_some(),
                "`broadcast`",
                "add `broadcast` with the message and its audience",
            ),
            (
                pipeline.consent.is_some(),
                "`consent`",
                "add `consent: { whatsapp: \"{{ … }}\" }`: without it nobody is messaged",
            ),
        ],
        Playbook::Qualification => [
            (
                writes,
                "a direction that writes",
                "write `direction: read_write`",
            ),
            (
                pipeline.score.is_some(),
                "`score`",
                "add `score` with its rules",
            ),
            (
                !pipeline.targets.is_empty(),
                "`targets`",
                "add `targets` that take the score back",
            ),
        ],
        Playbook::Nurture => [
            (
                pipeline.direction == Direction::Write,
                "`direction: write`",
                "write `direction: write`",
            ),
            (
                matches!(pipeline.source, Source::Records(_)),
                "Bridged's records as its source",
                "write `source: { records: outcomes }`",
            ),
            (
                !pipeline.targets.is_empty(),
                "`targets`",
                "add `targets` that take the outcomes",
            ),
        ],
    };
    needed
        .iter()
        .filter(|(there, ..)| !there)
        .map(|(_, what, help)| {
            (
                format!("the playbook `{}` needs {what}", playbook.as_str()),
                *help,
            )
        })
        .collect()
}
