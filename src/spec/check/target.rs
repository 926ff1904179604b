//! Targets whose repeat would do harm.

use crate::foundation::code::Code;
use crate::foundation::diagnostic::Diagnostic;

use crate::spec::document::Document;
use crate::spec::name::AttributeName;
use crate::spec::pipeline::Pipeline;
use crate::spec::target::{Operation, Target};
use crate::spec::tree;

pub(super) fn check(document: &Document<Pipeline>, found: &mut Vec<Diagnostic>) {
    for (name, target) in &document.spec.targets {
        let pointer = tree::join("/targets", name.as_str());
        key(document, name, target, &pointer, found);
        key_in_field_map(document, target, &pointer, found);
    }
}

/// Whether the operation finds its record in the way it can.
fn key(
    document: &Document<Pipeline>,
    name: &AttributeName,
    target: &Target,
    pointer: &str,
    found: &mut Vec<Diagnostic>,
) {
    let operation = target.operation;
    let word = operation.as_str();
    let (code, at, message, help) = match (operation, &target.key) {
        (Operation::Update, None) => (
            Code::NoMatch,
            String::new(),
            format!("the target `{name}` updates a record and does not say which"),
            "add `match: { Id: \"{{ salesforce_id }}\" }`",
        ),
        (Operation::Upsert, None) => (
            Code::NoMatch,
            String::new(),
            format!("the target `{name}` upserts a record and does not say by which external id"),
            "add `match: { Bridged_Id__c: \"{{ profile.key }}\" }` with an external id that is unique",
        ),
        (Operation::Create, None) if target.duplicates.is_none() => (
            Code::NoMatch,
            String::new(),
            format!(
                "the target `{name}` creates a record without a key, so a repeat would create it again"
            ),
            "write `operation: upsert` with `match` on an external id, or accept that with `duplicates: accept`",
        ),
        (Operation::Update, Some(key)) if !key.is_id() => (
            Code::MatchMismatch,
            "/match".to_owned(),
            format!(
                "`operation: {word}` finds its record by `Id`, and `match` names `{}`",
                key.field
            ),
            "write `operation: upsert` for an external id, or `match: { Id: … }`",
        ),
        (Operation::Upsert | Operation::Create, Some(key)) if key.is_id() => (
            Code::MatchMismatch,
            "/match".to_owned(),
            format!("`operation: {word}` needs an external id, and `match` names `Id`"),
            "write `operation: update` for records that exist, or `match` on an external id that is unique",
        ),
        (_, Some(_)) if target.duplicates.is_some() => (
            Code::MisplacedKey,
            "/duplicates".to_owned(),
            "`duplicates` does not go with `match`: the key already keeps doubles away".to_owned(),
            "remove `duplicates`",
        ),
        (Operation::Create, _) | (_, Some(_)) => return,
    };
    found.push(
        Diagnostic::error(code, message)
            .at(document.key_place(&format!("{pointer}{at}")))
            .help(help),
    );
}

/// The key must not be written a second time as a field (REST API Developer Guide: it is refused in the body).
fn key_in_field_map(
    document: &Document<Pipeline>,
    target: &Target,
    pointer: &str,
    found: &mut Vec<Diagnostic>,
) {
    for field in target.field_map.keys() {
        let is_id = field.as_str().eq_ignore_ascii_case("Id");
        let is_key = target
            .key
            .as_ref()
            .is_some_and(|key| key.field.as_str().eq_ignore_ascii_case(field.as_str()));
        if !is_id && !is_key {
            continue;
        }
        let message = if is_key {
            format!("`{field}` finds the record, and cannot be written as a field, too")
        } else {
            "`Id` is given by Salesforce, and cannot be written".to_owned()
        };
        found.push(
            Diagnostic::error(Code::MatchMismatch, message)
                .at(document
                    .key_place(&tree::join(&format!("{pointer}/field_map"), field.as_str())))
                .help("remove it from `field_map`"),
        );
    }
}
