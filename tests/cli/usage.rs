//! What is typed wrongly, and what is asked of the command line itself.

use crate::support::binary;
use crate::support::golden::assert_golden;
use crate::support::project::Project;

#[test]
fn usage_errors_exit_two_and_name_the_nearest() {
    let cases: [(&str, &[&str]); 4] = [
        ("unknown-command", &["explian"]),
        ("unknown-option", &["explain", "--formt", "json"]),
        ("unknown-value", &["explain", "--format", "jsn"]),
        ("missing-argument", &["completions"]),
    ];
    for (name, args) in cases {
        let ran = Project::empty().bridged(args).expect(2);
        assert_eq!(ran.stdout, "", "{name}");
        assert_golden(&format!("cli/usage-{name}.txt"), &ran.transcript());
    }
}

#[test]
fn a_usage_error_is_json_where_json_was_asked_for() {
    let ran = Project::empty()
        .bridged(&["explain", "--formt=x", "--format=json"])
        .expect(2);
    assert_eq!(ran.json()["findings"][0]["code"], "invalid-usage");
    assert_eq!(ran.stderr, "");
}

#[test]
fn help_goes_to_stdout_and_its_absence_to_stderr() {
    let asked = Project::empty().bridged(&["--help"]).expect(0);
    assert!(asked.stdout.contains("Usage: bridged"), "{}", asked.stdout);
    assert_eq!(asked.stderr, "");
    let bare = Project::empty().bridged(&[]).expect(2);
    assert_eq!(bare.stdout, "");
    assert!(bare.stderr.contains("Usage: bridged"), "{}", bare.stderr);
}

#[test]
fn no_colour_where_nobody_sees_it_and_colour_where_it_is_forced() {
    let project = Project::empty();
    let plain = project.bridged(&["explain", "bug"]).expect(0);
    assert!(!plain.stdout.contains('\u{1b}'));
    let forced = |variables: &[(&str, &str)]| {
        let mut command = binary::command(project.path());
        command.args(["explain", "bug"]).env("CLICOLOR_FORCE", "1");
        command.envs(variables.iter().copied());
        binary::Ran::from(command.output().unwrap())
            .expect(0)
            .stdout
    };
    assert!(forced(&[]).contains('\u{1b}'));
    assert!(!forced(&[("NO_COLOR", "1")]).contains('\u{1b}'));
}

#[test]
fn completions_name_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = Project::empty().bridged(&["completions", shell]).expect(0);
        for command in ["validate", "dry-run", "explain", "completions"] {
            assert!(ran.stdout.contains(command), "{shell}: {command}");
        }
    }
}

#[test]
fn every_command_of_the_readme_is_there_and_no_other() {
    let readme = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let rows = readme
        .lines()
        .skip_while(|line| !line.starts_with("| command |"))
        .skip(2);
    let shown: std::collections::BTreeSet<String> = rows
        .take_while(|line| line.starts_with('|'))
        .flat_map(|line| {
            let cell = line
                .trim_start_matches('|')
                .split(" | ")
                .next()
                .unwrap_or_default();
            let names = cell.split('`').skip(1).step_by(2);
            names
                .filter_map(|name| name.split(' ').next().map(str::to_owned))
                .collect::<Vec<_>>()
        })
        .collect();
    let help = Project::empty().bridged(&["--help"]).expect(0).stdout;
    let listed: std::collections::BTreeSet<String> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| !line.starts_with("     "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect();
    assert_eq!(shown, listed);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    use std::io::Read as _;
    use std::process::Stdio;
    let mut command = binary::command(Project::empty().path().parent().unwrap());
    let mut child = command
        .args(["schema", "pipeline"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}
