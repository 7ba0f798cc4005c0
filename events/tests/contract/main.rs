//! The wire contract as files: they follow from the types, and never change in a way that breaks a reader.

mod compatibility;
mod generated;
mod samples;
