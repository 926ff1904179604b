//! What a pipeline needs of WhatsApp to send messages: a number that can send, and a template that fits.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::Diagnostic;
use crate::foundation::error::{Error, Result};
use crate::plan::Plan;
use crate::plan::step::StepKind;
use crate::plan::step::broadcast::Broadcast;
use crate::whatsapp::client::Client;
use crate::whatsapp::errors;
use crate::whatsapp::sender::{Quality, Sender, Standing};

use super::step::Step;
use super::template;

/// Opens the client of a WhatsApp connection, by its name.
pub type Opener<'a> = dyn Fn(&str) -> Result<Client> + 'a;

/// The name of the line about the number.
const SENDER: &str = "sender";

/// The numbers that pipelines send from; each is asked for once.
pub(super) struct Senders<'a> {
    open: &'a Opener<'a>,
    asked: HashMap<String, Asked>,
}

/// A number that was asked for.
struct Asked {
    line: Step,
    /// The client, where its account can be asked for templates.
    client: Option<Client>,
}

impl Asked {
    fn refused(error: &Error) -> Self {
        Self {
            line: Step::failed(SENDER, error.into()),
            client: None,
        }
    }
}

impl<'a> Senders<'a> {
    pub(super) fn new(open: &'a Opener<'a>) -> Self {
        Self {
            open,
            asked: HashMap::new(),
        }
    }

    /// The lines of a pipeline: one for the number and one for the template, where it sends messages.
    pub(super) async fn of(&mut self, plan: &Plan) -> Vec<Step> {
        let mut steps = Vec::new();
        for broadcast in broadcasts(plan) {
            let asked = match self.asked.entry(broadcast.connection.clone()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => {
                    let asked = match (self.open)(&broadcast.connection) {
                        Ok(client) => ask(client).await,
                        Err(error) => Asked::refused(&error),
                    };
                    free.insert(asked)
                }
            };
            steps.push(asked.line.clone());
            if let Some(client) = &asked.client {
                steps.push(template::check(client, &broadcast.section.template).await);
            }
        }
        steps
    }
}

/// The lines of a WhatsApp connection: its number, and the template of each plan that sends by it.
pub async fn check(connection: &str, client: &Client, plans: &[Arc<Plan>]) -> Vec<Step> {
    let asked = ask(client.clone()).await;
    let mut steps = vec![asked.line];
    let Some(client) = asked.client else {
        return steps;
    };
    for plan in plans {
        for broadcast in broadcasts(plan).filter(|one| one.connection == connection) {
            let mut step = template::check(&client, &broadcast.section.template).await;
            step.pipeline = Some(plan.pipeline.to_string());
            steps.push(step);
        }
    }
    steps
}

fn broadcasts(plan: &Plan) -> impl Iterator<Item = &Broadcast> {
    plan.steps.iter().filter_map(|step| match &step.kind {
        StepKind::Broadcast(broadcast) => Some(broadcast),
        _ => None,
    })
}

/// Asks for the number. Where only the number is at fault, the account can still be asked.
async fn ask(client: Client) -> Asked {
    match client.sender().await {
        Ok(sender) => Asked {
            line: line(&sender),
            client: Some(client),
        },
        Err(error) => {
            let is_of_number = matches!(
                error.code(),
                Code::WhatsappIdUnknown | Code::WhatsappNumberNotRegistered
            );
            Asked {
                client: Some(client).filter(|_| is_of_number),
                ..Asked::refused(&error)
            }
        }
    }
}

/// The line of a number that Meta describes.
fn line(sender: &Sender) -> Step {
    let shown = sender.shown();
    let wrong = match sender.standing() {
        Standing::Banned(status) => Some((
            Code::WhatsappAccountRestricted,
            format!("Meta took the right to send from {shown}: its status is `{status}`"),
        )),
        Standing::LimitReached(status) => Some((
            Code::WhatsappLimitReached,
            format!(
                "{shown} wrote to as many people as it may in 24 hours: its status is `{status}`"
            ),
        )),
        Standing::NotConnected(status) => Some((
            Code::WhatsappNumberNotRegistered,
            format!("{shown} cannot send: its status is `{status}`, not `CONNECTED`"),
        )),
        Standing::Connected | Standing::NotTold => None,
    };
    if let Some((code, message)) = wrong {
        return Step::failed(SENDER, helped(Diagnostic::error(code, message)));
    }
    if sender.quality() == Quality::Low {
        let message = format!("{shown} is rated low: people block or report what it sends");
        let finding = Diagnostic::warning(Code::WhatsappQualityLow, message);
        return Step::failed(SENDER, helped(finding));
    }
    let mut detail = format!("{shown}, quality {}", sender.quality().as_str());
    if let Some(limit) = &sender.messaging_limit {
        detail.push_str(", limit ");
        detail.push_str(limit);
    }
    if let Some(status) = sender.name_in_doubt() {
        detail.push_str(", display name ");
        detail.push_str(status);
    }
    if sender.standing() == Standing::NotTold {
        detail.push_str("; whether it is connected is not told");
    }
    Step::found(SENDER, detail)
}

/// The finding with the help that its code has for WhatsApp.
pub(super) fn helped(finding: Diagnostic) -> Diagnostic {
    match errors::meaning(finding.code) {
        Some((_, help)) => finding.help(help),
        None => finding,
    }
}
