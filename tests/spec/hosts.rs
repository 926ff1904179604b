//! X09: disguised addresses of an org are refused from their text alone.

use bridged::foundation::code::Code;
use bridged::spec::host;

const DISGUISED: &[&str] = &[
    "",
    " ",
    "acme",
    "acme.my.salesforce.com",
    "//acme.my.salesforce.com",
    "https://",
    "https:///acme.my.salesforce.com",
    "https:/acme.my.salesforce.com",
    "https:acme.my.salesforce.com",
    " https://acme.my.salesforce.com",
    "https://acme.my.salesforce.com ",
    "https://acme.my.salesforce.com\n",
    "https://acme.my.sales\tforce.com",
    "ftp://acme.my.salesforce.com",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:text/plain,acme.my.salesforce.com",
    "wss://acme.my.salesforce.com",
    "http://acme.my.salesforce.com",
    "HTTP://acme.my.salesforce.com",
    "https://salesforce.com",
    "https://my.salesforce.com",
    "https://.my.salesforce.com",
    "https://evilmy.salesforce.com",
    "https://acme.mysalesforce.com",
    "https://acme.my.salesforce.com.evil.test",
    "https://ACME.my.salesforce.com.evil.test",
    "https://acme.my.salesforce.community",
    "https://acme-my.salesforce.com",
    "https://a.b.c.my.salesforce.com",
    "https://acme.my.salesforce.co",
    "https://acme.my.salesforce.com.",
    "https://acme..my.salesforce.com",
    "https://-acme.my.salesforce.com",
    "https://acme-.my.salesforce.com",
    "https://ac_me.my.salesforce.com",
    "https://*.my.salesforce.com",
    "https://acme.my.salesforce.com@127.0.0.1",
    "https://acme.my.salesforce.com@evil.test",
    "https://acme.my.salesforce.com:pw@evil.test",
    "https://user@acme.my.salesforce.com",
    "https://user:pw@acme.my.salesforce.com",
    "https://@acme.my.salesforce.com",
    "https://:@acme.my.salesforce.com",
    "https://evil.test#@acme.my.salesforce.com",
    "https://evil.test/acme.my.salesforce.com",
    "https://evil.test?acme.my.salesforce.com",
    "https://evil.test\\acme.my.salesforce.com",
    "https://evil.test\\@acme.my.salesforce.com",
    "https://acme.my.salesforce.com\\@evil.test",
    "https://acme.my.salesforce.com%2eevil.test",
    "https://acme%2emy.salesforce.com",
    "https://acme.my.salesforce.com%00.evil.test",
    "https://acme.my.salesforce.com%23.evil.test",
    "https://acme.my.salesforce.com:22",
    "https://acme.my.salesforce.com:80",
    "https://acme.my.salesforce.com:8443",
    "https://acme.my.salesforce.com:0",
    "https://acme.my.salesforce.com:65536",
    "https://acme.my.salesforce.com:",
    "https://acme.my.salesforce.com:443:443",
    "https://acme.my.salesforce.com/services",
    "https://acme.my.salesforce.com//",
    "https://acme.my.salesforce.com/..",
    "https://acme.my.salesforce.com?x=1",
    "https://acme.my.salesforce.com#x",
    "https://xn--acm-epa.my.salesforce.com",
    "https://acme.xn--my-fka.salesforce.com",
    "https://acmé.my.salesforce.com",
    "https://аcme.my.salesforce.com",
    "https://acme。my。salesforce。com",
    "https://acme.my.salesforce。com",
    "https://ａcme.my.salesforce.com",
    "https://acme.my.ſalesforce.com",
    "https://acme.my.salesforce.com\u{200b}",
    "https://127.0.0.1.nip.io",
    "https://2130706433",
    "http://2130706433",
    "http://0x7f000001",
    "http://0x7f.1",
    "http://0177.0.0.1",
    "http://127.1",
    "http://127.0.1",
    "http://127.0.0.1.",
    "http://127.0.0.01",
    "http://①②⑦.0.0.1",
    "http://0.0.0.0",
    "http://0",
    "http://[::]",
    "https://[::ffff:127.0.0.1]",
    "http://[::ffff:127.0.0.1]",
    "http://[::ffff:7f00:1]",
    "http://[0:0:0:0:0:0:0:1]",
    "http://[::1%25lo]",
    "https://10.0.0.1",
    "https://192.168.1.1",
    "https://172.16.0.1",
    "https://169.254.169.254",
    "https://13.108.0.1",
    "https://[2606:4700::1]",
    "https://[fe80::1]",
    "https://[fd00::1]",
    "http://localhost.",
    "http://localhost.evil.test",
    "http://evil.localhost",
    "http://LOCALHOST.evil.test",
    "https://localhost@evil.test",
    "http://localhost\\.evil.test",
    "http://localhost:99999",
    "https://na1.salesforce.com",
    "https://cs42.salesforce.com",
    "https://acme.lightning.force.com",
    "https://acme.my.site.com",
    "https://acme.my.salesforce-setup.com",
    "https://acme.visualforce.com",
    "https://graph.facebook.com",
];

#[test]
fn x09_disguised_addresses_are_refused() {
    for text in DISGUISED {
        let refusal = host::instance(text, &[]).expect_err(text);
        assert_eq!(refusal.code, Code::HostRefused, "{text}");
        assert!(
            !refusal.why.is_empty() && !refusal.help.is_empty(),
            "{text}"
        );
    }
}

#[test]
fn x09_an_allowed_host_opens_no_other() {
    let allowed = [
        "crm.acme.example".to_owned(),
        "tls.acme.example:8443".to_owned(),
    ];
    for text in [
        "https://crm.acme.example",
        "https://CRM.acme.example/",
        "https://tls.acme.example:8443",
    ] {
        assert!(host::instance(text, &allowed).is_ok(), "{text}");
    }
    for text in [
        "http://crm.acme.example",
        "https://crm.acme.example:8443",
        "https://tls.acme.example",
        "https://x.crm.acme.example",
        "https://crm.acme.example.evil.test",
        "https://crm.acme.example.",
        "https://crm.acme.example@evil.test",
        "https://acme.example",
    ] {
        assert!(host::instance(text, &allowed).is_err(), "{text}");
    }
    for text in DISGUISED {
        assert!(host::instance(text, &allowed).is_err(), "{text}");
    }
}

#[test]
fn the_hosts_of_an_org_and_this_machine_are_taken() {
    for text in [
        "https://acme.my.salesforce.com",
        "https://acme.my.salesforce.com/",
        "https://acme.my.salesforce.com:443",
        "https://ACME.my.salesforce.com",
        "HTTPS://acme.my.salesforce.com",
        "https://acme-2.my.salesforce.com",
        "https://acme--uat.sandbox.my.salesforce.com",
        "https://acme-dev-ed.develop.my.salesforce.com",
        "https://acme-dev-ed.trailblaze.my.salesforce.com",
        "https://force-ruby-42-dev-ed.scratch.my.salesforce.com",
        "https://acme.my.salesforce.mil",
        "http://127.0.0.1:8900",
        "https://127.0.0.1:8443",
        "http://localhost:8900",
        "http://[::1]:8900",
    ] {
        host::instance(text, &[]).unwrap_or_else(|refusal| panic!("{text}: {}", refusal.why));
    }
}

#[test]
fn shared_log_in_hosts_are_refused_with_the_reason() {
    for text in [
        "https://login.salesforce.com",
        "https://test.salesforce.com/",
        "https://LOGIN.salesforce.com",
    ] {
        let refusal = host::instance(text, &[]).unwrap_err();
        assert_eq!(refusal.code, Code::LoginHost, "{text}");
        assert!(refusal.help.contains("My Domain"), "{text}");
    }
}

#[test]
fn an_org_s_page_leads_to_its_host() {
    for text in [
        "https://acme.lightning.force.com",
        "https://acme.my.salesforce-setup.com",
    ] {
        let refusal = host::instance(text, &[]).unwrap_err();
        assert!(
            refusal.help.contains("https://acme.my.salesforce.com"),
            "{}",
            refusal.help
        );
    }
}

#[test]
fn an_entry_of_allowed_hosts_is_a_plain_name() {
    for text in ["crm.acme.example", "crm.acme.example:8443", "gateway"] {
        assert!(host::is_host_entry(text), "{text}");
    }
    for text in [
        "",
        "*",
        "*.acme.example",
        "https://crm.acme.example",
        "crm.acme.example/",
        "crm.acme.example:443",
        "crm.acme.example.",
        "CRM.acme.example",
        "10.0.0.1",
        "[::1]",
        "a b",
        "a@b",
        "a_b.example",
        "crm..example",
        "xn--80ak6aa92e.com",
        "crm.acme.example?x",
        "crm.acme.example#x",
        "crm.acme.example:x",
    ] {
        assert!(!host::is_host_entry(text), "{text}");
    }
}
