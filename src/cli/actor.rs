//! Who a command is run by, for the audit log.

/// The longest name that is kept, in characters.
const LONGEST: usize = 64;

/// The user of the machine, as the environment names them; by number where it names nobody. Whoever runs the command can name
/// themselves otherwise: it helps to find out who did something, and proves nothing.
pub fn actor() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.trim().is_empty());
    match named.or_else(number) {
        Some(name) => format!("user {}", name.chars().take(LONGEST).collect::<String>()),
        None => "an unknown user".to_owned(),
    }
}

/// The number of the user, where the system shows whose this process is.
#[cfg(target_os = "linux")]
fn number() -> Option<String> {
    use std::os::unix::fs::MetadataExt;

    let metadata = std::fs::metadata("/proc/self").ok()?;
    Some(metadata.uid().to_string())
}

#[cfg(not(target_os = "linux"))]
fn number() -> Option<String> {
    None
}
