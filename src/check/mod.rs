//! Test Connection: what a connection and its pipelines need of an org, as a list of small questions with their answers.
//!
//! ```text
//! DNS and TLS → sign-in → API version → API enabled → identity → profile → API calls left
//!   └ for each pipeline: object → fields → rows → mapping → targets with key and fields → sender → template
//! ```
//!
//! Nothing here changes the org, and nothing is sent. A step that fails ends what depends on it, and no more.

mod connection;
pub mod described;
pub mod messaging;
mod reading;
mod rows;
pub mod step;
mod template;
mod writing;

use std::sync::Arc;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::Diagnostic;
use crate::plan::Plan;
use crate::salesforce::client::Client;

pub use self::step::Step;

/// What is checked.
pub struct Subject<'a> {
    /// The org; nothing was asked of it yet.
    pub client: &'a Client,
    /// How the connection signs in, in words.
    pub signs_in: &'a str,
    /// The API version the connection asks for.
    pub api_version: &'a str,
    /// The pipelines that use the connection.
    pub plans: &'a [Arc<Plan>],
    /// Opens the client of a WhatsApp connection, by its name.
    pub messaging: &'a messaging::Opener<'a>,
}

/// Asks the org, step by step. Costs three API calls for the connection, one for each object that pipelines name, and one or
/// two for each pipeline that reads. What WhatsApp is asked counts against no limit of the org's.
pub async fn check(subject: &Subject<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    if !connection::check(subject, &mut steps).await {
        return steps;
    }
    let (snapshots, missing) = match described::describe(subject.client, subject.plans).await {
        Ok(described) => described,
        Err(error) => {
            steps.push(Step::failed("describe", Diagnostic::from(&error)));
            return steps;
        }
    };
    let mut senders = messaging::Senders::new(subject.messaging);
    for plan in subject.plans {
        let start = steps.len();
        steps.extend(reading::check(plan, &snapshots, &missing));
        let writing = writing::check(plan, &snapshots, &missing);
        if steps[start..].iter().chain(&writing).all(is_seen) {
            steps.extend(rows::check(subject.client, plan).await);
        }
        steps.extend(writing);
        steps.extend(senders.of(plan).await);
        for step in &mut steps[start..] {
            step.pipeline = Some(plan.pipeline.to_string());
        }
    }
    steps
}

/// Whether the step's object or field is there: one that is not spoils the question that reads them all.
fn is_seen(step: &Step) -> bool {
    let code = step.finding.as_ref().map(|finding| finding.code);
    !matches!(
        code,
        Some(
            Code::ObjectUnavailable
                | Code::FieldUnavailable
                | Code::UnknownField
                | Code::UnknownRelationship
        )
    )
}
