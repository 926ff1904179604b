//! Answers SOQL from the org's tables.
