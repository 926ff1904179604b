//! What people wish to get: of their wishes the last holds, and takes back no more than they said themselves.

use bridged::foundation::record::Wish;
use bridged::store::model::{EngagementSummary, Inbound, Lifting, Scope, Suppression};

use super::messages::{Scene, who};
use super::sample::at;

#[test]
fn st50_preferences_stop_marketing_and_take_back_what_they_put_there() {
    let scene = Scene::new();
    let wants = |stops| Inbound::Preference {
        identities: vec![who(5)],
        stops,
        at: at(26),
    };
    scene.apply(vec![wants(true)]);
    let held = scene.store.suppressed(&[who(5)], at(40)).unwrap();
    assert_eq!(
        held[0].as_ref().map(|held| held.scope),
        Some(Scope::Marketing)
    );
    scene.apply(vec![wants(false)]);
    assert_eq!(scene.store.suppressed(&[who(5)], at(40)).unwrap(), [None]);
    // Another's word is not theirs to take back.
    let manual = Suppression {
        identity: who(5),
        scope: Scope::All,
        reason: "manual".to_owned(),
        source: "ada".to_owned(),
        at: at(2),
        until: None,
    };
    scene.store.suppress(&[manual], None).unwrap();
    scene.apply(vec![wants(false)]);
    assert!(scene.store.suppressed(&[who(5)], at(40)).unwrap()[0].is_some());
    assert_eq!(lift(&scene, &[], 41), 1);
}

/// Takes the suppression of person 5 away, as an operator does.
fn lift(scene: &Scene, people: &[String], second: i64) -> u64 {
    let lifting = Lifting {
        who: &[who(5)],
        people,
        at: at(second),
        audit: None,
    };
    scene.store.lift_suppression(&lifting).unwrap()
}

/// What person 5, whose profile is `p5`, wishes at a second, by an answer of its own.
fn wish(wish: Wish, second: i64) -> Inbound {
    Inbound::Reply {
        wamid: format!("wish-{second}-{wish:?}"),
        identities: vec![who(5)],
        phone: None,
        answers: None,
        at: at(second),
        wish: Some((wish, "reply")),
    }
}

#[test]
fn st64_the_last_wish_holds_whatever_order_the_wishes_come_in() {
    use Wish::{OptIn, OptOut};

    for (wishes, opted_out) in [
        (vec![(OptOut, 20), (OptIn, 30)], false),
        (vec![(OptIn, 30), (OptOut, 20)], false),
        (vec![(OptIn, 20), (OptOut, 30)], true),
        (vec![(OptOut, 30), (OptIn, 20)], true),
        // Of two wishes of one second the opt-out holds.
        (vec![(OptOut, 20), (OptIn, 20)], true),
        (vec![(OptIn, 20), (OptOut, 20)], true),
        // A delivery comes again, behind the answer that took it back.
        (vec![(OptOut, 20), (OptIn, 30), (OptOut, 20)], false),
        (vec![(OptOut, 20), (OptIn, 30), (OptOut, 40)], true),
        (vec![(OptOut, 40), (OptOut, 20), (OptIn, 30)], true),
        (vec![(OptOut, 20), (OptOut, 40), (OptIn, 30)], true),
        (
            vec![(OptOut, 20), (OptIn, 30), (OptIn, 50), (OptOut, 40)],
            false,
        ),
    ] {
        let scene = Scene::new();
        scene.accepted(5);
        for (one, second) in &wishes {
            scene.apply(vec![wish(*one, *second)]);
        }
        let held = scene.store.suppressed(&[who(5)], at(99)).unwrap();
        assert_eq!(held[0].is_some(), opted_out, "{wishes:?}");
        let summary = scene.store.engagement(&["p5"], at(99)).unwrap();
        assert_eq!(summary[0].opted_out, opted_out, "{wishes:?}");
    }
}

#[test]
fn st64_i23_an_opt_in_takes_back_nothing_but_an_opt_out() {
    for reason in ["manual", "undeliverable", "stopped-marketing"] {
        let scene = Scene::new();
        let suppression = Suppression {
            identity: who(5),
            scope: Scope::All,
            reason: reason.to_owned(),
            source: "ada".to_owned(),
            at: at(2),
            until: None,
        };
        scene.store.suppress(&[suppression], None).unwrap();
        assert_eq!(scene.apply(vec![wish(Wish::OptIn, 30)]).applied, 0);
        let held = scene.store.suppressed(&[who(5)], at(99)).unwrap();
        assert_eq!(held[0].as_ref().map(|held| &*held.reason), Some(reason));
    }
}

#[test]
fn st64_an_opt_out_is_taken_back_by_hand_and_stays_so() {
    let scene = Scene::new();
    scene.accepted(5);
    scene.apply(vec![wish(Wish::OptOut, 20)]);
    assert_eq!(lift(&scene, &["p5".to_owned(), "nobody".to_owned()], 30), 1);
    for _ in 0..2 {
        assert_eq!(scene.store.suppressed(&[who(5)], at(30)).unwrap(), [None]);
        let summary = scene.store.engagement(&["p5", "nobody"], at(40)).unwrap();
        assert!(!summary[0].opted_out);
        assert_eq!(summary[1], EngagementSummary::default());
        // Their old word is delivered once more, in another body.
        scene.apply(vec![wish(Wish::OptOut, 20)]);
    }
    assert_eq!(lift(&scene, &["p5".to_owned()], 41), 0, "there is none");
    scene.apply(vec![wish(Wish::OptOut, 50)]);
    assert!(scene.store.suppressed(&[who(5)], at(60)).unwrap()[0].is_some());
    assert!(scene.store.engagement(&["p5"], at(60)).unwrap()[0].opted_out);
}
