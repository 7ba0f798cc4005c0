//! Output to stdout: text and tables, or JSON.

use std::{
    fmt::Display,
    io::{IsTerminal, Write, stdout},
};

use comfy_table::{ContentArrangement, Table, TableComponent, presets::NOTHING};
use serde_json::Value;

/// Prints a line. A closed pipe (`uzon … | head`) is not a failure.
pub(crate) fn line(text: impl Display) {
    let _ = writeln!(stdout(), "{text}");
}

/// Prints JSON in one line.
pub(crate) fn json(value: &Value) {
    line(value);
}

/// An empty table, limited to the width of the terminal.
pub(crate) fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_style(TableComponent::HeaderLines, '─').set_header(header);
    if stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table
}

/// Text from outside without control characters, which could control the terminal.
pub(crate) fn plain(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// A member of an answer as text; a dash if it is missing.
pub(crate) fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::String(text)) => plain(text),
        Some(other) => other.to_string(),
    }
}

/// `2026-01-24T10:00:00.000Z` as `2026-01-24 10:00:00`.
pub(crate) fn time(value: &Value, pointer: &str) -> String {
    let text = text(value, pointer);
    match text.split_once('T') {
        Some((day, time)) => format!("{day} {}", time.get(..8).unwrap_or(time)),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_readable() {
        let order = json!({ "status": "PENDING", "reason": null, "version": 1, "name": "a\u{1b}[2Jb", "createdAt": "2026-01-24T10:00:00.123Z" });
        assert_eq!(text(&order, "/status"), "PENDING");
        assert_eq!(text(&order, "/reason"), "–");
        assert_eq!(text(&order, "/payment/amount"), "–");
        assert_eq!(text(&order, "/version"), "1");
        assert_eq!(text(&order, "/name"), "a [2Jb");
        assert_eq!(time(&order, "/createdAt"), "2026-01-24 10:00:00");
        assert_eq!(time(&order, "/updatedAt"), "–");
    }
}
