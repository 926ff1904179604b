//! Retention: values that nothing needs any more are forgotten when their time is over.

use std::time::Duration;

use jiff::Timestamp;

use crate::foundation::error::Result;
use crate::store::Store;
use crate::store::model::Forgotten;

/// Rows of one kind that are changed in one transaction, so that nothing waits long behind it.
const TOGETHER: u32 = 500;

/// Forgets what is older than `period`. Rows, states and counts stay. Blocks, as the store does.
///
/// # Errors
/// What the store says; what was forgotten until then stays so.
pub fn retain(store: &dyn Store, period: Duration, now: Timestamp) -> Result<Forgotten> {
    let before = now.checked_sub(period).unwrap_or(Timestamp::MIN);
    let mut all = Forgotten::default();
    loop {
        let some = store.forget(before, TOGETHER)?;
        if some.total() == 0 {
            return Ok(all);
        }
        all.letters += some.letters;
        all.profiles += some.profiles;
        all.webhooks += some.webhooks;
    }
}
