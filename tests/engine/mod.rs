//! Runs against the sandbox: windows, ledgers, rejections, interruption, and what is written.

mod addresses;
mod broadcasts;
mod budget;
mod conflicts;
mod deletes;
mod dependent;
mod engaged;
mod guards;
mod mapping;
mod misfits;
mod order;
mod orphans;
mod pages;
mod previews;
mod reading;
mod records;
mod replay;
mod rows_at_fault;
mod sample;
mod saved_plans;
mod scoring;
mod settling;
mod unchanged;
mod unclear;
mod writing;
