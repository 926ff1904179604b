//! Projects that several tests of commands start from.

use crate::support::project::Project;

/// A project file whose credentials come from the environment.
pub(super) const PROJECT: &str = "\
version: 1
name: acme
connections:
  salesforce:
    type: salesforce
    instance_url: ${SALESFORCE_INSTANCE_URL}
    auth: { method: api_key, consumer_key: \"${SALESFORCE_CONSUMER_KEY}\", api_key: \"${SALESFORCE_API_KEY}\" }
";

/// A pipeline that keeps leads.
pub(super) const LEADS: &str = "\
version: 1
name: leads
direction: read
source: { object: Lead, page_size: 200 }
field_map:
  name: \"{{ LastName }}\"
  email: \"{{ Email }}\"
";

/// A pipeline that rejects every lead without an email address: its key is empty.
pub(super) const KEYED: &str = "\
version: 1
name: keyed
direction: read
source: { object: Lead, page_size: 200 }
profile_key: \"{{ Email }}\"
field_map: { name: \"{{ LastName }}\" }
on_error: { max_rejected: 90% }
";

/// A project with one pipeline.
pub(super) fn with(pipeline: &str) -> Project {
    let name = pipeline
        .lines()
        .find_map(|line| line.strip_prefix("name: "))
        .expect("a name");
    Project::empty()
        .file("bridged.yaml", PROJECT)
        .file(&format!("pipelines/{name}.yaml"), pipeline)
}
