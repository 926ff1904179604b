//! Runs against the sandbox: windows, ledgers, rejections, interruption.
