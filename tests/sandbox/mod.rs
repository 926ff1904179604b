//! The sandbox as a foreign client sees it.
