//! Runs against the sandbox: windows, ledgers, rejections, interruption.

mod reading;
mod settling;
