//! Killing a run that reads: at every named point, and at random moments. Whatever happens, the next run goes on, and in
//! the end every record is in the store once and the ledgers add up.

use std::collections::BTreeMap;
use std::time::Duration;

use bridged::engine::settle;
use bridged::store::sqlite;
use serde_json::Value;

use super::scene::{self, Scene};
use crate::support::project::Project;

const PIPELINE: &str = "version: 1
name: leads
direction: read
source: { object: Lead }
field_map: { name: \"{{ LastName }}\", company: \"{{ Company }}\" }
";

/// Random kills in one test run; each is a process of its own.
const KILLS: u32 = 200;

fn start(leads: usize, latency: Duration) -> Scene {
    Scene::start(leads, latency, ("leads", PIPELINE))
}

/// What the store must hold: each live lead by its Id.
fn expected(scene: &Scene) -> BTreeMap<String, Value> {
    let id = |row: &Value| row["Id"].as_str().unwrap().to_owned();
    let rows = scene.rows("Lead").into_iter();
    rows.map(|row| (id(&row), row["LastName"].clone()))
        .collect()
}

/// Everything is there once, and the ledgers of all runs together say so.
fn check(project: &Project, expected: &BTreeMap<String, Value>, what: &str) {
    let store = scene::open(project);
    let stored: BTreeMap<String, Value> = store
        .profiles(None, u32::MAX)
        .unwrap()
        .into_iter()
        .map(|stored| {
            (
                stored.profile.key,
                stored.profile.attributes["name"].clone(),
            )
        })
        .collect();
    assert_eq!(&stored, expected, "{what}");
    let (_, total) = scene::account(&*store, what);
    assert_eq!(
        total.delivered,
        expected.len() as u64,
        "{what}: each record is delivered once over all runs"
    );
}

#[test]
fn i3_s08_s09_a_crash_at_any_named_point_loses_and_doubles_nothing() {
    let scene = start(160, Duration::ZERO);
    let expected = expected(&scene);
    let names = settle::FAILPOINTS.iter().chain(sqlite::FAILPOINTS);
    let mut reached = 0;
    for name in names {
        for nth in 1..=3 {
            let project = scene.project();
            let failpoint = format!("{name}@{nth}");
            reached += u32::from(scene.dies_at(&project, &failpoint));
            scene.complete(&project);
            check(&project, &expected, &failpoint);
        }
    }
    let points = settle::FAILPOINTS.len() + sqlite::FAILPOINTS.len();
    assert!(
        reached as usize >= points,
        "only {reached} of {points} named points were reached"
    );
}

#[test]
fn r02_two_hundred_kills_at_random_moments_lose_and_double_nothing() {
    let seed = scene::seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let scene = start(600, Duration::from_millis(2));
    let expected = expected(&scene);
    let mut project = scene.project();
    let mut unfinished = 0;
    for kill in 0..KILLS {
        let what = format!("kill {kill} of BRIDGED_KILL_SEED={seed}");
        let moment = Duration::from_millis(random.u64(5..150));
        unfinished += u32::from(scene.killed_after(&project, moment));
        if kill % 8 == 7 {
            scene.complete(&project);
            check(&project, &expected, &what);
            project = scene.project();
        }
    }
    assert!(
        unfinished > KILLS / 4,
        "only {unfinished} of {KILLS} kills met a run at work (seed {seed})"
    );
}
