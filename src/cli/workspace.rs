//! A command's project: its files, its plans, its store.

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, ScopedJoinHandle};

use super::env::Env;
use super::exit::Exit;
use super::findings;
use super::outcome::Stop;
use crate::connections::credentials::{Opener, Sources};
use crate::connections::reference;
use crate::foundation::clock::Clock;
use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, nearest};
use crate::foundation::error::{Error, Result};
use crate::foundation::id::{Fingerprint, PipelineName};
use crate::foundation::identity::IdentityKey;
use crate::foundation::secret::Secret;
use crate::plan::Plan;
use crate::plan::compile::{self, Input};
use crate::plan::snapshot::Snapshots;
use crate::privacy;
use crate::salesforce::describe::ObjectDescribe;
use crate::schedule::Timetable;
use crate::spec::document::Document;
use crate::spec::load;
use crate::spec::name::SlugName;
use crate::spec::pipeline::Pipeline;
use crate::spec::project::{Connection, Project, SalesforceConnection};
use crate::spec::text::FieldValue;
use crate::store::privacy::KeySource;
use crate::store::read_only::ReadOnly;
use crate::store::{self, Store};
use crate::template::Template;
use crate::vault::{KeyRing, Vault};

/// Where descriptions of objects are kept, from the project's folder.
pub const SNAPSHOTS: &str = "schemas/salesforce";

/// The store of commands that run against a sandbox.
const SANDBOX_STORE: &str = "sqlite:.bridged/sandbox.db";

/// A project whose project file can be used.
#[derive(Debug)]
pub struct Workspace {
    /// The project's folder.
    pub directory: PathBuf,
    /// Whether a local Salesforce stands in for the connections.
    pub sandbox: bool,
    project: Document<Project>,
    pipelines: Vec<Document<Pipeline>>,
    findings: Vec<Diagnostic>,
}

/// What the compiler made of pipelines.
#[derive(Debug)]
pub struct Checked {
    /// The pipelines that can be planned.
    pub plans: Vec<Arc<Plan>>,
    /// Everything that was found, in the order of the files.
    pub findings: Vec<Diagnostic>,
}

impl Checked {
    /// The fingerprint, where there is exactly one plan.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        match self.plans.as_slice() {
            [only] => Some(only.fingerprint),
            _ => None,
        }
    }
}

impl Workspace {
    /// Loads the project with the pipelines that `wanted` names: names, files or folders; all of them where it is empty.
    ///
    /// Only files are read that are needed: a name makes all of them be read, to find the one that carries it.
    ///
    /// # Errors
    /// Everything that is wrong, when the project file cannot be used; `unknown-pipeline`.
    pub fn load(env: &Env, wanted: &[String]) -> Result<Self, Stop> {
        let directory = &env.directory;
        let is_path = |text: &String| text.contains(['/', '\\']) || directory.join(text).exists();
        let by_path = wanted.iter().all(is_path);
        let paths: Vec<PathBuf> = wanted
            .iter()
            .map(PathBuf::from)
            .filter(|_| by_path)
            .collect();
        let loaded = load::load(directory, &paths);
        let Some(project) = loaded.project else {
            return Err(Stop::Invalid(loaded.diagnostics));
        };
        let mut workspace = Self {
            directory: loaded.root,
            sandbox: env.sandbox,
            project,
            pipelines: loaded.pipelines,
            findings: loaded.diagnostics,
        };
        if !by_path {
            workspace.keep(wanted)?;
        }
        Ok(workspace)
    }

    /// Keeps the wanted pipelines, in the order of the wish, and the findings in their files and in no pipeline's file.
    fn keep(&mut self, wanted: &[String]) -> Result<(), Stop> {
        let mut kept: Vec<Document<Pipeline>> = Vec::new();
        for text in wanted {
            let Some(found) = self.find(text) else {
                return Err(self.unknown(text));
            };
            if !kept.iter().any(|other| other.file.path == found.file.path) {
                kept.push(found.clone());
            }
        }
        let others: Vec<String> = self
            .findings
            .iter()
            .filter_map(|finding| finding.place.as_ref())
            .map(|place| place.file.path.clone())
            .filter(|path| path != load::PROJECT_FILE)
            .filter(|path| !kept.iter().any(|document| document.file.path == *path))
            .collect();
        self.findings.retain(|finding| {
            let path = finding.place.as_ref().map(|place| &place.file.path);
            path.is_none_or(|path| !others.contains(path))
        });
        self.pipelines = kept;
        Ok(())
    }

    fn find(&self, text: &str) -> Option<&Document<Pipeline>> {
        let path = text.trim_start_matches("./");
        let mut all = self.pipelines.iter();
        all.find(|document| document.spec.name.as_str() == text || document.file.path == path)
    }

    /// What to say of a name that no pipeline carries. A file with errors may be the one that is meant, so its findings
    /// come along.
    pub fn unknown(&self, text: &str) -> Stop {
        let names = self
            .pipelines
            .iter()
            .map(|document| document.spec.name.as_str());
        let help = match nearest(text, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`bridged status` lists the project's pipelines".to_owned(),
        };
        let message = format!("the project has no pipeline `{text}`");
        if self.findings.iter().any(Diagnostic::is_error) {
            let mut findings = self.findings.clone();
            findings.push(Diagnostic::error(Code::UnknownPipeline, message).help(help));
            return Stop::Invalid(findings);
        }
        Error::new(Code::UnknownPipeline, message).help(help).into()
    }

    /// Compiles the pipelines against the descriptions that are kept, and tells everything that was found.
    pub fn check(&self) -> Checked {
        let (snapshots, mut unreadable) = self.snapshots();
        let mut checked = self.check_against(|_| &snapshots);
        unreadable.append(&mut checked.findings);
        checked.findings = unreadable;
        checked
    }

    /// Compiles each pipeline against the descriptions that `of` gives for its file.
    pub fn check_against<'a>(
        &self,
        of: impl Fn(&Document<Pipeline>) -> &'a Snapshots + Sync,
    ) -> Checked {
        let mut findings = self.findings.clone();
        let broken: Vec<&str> = findings
            .iter()
            .filter(|finding| finding.is_error())
            .filter_map(|finding| finding.place.as_ref())
            .map(|place| place.file.path.as_str())
            .collect();
        let sound = |path: &str| !broken.contains(&path) && !broken.contains(&load::PROJECT_FILE);
        let mut plans = Vec::new();
        let mut found = Vec::new();
        let compiled = in_parallel(&self.pipelines, |pipeline| {
            compile::compile(&Input {
                pipeline,
                project: &self.project,
                snapshots: of(pipeline),
            })
        });
        for (pipeline, (plan, more)) in self.pipelines.iter().zip(compiled) {
            plans.extend(plan.filter(|_| sound(&pipeline.file.path)).map(Arc::new));
            found.extend(more);
        }
        findings.append(&mut found);
        findings::sort(&mut findings);
        Checked { plans, findings }
    }

    /// The plans of all pipelines.
    ///
    /// # Errors
    /// Everything that was found, when any of it is an error.
    pub fn plans(&self) -> Result<Checked, Stop> {
        let checked = self.check();
        if Exit::of_findings(&checked.findings) == Exit::Done {
            Ok(checked)
        } else {
            Err(Stop::Invalid(checked.findings))
        }
    }

    /// The file of a plan's pipeline.
    pub fn document(&self, name: &PipelineName) -> Option<&Document<Pipeline>> {
        self.pipelines
            .iter()
            .find(|document| document.spec.name.as_str() == name.as_str())
    }

    /// When a pipeline runs.
    ///
    /// # Errors
    /// `unknown-pipeline`, and what a file with errors has for a schedule.
    pub fn timetable(&self, name: &PipelineName) -> Result<Timetable> {
        let Some(document) = self.document(name) else {
            let message = format!("the project has no pipeline `{name}`");
            return Err(Error::new(Code::UnknownPipeline, message));
        };
        Timetable::of(self.project.spec.name.as_str(), &document.spec)
    }

    /// The names of the pipelines whose files can be read.
    pub fn names(&self) -> Vec<PipelineName> {
        let names = self
            .pipelines
            .iter()
            .map(|document| document.spec.name.as_str());
        names.filter_map(PipelineName::parse).collect()
    }

    /// A name as the store keeps it; pipelines that are gone may still have runs.
    pub fn name(&self, text: &str) -> Result<PipelineName, Stop> {
        PipelineName::parse(text).ok_or_else(|| self.unknown(text))
    }

    /// The store: the project's, or the sandbox's own. Fails on a project file with errors.
    pub fn store(&self) -> Result<Arc<dyn Store>> {
        let url = if self.sandbox {
            SANDBOX_STORE.to_owned()
        } else {
            reference::resolve("the store", &self.project.spec.store, &variable)?
        };
        let store = store::open(&url, &self.directory)?;
        store.recognize_by(self.key_source(&store));
        privacy::catch_up(
            store.as_ref(),
            || self.key_source(&store).find(),
            Clock::system().now(),
        )?;
        Ok(store)
    }

    /// Forgets values whose time is over, where the project says how long they are kept. What was run stays done where that fails.
    pub fn retain(&self, store: &dyn Store) {
        let Some(period) = self.project.spec.retention else {
            return;
        };
        let now = Clock::system().now();
        if let Err(error) = privacy::retain(store, period.as_duration(), now) {
            tracing::warn!(code = %error.code(), "old values could not be forgotten: {error}");
        }
    }

    /// Where the key of people's hashes is, to be asked when the store first needs it. Makes none.
    fn key_source(&self, store: &Arc<dyn Store>) -> KeySource {
        // The vault is in the store, so the store does not own it.
        let (store, sandbox) = (Arc::downgrade(store), self.sandbox);
        let project = self.project.spec.name.to_string();
        KeySource::new(move || {
            if sandbox {
                return Ok(sandbox_identity_key());
            }
            let store = store
                .upgrade()
                .ok_or_else(|| Error::bug("a store that is gone was asked for its key"))?;
            let vault = Vault::new(store, &project, KeyRing::load(&variable)?);
            vault.known_identity_key()?.ok_or_else(|| {
                Error::new(
                    Code::IdentityKeyChanged,
                    "people were erased under an identity key that is not in the vault any more",
                )
                .help("restore the vault and the store from one backup")
            })
        })
    }

    /// The store without a way to write.
    pub fn read_only_store(&self) -> Result<ReadOnly> {
        self.store().map(ReadOnly::new)
    }

    /// The vault of the project's secrets, with the keys that the environment gives.
    ///
    /// # Errors
    /// What the keys and the store say.
    pub fn vault(&self) -> Result<Vault> {
        let ring = KeyRing::load(&variable)?;
        Ok(Vault::new(
            self.store()?,
            self.project.spec.name.as_str(),
            ring,
        ))
    }

    /// Where the credentials of connections come from; `vault` opens the vault when it is needed.
    pub fn sources<'a>(&'a self, vault: &'a Opener<'a>) -> Sources<'a> {
        Sources {
            entered: &[],
            base_dir: &self.directory,
            lookup: &variable,
            vault,
        }
    }

    /// The attributes that any pipeline marks as sensitive.
    pub fn sensitive(&self) -> BTreeSet<String> {
        let each = self.pipelines.iter();
        each.flat_map(|document| &document.spec.sensitive)
            .map(ToString::to_string)
            .collect()
    }

    /// The same, with the columns of a record that such attributes are made of.
    pub fn sensitive_columns(&self) -> BTreeSet<String> {
        let mut names = self.sensitive();
        for document in &self.pipelines {
            let map = &document.spec.field_map;
            for attribute in &document.spec.sensitive {
                let template = map.get(attribute).and_then(FieldValue::template);
                let template = template.and_then(|text| Template::compile(text.as_str()).ok());
                let used = template.iter().flat_map(Template::names);
                let columns = used.flat_map(|name| name.items.iter().chain([&name.path]));
                names.extend(columns.filter_map(|path| path.last().cloned()));
            }
        }
        names
    }

    /// The project file.
    pub fn project(&self) -> &Document<Project> {
        &self.project
    }

    /// A connection by its name; without one the only Salesforce connection there is.
    pub fn connection(&self, name: Option<&str>) -> Result<(String, &Connection)> {
        let connections = &self.project.spec.connections;
        let found =
            name.and_then(|name| connections.iter().find(|(other, _)| other.as_str() == name));
        if let Some((name, connection)) = found {
            return Ok((name.to_string(), connection));
        }
        let Some(name) = name else {
            let (only, _) = self.salesforce(None)?;
            return self.connection(Some(&only));
        };
        let names: Vec<&str> = connections.keys().map(SlugName::as_str).collect();
        let help = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("name one of `{}`", names.join("`, `")),
        };
        Err(Error::new(
            Code::UnknownConnection,
            format!("the project has no connection `{name}`"),
        )
        .help(help))
    }

    /// A Salesforce connection by its name; without one the only one there is.
    pub fn salesforce(&self, name: Option<&str>) -> Result<(String, &SalesforceConnection)> {
        let known: Vec<(&str, &SalesforceConnection)> = self
            .project
            .spec
            .connections
            .iter()
            .filter_map(|(name, connection)| Some((name.as_str(), connection.salesforce()?)))
            .collect();
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let found = match (name, known.as_slice()) {
            (None, [only]) => Some(*only),
            (None, _) => None,
            (Some(name), _) => known.iter().find(|(other, _)| *other == name).copied(),
        };
        found
            .map(|(name, connection)| (name.to_owned(), connection))
            .ok_or_else(|| {
                let message = match name {
                    Some(name) => format!("the project has no Salesforce connection `{name}`"),
                    None => "the project has several Salesforce connections, or none".to_owned(),
                };
                let help = match name.and_then(|name| nearest(name, names.iter().copied())) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if names.is_empty() => {
                        "add one under `connections` in `bridged.yaml`".to_owned()
                    }
                    None => format!("name one of `{}`", names.join("`, `")),
                };
                Error::new(Code::UnknownConnection, message).help(help)
            })
    }

    /// The objects of which a description is kept.
    pub fn snapshot_names(&self) -> Vec<String> {
        let files = snapshot_files(&self.directory.join(SNAPSHOTS));
        let names = files.iter().filter_map(|path| path.file_stem());
        names
            .map(|name| name.to_string_lossy().into_owned())
            .collect()
    }

    /// The descriptions that are kept, and what is wrong with those that cannot be read.
    pub fn snapshots(&self) -> (Snapshots, Vec<Diagnostic>) {
        let mut snapshots = Snapshots::default();
        let mut findings = Vec::new();
        for path in snapshot_files(&self.directory.join(SNAPSHOTS)) {
            let read = fs::read_to_string(&path).map_err(|error| error.to_string());
            match read.and_then(|text| parse_snapshot(&text)) {
                Ok(object) => snapshots.insert(object),
                Err(why) => {
                    let name = path
                        .file_name()
                        .unwrap_or_default()
                        .to_string_lossy()
                        .into_owned();
                    let message =
                        format!("`{SNAPSHOTS}/{name}` is no description of an object: {why}");
                    let object = name.trim_end_matches(".json");
                    findings.push(Diagnostic::error(Code::SnapshotUnreadable, message).help(
                        format!("fetch it again with `bridged describe pull {object}`"),
                    ));
                }
            }
        }
        (snapshots, findings)
    }
}

/// What `work` makes of each item, in their order, shared out over the cores where there is enough to do.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    const LEAST_SHARE: usize = 32;
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let share = items.len().div_ceil(cores).max(LEAST_SHARE);
    if items.len() <= share {
        return items.iter().map(work).collect();
    }
    let work = &work;
    thread::scope(|scope| {
        let shares: Vec<_> = items
            .chunks(share)
            .map(|share| scope.spawn(move || share.iter().map(work).collect::<Vec<R>>()))
            .collect();
        let done = shares.into_iter().map(ScopedJoinHandle::join);
        done.flat_map(|made| made.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

/// The sandbox's people are invented, and its store is no other's.
pub fn sandbox_identity_key() -> IdentityKey {
    IdentityKey::new(&Secret::new("the people of the sandbox"))
}

/// The value of an environment variable.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn parse_snapshot(text: &str) -> Result<ObjectDescribe, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn snapshot_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    files
}
