//! Opening an address in the person's browser, which gets nothing of our environment but what a desktop needs.

use std::process::{Command, Stdio};

use super::workspace::variable;

/// What a browser needs to find its display, its profile and its language. Credentials are in none of them.
const NEEDED: [&str; 16] = [
    "BROWSER",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "HOME",
    "LANG",
    "LOGNAME",
    "PATH",
    "USER",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_CONFIG_HOME",
    "XDG_CURRENT_DESKTOP",
    "XDG_DATA_DIRS",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_SESSION_TYPE",
];

/// Whether a browser was asked to open the address; without a desktop nothing is tried.
pub fn open(address: &str) -> bool {
    let has_desktop = cfg!(not(target_os = "linux"))
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| variable(name).is_some_and(|value| !value.is_empty()));
    has_desktop && open::commands(address).into_iter().any(start)
}

fn start(mut command: Command) -> bool {
    command.env_clear();
    for name in NEEDED {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .is_ok()
}
