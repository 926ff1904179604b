//! X29: slips get a suggestion, and a credential in a file is refused without being shown anywhere.

use bridged::foundation::code::Code;
use bridged::spec::read;
use bridged::spec::variables;

use super::examples::MINIMAL;
use super::findings::listed;

const PROJECT: &str = "version: 1\nname: acme\nstore: STORE\nconnections:\n  salesforce:\n    type: salesforce\n    instance_url: URL\n    auth: { method: api_key, consumer_key: KEY, api_key: SECRET }\n";

fn project(values: &[(&str, &str)]) -> String {
    let mut text = PROJECT.to_owned();
    for (name, value) in values.iter().chain(&[
        ("STORE", "sqlite:x.db"),
        ("URL", "\"${U}\""),
        ("KEY", "\"${K}\""),
        ("SECRET", "\"${S}\""),
    ]) {
        text = text.replacen(name, value, 1);
    }
    text
}

#[test]
fn x29_slips_are_met_with_a_suggestion() {
    for (text, suggestion) in [
        (
            format!("{MINIMAL}scedule: hourly\n"),
            "did you mean `schedule`?",
        ),
        (
            MINIMAL.replace("object:", "objekt:"),
            "did you mean `object`?",
        ),
        (
            MINIMAL.replace("direction: read", "direction: red"),
            "did you mean `read`?",
        ),
        (
            format!("{MINIMAL}batch: {{ size: ten }}\n"),
            "must be a whole number, and is the text `ten`",
        ),
        (
            format!("{MINIMAL}filter: yes\nbroadcast: no\n"),
            "`broadcast` must be a mapping, and is the text `no`",
        ),
    ] {
        let found = listed(&read::pipeline("demo.yaml", text.as_bytes()).findings);
        assert!(found.contains(suggestion), "{found}");
    }
}

#[test]
fn x29_a_credential_in_the_project_file_is_refused_and_never_shown() {
    let long = "Zx81Qp93Lm47Vt60".repeat(5);
    let secrets = [
        ("SECRET", "hunter2".to_owned()),
        ("SECRET", "\"${S}-hunter2\"".to_owned()),
        ("SECRET", "'hunter2'".to_owned()),
        ("SECRET", format!("3MVG9{long}")),
        ("KEY", long.clone()),
        (
            "STORE",
            "postgres://bridged:hunter2@db.acme.example/bridged".to_owned(),
        ),
        (
            "URL",
            "https://user:hunter2@acme.my.salesforce.com".to_owned(),
        ),
    ];
    for (name, value) in &secrets {
        let text = project(&[(name, value)]);
        let read = read::project("bridged.yaml", text.as_bytes());
        let codes: Vec<_> = read.findings.iter().map(|finding| finding.code).collect();
        assert!(codes.contains(&Code::SecretInFile), "{value}: {codes:?}");
        let secret = if value.contains("Zx81") {
            "Zx81"
        } else {
            "hunter2"
        };
        let mut shown = listed(&read.findings);
        for finding in &read.findings {
            shown += &finding.place.as_ref().unwrap().file.text;
        }
        let spec = read.document.map(|document| document.spec);
        let shown = format!("{shown}{spec:?}");
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(
        read::project("bridged.yaml", project(&[]).as_bytes())
            .findings
            .is_empty()
    );
}

#[test]
fn x29_a_credential_is_blotted_out_of_a_file_that_is_not_even_yaml() {
    let token = format!("00D5f000000abcdEAA!{}", "AQEAQ1x9".repeat(8));
    let text = format!("{MINIMAL}filter: [\"{token}\"\n");
    let read = read::pipeline("demo.yaml", text.as_bytes());
    let codes: Vec<_> = read.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::YamlSyntax, Code::SecretInFile]);
    for finding in &read.findings {
        let place = finding.place.as_ref().unwrap();
        assert!(!place.file.text.contains("AQEAQ1x9"));
        assert_eq!(place.start().line, 6);
    }
}

#[test]
fn x29_a_broken_project_file_shows_no_credential_either() {
    for text in [
        project(&[("SECRET", "hunter2")]).replace("version: 1", "version: [1"),
        project(&[("SECRET", "'hunter2'")]) + "\t- broken\n",
        "connections:\n  one:\n    auth:\n      api_key: hunter2\n     broken: x\n".to_owned(),
        "\"access-token\": \"hunter2\"\n  broken: x\n".to_owned(),
    ] {
        let read = read::project("bridged.yaml", text.as_bytes());
        let codes: Vec<_> = read.findings.iter().map(|finding| finding.code).collect();
        assert!(
            codes.contains(&Code::YamlSyntax) && codes.contains(&Code::SecretInFile),
            "{codes:?}\n{text}"
        );
        for finding in &read.findings {
            let place = finding.place.as_ref().unwrap();
            assert!(!place.file.text.contains("hunter2"), "{}", place.file.text);
        }
    }
}

#[test]
fn a_field_that_is_called_token_may_be_mapped() {
    let text = "version: 1\nname: demo\ndirection: write\nsource: { records: profiles }\ntargets:\n  t:\n    object: Thing__c\n    operation: upsert\n    match: { Key__c: \"{{ profile.key }}\" }\n    field_map: { Api_Token__c: \"{{ profile.token }}\", Password_Hint__c: none, Secret__c: 5 }\n";
    let found = read::pipeline("demo.yaml", text.as_bytes()).findings;
    assert!(found.is_empty(), "{}", listed(&found));
}

#[test]
fn variables_that_are_not_set_are_named_with_their_places() {
    let text = project(&[("URL", "\"https://${DOMAIN}.my.salesforce.com\"")]);
    let document = read::project("bridged.yaml", text.as_bytes())
        .document
        .unwrap();
    let lookup = |name: &str| match name {
        "K" => Some("key".to_owned()),
        "S" => Some(String::new()),
        _ => None,
    };
    let unset = |pointer: &str| -> Vec<(String, usize, usize)> {
        variables::unset(&document, pointer, &lookup)
            .into_iter()
            .map(|unset| {
                (
                    unset.name,
                    unset.place.start().line,
                    unset.place.start().column,
                )
            })
            .collect()
    };
    let both = vec![("DOMAIN".to_owned(), 7, 28), ("S".to_owned(), 8, 62)];
    assert_eq!(unset("/connections/salesforce"), both);
    assert_eq!(unset(""), both);
    assert_eq!(unset("/store"), []);
    assert_eq!(unset("/connections/other"), []);
}
