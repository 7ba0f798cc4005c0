//! What is in force, as TOML.

use std::fmt::Write;

use super::{mask, settings::Settings, toml};

pub(super) fn print(settings: &Settings) -> String {
    let (mut out, mut current) = (String::new(), String::new());
    for entry in settings.entries() {
        let Some(setting) = settings.get(&entry) else { continue };
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
