//! Meta's webhook on real sockets: the set-up, signatures, and that what was taken is there.

use std::collections::BTreeSet;
use std::sync::Arc;

use bridged::foundation::identity::IdentityKey;
use bridged::foundation::secret::Secret;
use bridged::inbound;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::scene::{APP_SECRET, Scene, VERIFY_TOKEN, signature};

const PATH: &str = "/webhooks/whatsapp";

fn delivery(statuses: &[Value]) -> Vec<u8> {
    json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "16505550123", "phone_number_id": "106540352242922" },
            "statuses": statuses,
        } }] }],
    })
    .to_string()
    .into_bytes()
}

fn read(wamid: &str) -> Value {
    json!({ "id": wamid, "status": "read", "timestamp": "1800000000", "recipient_id": "447946000001" })
}

async fn post(scene: &Scene, body: &[u8], signature: Option<&str>) -> u16 {
    let mut request = scene.http.post(scene.at(PATH)).body(body.to_vec());
    if let Some(signature) = signature {
        request = request.header("x-hub-signature-256", signature);
    }
    request.send().await.unwrap().status().as_u16()
}

/// The answer to a body that is not waited for: a client that is still sending when the server hangs up may not see it.
async fn post_too_large(scene: &Scene, body: &[u8]) -> u16 {
    for _ in 0..50 {
        let request = scene.http.post(scene.at(PATH)).body(body.to_vec());
        let signed = request.header("x-hub-signature-256", signature(APP_SECRET, body));
        if let Ok(answer) = signed.send().await {
            return answer.status().as_u16();
        }
    }
    panic!("no answer was seen in fifty tries")
}

#[tokio::test(flavor = "multi_thread")]
async fn w26_the_set_up_is_answered_with_the_challenge_alone() {
    let scene = Scene::start().await;
    let long = "x".repeat(10_000);
    let token = VERIFY_TOKEN.replace(' ', "+");
    for (query, expected) in [
        (
            format!("hub.mode=subscribe&hub.verify_token={token}&hub.challenge=1158201444"),
            200,
        ),
        (
            "hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1".to_owned(),
            403,
        ),
        (
            format!("hub.mode=unsubscribe&hub.verify_token={token}&hub.challenge=1"),
            403,
        ),
        (format!("hub.mode=subscribe&hub.verify_token={token}"), 400),
        (
            format!("hub.mode=subscribe&hub.verify_token={token}&hub.challenge={long}"),
            400,
        ),
        (
            format!("hub.mode=subscribe&hub.verify_token={token}&hub.challenge=%3Cb%3E%20"),
            400,
        ),
        (String::new(), 400),
    ] {
        let answer = scene
            .http
            .get(scene.at(&format!("{PATH}?{query}")))
            .send()
            .await
            .unwrap();
        assert_eq!(
            answer.status().as_u16(),
            expected,
            "{}",
            &query[..query.len().min(80)]
        );
        if expected == 200 {
            assert_eq!(answer.text().await.unwrap(), "1158201444");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn w27_only_what_is_signed_over_its_very_bytes_is_kept() {
    let scene = Scene::start().await;
    let body = delivery(&[read("wamid.1")]);
    let good = signature(APP_SECRET, &body);
    let mut flipped = body.clone();
    flipped[10] ^= 1;
    let spaced = String::from_utf8(body.clone())
        .unwrap()
        .replace("\":", "\": ")
        .into_bytes();
    for (body, signature, expected) in [
        (&flipped, Some(good.clone()), 401),
        (&spaced, Some(good.clone()), 401),
        (&body, None, 401),
        (&body, Some(good.replace("sha256=", "sha1=")), 401),
        (&body, Some(good.replace("sha256=", "")), 401),
        (&body, Some(signature("another secret", &body)), 401),
        (&body, Some(good[..good.len() - 1].to_owned()), 401),
        (&Vec::new(), Some(good.clone()), 401),
    ] {
        assert_eq!(
            post(&scene, body, signature.as_deref()).await,
            expected,
            "{signature:?}"
        );
    }
    let two = scene
        .http
        .post(scene.at(PATH))
        .body(body.clone())
        .header("x-hub-signature-256", &good)
        .header("x-hub-signature-256", &good)
        .send()
        .await
        .unwrap();
    assert_eq!(two.status(), 401);
    assert_eq!(
        scene.store.webhooks_waiting().unwrap().0,
        0,
        "nothing of these was kept"
    );
    // Hexadecimal digits have no case.
    assert_eq!(
        post(
            &scene,
            &body,
            Some(&good.to_uppercase().replace("SHA256", "sha256"))
        )
        .await,
        200
    );
    assert_eq!(
        post(&scene, &body, Some(&good)).await,
        200,
        "a repeat is acknowledged"
    );
    assert_eq!(
        scene.store.webhooks_waiting().unwrap().0,
        1,
        "and kept once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn i24_every_acknowledged_delivery_is_in_the_store() {
    let scene = Arc::new(Scene::start().await);
    let mut posts = tokio::task::JoinSet::new();
    for task in 0..8 {
        let scene = Arc::clone(&scene);
        posts.spawn(async move {
            for number in 0..50 {
                let body = delivery(&[read(&format!("wamid.{task}.{number}"))]);
                assert_eq!(
                    post(&scene, &body, Some(&signature(APP_SECRET, &body))).await,
                    200
                );
            }
        });
    }
    while let Some(ended) = posts.join_next().await {
        ended.unwrap();
    }
    assert_eq!(scene.store.webhooks_waiting().unwrap().0, 400);
    let mut seen = BTreeSet::new();
    for row in scene.store.waiting_webhooks(1_000).unwrap() {
        assert!(seen.insert(row.body));
    }
    let key = IdentityKey::new(&Secret::new("a key"));
    let mut taken = 0;
    loop {
        let step = inbound::step(scene.store.as_ref(), &key, Timestamp::now()).unwrap();
        if step.webhooks == 0 {
            break;
        }
        taken += step.applied.unmatched;
    }
    assert_eq!(taken, 400, "each is understood once");
}

#[tokio::test(flavor = "multi_thread")]
async fn w31_w30_what_is_large_or_unknown_is_taken_and_what_is_no_delivery_is_kept_aside() {
    let scene = Scene::start().await;
    let many: Vec<Value> = (0..200)
        .map(|number| read(&format!("wamid.{number}")))
        .collect();
    let entry = json!({ "id": "1", "changes": [
        { "field": "messages", "value": { "statuses": many } },
        { "field": "account_alerts", "value": { "x": 1 } },
        { "field": "messages", "value": { "messages": [{ "from": "447946000001", "id": "wamid.r", "timestamp": "1800000000", "type": "hologram" }] } },
    ] });
    let body = json!({ "object": "whatsapp_business_account", "entry": [entry, entry, entry] })
        .to_string()
        .into_bytes();
    assert_eq!(
        post(&scene, &body, Some(&signature(APP_SECRET, &body))).await,
        200
    );
    let deep = format!("{{\"object\":{}1{}}}", "[".repeat(200), "]".repeat(200)).into_bytes();
    let padded = [
        &b"{\"object\":\"page\",\"x\":\""[..],
        &vec![b'x'; (3 << 20) - 24],
        b"\"}",
    ]
    .concat();
    assert_eq!(padded.len(), 3 << 20);
    for body in [&deep, &padded] {
        assert_eq!(
            post(&scene, body, Some(&signature(APP_SECRET, body))).await,
            200
        );
    }
    let over = [padded.as_slice(), b" "].concat();
    assert_eq!(post_too_large(&scene, &over).await, 413);
    let key = IdentityKey::new(&Secret::new("a key"));
    let step = inbound::step(scene.store.as_ref(), &key, Timestamp::now()).unwrap();
    assert_eq!(step.webhooks, 3);
    // Three entries of 200 statuses, an alert and a reply of nobody known.
    assert_eq!(step.applied.unmatched, 3 * 202);
    assert_eq!(scene.store.profile_count().unwrap(), 0);
    assert_eq!(scene.store.webhooks_waiting().unwrap().0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn w33_nothing_is_acknowledged_while_the_store_cannot_keep_it() {
    let scene = Scene::start().await;
    let body = delivery(&[read("wamid.1")]);
    let other = rusqlite::Connection::open(scene.folder.path().join("bridged.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(
        post(&scene, &body, Some(&signature(APP_SECRET, &body))).await,
        503
    );
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(
        post(&scene, &body, Some(&signature(APP_SECRET, &body))).await,
        200,
        "Meta delivers it again"
    );
    assert_eq!(scene.store.webhooks_waiting().unwrap().0, 1);
}
