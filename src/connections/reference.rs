//! Credentials by reference: the environment variable or the file that a project file names.

use std::path::Path;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::secret::Secret;
use crate::spec::text::{EnvError, EnvText, SecretSource, SecretText};
use crate::vault::private_file::PrivateFile;

/// How a command looks environment variables up.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The credential that `text` refers to; `what` names its owner in errors, relative paths start at `base_dir`.
///
/// # Errors
/// Those of [`resolve`], and `secret-file-refused` for a file that is not there, empty, too large, or open to others.
pub fn secret(
    what: &str,
    text: &SecretText,
    base_dir: &Path,
    lookup: Lookup<'_>,
) -> Result<Secret> {
    match text.source() {
        SecretSource::Variables(text) => resolve(what, &text, lookup).map(Secret::new),
        SecretSource::File(path) => {
            let path = base_dir.join(resolve(what, &path, lookup)?);
            file(&path, "`bridged.yaml`")
        }
    }
}

/// The secret that a file holds, without blanks and line ends around it; `named_in` says where its path was given.
///
/// # Errors
/// `secret-file-refused`.
pub fn file(path: &Path, named_in: &str) -> Result<Secret> {
    let file = PrivateFile {
        path,
        what: "file",
        named_in,
        another: "Write the credential into it, and nothing else",
        code: Code::SecretFileRefused,
    };
    let text = file.read()?;
    let secret = Secret::new(text.trim());
    if secret.is_empty() {
        let message = format!("the file `{}` holds no credential", path.display());
        return Err(Error::new(Code::SecretFileRefused, message).help(file.another));
    }
    Ok(secret)
}

/// The text with its variables filled in; `what` names its owner in errors.
///
/// # Errors
/// `missing-variable` for a variable that is not set or empty, `connection-settings` for a `${` that starts no variable.
pub fn resolve(what: &str, text: &EnvText, lookup: Lookup<'_>) -> Result<String> {
    text.resolve(lookup).map_err(|error| match error {
        EnvError::Unset(variable, _) => {
            let message =
                format!("{what} needs the environment variable `{variable}`, which is not set");
            let help = format!(
                "set `{variable}`, or try the command with `--sandbox`, which needs no credentials"
            );
            Error::new(Code::MissingVariable, message).help(help)
        }
        EnvError::Malformed(_) => {
            let message = format!("{what} holds a `${{` that no name and `}}` follow");
            Error::new(Code::ConnectionSettings, message)
                .help("write `${NAME}`; a plain `${` is written `$${`")
        }
    })
}
