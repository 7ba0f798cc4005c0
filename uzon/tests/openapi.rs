//! The API document of the whole system, as stored in the repository.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::{fs, path::Path};

use serde_json::Value;
use support::Dev;

#[tokio::test(flavor = "multi_thread")]
async fn the_api_document_in_docs_is_current() {
    let data = tempfile::tempdir().unwrap();
    let dev = Dev::start(data.path(), &[]);
    let current: Value = serde_json::from_str(&dev.get("/openapi.json").await.1).unwrap();

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    if std::env::var_os("UZON_BLESS").is_some() {
        fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&current).unwrap())).unwrap();
    }
    let written: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap_or_default()).unwrap_or_default();
    assert!(
        written == current,
        "docs/openapi.json is out of date: UZON_BLESS=1 cargo test -p uzon --test openapi, and look at the difference"
    );
    for operation in operations(&current) {
        assert!(operation["responses"].as_object().is_some_and(|responses| !responses.is_empty()), "{operation}");
        assert!(operation["summary"].is_string(), "no summary: {operation}");
    }
}

fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values())
}
