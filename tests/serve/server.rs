//! The server with a project of the test's own: starting, cancelling, reloading, stopping.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bridged::connections::connect::Signing;
use bridged::engine::Outside;
use bridged::engine::cancel::{self, Cancel};
use bridged::foundation::clock::Clock;
use bridged::foundation::code::Code;
use bridged::foundation::diagnostic::Diagnostic;
use bridged::foundation::error::{Error, Result};
use bridged::foundation::id::PipelineName;
use bridged::plan::Plan;
use bridged::serve::control::{Asked, CallsLeft, Control as _, Reloaded};
use bridged::serve::project::{Project, Revision, Served};
use bridged::serve::server::{Refused, Server, Settings, Stopped};
use bridged::store::model::RunFilter;

use super::scheduler::served;
use crate::support::org::Org;

/// Files that the test writes, and the outside of an org in a sandbox.
struct Files {
    revision: Mutex<std::result::Result<Revision, ()>>,
    org: Arc<Org>,
}

impl Files {
    fn write(&self, hash: &str, pipelines: Vec<Served>) {
        *self.revision.lock().unwrap() = Ok(Revision {
            hash: hash.to_owned(),
            pipelines,
            retention: None,
        });
    }

    fn spoil(&self) {
        *self.revision.lock().unwrap() = Err(());
    }
}

impl Project for Files {
    fn load(&self) -> std::result::Result<Revision, Vec<Diagnostic>> {
        let revision = self.revision.lock().unwrap().clone();
        revision.map_err(|()| vec![Diagnostic::error(Code::YamlSyntax, "spoilt")])
    }

    fn stamp(&self) -> String {
        let revision = self.revision.lock().unwrap();
        revision
            .as_ref()
            .map_or_else(|()| "spoilt".to_owned(), |revision| revision.hash.clone())
    }

    fn outside(&self, plan: &Plan, cancel: Cancel, actor: &str) -> Result<Outside> {
        assert!(plan.pipeline.as_str() != "panics", "as the test wants it");
        if plan.pipeline.as_str() == "refused" {
            return Err(Error::new(Code::NotConnected, "no credentials"));
        }
        Ok(self.org.outside_for(cancel, actor))
    }

    fn calls_left(&self) -> Vec<CallsLeft> {
        Vec::new()
    }

    fn signing(&self, _: &str, _: &str) -> Result<Signing> {
        Err(Error::new(Code::UnknownConnection, "there is none"))
    }
}

async fn scene(pipelines: Vec<Served>) -> (Arc<Files>, Arc<Server>) {
    let org = Arc::new(Org::with_leads(40).await);
    let files = Arc::new(Files {
        revision: Mutex::new(Err(())),
        org,
    });
    files.write("one", pipelines);
    let server = serve(&files).unwrap_or_else(|refused| panic!("{refused:?}"));
    (files, server)
}

fn serve(files: &Arc<Files>) -> std::result::Result<Arc<Server>, Refused> {
    let settings = Settings {
        runs: 4,
        drain: Duration::from_secs(20),
    };
    let store = Arc::clone(&files.org.store);
    Server::new(Arc::clone(files) as _, store, Clock::system(), settings)
}

fn asked(name: &str) -> Asked {
    Asked {
        pipeline: PipelineName::parse(name).unwrap(),
        actor: "token ada".to_owned(),
        full: false,
        limit: None,
    }
}

/// Waits until a condition holds, which it does soon.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..400 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("never: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r14_i25_a_run_that_panics_costs_itself_alone() {
    let (files, server) = scene(vec![
        served("panics", ""),
        served("refused", ""),
        served("leads", ""),
    ])
    .await;
    let (canceller, stop) = cancel::pair();
    let running = {
        let server = Arc::clone(&server);
        tokio::spawn(async move { server.run(stop).await })
    };
    for name in ["panics", "refused"] {
        server.start(&asked(name)).unwrap();
    }
    let good = server.start(&asked("leads")).unwrap();
    let store = Arc::clone(&files.org.store);
    until("the good run ends", || {
        store
            .run(good)
            .unwrap()
            .is_some_and(|run| run.state.is_some())
    })
    .await;
    until("nothing goes on", || {
        server.pipelines().iter().all(|one| one.running.is_none())
    })
    .await;
    assert_eq!(store.runs(&RunFilter::default()).unwrap().len(), 1);
    let page = server
        .metrics
        .text(
            &server.pipelines(),
            &server.health(),
            &[],
            store.as_ref(),
            jiff::Timestamp::now(),
        )
        .unwrap();
    assert!(
        page.contains("bridged_runs_total{pipeline=\"panics\",state=\"not-begun\"} 1"),
        "{page}"
    );
    assert!(
        page.contains("bridged_runs_total{pipeline=\"leads\",state=\"done\"} 1"),
        "{page}"
    );
    canceller.cancel();
    assert_eq!(running.await.unwrap(), Stopped::Drained);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_started_once_by_name_and_refused_with_a_reason() {
    let (_files, server) = scene(vec![served("leads", "")]).await;
    let error = server.start(&asked("lead")).unwrap_err();
    assert_eq!(error.code(), Code::UnknownPipeline);
    assert_eq!(error.help_text(), Some("did you mean `leads`?"));
    let waiting = server.start(&asked("leads")).unwrap();
    assert_eq!(
        server.start(&asked("leads")).unwrap_err().code(),
        Code::PipelineLocked
    );
    assert!(server.cancel(waiting), "one that waits is taken back");
    assert!(!server.cancel(waiting));
    server.stopping();
    assert_eq!(
        server.start(&asked("leads")).unwrap_err().code(),
        Code::ServerStopping
    );
    let health = server.health();
    assert!(
        !health.is_ready && health.reasons[0].contains("stopping"),
        "{health:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn r03_a_second_server_on_one_store_is_refused() {
    let (files, server) = scene(vec![served("leads", "")]).await;
    match serve(&files) {
        Err(Refused::Error(error)) => assert_eq!(error.code(), Code::ServerRunning),
        other => panic!("{:?}", other.map(|_| ())),
    }
    drop(server);
    assert!(serve(&files).is_ok(), "its right ends with it");
}

#[tokio::test(flavor = "multi_thread")]
async fn i25_a_broken_revision_never_replaces_the_one_that_runs() {
    let (files, server) = scene(vec![served("leads", "")]).await;
    assert_eq!(server.reload(), Reloaded::Unchanged("one".to_owned()));
    files.spoil();
    let Reloaded::Refused(findings) = server.reload() else {
        panic!("it has errors")
    };
    assert_eq!(findings[0].code, Code::YamlSyntax);
    assert_eq!(server.revision(), ("one".to_owned(), 1));
    assert!(server.health().is_ready && server.health().reload_refused);
    files.write("two", vec![served("leads", ""), served("more", "")]);
    assert_eq!(server.reload(), Reloaded::Replaced("two".to_owned()));
    assert_eq!(server.revision(), ("two".to_owned(), 2));
    assert!(!server.health().reload_refused);
    // Broken files at the start are no revision at all.
    files.spoil();
    drop(server);
    assert!(matches!(serve(&files), Err(Refused::Files(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_change_are_taken_by_itself() {
    let (files, server) = scene(vec![served("leads", "")]).await;
    let (canceller, stop) = cancel::pair();
    let running = {
        let server = Arc::clone(&server);
        tokio::spawn(async move { server.run(stop).await })
    };
    files.write("two", vec![served("leads", ""), served("more", "")]);
    until("the revision runs", || {
        server.revision() == ("two".to_owned(), 2)
    })
    .await;
    canceller.cancel();
    assert_eq!(running.await.unwrap(), Stopped::Drained);
}
