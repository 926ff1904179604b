//! Reading what people wrote: YAML text to a typed pipeline, with the place of every value.
