//! The send ledger, suppressions and webhooks, sentence by sentence, on SQLite.

use std::sync::Arc;

use bridged::foundation::code::Code;
use bridged::foundation::event::Ledger;
use bridged::foundation::id::MessageId;
use bridged::foundation::identity::IdentityHash;
use bridged::foundation::record::{EngagementKind, Wish};
use bridged::store::Store;
use bridged::store::model::{
    Answered, ApiToken, AuditAction, Campaign, CampaignState, Cap, Commit, Hold, Inbound,
    MessageFilter, MessageState, NewAudit, NewMessage, NewWebhook, Reserved, Reserving, Resolution,
    Role, Scope, SendResult, Sending, SettledTick, StatusKind, Suppression, Understood,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::sample::{Open, Sqlite, Subject, at, begin, incoming, name, object, profile};

pub(super) fn who(number: u8) -> IdentityHash {
    IdentityHash::new([number; 32])
}

fn campaign(name: &str) -> Campaign {
    Campaign {
        name: name.to_owned(),
        state: CampaignState::Running,
        reason: None,
        template: "offer en_US".to_owned(),
        content: [1; 32],
        began_at: at(0),
        at: at(0),
    }
}

pub(super) fn message(campaign: &str, number: u8) -> NewMessage {
    NewMessage {
        id: MessageId::generate(),
        campaign: campaign.to_owned(),
        connection: "whatsapp".to_owned(),
        identities: vec![who(number)],
        profile: format!("p{number}"),
        record: format!("p{number}"),
        masked: "+…00".to_owned(),
        payload: "{\"message\":{}}".to_owned(),
        not_before: at(0),
        hold: None,
        expires_at: None,
    }
}

/// A store with an open run and the campaign `spring`.
pub(super) struct Scene {
    pub(super) subject: Sqlite,
    pub(super) store: Arc<dyn Store>,
    pub(super) run: Open,
}

impl Scene {
    pub(super) fn new() -> Self {
        let subject = Sqlite::new();
        let store = subject.open();
        store.open_campaign(&campaign("spring")).unwrap();
        let run = begin(&store, "activation");
        Self {
            subject,
            store,
            run,
        }
    }

    /// Commits messages with their people.
    pub(super) fn plan(&self, messages: &[NewMessage]) -> Ledger {
        let profiles: Vec<_> = messages
            .iter()
            .map(|one| {
                profile(
                    &one.profile,
                    json!({ "phone": format!("+44{}", one.profile) }),
                )
            })
            .collect();
        let mut people = incoming(&profiles);
        for one in &mut people {
            one.place = bridged::store::model::Place::Counted;
        }
        let commit = Commit {
            profiles: &people,
            messages,
            ..self.run.empty(1)
        };
        self.store.commit(&commit).unwrap().total
    }

    pub(super) fn reserve(&self, ids: &[MessageId]) -> Vec<Reserved> {
        self.reserve_with(ids, None)
    }

    fn reserve_with(&self, ids: &[MessageId], cap: Option<Cap>) -> Vec<Reserved> {
        let reserving = Reserving {
            run_id: self.run.run.run_id,
            pipeline: &self.run.run.pipeline,
            at: at(10),
            messages: ids,
            cap,
            is_marketing: true,
        };
        self.store.reserve_messages(&reserving).unwrap()
    }

    pub(super) fn settle(&self, results: &[(MessageId, SendResult)]) -> Ledger {
        let empty = self.run.empty(20);
        self.store
            .settle_messages(&Sending {
                run_id: empty.run_id,
                pipeline: empty.pipeline,
                at: at(20),
                results,
                dead_letters: &[],
                requests_so_far: empty.requests_so_far,
                api_calls_so_far: 0,
            })
            .unwrap()
    }

    pub(super) fn state(&self, id: MessageId) -> MessageState {
        self.store.message(id).unwrap().unwrap().state
    }

    /// Plans, reserves and has one accepted under a wamid.
    pub(super) fn accepted(&self, number: u8) -> (MessageId, String) {
        let one = message("spring", number);
        let id = one.id;
        self.plan(&[one]);
        assert_eq!(self.reserve(&[id]), [Reserved::Yes(1)]);
        let wamid = format!("wamid.{number}");
        self.settle(&[(id, taken(&wamid))]);
        (id, wamid)
    }

    pub(super) fn apply(&self, events: Vec<Inbound>) -> bridged::store::model::AppliedEvents {
        let body = format!("{:?}", MessageId::generate()).into_bytes();
        let mut digest = [0; 32];
        digest[..16].copy_from_slice(&body[body.len() - 17..body.len() - 1]);
        let kept = self.store.keep_webhooks(&[NewWebhook {
            connection: "whatsapp".to_owned(),
            at: at(30),
            digest,
            body,
        }]);
        assert_eq!(kept.unwrap(), [true]);
        let seq = self.store.waiting_webhooks(1).unwrap()[0].seq;
        let understood = [Understood {
            seq,
            events,
            unreadable: None,
        }];
        self.store.apply_webhooks(&understood, at(31)).unwrap()
    }
}

pub(super) fn taken(wamid: &str) -> SendResult {
    SendResult::Accepted {
        wamid: wamid.to_owned(),
        status: Some("accepted".to_owned()),
        others: Vec::new(),
    }
}

pub(super) fn status(wamid: &str, kind: StatusKind) -> Inbound {
    Inbound::Status {
        message: None,
        wamid: wamid.to_owned(),
        kind,
        at: at(25),
        reason: (kind == StatusKind::Failed).then(|| "131000: failed".to_owned()),
        rest: None,
        suppress: None,
        pause: None,
    }
}

pub(super) fn audit() -> NewAudit {
    NewAudit {
        at: at(0),
        action: AuditAction::CampaignChanged,
        subject: "spring".to_owned(),
        actor: "ada".to_owned(),
        details: object(json!({})),
    }
}

#[test]
fn st40_a_commit_plans_one_message_a_person_and_counts_it_as_pending() {
    let scene = Scene::new();
    let total = scene.plan(&[
        message("spring", 1),
        message("spring", 2),
        message("spring", 1),
    ]);
    assert_eq!((total.read, total.pending, total.unchanged), (3, 2, 1));
    assert!(total.balances());
    let due = scene
        .store
        .due_messages(&name("activation"), at(5), 9)
        .unwrap();
    assert_eq!(due.len(), 2);
    // Any identity finds the person.
    let mut also = message("spring", 9);
    also.identities = vec![who(9), who(2)];
    assert_eq!(scene.plan(&[also]).unchanged, 2);
    let mut known = message("spring", 8);
    known.identities = vec![who(9)];
    assert_eq!(
        scene.plan(&[known]).unchanged,
        3,
        "and what they were known by is learned"
    );
}

#[test]
fn st41_i22_a_reservation_is_there_for_every_other_handle_and_cannot_be_taken_twice() {
    let scene = Scene::new();
    let one = message("spring", 1);
    let id = one.id;
    scene.plan(&[one]);
    assert_eq!(scene.reserve(&[id]), [Reserved::Yes(1)]);
    assert_eq!(
        scene.reserve(&[id, MessageId::generate()]),
        [Reserved::Gone, Reserved::Gone]
    );
    let other = scene.subject.open();
    assert_eq!(
        other.message(id).unwrap().unwrap().state,
        MessageState::Dispatching
    );
}

#[test]
fn st42_every_result_has_its_place_in_the_ledger() {
    let scene = Scene::new();
    let planned: Vec<NewMessage> = (1..=6).map(|number| message("spring", number)).collect();
    let ids: Vec<MessageId> = planned.iter().map(|one| one.id).collect();
    scene.plan(&planned);
    scene.reserve(&ids);
    let total = scene.settle(&[
        (ids[0], taken("w1")),
        (ids[1], SendResult::Unknown("late".to_owned())),
        (
            ids[2],
            SendResult::Refused {
                code: Code::WhatsappRecipientRefused,
                remote_code: None,
                message: "no".to_owned(),
            },
        ),
        (ids[3], SendResult::Expired),
        (ids[4], SendResult::Suppressed("opted-out".to_owned())),
        (
            ids[5],
            SendResult::Again {
                not_before: at(50),
                hold: Some(Hold::Sender),
                why: "busy".to_owned(),
            },
        ),
    ]);
    let expected = Ledger {
        read: 6,
        delivered: 1,
        unknown: 1,
        rejected: 1,
        expired: 1,
        suppressed: 1,
        pending: 1,
        ..Ledger::default()
    };
    assert_eq!(total, expected);
    assert_eq!(
        scene
            .store
            .run(scene.run.run.run_id)
            .unwrap()
            .unwrap()
            .ledger,
        expected
    );
    assert_eq!(
        scene.store.next_message(&name("activation")).unwrap(),
        Some(at(50))
    );
    assert_eq!(
        scene.store.waiting_messages(&name("activation")).unwrap(),
        [(Some(Hold::Sender), 1)]
    );
    // What is settled holds nothing that could be sent, but for the one that a person may decide about.
    let payloads: Vec<bool> = ids
        .iter()
        .map(|id| scene.store.message(*id).unwrap().unwrap().payload.is_some())
        .collect();
    assert_eq!(payloads, [false, true, false, false, false, true]);
}

#[test]
fn st43_what_a_dead_run_left_is_taken_over_and_what_it_was_sending_is_unknown() {
    let scene = Scene::new();
    let (one, two) = (message("spring", 1), message("spring", 2));
    let (first, second) = (one.id, two.id);
    scene.plan(&[one, two]);
    scene.reserve(&[first]);
    let Scene {
        subject,
        store,
        run,
    } = scene;
    drop(run);
    let run = begin(&store, "activation");
    let ledger = store
        .adopt_messages(run.run.run_id, &run.run.pipeline, at(40))
        .unwrap();
    assert_eq!((ledger.read, ledger.pending, ledger.unknown), (2, 1, 1));
    assert_eq!(
        store.message(first).unwrap().unwrap().state,
        MessageState::Unknown
    );
    assert_eq!(
        store.message(second).unwrap().unwrap().state,
        MessageState::Planned
    );
    let again = store
        .adopt_messages(run.run.run_id, &run.run.pipeline, at(41))
        .unwrap();
    assert_eq!(again, ledger, "taken over once");
    drop(subject);
}

#[test]
fn st44_i23_suppressions_caps_rests_and_campaigns_are_looked_at_in_the_reservation() {
    let scene = Scene::new();
    let planned: Vec<NewMessage> = (1..=4).map(|number| message("spring", number)).collect();
    let ids: Vec<MessageId> = planned.iter().map(|one| one.id).collect();
    scene.plan(&planned);
    let suppression = |number, scope, until| Suppression {
        identity: who(number),
        scope,
        reason: "opted-out".to_owned(),
        source: "reply".to_owned(),
        at: at(2),
        until,
    };
    let other = scene.subject.open();
    let (ever, over) = (
        suppression(1, Scope::All, None),
        suppression(2, Scope::All, Some(at(3))),
    );
    other.suppress(&[ever, over], None).unwrap();
    let cap = Cap {
        most: 1,
        since: at(0),
    };
    assert_eq!(
        scene.reserve_with(&ids, Some(cap)),
        [
            Reserved::Suppressed("opted-out".to_owned()),
            Reserved::Yes(1),
            Reserved::Yes(1),
            Reserved::Yes(1)
        ],
        "one that is over does not count"
    );
    // The same people in another campaign: one message is all they get.
    scene.store.open_campaign(&campaign("summer")).unwrap();
    let summer = message("summer", 3);
    let id = summer.id;
    scene.plan(&[summer]);
    assert_eq!(scene.reserve_with(&[id], Some(cap)), [Reserved::Capped]);
    assert_eq!(scene.state(id), MessageState::Suppressed);
}

#[test]
fn st44_i23_a_campaign_that_is_held_gives_nothing_and_one_that_is_stopped_gives_it_up() {
    let scene = Scene::new();
    scene.store.open_campaign(&campaign("summer")).unwrap();
    let late = message("summer", 7);
    let id = late.id;
    scene.plan(&[late]);
    scene
        .store
        .set_campaign("summer", CampaignState::Paused, Some("held"), at(9), None)
        .unwrap();
    assert_eq!(scene.reserve(&[id]), [Reserved::Paused]);
    assert_eq!(
        scene
            .store
            .due_messages(&name("activation"), at(9), 9)
            .unwrap(),
        []
    );
    assert_eq!(scene.store.next_message(&name("activation")).unwrap(), None);
    scene
        .store
        .set_campaign(
            "summer",
            CampaignState::Stopped,
            None,
            at(9),
            Some(&audit()),
        )
        .unwrap();
    // Only a person takes up what was stopped.
    scene
        .store
        .set_campaign(
            "summer",
            CampaignState::Paused,
            Some("a template"),
            at(9),
            None,
        )
        .unwrap();
    assert_eq!(
        scene.store.campaign("summer").unwrap().unwrap().state,
        CampaignState::Stopped
    );
    assert_eq!(scene.reserve(&[id]), [Reserved::Expired]);
}

#[test]
fn st45_a_campaign_of_another_content_waits_for_the_one_before() {
    let scene = Scene::new();
    let one = message("spring", 1);
    let id = one.id;
    scene.plan(&[one]);
    let other = Campaign {
        content: [2; 32],
        ..campaign("spring")
    };
    assert_eq!(
        scene.store.open_campaign(&other).unwrap_err().code(),
        Code::CampaignChanged
    );
    scene.reserve(&[id]);
    scene.settle(&[(id, taken("w1"))]);
    assert_eq!(scene.store.open_campaign(&other).unwrap().content, [2; 32]);
}

#[test]
fn st46_i24_w28_statuses_in_any_order_and_any_number_give_the_same() {
    let orders: [&[StatusKind]; 4] = [
        &[StatusKind::Sent, StatusKind::Delivered, StatusKind::Read],
        &[StatusKind::Read, StatusKind::Delivered, StatusKind::Sent],
        &[
            StatusKind::Delivered,
            StatusKind::Read,
            StatusKind::Read,
            StatusKind::Sent,
            StatusKind::Delivered,
        ],
        &[
            StatusKind::Failed,
            StatusKind::Delivered,
            StatusKind::Sent,
            StatusKind::Read,
        ],
    ];
    for order in orders {
        let scene = Scene::new();
        let (id, wamid) = scene.accepted(1);
        for kind in order {
            scene.apply(vec![status(&wamid, *kind)]);
            scene.apply(vec![status(&wamid, *kind)]);
        }
        assert_eq!(scene.state(id), MessageState::Read, "{order:?}");
        let mut kinds: Vec<EngagementKind> = scene
            .store
            .engagements_of("p1", 9)
            .unwrap()
            .into_iter()
            .map(|event| event.kind)
            .collect();
        kinds.sort();
        assert_eq!(
            kinds,
            [
                EngagementKind::Sent,
                EngagementKind::Delivered,
                EngagementKind::Read
            ]
        );
    }
}

#[test]
fn st47_w29_a_status_that_comes_before_the_answer_is_not_lost() {
    let scene = Scene::new();
    let one = message("spring", 1);
    let id = one.id;
    scene.plan(&[one]);
    scene.reserve(&[id]);
    // Without our id nobody knows whose it is, until the answer names it.
    assert_eq!(
        scene
            .apply(vec![status("w1", StatusKind::Delivered)])
            .unmatched,
        1
    );
    assert_eq!(scene.state(id), MessageState::Dispatching);
    let total = scene.settle(&[(id, taken("w1"))]);
    assert_eq!(scene.state(id), MessageState::Delivered);
    assert_eq!((total.delivered, total.pending), (1, 0));
    // With it the status tells the end by itself, and the answer may even be lost.
    let two = message("spring", 2);
    let id = two.id;
    scene.plan(&[two]);
    scene.reserve(&[id]);
    let Inbound::Status {
        wamid,
        kind,
        at,
        reason,
        rest,
        suppress,
        pause,
        ..
    } = status("w2", StatusKind::Read)
    else {
        unreachable!("it is a status")
    };
    let own = Inbound::Status {
        message: Some(id),
        wamid,
        kind,
        at,
        reason,
        rest,
        suppress,
        pause,
    };
    assert_eq!(scene.apply(vec![own]).applied, 1);
    let total = scene.settle(&[(id, SendResult::Unknown("late".to_owned()))]);
    assert_eq!(scene.state(id), MessageState::Read);
    assert_eq!((total.delivered, total.unknown), (2, 0));
}

#[test]
fn st48_w18_a_status_resolves_an_unknown_message_and_so_does_a_person() {
    let scene = Scene::new();
    let planned: Vec<NewMessage> = (1..=4).map(|number| message("spring", number)).collect();
    let ids: Vec<MessageId> = planned.iter().map(|one| one.id).collect();
    scene.plan(&planned);
    scene.reserve(&ids);
    let lost: Vec<_> = ids
        .iter()
        .map(|id| (*id, SendResult::Unknown("late".to_owned())))
        .collect();
    scene.settle(&lost);
    let resolved = scene.apply(vec![Inbound::Status {
        message: Some(ids[0]),
        wamid: "w1".to_owned(),
        kind: StatusKind::Sent,
        at: at(25),
        reason: None,
        rest: None,
        suppress: None,
        pause: None,
    }]);
    assert_eq!((resolved.applied, resolved.resolved), (1, 1));
    assert_eq!(scene.state(ids[0]), MessageState::Sent);
    let resolve = |id, as_| {
        scene
            .store
            .resolve_messages(&[id], as_, at(40), &audit())
            .unwrap()
    };
    assert_eq!(resolve(ids[1], Resolution::Sent), 1);
    assert_eq!(resolve(ids[2], Resolution::NotSent), 1);
    assert_eq!(resolve(ids[3], Resolution::Again), 1);
    assert_eq!(
        resolve(ids[0], Resolution::Again),
        0,
        "what is known is not decided about"
    );
    let states: Vec<MessageState> = ids.iter().map(|id| scene.state(*id)).collect();
    assert_eq!(
        states,
        [
            MessageState::Sent,
            MessageState::Accepted,
            MessageState::Refused,
            MessageState::Planned
        ]
    );
}

#[test]
fn st49_replies_find_their_person_and_an_opt_out_suppresses() {
    let scene = Scene::new();
    let (_, wamid) = scene.accepted(1);
    let reply =
        |id: &str, identity, phone: Option<&str>, answers: Option<&str>, wish| Inbound::Reply {
            wamid: id.to_owned(),
            identities: vec![identity],
            phone: phone.map(str::to_owned),
            answers: answers.map(str::to_owned),
            at: at(26),
            wish,
        };
    scene.apply(vec![reply("r1", who(99), None, Some(&wamid), None)]);
    scene.apply(vec![reply("r2", who(1), None, None, None)]);
    scene.apply(vec![reply("r3", who(98), Some("+44p1"), None, None)]);
    let events = scene.store.engagements_of("p1", 9).unwrap();
    assert_eq!(
        events
            .iter()
            .filter(|event| event.kind == EngagementKind::Replied)
            .count(),
        3
    );
    let before = scene.store.profile_count().unwrap();
    assert_eq!(
        scene
            .apply(vec![reply("r4", who(77), Some("+44000"), None, None)])
            .unmatched,
        1
    );
    assert_eq!(
        scene.store.profile_count().unwrap(),
        before,
        "a stranger becomes no person"
    );
    let stop = reply(
        "r5",
        who(1),
        None,
        Some(&wamid),
        Some((Wish::OptOut, "reply")),
    );
    assert_eq!(scene.apply(vec![stop.clone()]).applied, 1);
    assert_eq!(scene.apply(vec![stop]).repeated, 1);
    let held = scene.store.suppressed(&[who(1)], at(40)).unwrap();
    assert_eq!(
        held[0]
            .as_ref()
            .map(|held| (held.scope, held.reason.as_str())),
        Some((Scope::All, "opted-out"))
    );
    let summary = scene.store.engagement(&["p1"], at(40)).unwrap();
    assert!(summary[0].opted_out);
}

#[test]
fn st51_w15_a_person_who_had_enough_rests_and_longer_each_time() {
    let scene = Scene::new();
    for name in ["summer", "autumn"] {
        scene.store.open_campaign(&campaign(name)).unwrap();
    }
    let mut wamids = Vec::new();
    for name in ["spring", "summer"] {
        let one = message(name, 1);
        let id = one.id;
        scene.plan(&[one]);
        scene.reserve(&[id]);
        wamids.push(format!("w-{name}"));
        scene.settle(&[(id, taken(&format!("w-{name}")))]);
    }
    let next = message("autumn", 1);
    let id = next.id;
    scene.plan(&[next]);
    let day = SignedDuration::from_hours(25);
    for (wamid, rest) in wamids.iter().zip([day, day * 2]) {
        let failed = Inbound::Status {
            message: None,
            wamid: wamid.clone(),
            kind: StatusKind::Failed,
            at: at(25),
            reason: Some("131049: enough".to_owned()),
            rest: Some(day),
            suppress: None,
            pause: None,
        };
        scene.apply(vec![failed.clone()]);
        assert_eq!(
            scene.apply(vec![failed]).repeated,
            1,
            "told twice it is one time"
        );
        let until = at(25).checked_add(rest).unwrap();
        assert_eq!(scene.reserve(&[id]), [Reserved::Later(until)]);
    }
    assert_eq!(
        scene.store.message(id).unwrap().unwrap().hold,
        Some(Hold::Recipient)
    );
}

#[test]
fn st52_a_template_pauses_its_campaigns_and_takes_up_those_alone() {
    let scene = Scene::new();
    scene.store.open_campaign(&campaign("summer")).unwrap();
    scene
        .store
        .set_campaign("summer", CampaignState::Paused, None, at(3), Some(&audit()))
        .unwrap();
    let template = |event: &str, resumes| Inbound::Template {
        template: "offer en_US".to_owned(),
        event: event.to_owned(),
        resumes,
    };
    scene.apply(vec![template("PAUSED", false)]);
    let state = |name: &str| scene.store.campaign(name).unwrap().unwrap().state;
    assert_eq!(state("spring"), CampaignState::Paused);
    scene.apply(vec![template("REINSTATED", true)]);
    assert_eq!(state("spring"), CampaignState::Running);
    assert_eq!(
        state("summer"),
        CampaignState::Paused,
        "a person paused it, and a person takes it up"
    );
    // A refusal for the same reason comes before Meta's word, or behind it.
    let refused = || {
        let reason = Some("WhatsApp stopped it (132015)");
        let store = &scene.store;
        store
            .set_campaign("spring", CampaignState::Paused, reason, at(5), None)
            .unwrap();
    };
    refused();
    scene.apply(vec![template("PAUSED", false)]);
    refused();
    scene.apply(vec![template("REINSTATED", true)]);
    assert_eq!(state("spring"), CampaignState::Running);
    // Another reason of Meta's is another matter.
    let reason = Some("WhatsApp stopped it (131048)");
    scene
        .store
        .set_campaign("spring", CampaignState::Paused, reason, at(6), None)
        .unwrap();
    scene.apply(vec![
        template("PAUSED", false),
        template("REINSTATED", true),
    ]);
    assert_eq!(state("spring"), CampaignState::Paused);
}

#[test]
fn st53_i24_webhooks_are_kept_once_wait_in_order_and_are_forgotten_when_understood() {
    let scene = Scene::new();
    let webhook = |number: u8| NewWebhook {
        connection: "whatsapp".to_owned(),
        at: at(30),
        digest: [number; 32],
        body: vec![number; 10],
    };
    assert_eq!(
        scene
            .store
            .keep_webhooks(&[webhook(1), webhook(2), webhook(1)])
            .unwrap(),
        [true, true, false]
    );
    let other = scene.subject.open();
    let waiting = other.waiting_webhooks(9).unwrap();
    assert_eq!(
        waiting.iter().map(|row| row.body[0]).collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!(other.webhooks_waiting().unwrap(), (2, Some(at(30))));
    let understood: Vec<Understood> = waiting
        .iter()
        .zip([None, Some("no JSON".to_owned())])
        .map(|(row, unreadable)| Understood {
            seq: row.seq,
            events: Vec::new(),
            unreadable,
        })
        .collect();
    other.apply_webhooks(&understood, at(40)).unwrap();
    assert_eq!(other.webhooks_waiting().unwrap(), (0, None));
    assert_eq!(
        other.keep_webhooks(&[webhook(1)]).unwrap(),
        [false],
        "it is known for some days"
    );
    let later = at(0)
        .checked_add(SignedDuration::from_hours(9 * 24))
        .unwrap();
    other.apply_webhooks(&[], later).unwrap();
    assert_eq!(other.keep_webhooks(&[webhook(1)]).unwrap(), [true]);
}

#[test]
fn st54_a_settled_tick_never_goes_back() {
    let scene = Scene::new();
    let pipeline = name("activation");
    assert_eq!(scene.store.settled_tick(&pipeline).unwrap(), None);
    let tick = |nominal, schedule: &str| SettledTick {
        nominal,
        schedule: Some(schedule.to_owned()),
    };
    for tick in [tick(at(60_000), "hourly"), tick(at(1_000), "daily")] {
        scene.store.settle_tick(&pipeline, &tick).unwrap();
    }
    assert_eq!(
        scene.subject.open().settled_tick(&pipeline).unwrap(),
        Some(tick(at(60_000), "daily"))
    );
}

#[test]
fn st55_one_server_has_the_store_at_a_time() {
    let scene = Scene::new();
    let held = scene.store.lock_server().unwrap();
    assert!(held.is_some());
    assert!(scene.subject.open().lock_server().unwrap().is_none());
    drop(held);
    assert!(scene.subject.open().lock_server().unwrap().is_some());
}

#[test]
fn st56_tokens_are_known_by_their_names_and_answers_by_caller_and_key() {
    let scene = Scene::new();
    let token = ApiToken {
        name: "crm".to_owned(),
        hash: [7; 32],
        role: Role::Ingest,
        created_at: at(1),
        expires_at: Some(at(99)),
    };
    assert!(scene.store.add_token(&token, &audit()).unwrap());
    assert!(
        !scene
            .store
            .add_token(
                &ApiToken {
                    hash: [8; 32],
                    ..token.clone()
                },
                &audit()
            )
            .unwrap()
    );
    assert_eq!(scene.store.tokens().unwrap(), [token]);
    assert!(scene.store.remove_token("crm", &audit()).unwrap());
    assert!(!scene.store.remove_token("crm", &audit()).unwrap());
    let answer = Answered {
        caller: "crm".to_owned(),
        key: "k".to_owned(),
        request: [1; 32],
        status: 200,
        body: "{}".to_owned(),
        at: at(5),
    };
    scene
        .store
        .keep_answer(&answer, Timestamp::UNIX_EPOCH)
        .unwrap();
    assert_eq!(
        scene.store.answered("crm", "k", at(0)).unwrap(),
        Some(answer.clone())
    );
    assert_eq!(scene.store.answered("crm", "k", at(6)).unwrap(), None);
    assert_eq!(scene.store.answered("other", "k", at(0)).unwrap(), None);
}

#[test]
fn st57_messages_are_listed_by_campaign_and_state_and_counted() {
    let scene = Scene::new();
    for number in 1..=5 {
        scene.accepted(number);
    }
    scene.plan(&[message("spring", 9)]);
    let of = |filter: &MessageFilter| scene.store.messages(filter).unwrap().len();
    let planned = MessageFilter {
        state: Some(MessageState::Planned),
        ..MessageFilter::default()
    };
    assert_eq!(of(&planned), 1);
    let page = MessageFilter {
        campaign: Some("spring".to_owned()),
        limit: Some(4),
        ..MessageFilter::default()
    };
    let first = scene.store.messages(&page).unwrap();
    assert_eq!(first.len(), 4);
    let next = MessageFilter {
        before: first.last().map(|row| row.id),
        ..page
    };
    assert_eq!(of(&next), 2);
    assert_eq!(
        of(&MessageFilter {
            campaign: Some("none".to_owned()),
            ..MessageFilter::default()
        }),
        0
    );
    let counts = scene.store.count_messages(Some("spring")).unwrap();
    assert_eq!(
        counts,
        [(MessageState::Accepted, 5), (MessageState::Planned, 1)]
    );
    let (written, first) = scene.store.written_since("whatsapp", at(0)).unwrap();
    assert_eq!((written, first), (5, Some(at(10))));
    assert_eq!(scene.store.written_since("whatsapp", at(11)).unwrap().0, 0);
}

#[test]
fn st58_hashes_of_two_keys_never_mix() {
    let scene = Scene::new();
    assert_eq!(scene.store.identity_check().unwrap(), None);
    assert!(scene.store.keep_identity_check(who(1)).unwrap());
    assert!(scene.store.keep_identity_check(who(1)).unwrap());
    assert!(!scene.store.keep_identity_check(who(2)).unwrap());
    assert_eq!(scene.subject.open().identity_check().unwrap(), Some(who(1)));
}
