//! Templates: values, names used, filters, limits.
