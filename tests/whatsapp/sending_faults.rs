//! Sending over networks that fail: never a second request, and never a clear word about what is not clear.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bridged::foundation::secret::Secret;
use bridged::salesforce::resolver::{Found, Lookup};
use bridged::whatsapp::client::Client;
use bridged::whatsapp::message::Message;
use bridged::whatsapp::send::{Messenger, Sent};
use bridged::whatsapp::settings::Settings;
use tokio::net::{TcpListener, TcpStream};

use super::client::{NUMBER, TOKEN, settings, shown};
use crate::support::proxy::{Proxy, Toxic, Way};
use crate::support::wire::{Reply, Wire, head, json as reply};

const GOOD: &str = r#"{"messaging_product":"whatsapp","messages":[{"id":"wamid.A1"}]}"#;

fn message() -> Message {
    Message {
        to: "+447946000001".to_owned(),
        template: "hello".to_owned(),
        language: "en_US".to_owned(),
        header: None,
        body: vec![],
        buttons: vec![],
    }
}

fn through(url: String) -> Messenger {
    let mut settings = Settings::new(NUMBER, Secret::new(TOKEN));
    settings.api_url = url;
    Messenger::new(Client::new(settings).unwrap())
}

/// Neither the token nor the number stands in the error.
#[track_caller]
fn is_unclear(sent: &Sent) {
    let Sent::Unclear(error) = sent else {
        panic!("{sent:?}")
    };
    assert!(!shown(error).contains("7946000001"), "{error:?}");
}

#[tokio::test]
async fn w17_a_reset_behind_the_whole_request_leaves_it_unclear() {
    for behind in [0, 1, 20, 60] {
        let wire = Wire::start(|_| reply(200, GOOD)).await;
        let toxic = move |_| vec![(Way::Down, Toxic::Reset { behind })];
        let proxy = Proxy::start(wire.address, toxic).await;
        let messenger = through(proxy.url());
        is_unclear(&messenger.send(&message(), "1").await);
        assert_eq!(wire.requests().len(), 1, "behind {behind}");
        assert_eq!((proxy.connections(), messenger.requests()), (1, 1));
    }
}

#[tokio::test]
async fn w17_a_connection_that_ends_inside_the_request_is_not_made_again() {
    for bytes in [1, 50, 300] {
        let wire = Wire::start(|_| reply(200, GOOD)).await;
        let toxic = move |_| vec![(Way::Up, Toxic::LimitData { bytes })];
        let proxy = Proxy::start(wire.address, toxic).await;
        is_unclear(&through(proxy.url()).send(&message(), "1").await);
        assert_eq!((proxy.connections(), wire.requests().len()), (1, 0));
    }
}

#[tokio::test]
async fn w17_an_answer_that_never_comes_leaves_it_unclear() {
    let wire = Wire::start(|_| Reply::Hang(vec![])).await;
    let mut settings = settings(&wire);
    settings.timeouts.answer = Duration::from_millis(200);
    let messenger = Messenger::new(Client::new(settings).unwrap());
    is_unclear(&messenger.send(&message(), "1").await);
    assert_eq!(wire.requests().len(), 1);
}

#[tokio::test]
async fn w21_a_kept_connection_that_ends_costs_its_message_alone() {
    let calls = AtomicUsize::new(0);
    let wire = Wire::start(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        1 => Reply::Cut(vec![]),
        _ => reply(200, GOOD),
    })
    .await;
    let messenger = through(wire.url("http"));
    let sent = messenger.send(&message(), "1").await;
    assert!(matches!(sent, Sent::Accepted(_)), "{sent:?}");
    is_unclear(&messenger.send(&message(), "2").await);
    assert_eq!(wire.requests().len(), 2, "a second request for one message");
    let sent = messenger.send(&message(), "3").await;
    assert!(matches!(sent, Sent::Accepted(_)), "{sent:?}");
    assert_eq!((wire.requests().len(), messenger.requests()), (3, 3));
}

#[tokio::test]
async fn w21_no_message_is_doubled_where_each_connection_ends_behind_its_answer() {
    let length = Some(GOOD.len());
    let whole = head(200, &[], length, GOOD.as_bytes());
    let wire = Wire::start(move |_| Reply::Cut(whole.clone())).await;
    let messenger = through(wire.url("http"));
    for call in 0..30 {
        let before = wire.requests().len();
        let sent = messenger.send(&message(), "1").await;
        let made = wire.requests().len() - before;
        match sent {
            Sent::Accepted(_) => assert_eq!(made, 1, "call {call}"),
            Sent::Unclear(_) => assert!(made <= 1, "call {call}"),
            Sent::Unsent(_) => assert_eq!(made, 0, "call {call}"),
            Sent::Refused(_) => panic!("call {call}: {sent:?}"),
        }
    }
}

struct NoNames;

impl Lookup for NoNames {
    fn lookup(&self, _: &str) -> Found {
        Box::pin(async { Err(io::Error::other("no such host")) })
    }
}

#[tokio::test]
async fn w16_a_name_without_an_address_means_that_nothing_was_sent() {
    let mut settings = Settings::new(NUMBER, Secret::new(TOKEN));
    settings.lookup = Arc::new(NoNames);
    let messenger = Messenger::new(Client::new(settings).unwrap());
    let sent = messenger.send(&message(), "1").await;
    let Sent::Unsent(error) = sent else {
        panic!("{sent:?}")
    };
    assert!(!shown(&error).contains("7946000001"), "{error:?}");
}

#[tokio::test]
async fn w16_what_was_not_sent_goes_out_once_when_it_is_sent_again() {
    let wire = Wire::start(|_| reply(200, GOOD)).await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let messenger = through(format!("http://{address}"));
    for _ in 0..2 {
        let sent = messenger.send(&message(), "1").await;
        assert!(matches!(sent, Sent::Unsent(_)), "{sent:?}");
    }
    let upstream = wire.address;
    let listener = TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = TcpStream::connect(upstream).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        }
    });
    let sent = messenger.send(&message(), "1").await;
    assert!(matches!(sent, Sent::Accepted(_)), "{sent:?}");
    assert_eq!(wire.requests().len(), 1);
}
