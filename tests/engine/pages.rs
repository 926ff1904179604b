//! Pages that cannot be continued: reading stops instead of looping or skipping rows.

use bridged::engine::read::Pages;
use bridged::foundation::code::Code;
use bridged::foundation::secret::Secret;
use bridged::plan::query::{Lower, StampField, Window};
use bridged::salesforce::client::Client;
use bridged::salesforce::settings::Settings;
use jiff::Timestamp;

use crate::support::org::plan;
use crate::support::wire::{Wire, json};

const LEADS: &str = "\
version: 1
name: leads
direction: read
source: { object: Lead }
field_map: { name: \"{{ LastName }}\" }
";

/// A row as Salesforce returns it.
fn row(id: &str, stamp: &str) -> String {
    format!(
        r#"{{"attributes":{{"type":"Lead"}},"Id":"{id}","LastName":"L","SystemModstamp":"{stamp}"}}"#
    )
}

/// The codes that the second page ends with, when an org answers every query with the pages in turn.
async fn second_page(first: String, second: String) -> Result<(), Code> {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let wire = Wire::start(move |request| {
        if request.target == "/services/oauth2/token" {
            let host = request.header("host");
            let token = format!(
                r#"{{"access_token":"00Dxx!t","instance_url":"http://{host}","id":"x","token_type":"Bearer","issued_at":"1","signature":"x","scope":"api"}}"#
            );
            return json(200, &token);
        }
        let number = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let row = if number == 0 { &first } else { &second };
        json(200, &format!(r#"{{"totalSize":1,"done":true,"records":[{row}]}}"#))
    })
    .await;
    let client = Client::new(Settings::new(
        wire.url("http"),
        "key",
        Secret::new("secret"),
    ))
    .unwrap();
    let plan = plan(LEADS);
    let read = plan.read().unwrap();
    let window = Window::Stamped {
        by: StampField::SystemModstamp,
        lower: Lower::From(Timestamp::UNIX_EPOCH),
        until: "2027-01-01T00:00:00Z".parse().unwrap(),
    };
    // A page of one row, so that every page is full and asks for the next.
    let mut pages = Pages::new(&client, &read.query, 1, window, None);
    pages.next().await.map_err(|error| error.code())?;
    pages.next().await.map_err(|error| error.code())?;
    Ok(())
}

#[tokio::test]
async fn i6_a_page_that_does_not_go_forward_ends_the_read() {
    let early = row("00Q000000000001AAA", "2026-01-01T00:00:00.000+0000");
    let later = row("00Q000000000002AAA", "2026-01-02T00:00:00.000+0000");
    assert_eq!(second_page(early.clone(), later.clone()).await, Ok(()));
    assert_eq!(
        second_page(later.clone(), early).await,
        Err(Code::PageOutOfOrder)
    );
    assert_eq!(
        second_page(later.clone(), later).await,
        Err(Code::PageOutOfOrder)
    );
}

#[tokio::test]
async fn a_last_row_without_a_place_ends_the_read() {
    let sound = row("00Q000000000001AAA", "2026-01-01T00:00:00.000+0000");
    for broken in [
        row("", "2026-01-02T00:00:00.000+0000"),
        row("00Q000000000002AAA", "yesterday"),
    ] {
        assert_eq!(
            second_page(sound.clone(), broken).await,
            Err(Code::PageOutOfOrder)
        );
    }
}
