//! Guards: what a run would write is foreseen and held against the pipeline's limits before anything is written.

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::plan::Guards;

use super::preview::Preview;

/// Refuses a run that would write more than its guards allow; all that it would break is told at once.
///
/// # Errors
/// `guard-exceeded`, and `guard-not-computable` for a preview that did not see everything.
pub fn hold(guards: &Guards, preview: &Preview) -> Result<()> {
    if !preview.is_whole {
        return Err(Error::new(
            Code::GuardNotComputable,
            "the guards need a look at every record, and the preview stopped before its end",
        )
        .help("run the command again, without `--limit`"));
    }
    let broken = broken(guards, preview);
    if broken.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Code::GuardExceeded,
        format!("{}; nothing was written", broken.join("; ")),
    )
    .help("look at `bridged dry-run`; raise the guard if this is what is meant"))
}

fn broken(guards: &Guards, preview: &Preview) -> Vec<String> {
    let sum = |of: fn(&super::preview::Tally) -> u64| -> u64 {
        preview.targets.iter().map(|(_, tally)| of(tally)).sum()
    };
    let (created, updated) = (sum(|tally| tally.created), sum(|tally| tally.updated));
    let all = sum(super::preview::Tally::all);
    let mut broken = Vec::new();
    if let Some(most) = guards.max_creates.filter(|most| created > *most) {
        broken.push(format!(
            "{created} rows would be created, and `max_creates` allows {most}"
        ));
    }
    if let Some(most) = guards.max_updates.filter(|most| updated > *most) {
        broken.push(format!(
            "{updated} rows would be changed, and `max_updates` allows {most}"
        ));
    }
    let share = (created + updated) as f64 * 100.0 / all.max(1) as f64;
    if let Some(most) = guards.max_changed_percent.filter(|most| share > *most) {
        broken.push(format!(
            "{} of {all} rows would be created or changed, which is {share:.1} %, and `max_changed_percent` allows {most}",
            created + updated
        ));
    }
    for field in &preview.protected {
        broken.push(format!("the protected field `{field}` would change"));
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::preview::Tally;

    fn preview(created: u64, updated: u64, unchanged: u64) -> Preview {
        let tally = Tally {
            created,
            updated,
            unchanged,
            blocked: 0,
        };
        Preview {
            targets: vec![("lead".to_owned(), tally)],
            is_whole: true,
            ..Preview::default()
        }
    }

    #[test]
    fn a_guard_allows_up_to_its_number() {
        let guards = |creates, updates, percent| Guards {
            max_creates: creates,
            max_updates: updates,
            max_changed_percent: percent,
            protected_fields: Vec::new(),
        };
        for (guards, preview, stops) in [
            (guards(Some(5), None, None), preview(5, 100, 0), false),
            (guards(Some(4), None, None), preview(5, 100, 0), true),
            (guards(Some(0), None, None), preview(0, 1, 0), false),
            (guards(None, Some(100), None), preview(5, 100, 0), false),
            (guards(None, Some(99), None), preview(5, 100, 0), true),
            (guards(None, None, Some(20.0)), preview(1, 1, 8), false),
            (guards(None, None, Some(19.9)), preview(1, 1, 8), true),
            (guards(None, None, Some(0.0)), preview(0, 0, 0), false),
        ] {
            assert_eq!(hold(&guards, &preview).is_err(), stops, "{guards:?}");
        }
    }

    #[test]
    fn what_cannot_be_computed_stops_too() {
        let cut = Preview {
            is_whole: false,
            ..preview(0, 0, 0)
        };
        let error = hold(&Guards::default(), &cut).unwrap_err();
        assert_eq!(error.code(), Code::GuardNotComputable);
    }

    #[test]
    fn everything_that_is_broken_is_told_at_once() {
        let guards = Guards {
            max_creates: Some(1),
            max_updates: Some(1),
            max_changed_percent: None,
            protected_fields: vec!["OwnerId".to_owned()],
        };
        let preview = Preview {
            protected: vec!["OwnerId".to_owned()],
            ..preview(2, 2, 0)
        };
        let error = hold(&guards, &preview).unwrap_err();
        for part in ["max_creates", "max_updates", "`OwnerId`"] {
            assert!(error.message().contains(part), "{error}");
        }
    }
}
