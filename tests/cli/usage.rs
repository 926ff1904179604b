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
}

#[test]
fn completions_name_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = Project::empty().bridged(&["completions", shell]).expect(0);
        for command in ["explain", "completions"] {
            assert!(ran.stdout.contains(command), "{shell}: {command}");
        }
    }
}
