//! The project file's addresses, paths and hosts.

use std::path::{Component, Path};

use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, nearest};

use crate::spec::amount::Period;
use crate::spec::document::Document;
use crate::spec::forms;
use crate::spec::host;
use crate::spec::project::{Connection, Project, SalesforceConnection};
use crate::spec::text::{EnvPart, EnvText};
use crate::spec::tree;

pub(super) fn check(document: &Document<Project>, found: &mut Vec<Diagnostic>) {
    store(document, found);
    retention(document, found);
    for (name, connection) in &document.spec.connections {
        let pointer = tree::join("/connections", name.as_str());
        match connection {
            Connection::Salesforce(connection) => salesforce(document, &pointer, connection, found),
            Connection::Whatsapp(connection) => {
                if let Some(url) = connection.api_url.as_ref().and_then(literal) {
                    graph_url(document, &format!("{pointer}/api_url"), &url, found);
                }
            }
        }
    }
}

/// The shortest retention.
const SHORTEST: Period = Period::from_secs(86_400);

/// An hour would forget what an operator wants to look at in the morning.
fn retention(document: &Document<Project>, found: &mut Vec<Diagnostic>) {
    let Some(period) = document.spec.retention.filter(|period| *period < SHORTEST) else {
        return;
    };
    found.push(
        Diagnostic::error(
            Code::OutOfRange,
            format!("`{period}` is shorter than a day"),
        )
        .at(document.place("/retention"))
        .help("write `1d` or more, or leave it out to keep everything"),
    );
}

fn salesforce(
    document: &Document<Project>,
    pointer: &str,
    connection: &SalesforceConnection,
    found: &mut Vec<Diagnostic>,
) {
    for (index, entry) in connection.allowed_hosts.iter().enumerate() {
        if !host::is_host_entry(entry) {
            found.push(
                Diagnostic::error(
                    Code::HostRefused,
                    format!("`{}` is not the plain name of a host", forms::shown(entry)),
                )
                .at(document.place(&format!("{pointer}/allowed_hosts/{index}")))
                .help("write the whole name in small letters, with a port where it is not 443: `crm.acme.example:8443`"),
            );
        }
    }
    let url = literal(&connection.instance_url);
    let refusal = url.and_then(|url| instance_url(&url, &connection.allowed_hosts));
    if let Some(finding) = refusal {
        found.push(finding.at(document.place(&format!("{pointer}/instance_url"))));
    }
    let bundle = connection.ca_bundle.as_deref();
    if let Some(bundle) = bundle.filter(|bundle| !stays_inside(bundle)) {
        found.push(
            Diagnostic::error(
                Code::PathOutsideProject,
                format!("`{}` does not stay in the project", forms::shown(bundle)),
            )
            .at(document.place(&format!("{pointer}/ca_bundle")))
            .help("put the file into the project and write its path from there, with `/`"),
        );
    }
}

/// Why an org's address may not receive credentials.
fn instance_url(url: &str, allowed: &[String]) -> Option<Diagnostic> {
    let refusal = host::instance(url, allowed).err()?;
    let message = format!("`{}` cannot be used: {}", host::printable(url), refusal.why);
    Some(Diagnostic::error(refusal.code, message).help(refusal.help))
}

/// Meta's own address, or this machine.
fn graph_url(document: &Document<Project>, pointer: &str, url: &str, found: &mut Vec<Diagnostic>) {
    if let Err(refusal) = host::graph(url) {
        let message = format!("`{}` cannot be used: {}", host::printable(url), refusal.why);
        found.push(
            Diagnostic::error(refusal.code, message)
                .at(document.place(pointer))
                .help(refusal.help),
        );
    }
}

/// The scheme of the store, as far as it is written out; the path is judged where the store is opened.
fn store(document: &Document<Project>, found: &mut Vec<Diagnostic>) {
    let text = document.spec.store.as_str();
    if text.starts_with("${") {
        return;
    }
    let scheme = text.split(':').next().unwrap_or_default();
    if text.contains(':') && matches!(scheme, "sqlite" | "postgres" | "postgresql") {
        return;
    }
    let finding = Diagnostic::error(
        Code::StoreUrlInvalid,
        "the store must begin with `sqlite:` or `postgres://`",
    )
    .at(document.place("/store"));
    found.push(match nearest(scheme, ["sqlite", "postgres"]) {
        Some(meant) => finding.help(format!("did you mean `{meant}:`?")),
        None => finding.help("write `sqlite:.bridged/bridged.db`"),
    });
}

/// The text, where no variable is in it.
fn literal(text: &EnvText) -> Option<String> {
    let parts = text.parts().ok()?;
    parts
        .iter()
        .map(|part| match part {
            EnvPart::Literal(text) => Some(text.as_ref()),
            EnvPart::Variable(..) => None,
        })
        .collect()
}

/// Whether a relative path stays in the folder it starts from, whatever the system.
fn stays_inside(path: &str) -> bool {
    let plain = path
        .chars()
        .all(|c| !c.is_control() && !matches!(c, '\\' | ':' | '%'));
    let down = Path::new(path)
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    plain && down && !path.is_empty()
}
