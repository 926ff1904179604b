//! How many copies of tokens a process's memory holds, while they live and once they are dropped.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::process::Command;
use std::time::Duration;

use bridged::foundation::secret::Secret;
use bridged::salesforce::web_server::{App, SignIn};
use serde_json::json;

use super::org::settings;
use crate::support::wire::{Reply, Request, Wire, answer, json as reply};

/// Names the server to the process that is searched: this test again, alone in a process of its own.
const SERVER: &str = "BRIDGED_TEST_MEMORY_SERVER";
const NAME: &str = "salesforce::memory::x06_tokens_are_gone_from_memory_once_they_are_dropped";
const CALLBACK: &str = "http://localhost:8910/auth/salesforce/callback";

/// A text as it is searched for, without being one more copy of it.
struct Needle(&'static str, Vec<u8>);

impl Needle {
    fn of(name: &'static str, secret: &Secret) -> Self {
        Self(name, secret.expose().bytes().map(|byte| !byte).collect())
    }

    fn is_at(&self, place: &[u8]) -> bool {
        self.1
            .iter()
            .zip(place)
            .all(|(hidden, byte)| !hidden == *byte)
    }
}

/// How often each text stands in the memory that this process can write.
fn copies(needles: &[Needle]) -> Vec<(&'static str, usize)> {
    const PIECE: usize = 1 << 20;
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let memory = File::open("/proc/self/mem").unwrap();
    let longest = needles.iter().map(|needle| needle.1.len()).max().unwrap();
    let mut found: Vec<_> = needles.iter().map(|needle| (needle.0, 0)).collect();
    let mut piece = vec![0; PIECE];
    let own = piece.as_ptr().addr()..piece.as_ptr().addr() + PIECE;
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let range = line.split(' ').next().unwrap().split_once('-').unwrap();
        let number = |text| usize::from_str_radix(text, 16).unwrap();
        let (mut at, end) = (number(range.0), number(range.1));
        while at < end {
            let wanted = PIECE.min(end - at);
            // What lies there may be gone or unreadable by now.
            let read = memory.read_at(&mut piece[..wanted], at as u64).unwrap_or(0);
            for start in 0..(read + 1).saturating_sub(longest) {
                let place = &piece[start..read];
                let hits = needles
                    .iter()
                    .zip(&mut found)
                    .filter(|(needle, _)| needle.is_at(place));
                let is_own = own.contains(&(at + start));
                hits.filter(|_| !is_own)
                    .for_each(|(_, (_, count))| *count += 1);
            }
            if wanted < PIECE || read < wanted {
                break;
            }
            at += wanted - longest + 1;
        }
    }
    found
}

/// Signs in, refreshes, uses the token and drops everything; what is left is counted on the way.
async fn walk(server: &str) {
    let random = || {
        Secret::new(format!(
            "{:032x}{:032x}",
            fastrand::u128(..),
            fastrand::u128(..)
        ))
    };
    let consumer_secret = random();
    let code = random();
    let mut needles = vec![
        Needle::of("consumer secret", &consumer_secret),
        Needle::of("code", &code),
    ];
    let app = App {
        consumer_key: "key".to_owned(),
        consumer_secret: Some(consumer_secret),
    };
    let sign_in = SignIn::new(&settings(server), app).unwrap();
    let attempt = sign_in.authorize(CALLBACK, &["api"]).unwrap();
    needles.push(Needle::of("verifier", &attempt.verifier));
    let granted = sign_in
        .exchange(&code, &attempt.verifier, CALLBACK)
        .await
        .unwrap();
    let refresh = granted.refresh.unwrap();
    needles.push(Needle::of("first access token", &granted.access));
    needles.push(Needle::of("first refresh token", &refresh));
    let fresh = sign_in.refresh_once(&refresh).await.unwrap();
    let next = fresh.refresh.unwrap();
    needles.push(Needle::of("second access token", &fresh.access));
    needles.push(Needle::of("second refresh token", &next));
    // Each where its owner holds it, and once more what HTTP read last, in a buffer that is not ours to zero.
    let before = copies(&needles);
    assert_eq!(most(&before, "second"), 2, "{before:?}");
    assert_eq!(most(&before, ""), 1, "{before:?}");

    sign_in.identity(&fresh.access).await.unwrap();
    sign_in.revoke(&next).await.unwrap();
    drop((
        sign_in,
        code,
        attempt,
        granted.access,
        refresh,
        fresh.access,
        next,
    ));
    // The connection ends on its own task.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let after = copies(&needles);
    assert!(most(&after, "second") <= 1, "{after:?}");
    assert_eq!(most(&after, ""), 0, "{after:?}");
}

/// The most copies of any text of the second answer, or of any other.
fn most(found: &[(&str, usize)], kind: &str) -> usize {
    let wanted = found
        .iter()
        .filter(|(name, _)| name.starts_with("second") != kind.is_empty());
    wanted.map(|(_, count)| *count).max().unwrap()
}

fn org(request: &Request) -> Reply {
    let random = || format!("{:032x}{:032x}", fastrand::u128(..), fastrand::u128(..));
    let body = match request.target.as_str() {
        "/services/oauth2/token" => json!({
            "access_token": format!("00D!{}", random()),
            "refresh_token": format!("5Aep{}", random()),
            "instance_url": format!("http://{}", request.header("host")),
            "token_type": "Bearer",
        }),
        "/services/oauth2/revoke" => return answer(200, &[], ""),
        _ => json!({ "user_id": "005", "organization_id": "00D", "about": "x".repeat(4_000) }),
    };
    reply(200, &body.to_string())
}

#[tokio::test]
async fn x06_tokens_are_gone_from_memory_once_they_are_dropped() {
    if let Ok(server) = std::env::var(SERVER) {
        return walk(&server).await;
    }
    let wire = Wire::start(org).await;
    let mut alone = Command::new(std::env::current_exe().unwrap());
    alone
        .args(["--exact", NAME, "--nocapture"])
        .env(SERVER, wire.url("http"));
    let ran = tokio::task::spawn_blocking(move || alone.output());
    let ran = ran.await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(wire.requests().len(), 4);
}
