//! `bridged schema`: the JSON Schema of a file, as it is built in.

use super::exit::Exit;
use super::outcome;
use crate::spec::schema::{PIPELINE, PROJECT};

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which file.
    pub file: File,
}

/// The files that have a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum File {
    /// A pipeline.
    Pipeline,
    /// The project file, `bridged.yaml`.
    Project,
}

/// Prints the schema.
pub fn execute(args: &Args) -> Exit {
    let schema = match args.file {
        File::Pipeline => &PIPELINE,
        File::Project => &PROJECT,
    };
    outcome::print(schema.text);
    Exit::Done
}
