//! The real binary, end to end, crashes included.
