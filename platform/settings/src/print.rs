//! The values in force as TOML.

use std::fmt::Write;

use super::{mask, toml, values::Values};

pub(super) fn print(values: &Values) -> String {
    let (mut out, mut current) = (String::new(), String::new());
    for entry in values.entries() {
        let Some(setting) = values.get(&entry) else { continue };
        let (section, name) = entry.section_and_name();
        if section != current {
            let gap = if out.is_empty() { "" } else { "\n" };
            writeln!(out, "{gap}[{section}]").expect("writing to a string");
            section.clone_into(&mut current);
        }
        let shown = if entry.secret { mask::secret(&setting.value) } else { mask::value(&setting.value) };
        let name = if name.contains('.') { format!("\"{name}\"") } else { name.to_owned() };
        writeln!(out, "{name} = {} # {}", toml::render(&shown), setting.source).expect("writing to a string");
    }
    out
}
