//! Permitted dependencies (docs/architecture.md), checked in manifests and sources. `deny.toml`
//! restricts the drivers in the whole graph.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

const SERVICES: [&str; 6] = [
    "order-service",
    "inventory-service",
    "payment-service",
    "fulfillment-service",
    "notification-service",
    "analytics-service",
];

/// The crates of the platform, and which of them each may use.
const PLATFORM: [(&str, &[&str]); 9] = [
    ("clock", &[]),
    ("telemetry", &[]),
    ("bus", &["clock", "telemetry"]),
    ("store", &["clock", "telemetry"]),
    ("settings", &["clock", "telemetry"]),
    ("effects", &["clock", "store", "telemetry"]),
    ("saga", &["bus", "clock", "effects", "store", "telemetry"]),
    ("web", &["clock", "saga", "telemetry"]),
    ("host", &["bus", "clock", "saga", "settings", "store", "telemetry", "web"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The names in `[dependencies]` of each crate's manifest.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    let folders = fs::read_dir(root()).unwrap().chain(fs::read_dir(root().join("platform")).unwrap());
    for folder in folders.map(|entry| entry.unwrap().path()) {
        let Ok(manifest) = fs::read_to_string(folder.join("Cargo.toml")) else { continue };
        let section = manifest.split("[dependencies]").nth(1).unwrap_or_default();
        let section = section.split("\n[").next().unwrap_or_default();
        let names = section.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
        let names = names.filter(|name| !name.is_empty()).map(ToOwned::to_owned).collect();
        all.insert(folder.file_name().unwrap().to_string_lossy().into_owned(), names);
    }
    all
}

/// The sources of a crate without comments and unit tests, by path.
fn sources(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(sources(&path));
        } else {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            found.insert(path, code.collect::<Vec<_>>().join("\n"));
        }
    }
    found
}

#[test]
fn services_meet_only_on_the_bus() {
    let all = dependencies();
    for (name, needs) in &all {
        let services: Vec<_> = needs.iter().filter(|it| SERVICES.contains(&it.as_str())).collect();
        assert!(services.is_empty() || name == "uzon", "{name} depends on {services:?}");
    }
    assert!(SERVICES.iter().all(|service| all[*service].contains(&"saga".to_owned())));
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
    let ours = PLATFORM.map(|(name, _)| name);
    for never in ["tokio", "axum", "sea-orm", "rusqlite", "rdkafka", "hyper"].iter().chain(&ours) {
        assert!(!dependencies()["events"].contains(&(*never).to_owned()), "events depends on {never}");
    }
}

#[test]
fn crates_of_the_platform_use_only_those_below_them() {
    let all = dependencies();
    for (name, may) in PLATFORM {
        let ours = all[name].iter().filter(|it| all.contains_key(it.as_str()) && *it != "events");
        let others: Vec<_> = ours.filter(|it| !may.contains(&it.as_str())).collect();
        assert!(others.is_empty(), "{name} depends on {others:?}");
    }
}

#[test]
fn drivers_are_used_in_one_place() {
    let may = [
        ("rdkafka", &["bus"][..]),
        ("rusqlite", &["bus", "store"]),
        ("tokio-postgres", &["store"]),
        ("sqlx", &["store"]),
    ];
    let all = dependencies();
    for (driver, crates) in may {
        let users: Vec<_> = all.iter().filter(|(_, needs)| needs.contains(&driver.to_owned())).collect();
        assert!(!users.is_empty(), "nobody uses {driver}");
        for (name, _) in users {
            assert!(crates.contains(&name.as_str()), "{name} depends on {driver}");
        }
    }
}

#[test]
fn the_platform_knows_no_event_topic_or_service() {
    for (name, _) in PLATFORM {
        for (path, code) in sources(&root().join("platform").join(name).join("src")) {
            for contract in events::contracts() {
                let event = events::envelope::name_of(contract.event_type);
                assert!(!code.contains(event), "{} names {event}", path.display());
            }
            for service in SERVICES {
                assert!(!code.contains(service), "{} names {service}", path.display());
            }
            assert!(name == "host" || !code.contains("choreography"), "{} reads the choreography", path.display());
        }
    }
}

/// Only the host reads which events a service reacts to.
#[test]
fn services_do_not_read_the_choreography() {
    for service in SERVICES {
        for (path, code) in sources(&root().join(service).join("src")) {
            assert!(!code.contains("choreography"), "{} reads the choreography", path.display());
        }
    }
}
