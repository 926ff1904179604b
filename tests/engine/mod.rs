//! Runs against the sandbox: windows, ledgers, rejections, interruption.

mod pages;
mod reading;
mod settling;
