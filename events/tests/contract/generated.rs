//! Generated files agree with the code. `UZON_BLESS=1 cargo test -p events` writes them anew.

use std::{collections::BTreeSet, fs, path::PathBuf};

use events::{asyncapi, contracts, saga_map};
use serde_json::Value;

use crate::compatibility::breaks;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[expect(clippy::disallowed_methods, reason = "a switch of this test, not a setting of a service")]
fn blessing() -> bool {
    std::env::var("UZON_BLESS").is_ok_and(|value| value == "1")
}

/// The file says `now`, or is made to.
fn agrees(name: &str, same: bool, now: &str) {
    if same {
        return;
    }
    assert!(blessing(), "{name} is out of date: run `UZON_BLESS=1 cargo test -p events` and look at the difference");
    fs::create_dir_all(path(name).parent().expect("it is in a folder")).expect("the folder can be made");
    fs::write(path(name), now).expect("the file can be written");
}

/// Compares values, not text: the order of an object's members depends on features other crates choose.
fn json_agrees(name: &str, before: Option<&Value>, now: &Value) {
    agrees(name, before == Some(now), &format!("{now:#}\n"));
}

fn read_json(name: &str) -> Option<Value> {
    let text = fs::read_to_string(path(name)).ok()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}")))
}

#[test]
fn schemas_agree_and_break_no_reader() {
    for contract in contracts() {
        let name = format!("schemas/{}.json", contract.event_type);
        let (before, now) = (read_json(&name), contract.schema());
        let broken = before.as_ref().map(|before| breaks(before, &now)).unwrap_or_default();
        assert!(broken.is_empty(), "{name}: make a new version beside it instead\n{}", broken.join("\n"));
        json_agrees(&name, before.as_ref(), &now);
    }
}

#[test]
fn no_type_is_dropped() {
    let types: BTreeSet<_> = contracts().iter().map(|contract| format!("{}.json", contract.event_type)).collect();
    for folder in ["schemas", "samples"] {
        let files = fs::read_dir(path(folder)).into_iter().flatten();
        for file in files.map(|file| file.unwrap().file_name().into_string().unwrap()) {
            assert!(types.contains(&file), "{folder}/{file} has no event type any more: old records have");
        }
    }
}

#[test]
fn the_asyncapi_document_agrees() {
    let name = "../docs/asyncapi.json";
    json_agrees(name, read_json(name).as_ref(), &asyncapi::document());
}

#[test]
fn the_choreography_page_agrees() {
    let (name, now) = ("../docs/choreography.md", saga_map::markdown());
    agrees(name, fs::read_to_string(path(name)).is_ok_and(|before| before == now), &now);
}
