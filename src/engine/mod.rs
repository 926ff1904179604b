//! The executor: runs a plan as a bounded stream of pages, settles every record, moves the cursor last.
