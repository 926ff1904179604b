//! Which values fit which fields.

use bridged::foundation::code::Code;
use bridged::salesforce::describe::{FieldDescribe, FieldType, PicklistValue};
use bridged::salesforce::fit::fit;
use serde_json::{Value, json};

/// What must come of a value: nothing, or a code.
type Row = (Value, Option<Code>);

const TYPE: Option<Code> = Some(Code::WrongValueType);
const LONG: Option<Code> = Some(Code::ValueTooLong);
const RANGE: Option<Code> = Some(Code::ValueOutOfRange);
const LIST: Option<Code> = Some(Code::ValueNotListed);
const EMPTY: Option<Code> = Some(Code::RequiredFieldMissing);

fn field(kind: &str) -> FieldDescribe {
    FieldDescribe {
        name: "Field__c".to_owned(),
        kind: FieldType::from(kind.to_owned()),
        nillable: true,
        ..FieldDescribe::default()
    }
}

fn text(kind: &str, length: u32) -> FieldDescribe {
    FieldDescribe {
        length,
        ..field(kind)
    }
}

fn number(kind: &str, precision: u32, scale: u32) -> FieldDescribe {
    FieldDescribe {
        precision,
        scale,
        ..field(kind)
    }
}

fn picklist(kind: &str, restricted: bool) -> FieldDescribe {
    let value = |value: &str, active| PicklistValue {
        value: value.to_owned(),
        active,
        ..PicklistValue::default()
    };
    FieldDescribe {
        restricted_picklist: restricted,
        picklist_values: vec![value("Hot", true), value("Kühl", true), value("Old", false)],
        ..text(kind, 20)
    }
}

#[track_caller]
fn table(field: &FieldDescribe, rows: &[Row]) {
    for (value, expected) in rows {
        let was = fit(field, value);
        let code = was.as_ref().err().map(|misfit| misfit.code);
        assert_eq!(code, *expected, "{} {value}: {was:?}", field.kind.as_str());
        if let Err(misfit) = was {
            assert!(misfit.message.contains("`Field__c`"), "{misfit:?}");
            let value = value.to_string();
            let is_shown = value.len() > 6 && misfit.message.contains(value.trim_matches('"'));
            assert!(!is_shown, "a message holds no value: {misfit:?}");
        }
    }
}

#[test]
fn s30_texts_fit_by_their_utf_16_length_and_nothing_else_of_them_matters() {
    for kind in [
        "string",
        "textarea",
        "phone",
        "url",
        "combobox",
        "encryptedstring",
    ] {
        table(
            &text(kind, 5),
            &[
                (json!("12345"), None),
                (json!("123456"), LONG),
                // Blanks around a text are not kept, and a text of blanks is null.
                (json!("  12345  "), None),
                (json!("          "), None),
                (json!(""), None),
                (json!("äöüßé"), None),
                (json!("شكراا"), None),
                // Outside of the Basic Multilingual Plane a character counts as two.
                (json!("😀😀"), None),
                (json!("😀😀x"), None),
                (json!("😀😀😀"), LONG),
                (json!("a\r\n'\""), None),
                (json!(12345), TYPE),
                (json!(1.5), TYPE),
                (json!(true), TYPE),
                (json!(["a"]), TYPE),
                (json!({"a": 1}), TYPE),
                (json!(null), None),
            ],
        );
    }
    let long = text("textarea", 131_072);
    table(
        &long,
        &[
            (json!("x".repeat(131_072)), None),
            (json!("x".repeat(131_073)), LONG),
            (json!("😀".repeat(65_536)), None),
        ],
    );
    table(&field("string"), &[(json!("x".repeat(9999)), None)]);
}

#[test]
fn a_misfit_says_the_way_out() {
    for (kind, value, way_out) in [
        ("string", json!(1), "| string"),
        ("string", json!(["a"]), "| join(', ')"),
        ("multipicklist", json!(["a"]), "| join(';')"),
        ("double", json!("1"), "| float"),
        ("int", json!(1.5), "| int"),
        ("boolean", json!(null), "| default(false)"),
        ("date", json!("31.01.2027"), "YYYY-MM-DD"),
        ("datetime", json!("2027-01-31"), "YYYY-MM-DDThh:mm:ssZ"),
        ("reference", json!("x"), "15 or 18"),
    ] {
        let misfit = fit(&field(kind), &value).unwrap_err();
        assert_eq!(misfit.code, Code::WrongValueType);
        assert!(misfit.message.contains(way_out), "{misfit:?}");
    }
}

#[test]
fn s29_a_restricted_picklist_takes_its_active_values_in_any_case() {
    let rows = [
        (json!("Hot"), None),
        (json!("hOT "), None),
        (json!("KÜHL"), None),
        (json!("Old"), LIST),
        (json!("Cold"), LIST),
        (json!("Hot;Kühl"), LIST),
        (json!(""), None),
        (json!(null), None),
        (json!(1), TYPE),
    ];
    table(&picklist("picklist", true), &rows);
    table(
        &picklist("picklist", false),
        &[
            (json!("Cold"), None),
            (json!("x".repeat(21)), LONG),
            (json!(1), TYPE),
        ],
    );
    table(
        &picklist("multipicklist", true),
        &[
            (json!("Hot"), None),
            (json!("Hot;kühl"), None),
            (json!("Hot; Kühl;"), None),
            (json!("Hot;Old"), LIST),
            (json!("Hot,Kühl"), LIST),
            (json!(["Hot"]), TYPE),
        ],
    );
    table(
        &picklist("multipicklist", false),
        &[(json!("Hot;Cold"), None)],
    );
}

#[test]
fn a_checkbox_is_never_empty() {
    for nillable in [true, false] {
        let mut field = field("boolean");
        field.nillable = nillable;
        field.defaulted_on_create = true;
        table(
            &field,
            &[
                (json!(true), None),
                (json!(false), None),
                (json!(null), TYPE),
                (json!("true"), TYPE),
                (json!(0), TYPE),
            ],
        );
    }
}

#[test]
fn s30_whole_numbers_stay_whole() {
    table(
        &field("int"),
        &[
            (json!(2_147_483_647), None),
            (json!(-2_147_483_648_i64), None),
            (json!(2_147_483_648_i64), RANGE),
            (json!(1.5), TYPE),
            (json!(5.0), TYPE),
            (json!("5"), TYPE),
            (json!(true), TYPE),
            (json!(null), None),
        ],
    );
    table(
        &field("long"),
        &[
            (json!(i64::MAX), None),
            (json!(i64::MIN), None),
            (json!(9_007_199_254_740_993_i64), None),
            (json!(u64::MAX), RANGE),
            (json!(1e300), TYPE),
        ],
    );
}

#[test]
fn s30_s35_a_number_keeps_its_whole_digits_and_may_lose_fractions() {
    for kind in ["double", "currency", "percent"] {
        table(
            &number(kind, 5, 2),
            &[
                (json!(999.99), None),
                (json!(-999.99), None),
                (json!(1000), RANGE),
                (json!(-1000), RANGE),
                // Salesforce rounds what it does not keep.
                (json!(1.23456), None),
                (json!(999.994), None),
                (json!(999.995), RANGE),
                (json!(0), None),
                (json!("1"), TYPE),
                (json!(true), TYPE),
                (json!([1]), TYPE),
            ],
        );
    }
    table(
        &number("double", 18, 0),
        &[
            (json!(9_007_199_254_740_992_i64), None),
            // 2^53 + 1 would arrive as 2^53.
            (json!(9_007_199_254_740_993_i64), RANGE),
            (json!(u64::MAX), RANGE),
            (json!(999_999_999_999_999_999_i64), RANGE),
            (json!(1e17), None),
            (json!(1e18), RANGE),
        ],
    );
    table(
        &number("double", 3, 0),
        &[
            (json!(100), None),
            (json!(999), None),
            (json!(1000), RANGE),
            (json!(-1), None),
        ],
    );
    table(&field("double"), &[(json!(1e300), None)]);
}

#[test]
fn s30_dates_and_instants_have_one_form_and_a_calendar() {
    table(
        &field("date"),
        &[
            (json!("2027-01-31"), None),
            (json!("1700-01-01"), None),
            (json!("4000-12-31"), None),
            (json!("1582-10-15"), RANGE),
            (json!("4001-01-01"), RANGE),
            (json!("2027-02-29"), TYPE),
            (json!("2027-1-31"), TYPE),
            (json!("20270131"), TYPE),
            (json!("2027-01-31T10:00:00Z"), TYPE),
            (json!("31.01.2027"), TYPE),
            (json!(""), TYPE),
            (json!(20_270_131), TYPE),
            (json!(null), None),
        ],
    );
    table(
        &field("datetime"),
        &[
            (json!("2027-01-31T10:00:00Z"), None),
            (json!("2027-01-31T10:00:00.123Z"), None),
            (json!("2027-01-31T10:00:00+02:00"), None),
            // As Salesforce itself writes it.
            (json!("2027-01-31T10:00:00.000+0000"), None),
            (json!("1582-10-15T00:00:00Z"), RANGE),
            (json!("2027-01-31T10:00:00"), TYPE),
            (json!("2027-01-31 10:00:00Z"), TYPE),
            (json!("2027-01-31T10:00:00Z[Europe/London]"), TYPE),
            (json!("2027-01-31T25:00:00Z"), TYPE),
            (json!("2027-01-31"), TYPE),
            (json!(1_800_000_000), TYPE),
        ],
    );
    table(
        &field("time"),
        &[
            (json!("10:00:00.000Z"), None),
            (json!("10:00:00"), None),
            (json!("10:00"), None),
            (json!("25:00:00"), TYPE),
            (json!("noon"), TYPE),
            (json!(10), TYPE),
        ],
    );
}

#[test]
fn references_are_ids_with_the_right_checksum() {
    for kind in ["reference", "id"] {
        table(
            &text(kind, 18),
            &[
                (json!("00Q5g00000ABCde"), None),
                (json!("00Q5g00000ABCdeEAH"), None),
                (json!("00Q5g00000ABCdeEAG"), TYPE),
                (json!("00Q5g00000ABCd"), TYPE),
                (json!("p-1"), TYPE),
                (json!(5), TYPE),
                (json!(""), None),
                (json!(null), None),
            ],
        );
    }
}

#[test]
fn e_mail_addresses_have_their_form() {
    let ok = [
        "a@b.co",
        "a.b+c@x.y.example",
        "ü@b.co",
        " a@b.co ",
        "o'neil@b.co",
        "",
    ];
    let bad = [
        "a", "a@b", "@b.co", "a@", "a@@b.co", "a b@c.de", "a@b..co", "a@.co", "a@b.co.", "a@b c.de",
    ];
    let ok = ok.map(|text| (json!(text), None));
    let bad = bad.map(|text| (json!(text), TYPE));
    table(&text("email", 80), &[&ok[..], &bad[..]].concat());
    let long = format!("{}@b.co", "x".repeat(80));
    table(&text("email", 80), &[(json!(long), LONG), (json!(1), TYPE)]);
}

#[test]
fn null_fits_only_what_may_be_empty_or_has_a_default() {
    for kind in [
        "string",
        "picklist",
        "double",
        "date",
        "reference",
        "email",
        "int",
    ] {
        let mut field = text(kind, 80);
        field.nillable = false;
        table(&field, &[(json!(null), EMPTY)]);
        field.defaulted_on_create = true;
        table(&field, &[(json!(null), None)]);
    }
    let mut name = text("string", 80);
    name.nillable = false;
    table(&name, &[(json!(" \t\n"), EMPTY), (json!("x"), None)]);
}

#[test]
fn what_is_made_of_other_fields_is_written_by_those_and_unknown_types_are_left_to_salesforce() {
    for kind in ["address", "location"] {
        table(
            &field(kind),
            &[(json!({"City": "x"}), TYPE), (json!("x"), TYPE)],
        );
    }
    for kind in ["anyType", "complexvalue", "json", "hologram"] {
        table(
            &field(kind),
            &[
                (json!({"a": 1}), None),
                (json!(1), None),
                (json!("x"), None),
            ],
        );
    }
    table(&field("base64"), &[(json!("QUJD"), None), (json!(1), TYPE)]);
}
