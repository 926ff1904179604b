//! `bridged vault key`: a new key, printed once or written for its owner alone.

use std::io::{self, ErrorKind};
use std::path::Path;

use serde_json::json;

use super::exit::Exit;
use super::outcome::Outcome;
use super::text::{BOLD, GOOD, HINT, clean, line, paint};
use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::vault::key;

/// Makes a key, and prints it or writes it into a new file.
///
/// # Errors
/// `file-exists` where there is such a file, `file-not-written`.
pub(super) fn make(out: Option<&Path>) -> Result<Outcome> {
    let secret = key::generate()?;
    let id = key::KeyRing::parse(secret.expose())?.newest().to_string();
    let Some(path) = out else {
        let result = json!({ "key_id": id, "key": secret.expose() });
        return Ok(Outcome::new(
            Exit::Done,
            result,
            format!("{}\n", secret.expose()),
        ));
    };
    let shown = path.display().to_string();
    key::write(path, &secret).map_err(|cause| not_written(&shown, cause))?;
    let mut text = String::new();
    line(
        &mut text,
        format_args!(
            "{} {}: key {}",
            paint(GOOD, "wrote"),
            clean(&shown),
            paint(BOLD, &id)
        ),
    );
    let variable = format!("{}={}", key::KEY_FILE_VARIABLE, clean(&shown));
    let advice = "keep a copy of it apart from the backups of the store, and set";
    line(
        &mut text,
        format_args!("{advice} {}", paint(HINT, variable)),
    );
    Ok(Outcome::new(
        Exit::Done,
        json!({ "key_id": id, "file": shown }),
        text,
    ))
}

/// The error of a new file that is not there.
pub(super) fn not_written(path: &str, cause: io::Error) -> Error {
    if cause.kind() == ErrorKind::AlreadyExists {
        return Error::new(Code::FileExists, format!("`{path}` is there already"))
            .help("name another file: what is in this one would be lost");
    }
    Error::new(
        Code::FileNotWritten,
        format!("`{path}` could not be written"),
    )
    .caused_by(cause)
}
