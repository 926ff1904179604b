//! Whether a pipeline's connections are there, lead where they must, and allow what the pipeline does.

use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, nearest};

use crate::spec::document::Document;
use crate::spec::name::{ApiName, SlugName};
use crate::spec::pipeline::Pipeline;
use crate::spec::project::{Access, Connection, Project, SalesforceConnection};
use crate::spec::source::Source;
use crate::spec::tree;

pub(super) fn check(
    project: &Document<Project>,
    pipeline: &Document<Pipeline>,
    found: &mut Vec<Diagnostic>,
) {
    let spec = &pipeline.spec;
    connection(
        project,
        pipeline,
        ("/connection", spec.connection.as_ref(), "salesforce"),
        found,
    );
    if let Some(broadcast) = &spec.broadcast {
        let named = broadcast.connection.as_ref();
        connection(
            project,
            pipeline,
            ("/broadcast/connection", named, "whatsapp"),
            found,
        );
    }
    let salesforce = project
        .spec
        .connection(spec.connection.as_ref(), "salesforce");
    if let Some((name, Connection::Salesforce(salesforce))) = salesforce {
        objects(pipeline, name, salesforce, found);
    }
}

fn connection(
    project: &Document<Project>,
    pipeline: &Document<Pipeline>,
    (pointer, named, kind): (&str, Option<&SlugName>, &str),
    found: &mut Vec<Diagnostic>,
) {
    let connections = &project.spec.connections;
    let of_kind: Vec<&str> = connections
        .iter()
        .filter(|(_, connection)| connection.kind() == kind)
        .map(|(name, _)| name.as_str())
        .collect();
    let list = of_kind
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    let project_file = &project.file.path;
    let finding = match (named, of_kind.len()) {
        (None, 1) => return,
        (None, 0) => Diagnostic::error(
            Code::UnknownConnection,
            format!("the pipeline needs a `{kind}` connection, and `{project_file}` has none"),
        )
        .help(format!("add a connection of `type: {kind}`")),
        (None, _) => Diagnostic::error(
            Code::UnknownConnection,
            format!("there are several `{kind}` connections, and the pipeline does not say which: {list}"),
        )
        .help(format!("add `connection: {}`", of_kind[0])),
        (Some(name), _) => match connections.get(name) {
            Some(connection) if connection.kind() == kind => return,
            Some(connection) => Diagnostic::error(
                Code::WrongConnectionType,
                format!("`{name}` is a `{}` connection, and a `{kind}` connection is needed", connection.kind()),
            )
            .related(project.key_place(&tree::join("/connections", name.as_str())), "defined here")
            .help(if list.is_empty() { format!("add a connection of `type: {kind}`") } else { format!("use {list}") }),
            None => {
                let finding = Diagnostic::error(
                    Code::UnknownConnection,
                    format!("`{project_file}` has no connection called `{name}`"),
                );
                match nearest(name.as_str(), of_kind.iter().copied()) {
                    Some(meant) => finding.help(format!("did you mean `{meant}`?")),
                    None if list.is_empty() => finding.help(format!("add a connection of `type: {kind}`")),
                    None => finding.help(format!("use {list}")),
                }
            }
        },
    };
    let place = if named.is_some() {
        pipeline.place(pointer)
    } else if pointer == "/connection" {
        pipeline.key_place("/name")
    } else {
        pipeline.key_place("/broadcast")
    };
    found.push(finding.at(place));
}

/// Whether everything the pipeline touches is in the connection's allow-list.
fn objects(
    pipeline: &Document<Pipeline>,
    name: &SlugName,
    connection: &SalesforceConnection,
    found: &mut Vec<Diagnostic>,
) {
    let Some(allowed) = &connection.objects else {
        return;
    };
    // Salesforce takes API names in any case.
    let access = |object: &ApiName| -> Option<Access> {
        allowed
            .iter()
            .find(|(known, _)| known.as_str().eq_ignore_ascii_case(object.as_str()))
            .map(|(_, access)| *access)
    };
    let mut refuse = |object: &ApiName, pointer: &str, verb: &str, needed: &str| {
        let finding = match access(object) {
            Some(access)
                if (verb == "reads" && access.reads()) || (verb == "writes" && access.writes()) =>
            {
                return;
            }
            Some(_) => Diagnostic::error(
                Code::ObjectNotAllowed,
                format!(
                    "the pipeline {verb} `{object}`, which the connection `{name}` does not allow"
                ),
            )
            .help(format!(
                "write `{object}: read_write` under `objects` of the connection"
            )),
            None => {
                let finding = Diagnostic::error(
                    Code::ObjectNotAllowed,
                    format!(
                        "the pipeline {verb} `{object}`, which is not among the `objects` of the connection `{name}`"
                    ),
                );
                match nearest(object.as_str(), allowed.keys().map(ApiName::as_str)) {
                    Some(meant) => finding.help(format!("did you mean `{meant}`?")),
                    None => finding.help(format!(
                        "add `{object}: {needed}` to `objects` of the connection"
                    )),
                }
            }
        };
        found.push(finding.at(pipeline.place(pointer)));
    };
    if let Source::Object(source) = &pipeline.spec.source {
        refuse(&source.object, "/source/object", "reads", "read");
    }
    for (target_name, target) in &pipeline.spec.targets {
        let pointer = tree::join("/targets", target_name.as_str());
        refuse(
            &target.object,
            &format!("{pointer}/object"),
            "writes",
            "write",
        );
    }
}
