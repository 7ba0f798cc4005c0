//! Checks that the generated files match the code. `UZON_BLESS=1 cargo test -p events` writes them again.

use std::{collections::BTreeSet, fs, path::PathBuf};

use events::{asyncapi, contracts, saga_map};
use serde_json::Value;

use crate::compatibility::incompatibilities;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[expect(clippy::disallowed_methods, reason = "a switch of this test, not a setting of a service")]
fn blessing() -> bool {
    std::env::var("UZON_BLESS").is_ok_and(|value| value == "1")
}

/// Fails if the file is out of date, or writes it with `UZON_BLESS`.
fn assert_current(name: &str, same: bool, now: &str) {
    if same {
        return;
    }
    assert!(blessing(), "{name} is out of date: run `UZON_BLESS=1 cargo test -p events` and review the difference");
    fs::create_dir_all(path(name).parent().expect("the file is in a folder")).expect("the folder can be made");
    fs::write(path(name), now).expect("the file can be written");
}

/// Compares values, not text: the order of an object's members depends on the features that other crates enable.
fn assert_json_current(name: &str, before: Option<&Value>, now: &Value) {
    assert_current(name, before == Some(now), &format!("{now:#}\n"));
}

fn read_json(name: &str) -> Option<Value> {
    let text = fs::read_to_string(path(name)).ok()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}")))
}

#[test]
fn schemas_are_current_and_compatible() {
    for contract in contracts() {
        let name = format!("schemas/{}.json", contract.event_type);
        let (before, now) = (read_json(&name), contract.schema());
        let broken = before.as_ref().map(|before| incompatibilities(before, &now)).unwrap_or_default();
        assert!(broken.is_empty(), "{name}: add a new version of the type instead\n{}", broken.join("\n"));
        assert_json_current(&name, before.as_ref(), &now);
    }
}

#[test]
fn no_type_is_dropped() {
    let types: BTreeSet<_> = contracts().iter().map(|contract| format!("{}.json", contract.event_type)).collect();
    for folder in ["schemas", "samples"] {
        let files = fs::read_dir(path(folder)).into_iter().flatten();
        for file in files.map(|file| file.unwrap().file_name().into_string().unwrap()) {
            assert!(types.contains(&file), "{folder}/{file} has no event type, but stored records have it");
        }
    }
}

#[test]
fn the_asyncapi_document_is_current() {
    let name = "../docs/asyncapi.json";
    assert_json_current(name, read_json(name).as_ref(), &asyncapi::document());
}

#[test]
fn the_choreography_page_is_current() {
    let (name, now) = ("../docs/choreography.md", saga_map::markdown());
    assert_current(name, fs::read_to_string(path(name)).is_ok_and(|before| before == now), &now);
}
