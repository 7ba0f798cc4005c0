//! Every setting as Markdown, from the commented defaults.

use std::fmt::Write;

use super::{
    problem::ConfigError,
    schema::{Keys, Schema},
    toml,
};

const INTRODUCTION: &str = "\
# Configuration

Generated from the commented defaults; `UZON_BLESS=1 cargo test` writes it anew.

Each source wins over those before it: the defaults below ← the file given with `--config` (TOML) ← environment variables
← `--set key=value`. A variable's name with `_FILE` appended names a file to read the value from, for secrets. An unknown
key, a wrong value or an impossible combination stops the start with exit status 64 and is named. `uzon config print`
shows what is in force and where each value comes from.

Durations are written `500ms`, `30s`, `15m`, `2h`, `1d`, ranges of them `100ms..500ms`. Lists are separated by commas in
the environment and with `--set`. An empty text means \"not set\".
";

/// The reference of all settings declared in these default texts, as Markdown.
pub fn reference(texts: &[&str]) -> Result<String, ConfigError> {
    let mut problems = Vec::new();
    let schema = Schema::read(texts.iter().copied(), &mut problems);
    ConfigError::unless_empty(problems)?;

    let (mut out, mut current) = (INTRODUCTION.to_owned(), "");
    for entry in &schema.entries {
        let (section, name) = entry.section_and_name();
        if section != current {
            let meaning = schema.sections.iter().find(|s| s.name == section).map_or("", |s| s.meaning.as_str());
            let gap = if meaning.is_empty() { "" } else { "\n\n" };
            write!(out, "\n## `[{section}]`\n\n{meaning}{gap}| key | meaning | type | default | environment |\n|---|---|---|---|---|\n")
                .expect("writing to a string");
            current = section;
        }
        let default = entry.default.as_ref().map(toml::render).unwrap_or_default();
        let cells = [
            format!("`{name}`"),
            entry.meaning.clone(),
            entry.to_string(),
            format!("`{default}`"),
            format!("`{}`", entry.variable()),
        ];
        writeln!(out, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | ")).expect("writing to a string");
    }
    for section in schema.sections.iter().filter(|section| section.keys != Keys::Declared) {
        write!(out, "\n## `[{}]`\n\n{}\n", section.name, section.meaning).expect("writing to a string");
    }
    Ok(out)
}
