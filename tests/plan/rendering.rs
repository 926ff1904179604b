//! A plan as text, JSON, Mermaid and DOT: the same graph each time.

use bridged::plan::forecast::{Assumptions, Forecast};
use bridged::plan::render;

use crate::support::golden::assert_golden;
use crate::support::org::plan;

#[test]
fn the_example_pipelines_look_as_they_should_in_every_form() {
    for name in [
        "activation",
        "custom-object",
        "lead-sync",
        "nurture",
        "qualification",
    ] {
        let path = format!("{}/pipelines/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        let plan = plan(&std::fs::read_to_string(path).unwrap());
        let forecast = Forecast::of(
            &plan,
            Assumptions {
                records: Some(1_000),
                daily_limit: Some(100_000),
            },
        );
        assert_golden(&format!("plan/{name}.txt"), &render::text(&plan, &forecast));
        if name == "nurture" {
            let json = format!("{:#}\n", render::json(&plan, &forecast));
            assert_golden("plan/nurture.json", &json);
            assert_golden("plan/nurture.mmd", &render::mermaid(&plan));
            assert_golden("plan/nurture.dot", &render::dot(&plan));
        }
    }
}

#[test]
fn text_in_a_drawing_cannot_break_out_of_its_label() {
    let yaml = "version: 1
name: p
direction: write
source: { records: outcomes, when: \"{{ outcome.kind == '\\\"];evil' }}\" }
targets: { t: { object: Lead, operation: upsert, match: { B__c: \"{{ outcome.id }}\" }, field_map: { X__c: \"\\\"]\\\\\" } } }
filter: \"{{ outcome.kind == '\\\"];evil' }}\"
";
    let plan = plan(yaml);
    let dot = render::dot(&plan);
    assert!(
        dot.contains("\\\"];evil") && !dot.contains("'\"];evil"),
        "{dot}"
    );
    let mermaid = render::mermaid(&plan);
    assert!(mermaid.contains("#quot;];evil"), "{mermaid}");
}
