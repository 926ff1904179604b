//! The repository's own rules: imports, first lines, examples, schemas, codes.

mod codes;
mod examples;
mod imports;
mod project;
mod style;
mod tree;
mod troubleshooting;
