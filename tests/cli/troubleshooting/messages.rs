//! The rows about messages that cannot be sent: the sandbox's number, token and templates are each put out of order.

use serde_json::{Value, json};

use super::{Clinic, assert_told, report, step};

/// A pipeline that sends a message by a template.
fn broadcast(template: &str) -> String {
    format!(
        "version: 1\nname: activation\nplaybook: activation\ndirection: read\nconnection: salesforce\n\
         source: {{ object: Lead }}\nfield_map: {{ phone: \"{{{{ MobilePhone }}}}\" }}\n\
         consent: {{ whatsapp: \"{{{{ WhatsApp_Opt_In__c }}}}\" }}\n\
         broadcast:\n  connection: whatsapp\n  template: {template}\n  to: \"{{{{ phone }}}}\"\n  campaign: spring\n"
    )
}

/// The template that the sandbox has, with its one place filled.
const OFFER: &str = "{ name: spring_offer, language: en_US, parameters: [\"{{ phone }}\"] }";

/// A clinic with a pipeline that sends by `template`, and a WhatsApp connection with these keys beside the token.
fn messaging(template: &str, keys: &str) -> Clinic {
    let clinic = Clinic::new(&broadcast(template));
    let project = clinic.project.read("bridged.yaml");
    let url = &clinic.sandbox.ready().whatsapp_url;
    let whatsapp = format!(
        "  whatsapp: {{ type: whatsapp, access_token: \"${{WHATSAPP_TOKEN}}\", api_url: {url}, {keys} }}\n"
    );
    clinic.project.write("bridged.yaml", project + &whatsapp);
    clinic
}

const IDS: &str = "phone_number_id: \"106540352242922\", business_account_id: \"102290129340398\"";

impl Clinic {
    /// The step of a check of the WhatsApp connection that has this code.
    #[track_caller]
    fn message_step(&self, exit: i32, code: &str) -> Value {
        let token = &self.sandbox.ready().whatsapp_token;
        let mut check = self.command(&["check", "whatsapp"]);
        step(&report(check.env("WHATSAPP_TOKEN", token), exit), code)
    }
}

#[test]
fn a_number_that_cannot_send_is_told_by_its_code() {
    let clinic = messaging(OFFER, IDS);
    let table = [
        (190, None, 401, "whatsapp-token-refused", "operator"),
        (10, None, 403, "whatsapp-permission-missing", "meta_admin"),
        (200, None, 403, "whatsapp-permission-missing", "meta_admin"),
        (100, Some(33), 400, "whatsapp-id-unknown", "operator"),
        (
            133_010,
            None,
            400,
            "whatsapp-number-not-registered",
            "meta_admin",
        ),
        (368, None, 403, "whatsapp-account-restricted", "meta_admin"),
        (
            131_031,
            None,
            403,
            "whatsapp-account-restricted",
            "meta_admin",
        ),
        (80_007, None, 429, "whatsapp-limit-reached", "operator"),
        (2, None, 500, "whatsapp-unavailable", "operator"),
        (77_777, None, 400, "whatsapp-request-refused", "operator"),
    ];
    for (code, subcode, status, expected, who) in table {
        let error = json!({ "code": code, "subcode": subcode, "status": status });
        clinic.control("whatsapp", &json!({ "error": error }));
        let step = clinic.message_step(1, expected);
        assert_eq!(step["step"], "sender");
        assert_told(&step, who, &[&code.to_string()]);
    }
}

#[test]
fn whatsapp_token_refused_is_told_of_tokens_that_were_good_once() {
    let clinic = messaging(OFFER, IDS);
    for (token, word) in [("expired", "expired"), ("revoked", "invalidated")] {
        clinic.control("whatsapp", &json!({ "token": token }));
        let step = clinic.message_step(1, "whatsapp-token-refused");
        assert_told(&step, "operator", &[word]);
        let help = step["help"].as_str().unwrap();
        assert!(
            help.contains("System users → the user → Generate token"),
            "{help}"
        );
    }
    let mut check = clinic.command(&["check"]);
    let step = step(
        &report(check.env("WHATSAPP_TOKEN", "EAAGnothing"), 1),
        "whatsapp-token-refused",
    );
    assert_eq!(step["pipeline"], "activation");
    let unset = clinic.step(1, "missing-variable");
    assert_told(&unset, "operator", &["`whatsapp`", "`WHATSAPP_TOKEN`"]);
}

#[test]
fn whatsapp_number_not_registered_whatsapp_account_restricted_and_whatsapp_quality_low_by_the_numbers_state()
 {
    let clinic = messaging(OFFER, IDS);
    for (number, exit, code, named) in [
        (
            json!({ "status": "PENDING" }),
            1,
            "whatsapp-number-not-registered",
            "`PENDING`",
        ),
        (
            json!({ "status": "BANNED" }),
            1,
            "whatsapp-account-restricted",
            "`BANNED`",
        ),
        (
            json!({ "status": "FLAGGED", "quality_rating": "RED" }),
            0,
            "whatsapp-quality-low",
            "+1 650-555-0123, Acme",
        ),
    ] {
        clinic.control("whatsapp", &json!({ "number": number }));
        let step = clinic.message_step(exit, code);
        assert_told(&step, "meta_admin", &[named]);
    }
    let number = json!({ "status": "RESTRICTED" });
    clinic.control("whatsapp", &json!({ "number": number }));
    let step = clinic.message_step(1, "whatsapp-limit-reached");
    assert_told(&step, "operator", &["24 hours", "`RESTRICTED`"]);
}

#[test]
fn whatsapp_id_unknown_names_the_id_and_leaves_the_template_to_be_looked_up() {
    let ids = IDS.replace("106540352242922", "16505550123");
    let clinic = messaging(OFFER, &ids);
    let step = clinic.message_step(1, "whatsapp-id-unknown");
    assert_told(&step, "operator", &["phone number 16505550123"]);
    let ids = IDS.replace("102290129340398", "106540352242922");
    let clinic = messaging(OFFER, &ids);
    let step = clinic.message_step(1, "whatsapp-id-unknown");
    assert_told(&step, "operator", &["business account 106540352242922"]);
    assert_eq!(step["step"], "template spring_offer en_US");
}

#[test]
fn whatsapp_template_missing_suggests_the_nearest_name_or_language() {
    let slip = OFFER.replace("spring_offer", "sprin_offer");
    let step = messaging(&slip, IDS).message_step(1, "whatsapp-template-missing");
    assert_told(&step, "author", &["`sprin_offer`"]);
    assert_eq!(step["help"], "did you mean `spring_offer`?");
    let other = OFFER.replace("en_US", "en_GB");
    let step = messaging(&other, IDS).message_step(1, "whatsapp-template-missing");
    assert_told(&step, "author", &["`en_GB`", "`en_US`, `de`"]);
    assert_eq!(step["help"], "write `language: en_US`");
}

#[test]
fn whatsapp_template_not_approved_names_the_status_and_what_to_do_about_it() {
    let clinic = messaging(OFFER, IDS);
    for (status, does) in [
        ("PAUSED", "take it up again"),
        ("REJECTED", "submit it again"),
        ("PENDING", "wait"),
        ("DISABLED", "write another template"),
        ("LIMIT_EXCEEDED", "open the template"),
    ] {
        let template = json!({ "name": "spring_offer", "language": "en_US", "status": status });
        clinic.control("whatsapp", &json!({ "templates": [template] }));
        let step = clinic.message_step(1, "whatsapp-template-not-approved");
        assert_told(&step, "meta_admin", &[&format!("`{status}`")]);
        let help = step["help"].as_str().unwrap();
        assert!(
            help.contains(does) && help.contains("Manage templates"),
            "{help}"
        );
    }
}

#[test]
fn whatsapp_template_mismatch_says_both_numbers() {
    let none = OFFER.replace(", parameters: [\"{{ phone }}\"]", "");
    let step = messaging(&none, IDS).message_step(1, "whatsapp-template-mismatch");
    let told = "its body has 1 place, and `parameters` lists 0";
    assert_told(&step, "author", &["`spring_offer` (en_US)", told]);
}

#[test]
fn whatsapp_template_unchecked_is_a_warning() {
    let clinic = messaging(OFFER, "phone_number_id: \"106540352242922\"");
    let step = clinic.message_step(0, "whatsapp-template-unchecked");
    assert_told(&step, "author", &["`business_account_id`"]);
    assert_eq!(step["severity"], "warning");
}
