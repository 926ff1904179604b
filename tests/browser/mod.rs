//! What a person does in a browser, done by a headless Chromium. `.ci/run` installs it and runs these tests; `cargo test` alone
//! leaves them out.

mod driver;
mod sign_in;
