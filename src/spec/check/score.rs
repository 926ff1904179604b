//! Scores that contradict themselves.

use std::collections::HashMap;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::Diagnostic;

use crate::spec::document::Document;
use crate::spec::pipeline::Pipeline;

pub(super) fn check(document: &Document<Pipeline>, found: &mut Vec<Diagnostic>) {
    let Some(score) = &document.spec.score else {
        return;
    };
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (index, rule) in score.rules.iter().enumerate() {
        if let Some(earlier) = first.insert(&rule.name, index) {
            found.push(
                Diagnostic::error(
                    Code::DuplicateKey,
                    format!("two rules are called `{}`", rule.name),
                )
                .at(document.place(&format!("/score/rules/{index}/name")))
                .related(
                    document.place(&format!("/score/rules/{earlier}/name")),
                    "the other one",
                )
                .help("rename one of the two: the reasons of a score are told apart by name"),
            );
        }
    }
    let Some([low, high]) = score.clamp else {
        return;
    };
    let out = |message: String, pointer: &str, help: String| {
        Diagnostic::error(Code::OutOfRange, message)
            .at(document.place(pointer))
            .help(help)
    };
    if low >= high {
        found.push(out(
            format!("`clamp` goes from {low} to {high}"),
            "/score/clamp/0",
            "write the lower bound first, such as `[0, 100]`".to_owned(),
        ));
        return;
    }
    if let Some(at) = score.qualified_at.filter(|at| *at > high) {
        found.push(out(
            format!("no score reaches `qualified_at: {at}`"),
            "/score/qualified_at",
            format!("write at most {high}, where `clamp` ends"),
        ));
    }
    for (grade, from) in &score.grades {
        if *from > high {
            found.push(out(
                format!("no score reaches the grade `{grade}` at {from}"),
                &crate::spec::tree::join("/score/grades", grade),
                format!("write at most {high}, where `clamp` ends"),
            ));
        }
    }
}
