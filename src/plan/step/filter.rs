//! The step that drops profiles the pipeline does not want.

use crate::template::Template;

use super::Property;

/// A condition over the mapped profile; what does not meet it counts as filtered.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Must give true or false.
    pub keep: Template,
}

impl Filter {
    pub(super) fn properties(&self) -> Vec<Property> {
        vec![("keep", self.keep.source().to_owned())]
    }
}
