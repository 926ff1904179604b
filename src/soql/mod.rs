//! The SOQL language: text to tokens to a syntax tree with places. Grammar only, no data.
