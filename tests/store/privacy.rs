//! What a store forgets, sentence by sentence, on SQLite.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bridged::foundation::code::Code;
use bridged::foundation::error::Error;
use bridged::foundation::event::Ledger;
use bridged::foundation::id::MessageId;
use bridged::foundation::identity::{Identity, IdentityKey};
use bridged::foundation::record::{EngagementKind, Profile, Wish};
use bridged::foundation::secret::Secret;
use bridged::privacy::{self, Target};
use bridged::store::Store;
use bridged::store::model::{
    Acknowledgement, AuditAction, Commit, Imported, Inbound, LetterFilter, Listed, MessageState,
    NewAudit, NewMessage, NewWebhook, Reserved, Resolution, Scope, SendResult, Settled, StatusKind,
    Suppression, Understood,
};
use bridged::store::privacy::KeySource;
use jiff::Timestamp;
use serde_json::json;

use super::messages::{Scene, message, status, taken, who};
use super::sample::{
    Sqlite, Subject, at, begin, engagement, incoming, name, object, outcome, profile, read, score,
};

const ID: &str = "00Q5g000004XyZaEAK";
const PHONE: &str = "+447700900123";
const EMAIL: &str = "grace.hopper@navy.example";

fn key() -> IdentityKey {
    IdentityKey::new(&Secret::new("the key of this test"))
}

/// A store that knows its key.
fn keyed(subject: &Sqlite) -> Arc<dyn Store> {
    let store = subject.open();
    store.recognize_by(KeySource::new(|| Ok(key())));
    store
}

fn grace() -> Profile {
    Profile {
        salesforce_id: Some(ID.to_owned()),
        ..profile(
            ID,
            json!({ "full_name": "Grace Hopper", "phone": PHONE, "email": EMAIL, "notes": ["likes compilers"] }),
        )
    }
}

/// Others around her, so that rows of hers lie between rows of theirs.
fn others(count: u32) -> Vec<Profile> {
    let one = |number: u32| Profile {
        salesforce_id: Some(format!("00Q5g0000{number:06}AAA")),
        ..profile(
            &format!("00Q5g0000{number:06}AAA"),
            json!({ "full_name": format!("Person {number}"), "phone": format!("+4477008{number:05}"),
                "email": format!("p{number}@example.com") }),
        )
    };
    (0..count).map(one).collect()
}

fn erase(store: &dyn Store, who: &str) -> privacy::Ended {
    let target = Target::find(store, &key(), who, true)
        .expect("the store answers")
        .expect("all are meant");
    privacy::erase(store, &key(), &target, "ada", at(500)).expect("the erasure")
}

fn hers(number: u8) -> NewMessage {
    NewMessage {
        identities: vec![key().hash(&Identity::phone(PHONE).unwrap())],
        profile: ID.to_owned(),
        record: ID.to_owned(),
        payload: json!({ "message": { "to": PHONE, "name": "Grace Hopper" } }).to_string(),
        ..message("spring", number)
    }
}

/// Every file of the store, its log and its lists.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// I26: fails where any file still holds any of these texts.
#[track_caller]
fn assert_gone(folder: &Path, texts: &[&str]) {
    for path in files(folder) {
        let bytes = fs::read(&path).expect("the file");
        for text in texts {
            let found = bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes());
            assert!(!found, "`{text}` is left in {}", path.display());
        }
    }
}

const TELLING: [&str; 7] = [
    "Grace Hopper",
    "447700900123",
    "grace.hopper@navy.example",
    "likes compilers",
    "wants a demo of Cobol",
    ID,
    "wamid.HBgM-of-grace",
];

/// A store in which every table knows her: profile, outcome, events, score, acknowledgement, dead letter, message,
/// webhooks, an answer of the API, a run's cursor and its error.
fn full(scene: &Scene) -> MessageId {
    let store = &scene.store;
    let hers_too = hers(1);
    let id = hers_too.id;
    let mut people = others(3_000);
    people.insert(1_500, grace());
    let mut told = outcome("conversation-of-grace", ID, 5);
    told.fields = object(json!({ "summary": "wants a demo of Cobol" }));
    let messages = [hers_too];
    let acknowledged = [Acknowledgement {
        target: "lead".to_owned(),
        key: ID.to_owned(),
        digest: [7; 32],
        salesforce_id: Some(ID.to_owned()),
        fields: Some(json!({ "Name": "Grace Hopper" }).to_string()),
    }];
    let mut letter = scene.run.letter(ID, Code::RecordRefused, 3);
    letter.payload = json!({ "Name": "Grace Hopper" });
    let mut cursor = super::sample::cursor(0);
    cursor.id = ID.to_owned();
    let commit = Commit {
        profiles: &incoming(&people),
        scores: &[(ID.to_owned(), score(70))],
        acknowledged: &acknowledged,
        dead_letters: &[letter],
        messages: &messages,
        cursor: Some(&cursor),
        ledger: Ledger {
            read: people.len() as u64 + 1,
            rejected: 1,
            ..Ledger::default()
        },
        ..scene.run.empty(1)
    };
    store.commit(&commit).expect("the commit");
    // What was overwritten must be gone as well.
    let mut later = grace();
    later.attributes.insert("notes".to_owned(), json!("none"));
    scene.run.deliver(2, &[later, grace()]);
    store.import_outcomes(&[told], at(3)).expect("an outcome");
    let replied = engagement("e-of-grace", ID, EngagementKind::Replied, 4);
    store
        .import_engagements(&[replied], at(4))
        .expect("an event");
    assert_eq!(scene.reserve(&[id]), [Reserved::Yes(1)]);
    scene.settle(&[(id, taken("wamid.HBgM-of-grace"))]);
    let unreadable = b"from 447700900123, and no JSON".to_vec();
    store
        .keep_webhooks(&[NewWebhook {
            connection: "whatsapp".to_owned(),
            at: at(6),
            digest: [9; 32],
            body: unreadable,
        }])
        .expect("a webhook");
    store
        .keep_answer(
            &bridged::store::model::Answered {
                caller: "crm".to_owned(),
                key: "k".to_owned(),
                request: [3; 32],
                status: 422,
                body: format!("`{EMAIL}` is refused"),
                at: at(7),
            },
            at(0),
        )
        .expect("an answer");
    id
}

#[test]
fn st59_g01_i26_an_erased_person_is_in_no_row_and_in_no_byte_of_the_files() {
    let scene = Scene::new();
    let id = full(&scene);
    let store = &scene.store;
    let before = store.count_messages(None).unwrap();
    let ended = erase(store.as_ref(), PHONE);
    let erased = ended.erased;
    assert_eq!(
        (
            erased.profiles,
            erased.outcomes,
            erased.scores,
            erased.messages
        ),
        (1, 1, 1, 1),
        "{erased:?}"
    );
    assert_eq!((erased.letters, erased.acknowledgements), (1, 1));
    assert_eq!(erased.engagements, 2, "what she wrote, and what was sent");
    assert!(store.profile(ID).unwrap().is_none());
    assert!(store.profiles_by_phone(PHONE).unwrap().is_empty());
    assert!(store.profiles_by_email(EMAIL).unwrap().is_empty());
    assert!(store.outcomes_of(ID, 9).unwrap().is_empty());
    assert_eq!(store.profile_count().unwrap(), 3_000, "the others stay");
    assert_eq!(store.count_messages(None).unwrap(), before, "counts stay");
    let kept = store.message(id).unwrap().unwrap();
    assert_eq!((kept.profile.as_str(), kept.masked.as_str()), ("", ""));
    let run = store.run(scene.run.run.run_id).unwrap().unwrap();
    assert_eq!(run.ledger.rejected, 1, "the run's account stays");
    let cursor = store.cursor(&name("activation")).unwrap();
    assert!(cursor.is_some_and(|cursor| cursor.id.is_empty()));
    assert_gone(scene.subject.0.path(), &TELLING);
    // The log of the entry names her by a hash alone.
    let entry = store.audit(0, 99).unwrap().pop().unwrap();
    assert_eq!(entry.action, AuditAction::PersonErased.as_str());
    assert!(entry.subject.starts_with("person "), "{}", entry.subject);
}

#[test]
fn st59_others_keep_everything_when_somebody_is_erased() {
    let scene = Scene::new();
    full(&scene);
    let store = &scene.store;
    let one = others(1).remove(0);
    store
        .import_outcomes(&[outcome("theirs", &one.key, 5)], at(3))
        .unwrap();
    let before = store.profiles(None, 5_000).unwrap();
    erase(store.as_ref(), EMAIL);
    let mut expected = before;
    expected.retain(|stored| stored.profile.key != ID);
    assert_eq!(store.profiles(None, 5_000).unwrap(), expected);
    assert_eq!(store.outcomes_of(&one.key, 9).unwrap().len(), 1);
}

#[test]
fn st59_a_name_that_is_short_erases_nothing_of_others() {
    let scene = Scene::new();
    let store = &scene.store;
    let mut letter = scene.run.letter("other", Code::RecordRefused, 3);
    letter.payload = json!({ "Street": "42 Main Street" });
    let commit = Commit {
        dead_letters: &[letter],
        profiles: &incoming(&[profile("42", json!({ "phone": "+447700900999" }))]),
        ledger: Ledger {
            read: 2,
            rejected: 1,
            ..Ledger::default()
        },
        ..scene.run.empty(1)
    };
    store.commit(&commit).unwrap();
    assert_eq!(erase(store.as_ref(), "42").erased.profiles, 1);
    assert_eq!(
        store.dead_letters(&LetterFilter::default()).unwrap().len(),
        1
    );
}

#[test]
fn st60_i26_nothing_is_taken_in_of_an_erased_person_until_they_are_lifted() {
    let subject = Sqlite::new();
    let store = keyed(&subject);
    let run = begin(&store, "leads");
    run.deliver(1, &[grace()]);
    erase(store.as_ref(), ID);
    // A run that read her before, and writes now.
    let messages = [NewMessage {
        campaign: "spring".to_owned(),
        ..hers(1)
    }];
    store
        .open_campaign(&bridged::store::model::Campaign {
            name: "spring".to_owned(),
            state: bridged::store::model::CampaignState::Running,
            reason: None,
            template: "offer en_US".to_owned(),
            content: [1; 32],
            began_at: at(0),
            at: at(0),
        })
        .unwrap();
    let commit = Commit {
        profiles: &incoming(&[grace(), others(1).remove(0)]),
        scores: &[(ID.to_owned(), score(70))],
        messages: &messages,
        ledger: read(2),
        ..run.empty(2)
    };
    let committed = store.commit(&commit).unwrap();
    assert_eq!(committed.profiles, [Settled::Erased, Settled::Delivered]);
    let ledger = committed.delta;
    assert_eq!(
        (ledger.read, ledger.suppressed, ledger.delivered),
        (3, 2, 1)
    );
    assert!(committed.total.balances());
    assert!(store.scores_of(ID).unwrap().is_empty());
    let erased = [Imported::Erased];
    assert_eq!(store.import_profiles(&[grace()], at(3)).unwrap(), erased);
    assert_eq!(
        store
            .import_outcomes(&[outcome("o9", ID, 4)], at(3))
            .unwrap(),
        erased
    );
    let event = engagement("e9", ID, EngagementKind::Read, 4);
    assert_eq!(store.import_engagements(&[event], at(4)).unwrap(), erased);
    assert_eq!(store.are_erased(&[ID, "another"]).unwrap(), [true, false]);
    // She comes back of her own accord.
    let target = Target::find(store.as_ref(), &key(), ID, true)
        .unwrap()
        .unwrap();
    let lifted = privacy::lift(store.as_ref(), &key(), &target, "ada", at(600)).unwrap();
    assert!(lifted > 0);
    assert_eq!(
        store.import_profiles(&[grace()], at(3)).unwrap(),
        [Imported::Added]
    );
}

#[test]
fn st60_a_store_without_its_key_takes_nobody_in_once_somebody_was_erased() {
    let subject = Sqlite::new();
    let store = keyed(&subject);
    store.import_profiles(&[grace()], at(1)).unwrap();
    let locked_out = subject.open();
    let one = others(1);
    locked_out
        .import_profiles(&one, at(2))
        .expect("nobody was erased so far");
    erase(store.as_ref(), ID);
    let error = locked_out.import_profiles(&others(2), at(3)).unwrap_err();
    assert_eq!(error.code(), Code::IdentityKeyMissing);
    let failing = subject.open();
    failing.recognize_by(KeySource::new(|| {
        Err(Error::new(Code::VaultKeyMissing, "the vault is shut"))
    }));
    let error = failing.import_profiles(&others(2), at(3)).unwrap_err();
    assert_eq!(error.code(), Code::VaultKeyMissing);
    assert_eq!(store.profile_count().unwrap(), 1);
}

#[test]
fn st61_g03_what_is_on_its_way_ends_and_its_statuses_bring_nobody_back() {
    let scene = Scene::new();
    let store = &scene.store;
    store.recognize_by(KeySource::new(|| Ok(key())));
    scene.run.deliver(1, &[grace()]);
    let (flying, waiting) = (hers(1), {
        let mut other = hers(2);
        other.campaign = "autumn".to_owned();
        other
    });
    store
        .open_campaign(&bridged::store::model::Campaign {
            name: "autumn".to_owned(),
            state: bridged::store::model::CampaignState::Running,
            reason: None,
            template: "offer en_US".to_owned(),
            content: [1; 32],
            began_at: at(0),
            at: at(0),
        })
        .unwrap();
    let (sent, held) = (flying.id, waiting.id);
    let commit = Commit {
        messages: &[flying, waiting],
        ..scene.run.empty(1)
    };
    store.commit(&commit).unwrap();
    assert_eq!(scene.reserve(&[sent]), [Reserved::Yes(1)]);
    erase(store.as_ref(), PHONE);
    // The answer and the statuses come now.
    let ledger = scene.settle(&[(sent, taken("wamid.HBgM-of-grace"))]);
    assert_eq!(
        (ledger.delivered, ledger.pending),
        (2, 1),
        "she herself counts too"
    );
    scene.apply(vec![status("wamid.HBgM-of-grace", StatusKind::Delivered)]);
    assert_eq!(scene.state(sent), MessageState::Delivered);
    assert!(store.profile(ID).unwrap().is_none());
    assert!(store.engagements_of(ID, 9).unwrap().is_empty());
    // What waited is not sent.
    assert_eq!(
        scene.reserve(&[held]),
        [Reserved::Suppressed("erased".to_owned())]
    );
    assert_eq!(scene.state(held), MessageState::Suppressed);
    let phone = key().hash(&Identity::phone(PHONE).unwrap());
    let kept = store.suppressed(&[phone], at(9_000_000)).unwrap();
    let kept = kept[0].as_ref().expect("a suppression for good");
    assert_eq!((kept.scope, kept.reason.as_str()), (Scope::All, "erased"));
}

#[test]
fn st61_a_status_after_the_erasure_finds_the_message_whose_id_held_the_number() {
    let scene = Scene::new();
    let id = full(&scene);
    erase(scene.store.as_ref(), PHONE);
    scene.apply(vec![status("wamid.HBgM-of-grace", StatusKind::Read)]);
    assert_eq!(scene.state(id), MessageState::Read);
    assert!(scene.store.engagements_of(ID, 9).unwrap().is_empty());
    erase(scene.store.as_ref(), PHONE);
    assert_gone(scene.subject.0.path(), &["wamid.HBgM-of-grace"]);
}

#[test]
fn st61_st64_an_erased_person_is_not_written_to_again_by_an_answer_alone() {
    let phone = key().hash(&Identity::phone(PHONE).unwrap());
    let says = |wish, second| Inbound::Reply {
        wamid: format!("in-{second}"),
        identities: vec![phone],
        phone: Some(PHONE.to_owned()),
        answers: None,
        at: at(second),
        wish: Some((wish, "reply")),
    };
    for before in [None, Some(Wish::OptOut), Some(Wish::OptIn)] {
        let scene = Scene::new();
        full(&scene);
        scene.apply(before.into_iter().map(|wish| says(wish, 30)).collect());
        erase(scene.store.as_ref(), PHONE);
        scene.apply(vec![says(Wish::OptIn, 9_000_000)]);
        let held = scene.store.suppressed(&[phone], at(9_999_999)).unwrap();
        assert!(held[0].is_some(), "{before:?}");
        assert!(scene.store.engagements_of(ID, 9).unwrap().is_empty());
    }
}

#[test]
fn st61_an_unknown_message_of_an_erased_person_is_not_sent_again() {
    let scene = Scene::new();
    let one = hers(1);
    let id = one.id;
    scene.plan(&[one]);
    scene.reserve(&[id]);
    scene.settle(&[(id, SendResult::Unknown("late".to_owned()))]);
    erase(scene.store.as_ref(), PHONE);
    let audit = NewAudit {
        at: at(0),
        action: AuditAction::MessagesResolved,
        subject: "spring".to_owned(),
        actor: "ada".to_owned(),
        details: object(json!({})),
    };
    let resolve = |as_| {
        scene
            .store
            .resolve_messages(&[id], as_, at(600), &audit)
            .unwrap()
    };
    assert_eq!(resolve(Resolution::Again), 0, "nobody knows what it said");
    assert_eq!(resolve(Resolution::NotSent), 1);
}

#[test]
fn st61_a_message_that_went_to_several_people_stays_with_none_of_them() {
    let scene = Scene::new();
    let (one, mut two) = (message("spring", 1), message("spring", 1));
    two.profile = "p2".to_owned();
    let id = one.id;
    scene.plan(&[one, two]);
    assert_eq!(scene.store.people_of(&[who(1)]).unwrap(), ["p1", "p2"]);
    erase(scene.store.as_ref(), "p1");
    assert!(scene.store.people_of(&[who(1)]).unwrap().is_empty());
    assert_eq!(
        scene.reserve(&[id]),
        [Reserved::Suppressed("erased".to_owned())],
        "their number is hers too"
    );
}

#[test]
fn st62_g06_a_store_restored_from_an_older_copy_erases_again_before_it_is_used() {
    let subject = Sqlite::new();
    let store = keyed(&subject);
    store.keep_identity_check(key().check()).unwrap();
    store.import_profiles(&[grace()], at(1)).unwrap();
    store.import_profiles(&others(50), at(1)).unwrap();
    let orphan = outcome("conversation-of-nobody", "somebody-else-7", 5);
    store.import_outcomes(&[orphan], at(1)).unwrap();
    drop(store);
    let folder = subject.0.path().join("state");
    let copy = fs::read(folder.join("bridged.db")).unwrap();
    let store = keyed(&subject);
    erase(store.as_ref(), EMAIL);
    erase(store.as_ref(), "somebody-else-7");
    erase(store.as_ref(), &others(1)[0].key);
    let lifted = Target::find(store.as_ref(), &key(), &others(1)[0].key, true)
        .unwrap()
        .unwrap();
    privacy::lift(store.as_ref(), &key(), &lifted, "ada", at(600)).unwrap();
    drop(store);
    for name in ["bridged.db-wal", "bridged.db-shm"] {
        let _ = fs::remove_file(folder.join(name));
    }
    fs::write(folder.join("bridged.db"), copy).unwrap();
    // The copy holds her; the list beside it does not forget her.
    let store = keyed(&subject);
    assert!(store.profile(ID).unwrap().is_some());
    let refused = privacy::catch_up(
        store.as_ref(),
        || Err(Error::new(Code::IdentityKeyMissing, "the vault is shut")),
        at(700),
    );
    assert_eq!(refused.unwrap_err().code(), Code::IdentityKeyMissing);
    let carried_out = privacy::catch_up(store.as_ref(), || Ok(key()), at(700)).unwrap();
    assert!(carried_out > 0);
    assert!(store.profile(ID).unwrap().is_none());
    assert!(store.outcome("conversation-of-nobody").unwrap().is_none());
    assert_eq!(
        store.profile_count().unwrap(),
        50,
        "who was taken off the list stays"
    );
    assert_eq!(store.are_erased(&[ID]).unwrap(), [true]);
    let phone = key().hash(&Identity::phone(PHONE).unwrap());
    assert!(store.suppressed(&[phone], at(800)).unwrap()[0].is_some());
    assert_eq!(
        privacy::catch_up(store.as_ref(), || Ok(key()), at(700)).unwrap(),
        0
    );
}

#[test]
fn st62_a_list_that_was_lost_is_written_anew_from_the_store() {
    let subject = Sqlite::new();
    let store = keyed(&subject);
    erase(store.as_ref(), PHONE);
    let list = subject.0.path().join("state/bridged.db-erased");
    let before = fs::read_to_string(&list).unwrap();
    fs::remove_file(&list).unwrap();
    assert!(store.unapplied_erasures().unwrap().is_empty());
    let lines = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.retain(|line| !line.is_empty());
        lines.sort();
        lines
    };
    assert_eq!(lines(&fs::read_to_string(&list).unwrap()), lines(&before));
    // A line that was cut off is passed over, and the next one is whole.
    let mut cut = before.clone();
    cut.truncate(before.trim_end().len() - 9);
    fs::write(&list, cut).unwrap();
    assert!(store.unapplied_erasures().unwrap().is_empty());
    erase(store.as_ref(), "another-key-of-hers");
    let text = fs::read_to_string(&list).unwrap();
    let whole = |line: &&str| {
        line.split_once(' ')
            .is_some_and(|(_, hash)| hash.len() == 64)
    };
    assert!(text.lines().filter(whole).count() >= 2, "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&list).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }
}

#[test]
fn st63_g05_values_are_forgotten_when_their_time_is_over_and_counts_stay() {
    let subject = Sqlite::new();
    let store = keyed(&subject);
    let run = begin(&store, "leads");
    let gone = Profile {
        deleted: true,
        ..grace()
    };
    let commit = Commit {
        profiles: &incoming(&[gone, others(1).remove(0)]),
        dead_letters: &[
            run.letter("old", Code::RecordRefused, 0),
            run.letter("new", Code::RecordRefused, 80_000_000),
        ],
        ledger: Ledger {
            read: 4,
            rejected: 2,
            ..Ledger::default()
        },
        ..run.empty(1)
    };
    store.commit(&commit).unwrap();
    store
        .keep_webhooks(&[NewWebhook {
            connection: "whatsapp".to_owned(),
            at: at(0),
            digest: [1; 32],
            body: b"no JSON".to_vec(),
        }])
        .unwrap();
    let seq = store.waiting_webhooks(1).unwrap()[0].seq;
    let understood = Understood {
        seq,
        events: Vec::new(),
        unreadable: Some("it is no JSON".to_owned()),
    };
    store.apply_webhooks(&[understood], at(1)).unwrap();
    let day = std::time::Duration::from_hours(24);
    let early: Timestamp = at(86_000_000);
    assert_eq!(
        privacy::retain(store.as_ref(), day, early).unwrap().total(),
        0
    );
    let forgotten = privacy::retain(store.as_ref(), day, at(86_500_000)).unwrap();
    assert_eq!(
        (forgotten.letters, forgotten.profiles, forgotten.webhooks),
        (1, 1, 1)
    );
    let letters = store.dead_letters(&LetterFilter::default()).unwrap();
    assert_eq!(letters.len(), 2, "the rows stay");
    let empty = |key: &str| {
        let letter = letters.iter().find(|row| row.letter.key == key);
        letter.is_some_and(|row| row.letter.payload.is_null())
    };
    assert!(empty("old") && !empty("new"));
    let kept = store.profile(ID).unwrap().unwrap().profile;
    assert!(kept.deleted && kept.attributes.is_empty(), "{kept:?}");
    let other = store.profile(&others(1)[0].key).unwrap().unwrap().profile;
    assert!(
        !other.attributes.is_empty(),
        "who is there keeps everything"
    );
    let ledger = store.run(run.run.run_id).unwrap().unwrap().ledger;
    assert_eq!(ledger.rejected, 2);
    assert_eq!(
        privacy::retain(store.as_ref(), day, at(86_500_000))
            .unwrap()
            .total(),
        0
    );
}

#[test]
fn names_are_listed_once_in_order_and_in_pages() {
    let subject = Sqlite::new();
    let store = keyed(&subject);
    store.import_profiles(&others(7), at(1)).unwrap();
    store
        .import_outcomes(&[outcome("a-first", "zz-last", 1)], at(1))
        .unwrap();
    let mut all = Vec::new();
    while let Some(page) = Some(store.names(all.last().map(String::as_str), 2).unwrap())
        && !page.is_empty()
    {
        assert!(page.len() <= 2);
        all.extend(page);
    }
    let mut sorted = all.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(all, sorted);
    assert_eq!(all.len(), 9);
    assert_eq!(
        (all[8].as_str(), all.contains(&"a-first".to_owned())),
        ("zz-last", true)
    );
}

#[test]
fn an_erasure_without_entries_changes_nothing() {
    let scene = Scene::new();
    full(&scene);
    let before = scene.store.profile_count().unwrap();
    let nothing = bridged::store::model::Erasure {
        at: at(9),
        profiles: &[],
        names: &[],
        texts: &[],
        listed: &[] as &[Listed],
        audit: None,
    };
    assert!(scene.store.erase(&nothing).unwrap().is_empty());
    assert_eq!(scene.store.profile_count().unwrap(), before);
}

#[test]
fn an_erasure_that_is_lifted_gives_nobody_up_who_had_stopped_marketing_before() {
    let subject = Sqlite::new();
    let store = keyed(&subject);
    let phone = key().hash(&Identity::phone(PHONE).unwrap());
    let stopped = Suppression {
        identity: phone,
        scope: Scope::Marketing,
        reason: "stopped-marketing".to_owned(),
        source: "preferences".to_owned(),
        at: at(1),
        until: None,
    };
    store.suppress(&[stopped], None).unwrap();
    let kept = || store.suppressed(&[phone], at(900)).unwrap().remove(0);
    erase(store.as_ref(), PHONE);
    assert_eq!(kept().map(|held| held.scope), Some(Scope::All));
    erase(store.as_ref(), PHONE);
    let target = Target::find(store.as_ref(), &key(), PHONE, true)
        .unwrap()
        .unwrap();
    privacy::lift(store.as_ref(), &key(), &target, "ada", at(600)).unwrap();
    let held = kept().expect("they stopped marketing themselves");
    assert_eq!(
        (held.scope, held.reason.as_str()),
        (Scope::Marketing, "stopped-marketing")
    );
}
