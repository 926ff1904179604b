//! Broadcasts against the sandbox's WhatsApp: who gets a message, once, and who does not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bridged::engine::broadcast::Messaging;
use bridged::engine::{Options, run};
use bridged::foundation::clock::Clock;
use bridged::foundation::code::Code;
use bridged::foundation::event::{Ledger, RunEvent, RunReport, RunState};
use bridged::foundation::identity::{Identity, IdentityHash};
use bridged::foundation::record::EngagementKind;
use bridged::store::model::{
    CampaignState, Hold, Inbound, LetterFilter, MessageFilter, MessageRow, MessageState,
    NewWebhook, Scope, StatusKind, Suppression, Understood,
};
use bridged::whatsapp::pace::Pace;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::org::{Org, plan};

/// A broadcast to leads of a company; `more` stands below `broadcast`.
fn yaml(campaign: &str, more: &str) -> String {
    format!(
        "version: 1
name: activation
playbook: activation
direction: read
source: {{ object: Lead, where: \"Company = 'Test'\" }}
field_map:
  full_name: \"{{{{ LastName }}}}\"
  phone: \"{{{{ MobilePhone }}}}\"
consent: {{ whatsapp: \"{{{{ WhatsApp_Opt_In__c }}}}\" }}
broadcast:
  connection: whatsapp
  template: {{ name: spring_offer, language: en_US, parameters: [\"{{{{ full_name }}}}\"] }}
  to: \"{{{{ phone }}}}\"
  campaign: {campaign}
  pace: 1000/s
{more}"
    )
}

fn plain() -> String {
    yaml("spring", "")
}

/// A lead that agreed to messages, with a number in Britain.
fn lead(number: usize) -> Value {
    json!({
        "LastName": format!("Person {number}"),
        "Company": "Test",
        "MobilePhone": phone(number),
        "WhatsApp_Opt_In__c": true,
    })
}

fn phone(number: usize) -> String {
    format!("+4479460{number:05}")
}

fn hash(number: usize) -> IdentityHash {
    Org::key().hash(&Identity::phone(&phone(number)).unwrap())
}

/// An org with so many such leads, and limits that keep nobody waiting.
async fn org(leads: usize) -> Org {
    let org = Org::with_leads(0).await;
    org.control("whatsapp/events", json!({ "rate": 100_000 }))
        .await;
    put(&org, (0..leads).map(lead).collect()).await;
    org
}

/// Puts leads in, and lets the clock pass them: a read ends before what happens just then.
async fn put(org: &Org, rows: Vec<Value>) {
    org.put_leads(rows).await;
    org.advance("1m").await;
}

/// How many posts each person had.
async fn posts(org: &Org) -> Vec<u64> {
    let recipients = org.look("whatsapp/recipients").await;
    let each = recipients.as_object().unwrap().values();
    each.map(|one| one["posts"].as_u64().unwrap()).collect()
}

fn messages(org: &Org) -> Vec<MessageRow> {
    org.store.messages(&MessageFilter::default()).unwrap()
}

fn states(org: &Org) -> Vec<(MessageState, u64)> {
    org.store.count_messages(None).unwrap()
}

async fn run(org: &Org, yaml: &str) -> RunReport {
    let report = org.run(yaml).await.unwrap();
    assert_eq!(report.error, None);
    assert!(report.ledger.balances(), "{:?}", report.ledger);
    report
}

fn warned(report: &RunReport, words: &str) -> bool {
    report
        .warnings
        .iter()
        .any(|warning| warning.contains(words))
}

/// The message of a fault that refuses sends with a code.
fn refuses(code: i64, status: u16, times: Option<u64>) -> Value {
    let mut matching = json!({ "method": "POST", "path": "/v*/*/messages" });
    if let Some(times) = times {
        matching["times"] = json!(times);
    }
    let error = json!({ "message": "(#1) Refused", "type": "OAuthException", "code": code, "fbtrace_id": "A1" });
    json!([{ "match": matching, "action": { "kind": "status", "status": status, "body": { "error": error } } }])
}

#[tokio::test(flavor = "multi_thread")]
async fn i22_a_person_gets_one_message_a_campaign_however_often_it_runs() {
    let org = org(30).await;
    let first = run(&org, &plain()).await;
    let expected = Ledger {
        read: 30,
        delivered: 30,
        ..Ledger::default()
    };
    assert_eq!(first.ledger, expected);
    assert_eq!(first.state, RunState::Done);
    assert_eq!(first.requests.write, 30, "one request a message");

    let again = org
        .run_with(
            &plain(),
            Options {
                full: true,
                ..Options::default()
            },
        )
        .await
        .unwrap();
    assert_eq!((again.ledger.read, again.ledger.unchanged), (30, 30));
    assert_eq!(posts(&org).await, [1; 30]);

    let sent = org
        .store
        .engagements_of(&messages(&org)[0].profile, 9)
        .unwrap();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].kind, EngagementKind::Sent);
    assert_eq!(sent[0].campaign.as_deref(), Some("spring"));
    assert!(
        messages(&org).iter().all(|row| row.payload.is_none()),
        "nothing more is to be sent"
    );

    // Another campaign is another message.
    assert_eq!(run(&org, &yaml("summer", "")).await.ledger.unchanged, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn c01_one_number_in_three_formats_is_one_person() {
    let org = org(0).await;
    put(&org, vec![
        json!({ "LastName": "One", "Company": "Test", "MobilePhone": "+44 7946 000001", "WhatsApp_Opt_In__c": true }),
        json!({ "LastName": "Two", "Company": "Test", "MobilePhone": "+44 (0)7946 000001", "WhatsApp_Opt_In__c": true }),
        json!({ "LastName": "Three", "Company": "Test", "MobilePhone": "+447946000001", "WhatsApp_Opt_In__c": true }),
    ])
    .await;
    let ledger = run(&org, &plain()).await.ledger;
    assert_eq!((ledger.read, ledger.delivered, ledger.unchanged), (3, 1, 2));
    assert_eq!(posts(&org).await, [1]);
    let profiles = org.store.profiles(None, 9).unwrap();
    for profile in &profiles {
        let events = org.store.engagements_of(&profile.profile.key, 9).unwrap();
        assert_eq!(events.len(), 1, "each of the three records has the event");
    }
    assert_eq!(profiles.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn i23_c02_nobody_is_written_to_without_consent() {
    let org = org(1).await;
    for consent in [json!(false), Value::Null] {
        let mut refuses = lead(7);
        refuses["WhatsApp_Opt_In__c"] = consent;
        put(&org, vec![refuses]).await;
    }
    let report = run(&org, &plain()).await;
    assert_eq!((report.ledger.delivered, report.ledger.suppressed), (1, 2));
    assert!(warned(&report, "2 no-consent"), "{:?}", report.warnings);
    assert_eq!(posts(&org).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn w24_numbers_without_their_country_are_refused_and_never_completed() {
    let org = org(0).await;
    for wrong in [
        "07946 000001",
        "7946000001",
        "123",
        "+1234567890123456789",
        "call me",
        "0044 7946 000001",
        "+44 1",
    ] {
        let mut row = lead(1);
        row["MobilePhone"] = json!(wrong);
        put(&org, vec![row]).await;
    }
    let mut wide = lead(2);
    wide["MobilePhone"] = json!("+55 (11) 91234-5678");
    put(&org, vec![wide]).await;
    let ledger = run(&org, &plain()).await.ledger;
    assert_eq!((ledger.rejected, ledger.delivered), (7, 1));
    let letters = org.store.dead_letters(&LetterFilter::default()).unwrap();
    assert!(
        letters
            .iter()
            .all(|row| row.letter.reason.code == Code::RecipientInvalid)
    );
    let recipients = org.look("whatsapp/recipients").await;
    assert!(recipients.get("5511912345678").is_some(), "{recipients}");
}

#[tokio::test(flavor = "multi_thread")]
async fn c15_w04_values_are_literal_and_empty_ones_are_refused() {
    let org = org(0).await;
    let mut nested = lead(1);
    nested["LastName"] = json!("{{ env.SECRET }}\nX");
    let mut blank = lead(2);
    blank["FirstName"] = Value::Null;
    put(&org, vec![nested, blank]).await;
    let yaml = plain().replace(
        "parameters: [\"{{ full_name }}\"]",
        "parameters: [\"{{ full_name if 'SECRET' in full_name else '' }}\"]",
    );
    let ledger = run(&org, &yaml).await.ledger;
    assert_eq!((ledger.delivered, ledger.rejected), (1, 1));
    let letters = org.store.dead_letters(&LetterFilter::default()).unwrap();
    assert_eq!(letters[0].letter.reason.code, Code::MessageValueRefused);
    assert_eq!(
        letters[0].letter.reason.field.as_deref(),
        Some("broadcast.template.parameters[0]")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn marketing_to_the_united_states_is_refused_and_other_messages_are_not() {
    let org = org(0).await;
    let mut american = lead(1);
    american["MobilePhone"] = json!("+14155550100");
    let mut canadian = lead(2);
    canadian["MobilePhone"] = json!("+14165550100");
    // A number without a country of its own, and people who are known by their ids alone.
    let mut free_of_charge = lead(3);
    free_of_charge["MobilePhone"] = json!("+18005550100");
    let [mut american_user, mut british_user] = [lead(4), lead(5)];
    american_user["MobilePhone"] = json!("US.13491208655302741918");
    british_user["MobilePhone"] = json!("GB.13491208655302741919");
    let all = [
        american,
        canadian,
        free_of_charge,
        american_user,
        british_user,
    ];
    put(&org, all.to_vec()).await;
    let report = run(&org, &plain()).await;
    assert_eq!((report.ledger.suppressed, report.ledger.delivered), (3, 2));
    assert!(warned(&report, "3 marketing-to-us"));
    let utility = yaml("reminder", "").replace(
        "name: spring_offer, language: en_US, parameters: [\"{{ full_name }}\"]",
        "name: appointment, language: en_US, parameters: [\"{{ full_name }}\", Monday]",
    );
    let full = Options {
        full: true,
        ..Options::default()
    };
    let ledger = org.run_with(&utility, full).await.unwrap().ledger;
    assert_eq!(ledger.delivered, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn w22_campaigns_of_one_number_share_its_pace() {
    let org = org(25).await;
    let number = Arc::new(Pace::new(25.0));
    let send = |campaign: &str| {
        let yaml = yaml(campaign, "")
            .replace("name: activation", &format!("name: {campaign}"))
            .replace("pace: 1000/s", "pace: 25/s");
        let mut outside = org.outside(org.client(), |_, _| {});
        outside.messaging = Some(Arc::new(Messaging {
            number: Arc::clone(&number),
            ..org.messaging()
        }));
        async move { run::run(&Arc::new(plan(&yaml)), &outside, Options::default()).await }
    };
    let began = Instant::now();
    let (spring, summer) = tokio::join!(send("spring"), send("summer"));
    let took = began.elapsed();
    for report in [spring.unwrap(), summer.unwrap()] {
        assert_eq!((report.ledger.delivered, report.error), (25, None));
    }
    assert!(
        took >= Duration::from_millis(1_900),
        "fifty messages of a number that sends twenty-five a second took {took:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c03_i23_an_opt_out_between_plan_and_send_is_heeded() {
    let mut org = org(3).await;
    let night: Timestamp = "2027-03-01T23:00:00Z".parse().unwrap();
    org.clock = Clock::manual(night);
    let yaml = yaml(
        "spring",
        "  quiet_hours: { from: \"21:00\", to: \"08:00\", timezone: Europe/London }\n",
    );
    // So long ago that no overlap reads them again: only the sending can find out.
    org.advance("1h").await;
    let planned = run(&org, &yaml).await;
    assert_eq!(planned.ledger.pending, 3);
    assert!(
        warned(&planned, "3 messages wait"),
        "{:?}",
        planned.warnings
    );
    assert_eq!(posts(&org).await, [0; 0]);
    suppress(&org, hash(1), Scope::All, night);
    org.clock.advance(SignedDuration::from_hours(10));
    let sent = run(&org, &yaml).await;
    assert_eq!(
        (
            sent.ledger.delivered,
            sent.ledger.suppressed,
            sent.ledger.pending
        ),
        (2, 1, 0)
    );
    let row = messages(&org)
        .into_iter()
        .find(|row| row.state == MessageState::Suppressed)
        .unwrap();
    assert_eq!(row.reason.as_deref(), Some("opted-out"));
    assert_eq!(posts(&org).await, [1; 2]);
}

fn suppress(org: &Org, identity: IdentityHash, scope: Scope, at: Timestamp) {
    let suppression = Suppression {
        identity,
        scope,
        reason: "opted-out".to_owned(),
        source: "reply".to_owned(),
        at,
        until: None,
    };
    org.store.suppress(&[suppression], None).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn w14_the_suppressed_are_left_out_of_every_later_campaign_and_marketing_alone_leaves_the_rest()
 {
    let org = org(3).await;
    let now = Timestamp::now();
    suppress(&org, hash(0), Scope::All, now);
    suppress(&org, hash(1), Scope::Marketing, now);
    let report = run(&org, &plain()).await;
    assert_eq!((report.ledger.suppressed, report.ledger.delivered), (2, 1));
    let utility = yaml("reminder", "").replace(
        "name: spring_offer, language: en_US, parameters: [\"{{ full_name }}\"]",
        "name: appointment, language: en_US, parameters: [\"{{ full_name }}\", Monday]",
    );
    let full = Options {
        full: true,
        ..Options::default()
    };
    let ledger = org.run_with(&utility, full).await.unwrap().ledger;
    assert_eq!((ledger.suppressed, ledger.delivered), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn c04_i23_another_identity_key_sends_nothing() {
    let org = org(2).await;
    let other = bridged::foundation::identity::IdentityKey::new(
        &bridged::foundation::secret::Secret::new("another key"),
    );
    assert!(org.store.keep_identity_check(other.check()).unwrap());
    let report = org.run(&plain()).await.unwrap();
    assert_eq!(report.state, RunState::Failed);
    assert_eq!(
        report.error.as_ref().map(|(code, _)| *code),
        Some(Code::IdentityKeyChanged)
    );
    assert_eq!(posts(&org).await, [0; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c06_a_person_whose_zone_is_unknown_is_held_and_listed() {
    let org = org(1).await;
    let mut brazilian = lead(2);
    brazilian["MobilePhone"] = json!("+5511912345678");
    put(&org, vec![brazilian]).await;
    let yaml = yaml(
        "spring",
        "  quiet_hours: { from: \"00:00\", to: \"00:01\" }\n",
    );
    let report = run(&org, &yaml).await;
    assert_eq!(report.ledger.pending, 1);
    assert!(warned(&report, "time zone"), "{:?}", report.warnings);
    let held = messages(&org)
        .into_iter()
        .find(|row| row.state == MessageState::Planned)
        .unwrap();
    assert_eq!(held.hold, Some(Hold::ZoneUnknown));
}

#[tokio::test(flavor = "multi_thread")]
async fn c07_a_cap_holds_over_campaigns() {
    let org = org(4).await;
    let cap = "  frequency: { max: 1, per: 7d }\n";
    assert_eq!(run(&org, &yaml("spring", cap)).await.ledger.delivered, 4);
    let full = Options {
        full: true,
        ..Options::default()
    };
    let ledger = org
        .run_with(&yaml("summer", cap), full)
        .await
        .unwrap()
        .ledger;
    assert_eq!((ledger.delivered, ledger.suppressed), (0, 4));
    assert_eq!(posts(&org).await, [1; 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c10_a_campaign_is_made_of_one_message_while_any_of_it_waits() {
    let mut org = org(2).await;
    org.clock = Clock::manual("2027-03-01T23:00:00Z".parse().unwrap());
    let quiet = "  quiet_hours: { from: \"21:00\", to: \"08:00\", timezone: Europe/London }\n";
    run(&org, &yaml("spring", quiet)).await;
    let other = yaml("spring", quiet).replace("\"{{ full_name }}\"", "\"Dear {{ full_name }}\"");
    let report = org.run(&other).await.unwrap();
    assert_eq!(
        report.error.as_ref().map(|(code, _)| *code),
        Some(Code::CampaignChanged)
    );
    org.clock.advance(SignedDuration::from_hours(10));
    assert_eq!(run(&org, &yaml("spring", quiet)).await.ledger.delivered, 2);
    // Settled to the last, it may change.
    assert_eq!(org.run(&other).await.unwrap().error, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn c11_i11_a_dry_run_sends_nothing_and_foresees_the_run() {
    let org = org(40).await;
    let mut refuses = lead(50);
    refuses["WhatsApp_Opt_In__c"] = json!(false);
    let twin = lead(3);
    put(&org, vec![refuses, twin]).await;
    let foreseen = org.preview(&plain()).await.unwrap();
    assert_eq!(foreseen.messages.now, 40);
    assert_eq!(foreseen.messages.unchanged, 1);
    assert_eq!(foreseen.messages.suppressed.get("no-consent"), Some(&1));
    assert_eq!(posts(&org).await, [0; 0]);
    assert_eq!(states(&org), []);
    let ledger = run(&org, &plain()).await.ledger;
    assert_eq!(
        (ledger.delivered, ledger.unchanged, ledger.suppressed),
        (40, 1, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c13_what_waits_too_long_expires_and_is_counted_so() {
    let mut org = org(2).await;
    org.clock = Clock::manual("2027-03-01T23:00:00Z".parse().unwrap());
    let more = "  quiet_hours: { from: \"21:00\", to: \"08:00\", timezone: Europe/London }\n  expires_after: 3h\n";
    assert_eq!(run(&org, &yaml("spring", more)).await.ledger.pending, 2);
    org.clock.advance(SignedDuration::from_hours(10));
    let report = run(&org, &yaml("spring", more)).await;
    assert_eq!((report.ledger.expired, report.ledger.delivered), (2, 0));
    assert_eq!(posts(&org).await, [0; 0]);
    let kept = org.store.run(report.run_id).unwrap().unwrap();
    assert_eq!(kept.ledger, report.ledger, "the store has the same account");
}

#[tokio::test(flavor = "multi_thread")]
async fn c09_a_paused_campaign_waits_a_resumed_one_goes_on_and_a_stopped_one_gives_up() {
    let org = org(5).await;
    run(&org, &yaml("spring", "")).await;
    put(&org, (10..15).map(lead).collect()).await;
    let set = |state| {
        org.store
            .set_campaign("spring", state, None, Timestamp::now(), None)
            .unwrap()
    };
    set(CampaignState::Paused);
    let paused = run(&org, &plain()).await;
    assert_eq!(paused.ledger.pending, 5);
    assert!(warned(&paused, "campaign-paused"), "{:?}", paused.warnings);
    set(CampaignState::Running);
    assert_eq!(run(&org, &plain()).await.ledger.delivered, 5);
    assert_eq!(posts(&org).await, [1; 10]);
    set(CampaignState::Stopped);
    let stopped = org.run(&plain()).await.unwrap();
    assert_eq!(
        stopped.error.as_ref().map(|(code, _)| *code),
        Some(Code::CampaignPaused)
    );
    assert_eq!(posts(&org).await, [1; 10]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c09_i10_an_interruption_settles_what_is_on_its_way_and_the_next_run_sends_the_rest() {
    let org = org(60).await;
    org.control("whatsapp/events", json!({ "rate": 100_000 }))
        .await;
    let slow = plain().replace("pace: 1000/s", "pace: 100/s");
    let stops = |event: &RunEvent, canceller: &bridged::engine::cancel::Canceller| {
        if let RunEvent::Committed { ledger } = event
            && ledger.delivered >= 10
        {
            canceller.cancel();
        }
    };
    let report = org.listen(&slow, Options::default(), stops).await.unwrap();
    assert_eq!(
        report.error.as_ref().map(|(code, _)| *code),
        Some(Code::Interrupted)
    );
    assert!(
        report.ledger.balances() && report.ledger.pending > 0,
        "{:?}",
        report.ledger
    );
    assert_eq!(report.ledger.unknown, 0);
    let rest = run(&org, &slow).await.ledger;
    assert_eq!(report.ledger.delivered + rest.delivered, 60);
    assert_eq!(posts(&org).await, [1; 60]);
}

#[tokio::test(flavor = "multi_thread")]
async fn w03_a_template_that_does_not_fit_is_refused_before_the_first_send() {
    let org = org(2).await;
    let parameters = "parameters: [\"{{ full_name }}\"]";
    for (from, to, code, words) in [
        (
            parameters,
            "parameters: [a, b]",
            Code::WhatsappTemplateMismatch,
            "its body has 1 place, and `parameters` lists 2",
        ),
        (
            "name: spring_offer",
            "name: autumn_offer",
            Code::WhatsappTemplateMissing,
            "autumn_offer",
        ),
        (
            "language: en_US",
            "language: fr",
            Code::WhatsappTemplateMissing,
            "`fr`",
        ),
        (
            "name: spring_offer",
            "name: win_back",
            Code::WhatsappTemplateNotApproved,
            "REJECTED",
        ),
    ] {
        let report = org.run(&plain().replace(from, to)).await.unwrap();
        let (told, message) = report.error.clone().unwrap();
        assert_eq!(told, code, "{message}");
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(posts(&org).await, [0; 0]);
    assert_eq!(states(&org), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn w12_a_refused_token_stops_the_run_and_a_new_one_goes_on() {
    let org = org(40).await;
    org.faults(refuses(190, 401, None)).await;
    let refused = org.run(&plain()).await.unwrap();
    let (code, _) = refused.error.clone().unwrap();
    assert_eq!(code, Code::WhatsappTokenRefused);
    assert_eq!(refused.ledger.pending, 40);
    assert!(refused.ledger.balances());
    org.faults(json!([])).await;
    assert_eq!(run(&org, &plain()).await.ledger.delivered, 40);
    let recipients = org.look("whatsapp/recipients").await;
    assert!(
        recipients
            .as_object()
            .unwrap()
            .values()
            .all(|one| one["accepted"] == 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn w13_a_restriction_stops_the_campaign_at_once_and_keeps_the_rest() {
    for code in [131_048, 131_064, 132_015] {
        let org = org(100).await;
        org.faults(refuses(code, 400, Some(1))).await;
        let report = org.run(&plain()).await.unwrap();
        let (told, message) = report.error.clone().unwrap();
        assert_eq!(told, Code::WhatsappCampaignStopped, "{message}");
        assert!(
            report.ledger.balances() && report.ledger.rejected == 0,
            "{:?}",
            report.ledger
        );
        assert!(report.ledger.pending > 0, "{code}: {:?}", report.ledger);
        let campaign = org.store.campaign("spring").unwrap().unwrap();
        assert_eq!(campaign.state, CampaignState::Paused);
        let before = posts(&org).await.len();
        assert_eq!(run(&org, &plain()).await.ledger.delivered, 0);
        assert_eq!(
            posts(&org).await.len(),
            before,
            "a paused campaign sends nothing"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn w07_a_person_who_cannot_be_reached_costs_their_message_alone() {
    for (code, suppressed) in [
        (131_026, true),
        (131_050, true),
        (131_049, true),
        (130_472, false),
        (999_999, false),
    ] {
        let org = org(10).await;
        org.faults(refuses(code, 400, Some(1))).await;
        let report = run(&org, &plain()).await;
        assert_eq!(
            (report.ledger.delivered, report.ledger.rejected),
            (9, 1),
            "{code}"
        );
        let letter = &org.store.dead_letters(&LetterFilter::default()).unwrap()[0].letter;
        assert_eq!(letter.reason.code, Code::WhatsappRecipientRefused);
        assert_eq!(
            letter.reason.remote_code.as_deref(),
            Some(code.to_string().as_str())
        );
        assert!(
            !letter.payload.to_string().contains("7946"),
            "no number in {}",
            letter.payload
        );
        let all: Vec<IdentityHash> = (0..10).map(hash).collect();
        let found = org.store.suppressed(&all, Timestamp::now()).unwrap();
        assert_eq!(found.iter().flatten().count() == 1, suppressed, "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn w10_w11_limits_delay_messages_and_lose_none() {
    for code in [130_429, 131_056] {
        let org = org(20).await;
        org.faults(refuses(code, 400, Some(1))).await;
        let report = run(&org, &plain()).await;
        assert_eq!(report.ledger.delivered, 20, "{code}: {:?}", report.warnings);
        let recipients = org.look("whatsapp/recipients").await;
        assert!(
            recipients
                .as_object()
                .unwrap()
                .values()
                .all(|one| one["accepted"] == 1)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_drifted_pauses_the_campaign_behind_ten_refusals() {
    let org = org(40).await;
    org.faults(refuses(132_000, 400, None)).await;
    let report = org.run(&plain()).await.unwrap();
    let (code, message) = report.error.clone().unwrap();
    assert_eq!(code, Code::WhatsappCampaignStopped, "{message}");
    assert!(
        report.ledger.rejected >= 10 && report.ledger.pending > 0,
        "{:?}",
        report.ledger
    );
    let letters = org.store.dead_letters(&LetterFilter::default()).unwrap();
    assert!(
        letters
            .iter()
            .all(|row| row.letter.reason.code == Code::WhatsappMessageRefused)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn w17_w06_i22_an_answer_that_is_lost_makes_a_message_unknown_and_it_is_never_sent_again() {
    for action in [
        json!({ "kind": "reset-after-commit" }),
        json!({ "kind": "status", "status": 500, "after_commit": true }),
        json!({ "kind": "empty", "status": 200, "after_commit": true }),
        json!({ "kind": "truncate", "bytes": 40 }),
    ] {
        let org = org(12).await;
        let matching = json!({ "method": "POST", "path": "/v*/*/messages", "times": 1 });
        org.faults(json!([{ "match": matching, "action": action }]))
            .await;
        let report = run(&org, &plain()).await;
        assert_eq!(
            (report.ledger.unknown, report.ledger.delivered),
            (1, 11),
            "{action}"
        );
        assert!(warned(&report, "bridged unknown list"));
        org.run_with(
            &plain(),
            Options {
                full: true,
                ..Options::default()
            },
        )
        .await
        .unwrap();
        assert_eq!(posts(&org).await, [1; 12], "{action}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whatsapp_that_does_not_answer_stops_the_sending_and_loses_nothing() {
    let org = org(30).await;
    org.faults(json!([{ "match": { "method": "POST", "path": "/v*/*/messages" }, "action": { "kind": "reset" } }])).await;
    let report = org.run(&plain()).await.unwrap();
    let (code, _) = report.error.clone().unwrap();
    assert_eq!(code, Code::SendingStopped);
    let Ledger {
        unknown, pending, ..
    } = report.ledger;
    assert!(
        (8..=16).contains(&unknown) && unknown + pending == 30,
        "{:?}",
        report.ledger
    );
    assert_eq!(
        posts(&org).await,
        [0; 0],
        "a reset before the request was read"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn w23_a_number_writes_to_no_more_people_a_day_than_it_may() {
    let mut org = org(260).await;
    org.clock = Clock::manual("2027-03-01T12:00:00Z".parse().unwrap());
    org.control(
        "whatsapp",
        json!({ "number": { "messaging_limit": "TIER_250" } }),
    )
    .await;
    let today = run(&org, &plain()).await;
    assert_eq!((today.ledger.delivered, today.ledger.pending), (250, 10));
    assert!(
        warned(&today, "as many people as it may"),
        "{:?}",
        today.warnings
    );
    org.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(run(&org, &plain()).await.ledger.delivered, 0);
    org.clock.advance(SignedDuration::from_hours(24));
    assert_eq!(run(&org, &plain()).await.ledger.delivered, 10);
    assert_eq!(posts(&org).await, [1; 260]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_message_is_a_dead_letter_that_can_be_replayed() {
    let org = org(3).await;
    org.faults(refuses(131_008, 400, Some(1))).await;
    assert_eq!(run(&org, &plain()).await.ledger.rejected, 1);
    org.faults(json!([])).await;
    let replayed = org.replay(&plain()).await.unwrap();
    assert_eq!(replayed.report.ledger.delivered, 1);
    let recipients = org.look("whatsapp/recipients").await;
    assert!(
        recipients
            .as_object()
            .unwrap()
            .values()
            .all(|one| one["accepted"] == 1)
    );
    assert_eq!(
        org.store.dead_letters(&LetterFilter::default()).unwrap(),
        []
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn i7_the_store_takes_what_a_thousand_messages_leave_and_every_ledger_is_the_same() {
    let org = org(1_000).await;
    let report = run(&org, &plain().replace("1000/s", "100000/s")).await;
    assert_eq!(report.ledger.delivered, 1_000);
    assert_eq!(states(&org), [(MessageState::Accepted, 1_000)]);
    let kept = Arc::clone(&org.store).run(report.run_id).unwrap().unwrap();
    assert_eq!(kept.ledger, report.ledger);
}

/// Tells what became of each message as soon as it was taken: of ten people so many could not be reached.
fn tell_statuses(org: &Org, failed_of_ten: usize) -> tokio::task::JoinHandle<()> {
    let store = Arc::clone(&org.store);
    tokio::spawn(async move {
        let mut told = 0_usize;
        loop {
            let taken = MessageFilter {
                state: Some(MessageState::Accepted),
                ..MessageFilter::default()
            };
            for row in store.messages(&taken).unwrap() {
                let kind = if told % 10 < failed_of_ten {
                    StatusKind::Failed
                } else {
                    StatusKind::Delivered
                };
                told += 1;
                let mut digest = [0; 32];
                digest[..8].copy_from_slice(&told.to_be_bytes());
                let at = Timestamp::now();
                let webhook = NewWebhook {
                    connection: "whatsapp".to_owned(),
                    at,
                    digest,
                    body: Vec::new(),
                };
                store.keep_webhooks(&[webhook]).unwrap();
                let seq = store.waiting_webhooks(1).unwrap()[0].seq;
                let status = Inbound::Status {
                    message: Some(row.id),
                    wamid: row.wamid.unwrap(),
                    kind,
                    at,
                    reason: (kind == StatusKind::Failed)
                        .then(|| "131026: undeliverable".to_owned()),
                    rest: None,
                    suppress: None,
                    pause: None,
                };
                let understood = Understood {
                    seq,
                    events: vec![status],
                    unreadable: None,
                };
                store.apply_webhooks(&[understood], at).unwrap();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn c08_a_canary_of_which_too_many_fail_stops_the_campaign_behind_it() {
    let org = org(200).await;
    let yaml = yaml(
        "spring",
        "  canary: { size: 50, max_failed: 30%, wait: 2m }\n",
    );
    let statuses = tell_statuses(&org, 4);
    let report = org.run(&yaml).await.unwrap();
    statuses.abort();
    let (code, message) = report.error.clone().unwrap();
    assert_eq!(code, Code::WhatsappCampaignStopped, "{message}");
    assert!(
        message.contains("of the first 50 messages failed"),
        "{message}"
    );
    assert_eq!(posts(&org).await, [1; 50], "the canary, and nothing more");
    assert_eq!(report.ledger.pending, 150, "{:?}", report.ledger);
    let paused = org.store.campaign("spring").unwrap().unwrap();
    assert_eq!(paused.state, CampaignState::Paused);
    // Somebody looks at it, and says that it goes on.
    org.store
        .set_campaign(
            "spring",
            CampaignState::Running,
            None,
            Timestamp::now(),
            None,
        )
        .unwrap();
    assert_eq!(run(&org, &yaml).await.ledger.delivered, 150);
    assert_eq!(posts(&org).await, [1; 200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c08_a_canary_that_arrives_lets_the_rest_go() {
    let org = org(120).await;
    let yaml = yaml(
        "spring",
        "  canary: { size: 50, max_failed: 30%, wait: 2m }\n",
    );
    let statuses = tell_statuses(&org, 2);
    let report = run(&org, &yaml).await;
    statuses.abort();
    assert_eq!(report.ledger.delivered, 120);
    assert_eq!(posts(&org).await, [1; 120]);
    // Fewer people than the canary are no reason to wait.
    assert_eq!(
        run(
            &org,
            &yaml
                .replace("campaign: spring", "campaign: small")
                .replace("size: 50", "size: 500")
        )
        .await
        .state,
        RunState::Done
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c08_without_word_of_the_canary_the_rest_goes_when_its_time_is_over() {
    let org = org(12).await;
    let yaml = yaml("spring", "  canary: { size: 5, wait: 3s }\n");
    let began = std::time::Instant::now();
    assert_eq!(run(&org, &yaml).await.ledger.delivered, 12);
    assert!(began.elapsed() >= Duration::from_secs(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn w05_c12_a_held_message_is_not_sent_twice_and_a_campaign_of_two_hosts_is_one() {
    let org = org(20).await;
    org.control("whatsapp", json!({ "held": true })).await;
    // Two hosts begin the same file at once: one runs it, the other is told so.
    let (one, other) = (plain(), plain());
    let (one, other) = tokio::join!(org.run(&one), org.run(&other));
    let ran: Vec<RunReport> = [one, other]
        .into_iter()
        .filter_map(|ended| match ended {
            Ok(report) => Some(report),
            Err(error) => {
                assert_eq!(error.code(), Code::PipelineLocked, "{error}");
                None
            }
        })
        .collect();
    assert!(!ran.is_empty());
    assert_eq!(org.store.campaigns().unwrap().len(), 1);
    assert_eq!(posts(&org).await, [1; 20]);
    // Meta held the messages to look at them, and refuses them later.
    let rows = messages(&org);
    assert!(
        rows.iter()
            .all(|row| row.reason.as_deref() == Some("held_for_quality_assessment"))
    );
    let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{
        "field": "messages",
        "value": { "messaging_product": "whatsapp", "statuses": [{
            "id": rows[0].wamid, "status": "failed", "timestamp": "1790000000", "recipient_id": "447946000000",
            "errors": [{ "code": 132_015, "title": "Template is paused" }],
        }] },
    }] }] });
    let webhook = NewWebhook {
        connection: "whatsapp".to_owned(),
        at: Timestamp::now(),
        digest: [1; 32],
        body: body.to_string().into_bytes(),
    };
    org.store.keep_webhooks(&[webhook]).unwrap();
    bridged::inbound::step(org.store.as_ref(), &Org::key(), Timestamp::now()).unwrap();
    assert_eq!(
        org.store.message(rows[0].id).unwrap().unwrap().state,
        MessageState::Failed
    );
    let campaign = org.store.campaign("spring").unwrap().unwrap();
    assert_eq!(campaign.state, CampaignState::Paused);
    assert!(campaign.reason.unwrap().contains("132015"));
    put(&org, vec![lead(77)]).await;
    run(&org, &plain()).await;
    assert_eq!(
        posts(&org).await,
        [1; 20],
        "no second post, and none to others"
    );
}
