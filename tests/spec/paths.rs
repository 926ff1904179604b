//! X30: only files of the project are read, and every finding of all files comes in one pass.

use std::fs;
use std::path::{Path, PathBuf};

use bridged::foundation::code::Code;
use bridged::spec::load::{self, Loaded};

use super::examples::MINIMAL;
use super::findings::listed;

const PROJECT: &str = "version: 1\nname: acme\nconnections:\n  salesforce:\n    type: salesforce\n    instance_url: ${URL}\n    auth: { method: oauth }\n    objects: { Lead: read }\n";

const CONSENT: &str = "consent: { whatsapp: \"{{ Opt_In__c }}\" }\n";

fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [("bridged.yaml", PROJECT)].iter().chain(files) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn named(name: &str) -> String {
    MINIMAL.replace("name: demo", &format!("name: {name}"))
}

fn codes(loaded: &Loaded) -> Vec<Code> {
    loaded
        .diagnostics
        .iter()
        .map(|finding| finding.code)
        .collect()
}

fn load_path(folder: &Path, path: impl Into<PathBuf>) -> Loaded {
    load::load(folder, &[path.into()])
}

#[test]
fn pipelines_are_found_and_sorted_by_path() {
    let folder = project(&[
        ("pipelines/b.yml", &named("b")),
        ("pipelines/a.yaml", &named("a")),
        ("pipelines/notes.md", "not a pipeline"),
        ("pipelines/.hidden.yaml", "not: [a pipeline"),
        ("pipelines/deeper/c.yaml", "not: [a pipeline"),
    ]);
    let loaded = load::load_project(folder.path());
    assert_eq!(codes(&loaded), [], "{}", listed(&loaded.diagnostics));
    let paths: Vec<_> = loaded
        .pipelines
        .iter()
        .map(|document| document.file.path.as_str())
        .collect();
    assert_eq!(paths, ["pipelines/a.yaml", "pipelines/b.yml"]);
    assert!(!loaded.has_errors());
}

#[test]
fn all_findings_of_all_files_come_in_one_pass() {
    let folder = project(&[
        (
            "bridged.yaml",
            &PROJECT.replace("${URL}", "https://login.salesforce.com"),
        ),
        ("pipelines/a.yaml", "version: 1\nname: [\n"),
        (
            "pipelines/b.yaml",
            &named("b").replace("direction: read", "direction: raed\nscedule: daily"),
        ),
        ("pipelines/c.yaml", &named("d")),
        ("pipelines/d.yaml", &named("d").replace("Lead", "Contact")),
        (
            "pipelines/e.yaml",
            &named("e").replace("direction", "connection: salesfroce\ndirection"),
        ),
    ]);
    let loaded = load::load_project(folder.path());
    let found = listed(&loaded.diagnostics);
    assert_eq!(
        codes(&loaded),
        [
            Code::LoginHost,
            Code::YamlSyntax,
            Code::UnknownValue,
            Code::UnknownKey,
            Code::DuplicatePipeline,
            Code::ObjectNotAllowed,
            Code::UnknownConnection,
        ],
        "{found}"
    );
    assert!(found.contains("did you mean `salesforce`?"), "{found}");
    assert!(
        found.contains(
            "`pipelines/c.yaml` already has a pipeline called `d` | the other one at 2:7"
        ),
        "{found}"
    );
    assert_eq!(loaded.pipelines.len(), 3, "what can be made is made");
}

#[test]
fn the_allow_list_judges_reads_and_writes() {
    let writes = "version: 1\nname: w\ndirection: read_write\nsource: { object: LEAD }\nfield_map: { a: x }\ntargets:\n  t: { object: Lead, operation: update, match: { Id: x }, field_map: { Rating: Hot } }\n";
    let folder = project(&[("pipelines/w.yaml", writes)]);
    let loaded = load::load_project(folder.path());
    let found = listed(&loaded.diagnostics);
    assert_eq!(codes(&loaded), [Code::ObjectNotAllowed], "{found}");
    assert!(found.contains("7:16-7:20 the pipeline writes `Lead`, which the connection `salesforce` does not allow | write `Lead: read_write`"), "{found}");
}

#[test]
fn the_only_connection_need_not_be_named_and_one_of_several_must() {
    let two = PROJECT.replace("connections:\n", "connections:\n  other: { type: salesforce, instance_url: \"${U}\", auth: { method: oauth } }\n");
    let folder = project(&[("bridged.yaml", &two), ("pipelines/a.yaml", MINIMAL)]);
    let loaded = load::load_project(folder.path());
    let found = listed(&loaded.diagnostics);
    assert_eq!(codes(&loaded), [Code::UnknownConnection], "{found}");
    assert!(found.contains("add `connection: other`"), "{found}");
    let chosen = MINIMAL.replace("direction", "connection: other\ndirection");
    fs::write(folder.path().join("pipelines/a.yaml"), chosen).unwrap();
    assert_eq!(codes(&load::load_project(folder.path())), []);
}

#[test]
fn a_broadcast_needs_a_connection_that_can_send() {
    let broadcast = "broadcast: { connection: salesforce, to: x, campaign: c, template: { name: n, language: en } }\n";
    let folder = project(&[(
        "pipelines/a.yaml",
        &format!("{MINIMAL}{CONSENT}{broadcast}"),
    )]);
    let loaded = load::load_project(folder.path());
    assert_eq!(
        codes(&loaded),
        [Code::WrongConnectionType],
        "{}",
        listed(&loaded.diagnostics)
    );
    let without = broadcast.replace("connection: salesforce, ", "");
    fs::write(
        folder.path().join("pipelines/a.yaml"),
        format!("{MINIMAL}{CONSENT}{without}"),
    )
    .unwrap();
    let loaded = load::load_project(folder.path());
    assert_eq!(
        codes(&loaded),
        [Code::UnknownConnection],
        "{}",
        listed(&loaded.diagnostics)
    );
}

#[test]
fn a_folder_without_a_project_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let loaded = load::load_project(folder.path());
    assert_eq!(codes(&loaded), [Code::ProjectNotFound]);
    fs::write(folder.path().join("bridged.yml"), PROJECT).unwrap();
    let loaded = load::load_project(folder.path());
    assert!(listed(&loaded.diagnostics).contains("rename `bridged.yml`"));
    let loaded = load::load_project(&folder.path().join("nowhere"));
    assert_eq!(codes(&loaded), [Code::ProjectNotFound]);
}

#[test]
fn explicit_paths_are_files_or_folders_of_the_project() {
    let folder = project(&[
        ("pipelines/a.yaml", &named("a")),
        ("drafts/b.yaml", &named("b")),
    ]);
    let names = |loaded: &Loaded| -> Vec<String> {
        assert!(
            loaded.diagnostics.is_empty(),
            "{}",
            listed(&loaded.diagnostics)
        );
        loaded
            .pipelines
            .iter()
            .map(|document| document.spec.name.to_string())
            .collect()
    };
    assert_eq!(names(&load_path(folder.path(), "drafts/b.yaml")), ["b"]);
    assert_eq!(names(&load_path(folder.path(), "drafts")), ["b"]);
    assert_eq!(names(&load_path(folder.path(), ".")), ["a"]);
    assert_eq!(
        names(&load_path(folder.path(), "drafts/../pipelines/a.yaml")),
        ["a"]
    );
    assert_eq!(
        names(&load_path(
            folder.path(),
            folder.path().join("pipelines/a.yaml")
        )),
        ["a"]
    );
    assert_eq!(
        names(&load_path(folder.path(), "bridged.yaml")),
        Vec::<String>::new()
    );
    let twice = load::load(
        folder.path(),
        &["pipelines".into(), "pipelines/a.yaml".into()],
    );
    assert_eq!(names(&twice), ["a"]);
}

#[test]
fn x30_paths_that_leave_the_project_are_refused() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.yaml"), "password: hunter2\n").unwrap();
    let folder = project(&[("pipelines/a.yaml", &named("a"))]);
    let name = outside.path().file_name().unwrap().to_str().unwrap();
    for path in [
        outside.path().join("secret.yaml"),
        PathBuf::from("/etc/passwd"),
        PathBuf::from("../../../../../../etc/passwd"),
        PathBuf::from(format!("../{name}/secret.yaml")),
        PathBuf::from(format!("pipelines/../../{name}/secret.yaml")),
        PathBuf::from(".."),
    ] {
        let loaded = load_path(folder.path(), &path);
        assert_eq!(
            codes(&loaded),
            [Code::PathOutsideProject],
            "{}",
            path.display()
        );
        assert!(loaded.pipelines.is_empty());
    }
    for path in [
        "nowhere.yaml",
        "..%2f..%2fetc%2fpasswd",
        "..\\..\\etc\\passwd",
        "C:\\secret.yaml",
        "a\0b.yaml",
        "pipelines/a.yaml/x",
    ] {
        let loaded = load_path(folder.path(), path);
        assert_eq!(codes(&loaded), [Code::FileUnreadable], "{path:?}");
        let shown = listed(&loaded.diagnostics);
        assert!(
            !shown.contains('\0') && !shown.contains("os error"),
            "{shown}"
        );
    }
}

#[cfg(unix)]
#[test]
fn x30_links_that_leave_the_project_are_refused() {
    use std::os::unix::fs::symlink;

    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.yaml"), "password: hunter2\n").unwrap();
    let folder = project(&[("pipelines/a.yaml", &named("a"))]);
    symlink(
        outside.path().join("secret.yaml"),
        folder.path().join("pipelines/link.yaml"),
    )
    .unwrap();
    symlink("a.yaml", folder.path().join("pipelines/same.yaml")).unwrap();
    symlink("loop.yaml", folder.path().join("pipelines/loop.yaml")).unwrap();
    symlink("/dev/zero", folder.path().join("pipelines/zero.yaml")).unwrap();
    let loaded = load::load_project(folder.path());
    let found = listed(&loaded.diagnostics);
    assert_eq!(
        codes(&loaded),
        [
            Code::PathOutsideProject,
            Code::FileUnreadable,
            Code::PathOutsideProject,
            Code::DuplicatePipeline
        ],
        "{found}"
    );
    assert!(!found.contains("hunter2"), "{found}");

    let folder = project(&[]);
    symlink(outside.path(), folder.path().join("pipelines")).unwrap();
    assert_eq!(
        codes(&load::load_project(folder.path())),
        [Code::PathOutsideProject]
    );
    let folder = tempfile::tempdir().unwrap();
    symlink(
        outside.path().join("secret.yaml"),
        folder.path().join("bridged.yaml"),
    )
    .unwrap();
    assert_eq!(
        codes(&load::load_project(folder.path())),
        [Code::PathOutsideProject]
    );
}

#[cfg(unix)]
#[test]
fn x30_things_that_are_no_files_are_not_opened() {
    use std::os::unix::net::UnixListener;

    let folder = project(&[]);
    fs::create_dir_all(folder.path().join("pipelines/folder.yaml")).unwrap();
    let _socket = UnixListener::bind(folder.path().join("pipelines/socket.yaml")).unwrap();
    let loaded = load::load_project(folder.path());
    let found = listed(&loaded.diagnostics);
    assert_eq!(
        codes(&loaded),
        [Code::FileUnreadable, Code::FileUnreadable],
        "{found}"
    );
    assert!(
        found.contains("`pipelines/socket.yaml` is not a regular file"),
        "{found}"
    );
}

#[test]
fn a_thousand_files_come_back_in_order() {
    let folder = project(&[]);
    fs::create_dir(folder.path().join("pipelines")).unwrap();
    for index in 0..1000 {
        let path = folder.path().join(format!("pipelines/p{index:04}.yaml"));
        let broken = if index % 100 == 0 { "xyzzy: 1\n" } else { "" };
        fs::write(path, named(&format!("p{index}")) + broken).unwrap();
    }
    let loaded = load::load_project(folder.path());
    let names: Vec<_> = loaded
        .pipelines
        .iter()
        .map(|document| document.spec.name.to_string())
        .collect();
    let expected: Vec<_> = (0..1000)
        .filter(|index| index % 100 != 0)
        .map(|index| format!("p{index}"))
        .collect();
    assert_eq!(names, expected);
    let files: Vec<_> = loaded
        .diagnostics
        .iter()
        .map(|finding| finding.place.as_ref().unwrap().file.path.clone())
        .collect();
    let expected: Vec<_> = (0..1000)
        .step_by(100)
        .map(|index| format!("pipelines/p{index:04}.yaml"))
        .collect();
    assert_eq!(files, expected);
}
