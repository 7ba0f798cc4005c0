//! The wire contract as files: they are generated from the types, and never change incompatibly.

mod compatibility;
mod generated;
mod samples;
