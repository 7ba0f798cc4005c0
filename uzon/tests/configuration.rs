//! The configuration of the whole system: its reference in the docs, and refused settings.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::{fs, path::Path};

use support::{printed, refused, uzon};

#[test]
fn the_reference_in_docs_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    let current = uzon::configuration::reference();
    if std::env::var_os("UZON_BLESS").is_some() {
        fs::write(&path, &current).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap();
    assert_eq!(
        written, current,
        "docs/configuration.md is out of date: UZON_BLESS=1 cargo test -p uzon --test configuration"
    );
}

#[test]
fn the_command_prints_the_reference() {
    assert_eq!(printed(&["config", "reference"]).trim_end(), uzon::configuration::reference().trim_end());
}

#[test]
fn every_problem_is_named_and_nothing_is_started() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let data = data.to_str().unwrap();
    let (status, lines) = refused(&[
        "dev",
        "--data",
        data,
        "--set",
        "http.lisen=1",
        "--set",
        "delivery.batch=none",
        "--set",
        "sandbox.carrier.error_rate=2",
    ]);
    assert_eq!(status, 64, "{lines:?}");
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].contains("http.lisen") && lines[0].contains("http.listen"), "{}", lines[0]);
    assert!(lines[1].contains("delivery.batch"), "{}", lines[1]);
    assert!(lines[2].contains("sandbox.carrier.error_rate"), "{}", lines[2]);
    assert!(!Path::new(data).exists(), "refused before anything is created");
}

#[test]
fn each_source_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("uzon.toml");
    fs::write(&file, "[order]\ndeadlin = \"1h\"\n").unwrap();
    let file = file.to_str().unwrap();
    let (status, lines) = refused(&["config", "check", "--config", file]);
    assert_eq!((status, lines.len()), (64, 1), "{lines:?}");
    assert!(lines[0].contains("order.deadlin") && lines[0].contains(file), "{lines:?}");

    let output = uzon().args(["config", "check"]).env("UZON_ORDER_DEADLINE", "soon").output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    let output = String::from_utf8(output.stderr).unwrap();
    assert!(output.contains("UZON_ORDER_DEADLINE") && output.contains("order.deadline"), "{output}");

    let output = uzon().args(["config", "check"]).env("UZON_URL", "http://elsewhere").output().unwrap();
    assert!(output.status.success(), "the command line's own variables are no settings");
}

#[test]
fn effective_settings_are_shown_with_their_sources() {
    let shown = printed(&["config", "print", "--set", "order.deadline=1h", "--data", "/data"]);
    assert!(shown.contains("deadline = \"1h\" # --set"), "{shown}");
    assert!(shown.contains("\"embedded:/data/bus.sqlite\" # --data"), "{shown}");
    assert_eq!(printed(&["config", "check"]), "The configuration is valid.\n");
}
