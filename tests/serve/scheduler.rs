//! What is due, by the scheduler and a store of its own, with a clock that the test moves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bridged::foundation::id::PipelineName;
use bridged::schedule::Timetable;
use bridged::serve::project::{Revision, Served};
use bridged::serve::scheduler::{Ended, Scheduler, Why};
use bridged::store::{self, Store};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use crate::support::org::plan;
use crate::support::people::person;

/// A pipeline of the revision.
pub(super) fn served(name: &str, lines: &str) -> Served {
    let yaml = format!(
        "version: 1\nname: {name}\ndirection: read\nsource: {{ object: Lead }}\n\
         field_map: {{ name: \"{{{{ LastName }}}}\" }}\n{lines}\n"
    );
    of_yaml(&yaml)
}

pub(super) fn of_yaml(yaml: &str) -> Served {
    let read = bridged::spec::read::pipeline("pipelines/p.yaml", yaml.as_bytes());
    let spec = read.document.expect("a pipeline").spec;
    Served {
        plan: Arc::new(plan(yaml)),
        timetable: Timetable::of("acme", &spec).expect("a timetable"),
    }
}

/// A store, and the scheduler on it.
struct Scene {
    folder: TempDir,
    store: Arc<dyn Store>,
    revision: Revision,
    scheduler: Scheduler,
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

impl Scene {
    fn new(pipelines: Vec<Served>) -> Self {
        let folder = TempDir::new().expect("a folder");
        let store = store::open("sqlite:bridged.db", folder.path()).expect("a store");
        let revision = Revision {
            hash: "one".to_owned(),
            pipelines,
            retention: None,
        };
        let mut scheduler = Scheduler::default();
        scheduler.replace(&revision, Timestamp::MIN);
        Self {
            folder,
            store,
            revision,
            scheduler,
        }
    }

    /// As a new process would find it.
    fn restart(&mut self) {
        self.store = store::open("sqlite:bridged.db", self.folder.path()).expect("a store");
        self.scheduler = Scheduler::default();
        self.scheduler.replace(&self.revision, Timestamp::MIN);
    }

    fn due(&mut self, now: Timestamp) -> Vec<(String, Why)> {
        self.due_beside(now, &[], usize::MAX)
    }

    fn due_beside(&mut self, now: Timestamp, running: &[&str], room: usize) -> Vec<(String, Why)> {
        let running: BTreeSet<PipelineName> = running
            .iter()
            .map(|name| PipelineName::parse(name).unwrap())
            .collect();
        let starts = self
            .scheduler
            .due(now, &running, room, self.store.as_ref())
            .unwrap();
        starts
            .into_iter()
            .map(|start| (start.served.plan.pipeline.to_string(), start.why))
            .collect()
    }

    fn ended(&mut self, name: &str, how: Ended, now: Timestamp) {
        self.scheduler
            .ended(&PipelineName::parse(name).unwrap(), how, now);
    }
}

const ZONES: [&str; 10] = [
    "America/New_York",
    "America/St_Johns",
    "America/Havana",
    "America/Santiago",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
];

/// Schedules of every kind, in ten zones, at hours that clock changes leave out or show twice.
fn fleet() -> Vec<Served> {
    (0..200)
        .map(|number| {
            let zone = ZONES[number % ZONES.len()];
            let schedule = match number % 7 {
                0 => "daily".to_owned(),
                1 => "{ every: 12h }".to_owned(),
                2 => format!("{{ cron: \"30 2 * * *\", timezone: {zone} }}"),
                3 => format!("{{ cron: \"0 0,1 * * 0,6\", timezone: {zone} }}"),
                4 => format!("{{ cron: \"15 3 1,31 * *\", timezone: {zone} }}"),
                5 => "{ every: 7d }".to_owned(),
                _ => format!("{{ cron: \"59 23 * * 1-5\", timezone: {zone} }}"),
            };
            served(&format!("p{number}"), &format!("schedule: {schedule}"))
        })
        .collect()
}

#[test]
fn i21_r11_two_hundred_pipelines_fire_exactly_when_their_definitions_say_and_none_twice() {
    // Thirty days with the changes of the north and of the south, in both halves of the year.
    for (from, until) in [
        ("2027-03-10T00:00:00Z", "2027-04-09T00:00:00Z"),
        ("2027-10-01T12:00:00Z", "2027-10-31T12:00:00Z"),
    ] {
        let (from, until) = (at(from), at(until));
        let mut scene = Scene::new(fleet());
        assert_eq!(
            scene.due(from),
            [],
            "a pipeline that is new has missed nothing"
        );
        let expected: BTreeMap<String, Vec<Timestamp>> = scene
            .revision
            .pipelines
            .iter()
            .map(|served| {
                let ticks = served
                    .timetable
                    .between(from, until)
                    .map(|tick| tick.nominal);
                (served.plan.pipeline.to_string(), ticks.collect())
            })
            .collect();
        let mut moments: BTreeSet<Timestamp> = BTreeSet::new();
        for served in &scene.revision.pipelines {
            moments.extend(served.timetable.between(from, until).map(|tick| tick.due));
        }
        let mut fired: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
        for (step, now) in moments.into_iter().enumerate() {
            // R04, on one node: the process ends and begins anew, all the time.
            if step % 50 == 0 {
                scene.restart();
            }
            for (name, why) in scene.due(now) {
                let Why::Tick(nominal) = why else {
                    panic!("{name}: {why:?}")
                };
                fired.entry(name.clone()).or_default().push(nominal);
                scene.ended(&name, Ended::Read(1), now);
            }
            assert_eq!(scene.due(now), [], "none twice");
        }
        for (name, expected) in expected {
            assert_eq!(fired.remove(&name).unwrap_or_default(), expected, "{name}");
        }
    }
}

#[test]
fn r13_missed_times_are_made_up_for_by_one_run_or_skipped_as_the_file_says() {
    let hourly = |name, missed| {
        served(
            name,
            &format!("schedule: hourly\njitter: 0s\nmissed: {missed}"),
        )
    };
    let mut scene = Scene::new(vec![hourly("made-up", "once"), hourly("skipped", "skip")]);
    assert_eq!(scene.due(at("2027-03-01T10:30:00Z")), []);
    scene.restart();
    // Three hours of nobody.
    let due = scene.due(at("2027-03-01T13:30:00Z"));
    assert_eq!(
        due,
        [("made-up".to_owned(), Why::Tick(at("2027-03-01T13:00:00Z")))]
    );
    scene.restart();
    assert_eq!(
        scene.due(at("2027-03-01T13:31:00Z")),
        [],
        "settled before it started"
    );
    let both = scene.due(at("2027-03-01T14:00:30Z"));
    assert_eq!(both.len(), 2, "{both:?}");
    let skipped: Vec<u64> = scene.scheduler.all().map(|(_, skipped)| skipped).collect();
    assert_eq!(skipped, [0, 0], "counted since the process began");
}

#[test]
fn ticks_that_come_while_a_run_goes_on_are_one_run_behind_it() {
    let mut scene = Scene::new(vec![served("p", "schedule: { every: 10m }\njitter: 0s")]);
    scene.due(at("2027-03-01T10:05:00Z"));
    assert_eq!(scene.due(at("2027-03-01T10:10:00Z")).len(), 1);
    for minute in [20, 30, 40] {
        let now = at(&format!("2027-03-01T10:{minute}:00Z"));
        assert_eq!(
            scene.due_beside(now, &["p"], 9),
            [],
            "never two of one pipeline"
        );
    }
    let now = at("2027-03-01T10:45:00Z");
    scene.ended("p", Ended::Read(5), now);
    assert_eq!(
        scene.due(now),
        [("p".to_owned(), Why::Tick(at("2027-03-01T10:40:00Z")))]
    );
    assert_eq!(
        scene.scheduler.all().next().unwrap().1,
        2,
        "two had no run of their own"
    );
}

#[test]
fn what_finds_no_room_stays_due_and_comes_in_the_order_of_its_time() {
    let all = ["a", "b", "c"].map(|name| served(name, "schedule: hourly\njitter: 0s"));
    let mut scene = Scene::new(all.to_vec());
    scene.due(at("2027-03-01T10:30:00Z"));
    let now = at("2027-03-01T11:00:00Z");
    assert_eq!(scene.due_beside(now, &[], 2).len(), 2);
    scene.restart();
    let rest = scene.due(now);
    assert_eq!(
        rest.len(),
        1,
        "nothing was settled that did not start: {rest:?}"
    );
    assert_eq!(rest[0].0, "c");
}

#[test]
fn r12_a_clock_that_jumps_fires_nothing_twice() {
    let mut scene = Scene::new(vec![served("p", "schedule: hourly\njitter: 0s")]);
    scene.due(at("2027-03-01T10:30:00Z"));
    assert_eq!(scene.due(at("2027-03-01T11:00:00Z")).len(), 1);
    scene.ended("p", Ended::Read(1), at("2027-03-01T11:00:05Z"));
    for back in [
        "2027-03-01T10:00:00Z",
        "2027-03-01T10:59:59Z",
        "2027-03-01T11:00:00Z",
        "2027-03-01T11:30:00Z",
    ] {
        assert_eq!(scene.due(at(back)), [], "{back}");
    }
    // A day forward is one run.
    assert_eq!(scene.due(at("2027-03-02T11:30:00Z")).len(), 1);
    assert_eq!(scene.due(at("2027-03-02T11:30:01Z")), []);
}

#[test]
fn a_pipeline_that_another_process_runs_is_tried_again() {
    let mut scene = Scene::new(vec![served("p", "schedule: hourly\njitter: 0s")]);
    scene.due(at("2027-03-01T10:30:00Z"));
    let now = at("2027-03-01T11:00:00Z");
    assert_eq!(scene.due(now).len(), 1);
    scene.ended("p", Ended::Locked, now);
    assert_eq!(scene.due(at("2027-03-01T11:00:10Z")), []);
    assert_eq!(
        scene.due(at("2027-03-01T11:00:15Z")),
        [("p".to_owned(), Why::Again)]
    );
}

#[test]
fn realtime_on_salesforce_asks_at_once_and_less_and_less_while_nothing_changes() {
    let mut scene = Scene::new(vec![served("p", "schedule: realtime")]);
    let start = at("2027-03-01T10:00:00Z");
    let after = |seconds| {
        start
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap()
    };
    assert_eq!(scene.due(start), [("p".to_owned(), Why::Poll)]);
    scene.ended("p", Ended::Read(0), start);
    assert_eq!(scene.due(after(19)), []);
    assert_eq!(scene.due(after(20)).len(), 1);
    scene.ended("p", Ended::Read(3), after(20));
    assert_eq!(scene.due(after(30)).len(), 1, "soon, where something came");
    scene.ended("p", Ended::Failed, after(30));
    assert_eq!(scene.due(after(50)), [], "a failure rests");
    assert_eq!(scene.due(after(61)).len(), 1);
}

#[test]
fn realtime_on_records_starts_when_a_record_of_its_kind_changes_and_not_otherwise() {
    let yaml = "version: 1
name: people
direction: write
schedule: realtime
source: { records: profiles }
targets:
  lead:
    object: Lead
    operation: upsert
    match: { Bridged_Id__c: \"{{ profile.key }}\" }
    field_map: { LastName: \"{{ profile.last_name }}\", Company: Acme }
";
    let outcomes = yaml
        .replace("name: people", "name: outcomes")
        .replace("records: profiles", "records: outcomes");
    let mut scene = Scene::new(vec![of_yaml(yaml), of_yaml(&outcomes)]);
    let now = at("2027-03-01T10:00:00Z");
    assert_eq!(scene.due(now), [], "nothing is there");
    let ada = person("ada", serde_json::json!({ "last_name": "Lovelace" }));
    scene.store.import_profiles(&[ada], now).unwrap();
    assert_eq!(scene.due(now), [("people".to_owned(), Why::Records)]);
    scene.ended("people", Ended::Read(1), now);
    assert_eq!(scene.due(now), [], "seen");
}

#[test]
fn another_revision_replaces_the_schedules_and_keeps_what_was_settled() {
    let mut scene = Scene::new(vec![
        served("p", "schedule: hourly\njitter: 0s"),
        served("gone", "schedule: hourly"),
    ]);
    scene.due(at("2027-03-01T10:30:00Z"));
    let every = served("p", "schedule: { every: 30m }\njitter: 0s");
    scene.revision = Revision {
        hash: "two".to_owned(),
        pipelines: vec![every],
        retention: None,
    };
    scene
        .scheduler
        .replace(&scene.revision, at("2027-03-01T10:59:59Z"));
    assert_eq!(
        scene.due(at("2027-03-01T11:00:00Z")),
        [("p".to_owned(), Why::Tick(at("2027-03-01T11:00:00Z")))]
    );
    scene.ended("p", Ended::Read(0), at("2027-03-01T11:00:01Z"));
    assert_eq!(scene.due(at("2027-03-01T11:30:00Z")).len(), 1);
}

#[test]
fn i21_a_schedule_that_changes_has_missed_nothing_before_also_over_a_restart() {
    let rare = || {
        served(
            "p",
            "schedule: { cron: \"0 6 * * 1\" }\njitter: 0s\nmissed: once",
        )
    };
    let often = served("p", "schedule: { every: 15m }\njitter: 0s\nmissed: once");
    for restarts in [false, true] {
        let mut scene = Scene::new(vec![rare()]);
        scene.due(at("2027-03-01T05:00:00Z"));
        assert_eq!(scene.due(at("2027-03-01T06:00:00Z")).len(), 1, "a Monday");
        scene.ended("p", Ended::Read(0), at("2027-03-01T06:00:01Z"));
        scene.revision = Revision {
            hash: "two".to_owned(),
            pipelines: vec![often.clone()],
            retention: None,
        };
        let changed = at("2027-03-04T12:01:00Z");
        if restarts {
            scene.scheduler = Scheduler::default();
        }
        scene.scheduler.replace(&scene.revision, changed);
        assert_eq!(
            scene.due(changed),
            [],
            "three days of quarters of an hour were no ticks"
        );
        let skipped: u64 = scene.scheduler.all().map(|(_, skipped)| skipped).sum();
        assert_eq!(skipped, 0);
        let first = at("2027-03-04T12:15:00Z");
        assert_eq!(scene.due(first), [("p".to_owned(), Why::Tick(first))]);
        scene.ended("p", Ended::Read(0), first);
        // What is missed of the new one from now on is made up for, over a restart too.
        if restarts {
            scene.scheduler = Scheduler::default();
            scene
                .scheduler
                .replace(&scene.revision, at("2027-03-04T13:20:00Z"));
        }
        assert_eq!(scene.due(at("2027-03-04T13:20:00Z")).len(), 1);
    }
}
