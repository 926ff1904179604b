//! The step that keeps profiles in the store.

use super::Property;

/// Profiles are upserted by their key; what does not differ is not written.
#[derive(Debug, Clone)]
pub struct Profiles;

impl Profiles {
    #[expect(
        clippy::unused_self,
        reason = "every kind of step describes itself through a method"
    )]
    pub(super) fn properties(&self) -> Vec<Property> {
        vec![(
            "store",
            "upsert by key; unchanged profiles are not written".to_owned(),
        )]
    }
}
