//! Traces on request: what reaches a collector, and that none is needed.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use super::messages::{project, result};
use crate::support::binary::{Ran, command};
use crate::support::project::Project;

/// One export: the path, the content type and the body.
type Export = (String, String, Vec<u8>);

/// A collector that takes everything.
fn collector() -> (String, Receiver<Export>) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", socket.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in socket.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let (mut path, mut kind, mut length) = (String::new(), String::new(), 0);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                    break;
                }
                if path.is_empty() {
                    path = line.split(' ').nth(1).unwrap_or_default().to_owned();
                }
                let lower = line.to_lowercase();
                if let Some(value) = lower.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if let Some(value) = lower.strip_prefix("content-type:") {
                    kind = value.trim().to_owned();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let _ = reader
                .get_mut()
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            if sender.send((path, kind, body)).is_err() {
                return;
            }
        }
    });
    (address, receiver)
}

fn run(project: &Project, endpoint: Option<(&str, &str)>) -> Ran {
    let mut typed = command(project.path());
    typed.args(["-v", "--sandbox", "run", "activation", "--format", "json"]);
    if let Some((name, url)) = endpoint {
        typed.env(name, url);
    }
    typed.output().unwrap().into()
}

fn has(exports: &[Export], text: &str) -> bool {
    let mut bodies = exports.iter().map(|(_, _, body)| body.as_slice());
    bodies.any(|body| body.windows(text.len()).any(|part| part == text.as_bytes()))
}

#[test]
fn a_run_reaches_the_collector_that_the_environment_names_and_nothing_of_people_does() {
    let project = project();
    let (url, exports) = collector();
    let ran = run(&project, Some(("OTEL_EXPORTER_OTLP_ENDPOINT", &url)));
    assert!(ran.stderr.contains("finished"), "{}", ran.stderr);
    for span in ["run{", "run:", "fingerprint"] {
        assert!(
            !ran.stderr.contains(span),
            "logs stay as they are: {}",
            ran.stderr
        );
    }
    let id = result(ran)["runs"][0]["run_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let exports: Vec<Export> = exports.try_iter().collect();
    assert!(!exports.is_empty());
    for (path, kind, _) in &exports {
        assert_eq!(
            (path.as_str(), kind.as_str()),
            ("/v1/traces", "application/x-protobuf")
        );
    }
    for text in [
        "service.name",
        "bridged",
        "run activation",
        id.as_str(),
        "commit",
        "POST /services/oauth2/token",
        "/messages",
        "http.response.status_code",
        "delivered",
    ] {
        assert!(has(&exports, text), "`{text}` is missing");
    }
    let store = rusqlite::Connection::open(project.path().join(".bridged/sandbox.db")).unwrap();
    let mut people = store
        .prepare("SELECT phone, json_extract(attributes, '$.full_name') FROM profiles WHERE phone IS NOT NULL LIMIT 50")
        .unwrap();
    let people: Vec<(String, String)> = people
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(people.len(), 50);
    for (phone, name) in people {
        assert!(!has(&exports, phone.trim_start_matches('+')), "{phone}");
        assert!(!has(&exports, &name), "{name}");
    }
    for secret in ["Bearer ", "access_token", "client_secret"] {
        assert!(!has(&exports, secret), "{secret}");
    }
}

#[test]
fn without_a_name_nothing_is_sent_and_a_collector_that_is_not_there_costs_no_run() {
    let project = project();
    let (_, exports) = collector();
    run(&project, None).expect(0);
    assert!(exports.try_iter().next().is_none());
    run(&project, Some(("OTEL_EXPORTER_OTLP_ENDPOINT", ""))).expect(0);
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/traces", gone.local_addr().unwrap());
    drop(gone);
    let began = Instant::now();
    run(&project, Some(("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &url))).expect(0);
    assert!(began.elapsed() < Duration::from_secs(30));
    let wrong = run(
        &project,
        Some(("OTEL_EXPORTER_OTLP_ENDPOINT", "no address at all")),
    );
    let wrong = wrong.expect(0).stderr;
    assert!(wrong.contains("no traces are sent"), "{wrong}");
}
