//! Every example of the catalogue runs.

use bridged::template::catalogue::catalogue;
use serde_json::Value;

use super::evaluate;

#[test]
fn every_example_of_the_catalogue_gives_what_it_says() {
    for entry in catalogue() {
        assert!(!entry.examples.is_empty(), "{} has no example", entry.name);
        for example in entry.examples {
            let wanted: Value = serde_json::from_str(example.gives)
                .unwrap_or_else(|error| panic!("{}: {error}", example.gives));
            let value = evaluate(example.template, example.given);
            assert_eq!(value, Ok(wanted), "{}", example.template);
        }
    }
}
