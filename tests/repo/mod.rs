//! The repository's own rules: imports, first lines, examples, schemas, codes.
