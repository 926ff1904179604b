//! What several areas share: temporary projects, running the binary, comparing goldens.
