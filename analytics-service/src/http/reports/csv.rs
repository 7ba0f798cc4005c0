//! Tables as CSV (RFC 4180).

use serde_json::Value;

use super::Table;

/// With a line of column names.
pub fn write(table: &Table) -> String {
    let mut csv = String::new();
    line(&mut csv, table.columns.iter().map(|column| (*column).to_owned()));
    for row in &table.rows {
        line(&mut csv, row.iter().map(cell));
    }
    csv
}

fn line(csv: &mut String, cells: impl Iterator<Item = String>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            csv.push(',');
        }
        csv.push_str(&cell);
    }
    csv.push_str("\r\n");
}

fn cell(value: &Value) -> String {
    let Value::String(text) = value else { return value.to_string() };
    // Spreadsheets evaluate text that begins like a formula, so that a product's name could run code. Amounts stay as
    // they are.
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<events::Money>().is_err();
    let text = if formula { format!("'{text}") } else { text.clone() };
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Table, write};

    #[test]
    fn special_characters_are_quoted_and_formulas_are_disabled() {
        let names = ["Teapot", "Tea, green", "The \"best\"", "=HYPERLINK(\"x\")", "-1+1", "-5.00", "two\nlines"];
        let rows = names.iter().map(|name| vec![json!(name), json!(3)]).collect();
        let csv = write(&Table { columns: &["name", "units"], rows });
        let lines = [
            "name,units",
            "Teapot,3",
            "\"Tea, green\",3",
            "\"The \"\"best\"\"\",3",
            "\"'=HYPERLINK(\"\"x\"\")\",3",
            "'-1+1,3",
            "-5.00,3",
            "\"two\nlines\",3",
        ];
        assert_eq!(csv, lines.join("\r\n") + "\r\n");
    }
}
