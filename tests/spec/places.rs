//! The way back from what a file says to where it says it.

use bridged::foundation::diagnostic::Place;

use super::examples::pipeline;

const TEXT: &str = r#"version: 1
name: demo
direction: read
source: { object: Lead, where: 'Name != ''x'' AND é = 1' }
field_map:
  plain: {{ Name }}é
  single: 'it''s {{ Name }}'
  double: "\tü {{ Name }} \u00e9\x41 end"
  two_lines: "{{ Name
    }} end"
  block: |
    {{ Name }}
  folded: >-
    {{ Name }}
sensitive: [plain, single]
"#;

fn shown(place: &Place) -> &str {
    &place.file.text[place.span.clone()]
}

#[test]
fn values_and_keys_have_their_places() {
    let document = pipeline(&TEXT.replace("  plain: {{ Name }}é", "  plain: a {{ Name }}é"));
    for (pointer, value, key) in [
        ("/name", "demo", "name"),
        ("/source/object", "Lead", "object"),
        (
            "/source",
            "{ object: Lead, where: 'Name != ''x'' AND é = 1' }",
            "source",
        ),
        ("/field_map/single", "'it''s {{ Name }}'", "single"),
        ("/sensitive/1", "single", "single"),
        ("/sensitive", "[plain, single]", "sensitive"),
    ] {
        assert_eq!(shown(&document.place(pointer)), value, "{pointer}");
        assert_eq!(shown(&document.key_place(pointer)), key, "{pointer}");
    }
    let map = document.place("/field_map");
    assert!(
        shown(&map).starts_with("plain: a") && shown(&map).trim_end().ends_with("{{ Name }}"),
        "{}",
        shown(&map)
    );
    let whole = document.place("");
    assert_eq!((whole.start().line, whole.start().column), (1, 1));
}

#[test]
fn what_is_not_there_has_the_place_around_it() {
    let document = pipeline(&TEXT.replace("{{ Name }}é", "é"));
    assert_eq!(
        shown(&document.place("/source/page_size")),
        shown(&document.place("/source"))
    );
    assert_eq!(document.place("/nowhere/at/all"), document.place(""));
    assert_eq!(shown(&document.place("/sensitive/9")), "[plain, single]");
}

#[test]
fn a_stretch_of_a_text_is_found_inside_quotes_and_escapes() {
    let document = pipeline(&TEXT.replace("  plain: {{ Name }}é", "  plain: é {{ Name }}é"));
    for name in ["plain", "single", "double"] {
        let pointer = format!("/field_map/{name}");
        let value = document.tree.at(&pointer).unwrap().as_str().unwrap();
        let start = value.find("Name").unwrap();
        let place = document.text_place(&pointer, start..start + 4);
        assert_eq!(shown(&place), "Name", "{name}");
    }
    let value = document
        .tree
        .at("/field_map/double")
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(value, "\tü {{ Name }} éA end");
    let end = value.find("end").unwrap();
    assert_eq!(
        shown(&document.text_place("/field_map/double", end..end + 3)),
        "end"
    );
    let escaped = value.find('é').unwrap();
    assert_eq!(
        shown(&document.text_place("/field_map/double", escaped..escaped + 2)),
        "\\u00e9"
    );
    assert_eq!(
        shown(&document.text_place("/field_map/double", 0..1)),
        "\\t"
    );
    let quoted = document.text_place("/source/where", 8..11);
    assert_eq!(shown(&quoted), "''x''");
}

#[test]
fn a_stretch_of_a_text_on_several_lines_is_the_whole_text() {
    let document = pipeline(&TEXT.replace("{{ Name }}é", "é"));
    for name in ["two_lines", "block", "folded"] {
        let pointer = format!("/field_map/{name}");
        assert_eq!(
            document.text_place(&pointer, 3..5),
            document.place(&pointer),
            "{name}"
        );
    }
}

#[test]
fn a_stretch_beyond_the_text_ends_with_it() {
    let document = pipeline(&TEXT.replace("{{ Name }}é", "é"));
    let place = document.text_place("/name", 2..900);
    assert_eq!(shown(&place), "mo");
    let inside_a_letter = document.text_place("/field_map/plain", 1..2);
    assert_eq!(shown(&inside_a_letter), "é");
}
