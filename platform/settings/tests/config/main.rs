//! The configuration: sources, refusals with their messages, what is shown.

mod addresses;
mod bus;
mod combinations;
mod declarations;
mod refusals;
mod sources;

use std::fs;

use secrecy::SecretString;
use serde::Deserialize;
use settings::{DurationRange, Loader, Span};

/// The sections of a service.
const SHOP: &str = r#"
# How orders are taken.
[order]
# An order that is not settled by then is cancelled.
# At least 1s.
deadline = "30m"
# Signs webhooks.
# Secret.
webhook_key = ""
# Whether guests may order.
guests = true

# The pretended carrier.
[sandbox.carrier]
# How long a booking takes.
# At least 1ms.
latency = "100ms..500ms"
# Share of bookings that fail.
# Between 0 and 1.
error_rate = 0.1
# Where failures are reported to.
report_url = ""
"#;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    deadline: Span,
    webhook_key: SecretString,
    guests: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Carrier {
    latency: DurationRange,
    error_rate: f64,
    report_url: String,
}

fn shop() -> Loader {
    Loader::new().defaults(SHOP).services(["order", "inventory"])
}

fn vars(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn with_file(text: &str) -> (tempfile::TempDir, Loader) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("uzon.toml");
    fs::write(&path, text).expect("a file");
    (dir, shop().file(path))
}

/// The lines of the refusal.
fn refused(loader: Loader) -> Vec<String> {
    loader.load().expect_err("should be refused").to_string().lines().map(str::to_owned).collect()
}

/// The lines of the refusal of a file, with `FILE` for its path.
fn file_refused(text: &str) -> Vec<String> {
    let (dir, loader) = with_file(text);
    let path = dir.path().join("uzon.toml").display().to_string();
    refused(loader).iter().map(|line| line.replace(&path, "FILE")).collect()
}

fn set_refused(assignment: &str) -> String {
    let lines = refused(shop().set([assignment]));
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines[0].clone()
}
