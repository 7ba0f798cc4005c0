//! Who may depend on whom (docs/architecture.md), read from the manifests. `deny.toml` says the same of the whole graph.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{collections::BTreeMap, fs, path::Path};

const SERVICES: [&str; 6] = [
    "order-service",
    "inventory-service",
    "payment-service",
    "fulfillment-service",
    "notification-service",
    "analytics-service",
];

/// Lines of a manifest's `[dependencies]`, by crate.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut all = BTreeMap::new();
    for folder in fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(manifest) = fs::read_to_string(folder.join("Cargo.toml")) else { continue };
        let section = manifest.split("[dependencies]").nth(1).unwrap_or_default();
        let section = section.split("\n[").next().unwrap_or_default();
        let names = section.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
        let names = names.filter(|name| !name.is_empty()).map(ToOwned::to_owned).collect();
        all.insert(folder.file_name().unwrap().to_string_lossy().into_owned(), names);
    }
    all
}

#[test]
fn services_meet_only_on_the_bus() {
    let all = dependencies();
    for (name, needs) in &all {
        let services: Vec<_> = needs.iter().filter(|it| SERVICES.contains(&it.as_str())).collect();
        assert!(services.is_empty() || name == "uzon", "{name} depends on {services:?}");
    }
    assert!(SERVICES.iter().all(|service| all[*service].contains(&"platform".to_owned())));
}

/// Services call providers over HTTP; the sandbox is one. Only `uzon` knows both.
#[test]
fn only_uzon_knows_services_and_sandbox() {
    let all = dependencies();
    assert!(all.contains_key("sandbox"));
    for (name, needs) in &all {
        assert!(name == "uzon" || !needs.contains(&"sandbox".to_owned()), "{name} depends on the sandbox");
    }
}

#[test]
fn the_contract_knows_no_runtime_web_or_database() {
    for never in ["tokio", "axum", "sea-orm", "rusqlite", "rdkafka", "platform", "hyper"] {
        assert!(!dependencies()["events"].contains(&never.to_owned()), "events depends on {never}");
    }
}

#[test]
fn only_the_platform_speaks_to_an_engine() {
    for (name, needs) in dependencies() {
        let engines = needs.iter().any(|it| ["rusqlite", "rdkafka", "sqlx"].contains(&it.as_str()));
        assert!(!engines || name == "platform", "{name} speaks to an engine");
    }
}

#[test]
fn the_platform_knows_no_event_topic_or_service() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../platform/src")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap_or_default();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            for contract in events::contracts() {
                let name = events::envelope::name_of(contract.event_type);
                assert!(!code.contains(name), "{} names {name}", path.display());
            }
            for service in SERVICES {
                assert!(!code.contains(service), "{} names {service}", path.display());
            }
        }
    }
}
