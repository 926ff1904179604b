//! The `store:` line of a project, read into the place it names.

use std::path::{Component, Path, PathBuf};

use crate::foundation::code::Code;
use crate::foundation::diagnostic::nearest;
use crate::foundation::error::{Error, Result};

/// Where a store lies.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Location {
    /// A database file.
    Sqlite(PathBuf),
}

impl Location {
    /// Reads `sqlite:PATH`. The path may be absolute; a relative one stays inside `base_dir`.
    pub(super) fn parse(url: &str, base_dir: &Path) -> Result<Self> {
        // Only the scheme is ever shown: the rest of a database URL may hold a password.
        let Some((scheme, rest)) = url.split_once(':') else {
            return Err(invalid("the store is not a URL").help("Write `sqlite:` before the path"));
        };
        match scheme {
            "sqlite" => sqlite_path(rest, base_dir).map(Location::Sqlite),
            "postgres" | "postgresql" => Err(Error::new(
                Code::StoreNotSupported,
                format!("a `{scheme}:` store is not built into this binary"),
            )
            .help("Use `sqlite:PATH`, for example `store: sqlite:.bridged/bridged.db`")),
            other => Err(unknown_scheme(other)),
        }
    }
}

fn sqlite_path(text: &str, base_dir: &Path) -> Result<PathBuf> {
    if text.is_empty() {
        return Err(invalid("the store's path is empty").help("Write `sqlite:.bridged/bridged.db`"));
    }
    if text.contains('\0') {
        return Err(invalid("the store's path holds a NUL character"));
    }
    if text.starts_with(":memory:") || text.starts_with("file:") {
        return Err(invalid("the store must be a file")
            .help("Write `sqlite:PATH`; a store in memory would forget what was delivered"));
    }
    if text.starts_with("//") || text.contains('?') {
        return Err(
            invalid("`sqlite:` takes a plain path, without `//` and without options").help(
                "Write `sqlite:.bridged/bridged.db`, or `sqlite:/var/lib/bridged/bridged.db`",
            ),
        );
    }
    let path = Path::new(text);
    if path.components().any(|part| part == Component::ParentDir) {
        return Err(invalid("the store's path leaves the project with `..`")
            .help("Give an absolute path where the store lies outside the project"));
    }
    if path.file_name().is_none() || text.ends_with('/') {
        return Err(invalid("the store's path names no file"));
    }
    Ok(base_dir.join(path))
}

fn unknown_scheme(scheme: &str) -> Error {
    let help = match nearest(scheme, ["sqlite", "postgres"]) {
        Some(near) => format!("Did you mean `{near}:`? The store of this binary is `sqlite:PATH`"),
        None => "Write `sqlite:PATH`".to_owned(),
    };
    invalid(format!("`{scheme}:` is no kind of store")).help(help)
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Code::StoreUrlInvalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_as_it_stands() {
        for (url, expected) in [
            ("sqlite:.bridged/bridged.db", "/project/.bridged/bridged.db"),
            ("sqlite:/var/lib/b.db", "/var/lib/b.db"),
            ("sqlite:a..b.db", "/project/a..b.db"),
            ("sqlite:with space.db", "/project/with space.db"),
        ] {
            let location = Location::parse(url, Path::new("/project")).unwrap();
            assert_eq!(location, Location::Sqlite(expected.into()), "{url}");
        }
    }

    #[test]
    fn what_is_no_plain_path_is_refused_with_its_code() {
        for (url, code) in [
            ("bridged.db", Code::StoreUrlInvalid),
            ("", Code::StoreUrlInvalid),
            ("sqlite:", Code::StoreUrlInvalid),
            ("sqlite:a\0b", Code::StoreUrlInvalid),
            ("sqlite::memory:", Code::StoreUrlInvalid),
            ("sqlite:file:x.db", Code::StoreUrlInvalid),
            ("sqlite:///x.db", Code::StoreUrlInvalid),
            ("sqlite:x.db?mode=rwc", Code::StoreUrlInvalid),
            ("sqlite:../x.db", Code::StoreUrlInvalid),
            ("sqlite:a/../../x.db", Code::StoreUrlInvalid),
            ("sqlite:a/", Code::StoreUrlInvalid),
            ("sqlit:x.db", Code::StoreUrlInvalid),
            ("mysql://h/x", Code::StoreUrlInvalid),
            ("postgres://u:p@h/x", Code::StoreNotSupported),
            ("postgresql://h/x", Code::StoreNotSupported),
        ] {
            let error = Location::parse(url, Path::new("/project")).unwrap_err();
            assert_eq!(error.code(), code, "{url}");
        }
    }

    #[test]
    fn a_password_in_the_url_is_never_shown() {
        for url in ["postgres://u:hunter2@h/x", "mysql://u:hunter2@h/x"] {
            let error = Location::parse(url, Path::new("/")).unwrap_err();
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn a_near_miss_of_the_scheme_is_named() {
        let error = Location::parse("sqlit:x.db", Path::new("/")).unwrap_err();
        assert!(error.help_text().unwrap().contains("`sqlite:`"));
    }
}
