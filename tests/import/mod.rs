//! Files of Bridged's own records: what is read, what is refused with its place, and what is stored.

mod csv;
mod json;
mod reading;
mod sample;
