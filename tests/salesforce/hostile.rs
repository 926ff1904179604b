//! Hostile spellings of an address, made from a grammar: wherever an address is taken from, none of them leads a byte away.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use bridged::foundation::code::Code;
use bridged::foundation::secret::Secret;
use bridged::salesforce::client::Client;
use bridged::salesforce::query::Scope;
use bridged::salesforce::settings::Settings;
use bridged::salesforce::web_server::{App, SignIn};
use url::Url;

use super::org::{KEY, SECRET, TOKEN, page, settings, shown, token};
use crate::support::wire::{Reply, Request, Wire, answer, json};

const GOOD: &str = "acme.my.salesforce.com";

#[rustfmt::skip]
const SCHEMES: &[&str] = &[
    "https://",
    "HTTPS://",
    "hTtPs://",
    "http://",
    "HTTP://",
    "https:/",
    "https:",
    "https:///",
    "https:////",
    "https:\\\\",
    "https:/\\",
    "//",
    "\\\\",
    "",
    "://",
    "ftp://",
    "ws://",
    "wss://",
    "file://",
    "gopher://",
    "javascript:",
    "javascript://",
    "data:text/html,",
    "blob:https://",
    "view-source:https://",
    " https://",
    "\thttps://",
    "\nhttps://",
    "https ://",
    "ht\ttps://",
    "https://\t",
    "\u{feff}https://",
    "https\u{ff1a}//",
    "https:\u{2215}\u{2215}",
    "https+x://",
];

#[rustfmt::skip]
const USERS: &[&str] = &[
    "",
    "@",
    ":@",
    "user@",
    "user:pw@",
    ":pw@",
    "acme.my.salesforce.com@",
    "acme.my.salesforce.com:443@",
    "a@b@",
    "%40",
    "%61%40",
    "user%40",
    "acme.my.salesforce.com%2f@",
    "acme.my.salesforce.com\\@",
    "acme.my.salesforce.com#@",
    "acme.my.salesforce.com?@",
    "acme.my.salesforce.com/@",
];

#[rustfmt::skip]
const PORTS: &[&str] = &[
    "",
    ":",
    ":443",
    ":0443",
    ":22",
    ":80",
    ":8443",
    ":0",
    ":65535",
    ":65536",
    ":99999999999",
    ":-1",
    ":+443",
    ":443x",
    ":4 43",
    ":443:443",
    ":\u{664}\u{664}\u{663}",
    ":%34%34%33",
    ": 443",
    ":0x1bb",
];

#[rustfmt::skip]
const TAILS: &[&str] = &[
    "",
    "/",
    "//",
    "/x",
    "/services/oauth2/token",
    "/..",
    "/../..",
    "/%2e%2e",
    "?",
    "?x=1",
    "#",
    "#x",
    "/?#",
    ";x",
    "\\",
    "\\x",
    "/\\evil.test",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\0",
    "\r\nHost: evil.test",
    "%00",
    "%0d%0a",
    "\u{200b}",
    "@evil.test",
    "/@evil.test",
    "\\@evil.test",
    "#@evil.test",
    "?@evil.test",
];

/// Names that a reader, a matcher of suffixes or a parser takes for the org's.
#[rustfmt::skip]
const NAMES: &[&str] = &[
        "acme.my.salesforce.com.evil.test",
        "acme.my.salesforce.com-evil.test",
        "acme.my.salesforce.comevil.test",
        "evil.test/acme.my.salesforce.com",
        "evil.test?acme.my.salesforce.com",
        "evil.test#acme.my.salesforce.com",
        "evil.test\\acme.my.salesforce.com",
        "evil.test;acme.my.salesforce.com",
        "evil.test,acme.my.salesforce.com",
        "evil.test acme.my.salesforce.com",
        "evil.test\0acme.my.salesforce.com",
        "evil.test%00acme.my.salesforce.com",
        "evil.test%2facme.my.salesforce.com",
        "evil.test%5cacme.my.salesforce.com",
        "evil.test%23.my.salesforce.com",
        "evil.test:443#.my.salesforce.com",
        "evil.test\tacme.my.salesforce.com",
        "evil.test\r\n.my.salesforce.com",
        "evilmy.salesforce.com",
        "acme.mysalesforce.com",
        "acme-my.salesforce.com",
        "acme.my-salesforce.com",
        "acme.my.salesforce.co",
        "acme.my.salesforce.cm",
        "acme.my.salesforce.community",
        "acme.my.salesforces.com",
        "acme.my.sa1esforce.com",
        "acme.my.saIesforce.c0m",
        "my.salesforce.com",
        "salesforce.com",
        ".my.salesforce.com",
        "..my.salesforce.com",
        "acme..my.salesforce.com",
        "acme.my..salesforce.com",
        "acme.my.salesforce..com",
        "acme.my.salesforce.com.",
        "acme.my.salesforce.com..",
        "a.b.c.my.salesforce.com",
        "-acme.my.salesforce.com",
        "acme-.my.salesforce.com",
        "ac_me.my.salesforce.com",
        "*.my.salesforce.com",
        "[acme.my.salesforce.com]",
        "(acme).my.salesforce.com",
        "acme.my.salesforce.com%2eevil.test",
        "acme%2emy%2esalesforce%2ecom",
        "%61cme.my.salesforce.com",
        "acme.my.salesforce.com%20",
        "xn--acm-epa.my.salesforce.com",
        "xn--acme.my.salesforce.com",
        "acme.xn--my-fka.salesforce.com",
        "xn--.my.salesforce.com",
        "login.salesforce.com",
        "test.salesforce.com",
        "welcome.salesforce.com",
        "na1.salesforce.com",
        "cs42.salesforce.com",
        "acme.lightning.force.com",
        "acme.my.site.com",
        "acme.visualforce.com",
        "acme.my.salesforce-setup.com",
        "localhost.evil.test",
        "evil.localhost",
        "localhost.",
        "localhost%00.evil.test",
        "127.0.0.1.nip.io",
        "127.0.0.1.evil.test",
        "metadata.google.internal",
        "instance-data",
        "kubernetes.default.svc",
];

/// All hostile names, those made from letters and numbers too.
fn names() -> Vec<String> {
    let mut names: Vec<String> = NAMES.iter().map(|&name| name.to_owned()).collect();
    names.extend(disguised_letters());
    names.extend(invisible());
    names.extend(spelled_addresses());
    names
}

/// Each letter of the name in other scripts, widths and encodings that look or fold alike.
fn disguised_letters() -> Vec<String> {
    let mut names = Vec::new();
    for (at, letter) in GOOD.char_indices() {
        let mut put = |other: &str| {
            names.push(format!(
                "{}{other}{}",
                &GOOD[..at],
                &GOOD[at + letter.len_utf8()..]
            ));
        };
        // Full width and, for dots, the three others that IDNA takes for one.
        let wide = char::from_u32(u32::from(letter) + 0xfee0).unwrap();
        put(&wide.to_string());
        put(&format!("%{:02x}", u32::from(letter)));
        put(&format!("{letter}\u{301}"));
        let alike: &[&str] = match letter {
            '.' => &["\u{3002}", "\u{ff61}", "\u{2024}", "%252e", "..", ". "],
            'a' => &["\u{430}", "\u{251}", "\u{1d41a}", "\u{24d0}"],
            'c' => &["\u{441}", "\u{217d}", "\u{24d2}"],
            'e' => &["\u{435}", "\u{212f}", "\u{24d4}"],
            'o' => &["\u{43e}", "\u{3bf}", "0", "\u{2134}"],
            's' => &["\u{17f}", "\u{455}", "\u{24e2}"],
            'l' => &["1", "\u{217c}", "\u{4cf}"],
            'f' => &["\u{1d41f}", "\u{24d5}"],
            'm' => &["\u{217f}", "rn", "\u{24dc}"],
            _ => &["\u{24e8}"],
        };
        for other in alike {
            // Another plain name in front is another org, and not for us to judge.
            if at < 4 && other.is_ascii() {
                continue;
            }
            put(other);
        }
    }
    names
}

/// The name with a character between its letters that nobody sees.
fn invisible() -> Vec<String> {
    let unseen = [
        "\u{200b}",
        "\u{200c}",
        "\u{200d}",
        "\u{2060}",
        "\u{feff}",
        "\u{ad}",
        "\u{202e}",
        "\u{2066}",
        "\u{0}",
        "\u{1}",
        "\t",
        "\n",
        "\r",
        "\u{7f}",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "\u{3000}",
        "\u{fe0f}",
        "\u{e0061}",
    ];
    let places = [0, 4, 7, GOOD.len()];
    let mut names = Vec::new();
    for unseen in unseen {
        names.extend(places.map(|at| format!("{}{unseen}{}", &GOOD[..at], &GOOD[at..])));
    }
    names
}

/// Private and public addresses in every way that parsers take numbers.
fn spelled_addresses() -> Vec<String> {
    let mut names = Vec::new();
    for [a, b, c, d] in [
        [127_u32, 0, 0, 1],
        [10, 0, 0, 5],
        [169, 254, 169, 254],
        [0, 0, 0, 0],
        [13, 108, 0, 1],
    ] {
        let whole = (a << 24) | (b << 16) | (c << 8) | d;
        names.extend([
            format!("{whole}"),
            format!("0x{whole:x}"),
            format!("0X{whole:08X}"),
            format!("0{whole:o}"),
            format!("{a}.{}", (b << 16) | (c << 8) | d),
            format!("{a}.{b}.{}", (c << 8) | d),
            format!("0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"),
            format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
            format!("{a:03}.{b:03}.{c:03}.{d:03}"),
            format!("0x{a:x}.{b}.0{c:o}.{d}"),
            format!("{a}.{b}.{c}.{d}."),
            format!("{a}.{b}.{c}.{d}.evil.test"),
            format!("{a}%2e{b}%2e{c}%2e{d}"),
            format!("{a}\u{3002}{b}\u{3002}{c}\u{3002}{d}"),
            format!("\u{ff11}{a}.{b}.{c}.{d}"),
            format!("[::ffff:{a}.{b}.{c}.{d}]"),
            format!("[::ffff:{:x}:{:x}]", (a << 8) | b, (c << 8) | d),
            format!("[::{a}.{b}.{c}.{d}]"),
            format!("[64:ff9b::{a}.{b}.{c}.{d}]"),
            format!("[2002:{:x}:{:x}::]", (a << 8) | b, (c << 8) | d),
            format!("[0:0:0:0:0:ffff:{a}.{b}.{c}.{d}]"),
            format!("[::ffff:{a}.{b}.{c}.{d}%25eth0]"),
            format!("{a}.{b}.{c}.{d}.{d}"),
        ]);
        // Loopback as such is this machine, which is allowed.
        if a != 127 {
            names.push(format!("{a}.{b}.{c}.{d}"));
        }
    }
    names.extend(
        [
            "[::]",
            "[fc00::1]",
            "[fd12:3456::1]",
            "[fe80::1]",
            "[fe80::1%25eth0]",
            "[ff02::1]",
            "[2606:4700::1]",
            "[0:0:0:0:0:0:0:1]",
            "::1",
            "[::1",
            "::1]",
            "[]",
            "[127.0.0.1]",
            "127.1",
            "127.0.1",
            "0",
            "00",
            "0x0",
            "1.2.3.4.5",
            "256.256.256.256",
            "\u{2460}\u{2461}\u{2466}.0.0.1",
        ]
        .map(str::to_owned),
    );
    names
}

/// All of the grammar: each name in a plain address, and the good name in each frame.
fn spellings() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for name in names() {
        for scheme in ["https://", "http://"] {
            all.insert(format!("{scheme}{name}"));
        }
        all.insert(format!("https://{name}:443/"));
        all.insert(format!("https://{GOOD}@{name}"));
    }
    let mut frame = |scheme: &str, user: &str, port: &str| {
        let start = format!("{scheme}{user}{GOOD}{port}");
        all.extend(TAILS.iter().map(|tail| format!("{start}{tail}")));
    };
    for scheme in SCHEMES {
        for user in USERS {
            frame(scheme, user, "");
        }
        for port in PORTS {
            frame(scheme, "", port);
        }
    }
    for user in USERS {
        for port in PORTS {
            frame("https://", user, port);
        }
    }
    all.retain(|text| !is_plain(text));
    all
}

/// The few spellings of the good address that hide nothing, judged without a URL parser.
fn is_plain(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let rest = lower
        .strip_prefix("https://")
        .map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    rest.is_some_and(|rest| rest == GOOD || rest == "acme.my.salesforce.com:443")
}

#[test]
fn x09_every_hostile_spelling_of_an_instance_address_is_refused() {
    let spellings = spellings();
    assert!(spellings.len() >= 40_000, "{}", spellings.len());
    let names = names().len();
    assert!(names >= 350, "{names} names");
    for text in &spellings {
        let settings = Settings::new(text.as_str(), KEY, Secret::new(SECRET));
        let error = Client::new(settings)
            .err()
            .unwrap_or_else(|| panic!("taken: {text:?}"));
        assert!(
            matches!(error.code(), Code::HostRefused | Code::LoginHost),
            "{text:?}: {error}"
        );
        let said = format!("{error} {:?}", error.help_text());
        assert!(
            !said.contains("user:pw") && said.chars().all(|c| !c.is_control()),
            "{said:?}"
        );
    }
}

/// An address that a script gives out, changed from case to case.
#[derive(Clone, Default)]
struct Given(Arc<Mutex<String>>);

impl Given {
    fn set(&self, text: &str) {
        text.clone_into(&mut self.0.lock().unwrap());
    }

    fn get(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

/// Hostile spellings of the canary's address, and hostile names that lead elsewhere.
fn towards(canary: &Wire) -> Vec<String> {
    let (address, port) = (canary.address, canary.address.port());
    let mut all = vec![
        format!("http://{address}"),
        format!("https://{address}"),
        format!("//{address}"),
        format!("\\\\{address}"),
        format!("/\\{address}"),
        format!("http:\\\\{address}"),
        format!("HTTP://{address}"),
        format!("http://user@{address}"),
        format!("http://{GOOD}@{address}"),
        format!("http://{GOOD}%40{address}"),
        format!("http:{address}"),
        format!(" http://{address}"),
        format!("\thttp://{address}"),
        format!("http://localhost:{port}"),
        format!("http://localhost.:{port}"),
        format!("http://2130706433:{port}"),
        format!("http://0x7f.1:{port}"),
        format!("http://0177.0.0.1:{port}"),
        format!("http://127.1:{port}"),
        format!("http://127.0.0.1.:{port}"),
        format!("http://\u{2460}\u{2461}\u{2466}.0.0.1:{port}"),
        format!("http://[::ffff:127.0.0.1]:{port}"),
        format!("http://0.0.0.0:{port}"),
    ];
    for name in names() {
        all.push(format!("https://{name}"));
        all.push(format!("http://{name}:{port}"));
    }
    all
}

/// Whether a text, read against the org's address, is the org itself.
fn is_org(text: &str, org: &Wire) -> bool {
    let base = Url::parse(&org.url("http")).unwrap();
    base.join(text)
        .is_ok_and(|url| url.origin() == base.origin())
}

fn signed_in(request: &Request) -> Option<Reply> {
    let here = format!("http://{}", request.header("host"));
    (request.target == "/services/oauth2/token").then(|| token(&here, 1))
}

#[tokio::test]
async fn x11_hostile_addresses_in_token_answers_are_refused() {
    let canary = Wire::canary().await;
    let given = Given::default();
    let told = given.clone();
    let wire = Wire::start(move |request| match request.body.as_str() {
        "" => page(0, None, ""),
        _ => token(&told.get(), 1),
    })
    .await;
    let cases = towards(&canary);
    assert!(cases.len() >= 500, "{}", cases.len());
    let app = App {
        consumer_key: KEY.to_owned(),
        consumer_secret: None,
    };
    let sign_in = SignIn::new(&settings(wire.url("http")), app).unwrap();
    for text in &cases {
        given.set(text);
        let before = wire.requests().len();
        let client = Client::new(settings(wire.url("http"))).unwrap();
        let error = client
            .query("SELECT Id FROM Lead", Scope::Live, None)
            .await
            .unwrap_err();
        assert_eq!(
            error.code(),
            Code::HostRefused,
            "{text:?}: {}",
            shown(&error)
        );
        let (code, verifier) = (Secret::new("code"), Secret::new("verifier"));
        let error = sign_in
            .exchange(&code, &verifier, "http://localhost:1/")
            .await
            .unwrap_err();
        assert_eq!(
            error.code(),
            Code::HostRefused,
            "{text:?}: {}",
            shown(&error)
        );
        assert_eq!(wire.requests().len(), before + 2, "{text:?}");
    }
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn x11_hostile_addresses_of_a_next_page_are_refused() {
    let canary = Wire::canary().await;
    let given = Given::default();
    let told = given.clone();
    let wire = Wire::start(move |request| {
        signed_in(request).unwrap_or_else(|| {
            let next = serde_json::Value::from(told.get());
            json(
                200,
                &format!(r#"{{"totalSize":9,"done":false,"nextRecordsUrl":{next},"records":[]}}"#),
            )
        })
    })
    .await;
    let client = Client::new(settings(wire.url("http"))).unwrap();
    client.sign_in().await.unwrap();
    let mut refused = 0;
    for text in towards(&canary) {
        let text = format!("{text}/services/data/v67.0/query/01gxx-2000");
        if is_org(&text, &wire) {
            continue;
        }
        given.set(&text);
        let before = wire.requests().len();
        let error = client
            .query("SELECT Id FROM Lead", Scope::Live, None)
            .await
            .unwrap_err();
        assert_eq!(
            error.code(),
            Code::HostRefused,
            "{text:?}: {}",
            shown(&error)
        );
        assert_eq!(wire.requests().len(), before + 1, "{text:?}");
        refused += 1;
    }
    assert!(refused >= 500, "{refused}");
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn x11_hostile_addresses_of_a_redirect_are_not_followed() {
    let canary = Wire::canary().await;
    let given = Given::default();
    let told = given.clone();
    let wire = Wire::start(move |request| {
        signed_in(request)
            .unwrap_or_else(|| answer(307, &[&format!("Location: {}", told.get())], ""))
    })
    .await;
    let client = Client::new(settings(wire.url("http"))).unwrap();
    client.sign_in().await.unwrap();
    let mut refused = 0;
    for text in towards(&canary) {
        // A header cannot carry these; the server would not be one.
        if text.contains(['\r', '\n', '\0']) {
            continue;
        }
        given.set(&text);
        let before = wire.requests().len();
        let error = client
            .query("SELECT Id FROM Lead", Scope::Live, None)
            .await
            .unwrap_err();
        let said = shown(&error);
        let known = matches!(error.code(), Code::RedirectRefused | Code::AnswerUnreadable);
        assert!(known, "{text:?}: {said}");
        assert!(!said.contains(TOKEN), "{said}");
        assert!(error.message().chars().all(|c| !c.is_control()), "{said}");
        assert_eq!(wire.requests().len(), before + 1, "{text:?}");
        refused += 1;
    }
    assert!(refused >= 500, "{refused}");
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn x11_hostile_addresses_of_an_identity_are_never_asked() {
    let canary = Wire::canary().await;
    let given = Given::default();
    let told = given.clone();
    let wire = Wire::start(move |request| {
        let body = serde_json::json!({
            "access_token": "00D!x", "instance_url": format!("http://{}", request.header("host")), "id": told.get(),
        });
        json(200, &body.to_string())
    })
    .await;
    let app = App {
        consumer_key: KEY.to_owned(),
        consumer_secret: None,
    };
    let sign_in = SignIn::new(&settings(wire.url("http")), app).unwrap();
    let (code, verifier) = (Secret::new("code"), Secret::new("verifier"));
    let cases = towards(&canary);
    for text in &cases {
        given.set(&format!("{text}/id/00Dxx0000000001EAA/005xx0000000001AAA"));
        let granted = sign_in.exchange(&code, &verifier, "http://localhost:1/");
        let shown = granted.await.unwrap().identity_url;
        // What is shown is an address as a parser wrote it, or nothing.
        assert!(shown.is_ascii(), "{text:?}: {shown:?}");
        assert!(
            !shown.contains(['@', '\\', ' ', '?', '#']),
            "{text:?}: {shown:?}"
        );
        assert!(
            shown.chars().all(|c| !c.is_control()),
            "{text:?}: {shown:?}"
        );
    }
    assert_eq!(wire.requests().len(), cases.len());
    assert_eq!(canary.connections(), 0);
}
