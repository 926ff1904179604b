//! Addresses in the data of records: values like any other, never asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bridged::engine::Options;
use bridged::foundation::event::RunState;
use bridged::salesforce::client::Client;
use bridged::salesforce::resolver::{Found, Lookup};
use serde_json::json;

use crate::support::org::Org;
use crate::support::wire::Wire;

const PIPELINE: &str = r#"version: 1
name: addresses
direction: read_write
source: { object: Lead, where: "Company = 'Links'" }
field_map:
  photo: "{{ Website }}"
  link: "<img src='{{ Website }}'>"
  note: "{{ Description }}"
filter: "{{ photo is not none }}"
targets:
  lead:
    object: Lead
    operation: update
    match: { Id: "{{ salesforce_id }}" }
    field_map: { Description: "seen {{ photo }}", Rating: Hot }
"#;

/// Counts the names that are looked up.
#[derive(Default)]
struct Names(AtomicUsize);

impl Lookup for Names {
    fn lookup(&self, _: &str) -> Found {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Err(std::io::ErrorKind::NotFound.into()) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn x12_an_address_in_a_record_is_data_and_never_fetched() {
    let org = Org::with_leads(0).await;
    let canary = Wire::canary().await;
    let addresses = [
        canary.url("http"),
        format!("{}/latest/meta-data/", canary.url("http")),
        format!("//{}/x.png", canary.address),
        "http://169.254.169.254/latest/meta-data/iam/".to_owned(),
        "http://metadata.google.internal/computeMetadata/v1/".to_owned(),
        "https://evil.test/track?id=1".to_owned(),
        "file:///etc/passwd".to_owned(),
    ];
    let rows = addresses.iter().map(|address| {
        json!({ "LastName": "Link", "Company": "Links", "Website": address, "Description": format!("see {address}") })
    });
    org.put_leads(rows.collect()).await;
    // What was written is seen by a read once its second is over.
    org.advance("2s").await;
    let names = Arc::new(Names::default());
    let mut settings = org.settings();
    settings.lookup = Arc::clone(&names) as Arc<dyn Lookup>;
    let client = Client::new(settings).unwrap();
    let report = org
        .run_by(client, PIPELINE, Options::default(), |_, _| {})
        .await
        .unwrap();
    assert_eq!(report.state, RunState::Done, "{report:?}");
    assert_eq!(report.ledger.delivered, addresses.len() as u64);
    assert_eq!(canary.connections(), 0);
    assert_eq!(names.0.load(Ordering::Relaxed), 0, "no name was looked up");
    for address in &addresses {
        let row = org.row("Lead", "Website", address).await;
        assert_eq!(
            row["Description"],
            format!("seen {address}"),
            "it is kept as it is"
        );
    }
}
