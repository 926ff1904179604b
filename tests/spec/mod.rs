//! Files as people write them: what loads, and the finding for everything that does not.
