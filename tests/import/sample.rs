//! A store of its own and files from texts, for the tests of imports.

use std::sync::Arc;

use bridged::foundation::clock::Clock;
use bridged::foundation::diagnostic::Diagnostic;
use bridged::foundation::record::{Outcome, Profile};
use bridged::import::{Form, Input, Kind, Report, Request, import};
use bridged::store::Store;
use tempfile::TempDir;

/// A store that is gone with the value.
pub(super) struct Scene {
    pub(super) store: Arc<dyn Store>,
    _folder: TempDir,
}

impl Scene {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let store = bridged::store::open("sqlite:bridged.db", folder.path()).expect("opens");
        Self {
            store,
            _folder: folder,
        }
    }

    #[track_caller]
    pub(super) fn import(&self, kind: Kind, form: Form, text: impl AsRef<[u8]>) -> Report {
        self.with(kind, form, text, false)
    }

    /// Stores the good records whatever else there is.
    #[track_caller]
    pub(super) fn skip_invalid(&self, kind: Kind, form: Form, text: impl AsRef<[u8]>) -> Report {
        self.with(kind, form, text, true)
    }

    #[track_caller]
    fn with(&self, kind: Kind, form: Form, text: impl AsRef<[u8]>, skip_invalid: bool) -> Report {
        let request = Request {
            kind,
            form,
            skip_invalid,
        };
        let mut input = Input::copy(text.as_ref(), "the-file").expect("a copy");
        let clock = Clock::manual("2027-03-01T06:00:00Z".parse().expect("an instant"));
        import(&mut input, request, &*self.store, &clock).expect("the import")
    }

    #[track_caller]
    pub(super) fn profile(&self, key: &str) -> Profile {
        let found = self.store.profile(key).expect("read");
        found
            .unwrap_or_else(|| panic!("no profile `{key}`"))
            .profile
    }

    #[track_caller]
    pub(super) fn outcome(&self, id: &str) -> Outcome {
        let found = self.store.outcome(id).expect("read");
        found.unwrap_or_else(|| panic!("no outcome `{id}`"))
    }
}

/// The one slip that a text has, read as `kind` in `form`.
#[track_caller]
pub(super) fn slip(kind: Kind, form: Form, text: impl AsRef<[u8]>) -> Diagnostic {
    let scene = Scene::new();
    let mut report = scene.import(kind, form, text);
    assert_eq!(report.slips, 1, "{:?}", report.findings);
    assert_eq!(
        scene.store.newest_change().expect("read"),
        0,
        "nothing is stored"
    );
    report.findings.remove(0)
}

/// Where a finding stands: its line, its column, and what it marks.
pub(super) fn place(finding: &Diagnostic) -> (usize, usize, &str) {
    let place = finding.place.as_ref().expect("a place");
    assert_eq!(place.file.path, "the-file");
    let start = place.start();
    let marked = &place.file.text[place.span.clone()];
    (start.line, start.column, marked)
}
