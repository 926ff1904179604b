//! The steps of testing a connection: each one question to the org, and its answer.

use serde_json::{Value, json};

use super::findings;
use super::text::thousands;
use crate::engine::round_trip::Leg;
use crate::foundation::code::Code;
use crate::foundation::diagnostic::Diagnostic;
use crate::foundation::error::Error;
use crate::plan::Plan;
use crate::plan::infer::Used;
use crate::plan::snapshot::{self, Snapshots};
use crate::plan::writable;
use crate::salesforce::client::Client;

/// One line of the list.
#[derive(Debug)]
pub struct Step {
    /// The pipeline it is about, or nothing for the connection itself.
    pub pipeline: Option<String>,
    /// What was asked for.
    pub name: String,
    /// What was found, or what is wrong.
    pub result: Result<String, Diagnostic>,
}

/// The steps of the connection itself; whether the org can be asked more.
pub async fn connect(client: &Client, api_version: &str, steps: &mut Vec<Step>) -> bool {
    let versions = client.versions().await;
    let offered = match versions {
        Ok(versions) => versions,
        Err(error) => {
            steps.push(Step::failed("reachable", &error));
            return false;
        }
    };
    let newest = offered.last().map_or(String::new(), |version| {
        format!("up to version {} ({})", version.version, version.label)
    });
    steps.push(Step::passed("reachable", newest));
    let has_version = offered.iter().any(|version| version.version == api_version);
    steps.push(if has_version {
        Step::passed("API version", api_version.to_owned())
    } else {
        let message = format!("the org does not offer API version {api_version}");
        let help = "set `api_version` to one that it offers";
        Step::failed(
            "API version",
            &Error::new(Code::ApiVersionUnavailable, message).help(help),
        )
    });
    if let Err(error) = client.sign_in().await {
        steps.push(Step::failed("sign-in", &error));
        return false;
    }
    steps.push(Step::passed("sign-in", "by client credentials".to_owned()));
    steps.push(match client.identity().await {
        Ok(identity) => {
            let user = identity
                .preferred_username
                .or(identity.name)
                .unwrap_or(identity.user_id);
            Step::passed(
                "identity",
                format!("{user}, org {}", identity.organization_id),
            )
        }
        Err(error) => Step::failed("identity", &error),
    });
    steps.push(calls_left(client).await);
    has_version
}

/// The API calls left today; a user who may not ask for limits learns it from the header of any other answer.
async fn calls_left(client: &Client) -> Step {
    let limits = client.limits().await;
    let told = limits
        .as_ref()
        .ok()
        .and_then(|limits| limits.get("DailyApiRequests"));
    if let Some(limit) = told {
        let left = thousands(limit.remaining.max(0).unsigned_abs());
        let max = thousands(limit.max.max(0).unsigned_abs());
        return Step::passed("API calls left", format!("{left} of {max}"));
    }
    match (client.usage().daily, limits) {
        (Some(daily), _) => {
            let left = thousands(daily.max.saturating_sub(daily.used));
            Step::passed(
                "API calls left",
                format!("{left} of {}", thousands(daily.max)),
            )
        }
        (None, Err(error)) => Step::failed("API calls left", &error),
        (None, Ok(_)) => Step::passed("API calls left", "not told".to_owned()),
    }
}

/// Whether a pipeline can read what it asks for.
pub fn reading(plan: &Plan, snapshots: &Snapshots, missing: &[Error]) -> Vec<Step> {
    let Some(read) = plan.read() else {
        return Vec::new();
    };
    let of = |step: Step| Step {
        pipeline: Some(plan.pipeline.to_string()),
        ..step
    };
    let object = &read.query.object;
    let Some(described) = snapshots.get(object) else {
        let error = missing
            .iter()
            .find(|error| error.message().contains(object.as_str()));
        let unknown = Error::new(
            Code::ObjectUnavailable,
            format!("the signed-in user cannot see `{object}`"),
        );
        return vec![of(Step::failed(object, error.unwrap_or(&unknown)))];
    };
    if !described.queryable {
        let message = format!("the signed-in user may not query `{object}`");
        return vec![of(Step::failed(
            object,
            &Error::new(Code::ObjectUnavailable, message),
        ))];
    }
    let mut steps = vec![of(Step::passed(object, "readable".to_owned()))];
    let wrong = snapshot::check(&read.selection, described, snapshots);
    for used in &read.selection.fields {
        let name = used.path.join(".");
        let found = wrong
            .iter()
            .find(|finding| finding.pointer == used.pointer && finding.span == used.span);
        steps.push(of(match found {
            Some(finding) => Step {
                pipeline: None,
                name,
                result: Err(finding.diagnostic.clone()),
            },
            None => Step::passed(&name, "readable".to_owned()),
        }));
    }
    for child in &read.selection.children {
        let declared = format!("/source/related/{}", child.relationship);
        let found = wrong.iter().find(|finding| {
            let is_of = |used: &Used| used.pointer == finding.pointer && used.span == finding.span;
            finding.pointer == declared || child.fields.iter().any(is_of)
        });
        steps.push(of(match found {
            Some(finding) => Step {
                pipeline: None,
                name: child.relationship.clone(),
                result: Err(finding.diagnostic.clone()),
            },
            None => Step::passed(&child.relationship, "readable".to_owned()),
        }));
    }
    steps
}

/// Whether a pipeline can write what it writes, target by target.
pub fn writing(plan: &Plan, snapshots: &Snapshots, missing: &[Error]) -> Vec<Step> {
    let mut steps = Vec::new();
    for target in plan.targets() {
        let of = |name: String, result: Result<String, Diagnostic>| Step {
            pipeline: Some(plan.pipeline.to_string()),
            name,
            result,
        };
        let object = &target.object;
        let name = format!("{} of {object}", target.operation.as_str());
        let Some(described) = snapshots.get(object) else {
            let error = missing
                .iter()
                .find(|error| error.message().contains(object.as_str()));
            let unknown = Error::new(
                Code::ObjectUnavailable,
                format!("the signed-in user cannot see `{object}`"),
            );
            let finding = findings::of_error(error.unwrap_or(&unknown));
            steps.push(of(name, Err(finding)));
            continue;
        };
        let wrong = writable::check(target, described, snapshots);
        let at = |part: String| {
            let pointer = format!("/targets/{}/{part}", target.name);
            let finding = wrong
                .iter()
                .find(|finding| finding.pointer == pointer && finding.diagnostic.is_error());
            finding.map(|finding| finding.diagnostic.clone())
        };
        steps.push(of(name, verdict(at("object".to_owned()), "allowed")));
        if let Some((key, _)) = &target.key {
            let found = at(format!("match/{key}"));
            steps.push(of(key.clone(), verdict(found, "finds one row")));
        }
        for (field, _) in &target.fields {
            let found = at(format!("field_map/{field}"));
            steps.push(of(field.clone(), verdict(found, "writable")));
        }
    }
    steps
}

#[expect(
    clippy::result_large_err,
    reason = "a step holds its finding, and there are few of them"
)]
fn verdict(found: Option<Diagnostic>, word: &str) -> Result<String, Diagnostic> {
    match found {
        Some(finding) => Err(finding),
        None => Ok(word.to_owned()),
    }
}

/// A leg of the round trip.
pub fn of_leg(leg: Leg) -> Step {
    let step = match leg.result {
        Ok(seen) => Step::passed(leg.name, seen),
        Err(error) => Step::failed(leg.name, &error),
    };
    Step {
        pipeline: Some("test lead".to_owned()),
        ..step
    }
}

impl Step {
    /// A step that found what it looked for.
    pub fn passed(name: &str, detail: String) -> Self {
        Self {
            pipeline: None,
            name: name.to_owned(),
            result: Ok(detail),
        }
    }

    /// A step that failed.
    pub fn failed(name: &str, error: &Error) -> Self {
        Self {
            pipeline: None,
            name: name.to_owned(),
            result: Err(findings::of_error(error)),
        }
    }

    /// The step as JSON.
    pub fn json(&self) -> Value {
        let (detail, code) = match &self.result {
            Ok(detail) => (detail.as_str(), None),
            Err(finding) => (finding.message.as_str(), Some(finding.code.as_str())),
        };
        json!({
            "pipeline": self.pipeline,
            "step": self.name,
            "passed": code.is_none(),
            "detail": detail,
            "code": code,
        })
    }
}
