//! `bridged init`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::golden::assert_golden;
use crate::support::project::Project;

#[test]
fn a_new_project_gets_its_files_and_the_way_on() {
    let project = Project::empty();
    let ran = project.bridged(&["init", "Acme RevOps!"]).expect(0);
    assert_golden("cli/init.txt", &ran.transcript());
    assert!(
        project
            .read("Acme RevOps!/bridged.yaml")
            .contains("\nname: acme-revops\n")
    );
    assert!(
        project
            .read("Acme RevOps!/pipelines/lead-sync.yaml")
            .contains("name: lead-sync")
    );
    assert_eq!(project.read("Acme RevOps!/.gitignore"), ".bridged/\n");
}

#[test]
fn nothing_is_overwritten_and_nothing_half_written() {
    let project = Project::empty().file("pipelines/lead-sync.yaml", "mine");
    let ran = project.bridged(&["init"]).expect(2);
    assert_golden("cli/init-file-exists.txt", &ran.transcript());
    assert_eq!(project.read("pipelines/lead-sync.yaml"), "mine");
    assert!(!project.path().join("bridged.yaml").exists());
}

#[test]
fn an_ignore_list_that_is_there_is_added_to_once() {
    let project = Project::empty().file(".gitignore", "/target");
    project.bridged(&["init"]).expect(0);
    assert_eq!(project.read(".gitignore"), "/target\n.bridged/\n");
    let ignored = Project::empty().file(".gitignore", ".bridged/\n");
    let ran = ignored.bridged(&["init", "--format", "json"]).expect(0);
    let created = ran.json()["result"]["created"].clone();
    assert_eq!(created[0], "bridged.yaml");
    assert!(!created.as_array().unwrap().contains(&".gitignore".into()));
    assert_eq!(ignored.read(".gitignore"), ".bridged/\n");
}

#[test]
fn a_folder_that_cannot_be_made_is_named_with_its_cause() {
    let project = Project::empty().file("taken", "a file, no folder");
    let ran = project
        .bridged(&["init", "taken", "--format", "json"])
        .expect(1);
    let finding = ran.json()["findings"][0].clone();
    assert_eq!(finding["code"], "file-not-written");
    assert_ne!(finding["causes"], serde_json::json!([]));
}

#[test]
fn a_folder_without_a_usable_name_gets_a_plain_one() {
    let project = Project::empty();
    project.bridged(&["init", "日本"]).expect(0);
    assert!(
        project
            .read("日本/bridged.yaml")
            .contains("\nname: my-project\n")
    );
    let mode = fs::metadata(project.path().join("日本/bridged.yaml"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o111, 0);
}

#[test]
fn a_new_project_validates_passes_its_tests_and_runs_at_once() {
    let project = Project::empty();
    project.bridged(&["init", "new"]).expect(0);
    let validated = project
        .bridged(&["-C", "new", "validate", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(validated["findings"], serde_json::json!([]));
    project.bridged(&["-C", "new", "test"]).expect(0);
    let ran = project.bridged(&[
        "-C",
        "new",
        "--sandbox",
        "run",
        "lead-sync",
        "--format",
        "json",
    ]);
    let ledger = ran.expect(0).json()["result"]["runs"][0]["ledger"].clone();
    assert!(ledger["delivered"].as_u64().unwrap() > 0, "{ledger}");
}
