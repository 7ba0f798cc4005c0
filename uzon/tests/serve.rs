//! `uzon serve`, `migrate` and `topics`: refused starts, and connections between processes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::{
    io::{BufRead, BufReader, Read},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Stdio},
};

use serde_json::{Value, json};
use support::{Dev, eventually, printed, refused, uzon};

/// `sqlite:` in this folder.
fn databases(folder: &Path) -> String {
    format!("database.url=sqlite:{}/{{service}}.sqlite", folder.display())
}

/// A port without a listener.
fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn one_line(arguments: &[&str], status: i32) -> String {
    let (was, mut lines) = refused(arguments);
    assert_eq!((was, lines.len()), (status, 1), "{arguments:?}: {lines:?}");
    lines.remove(0)
}

#[test]
fn an_unknown_service_is_refused() {
    let (status, lines) = refused(&["serve", "basket"]);
    assert_eq!(status, 2);
    assert!(lines.iter().any(|line| line.contains("basket")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("order, inventory, payment")), "{lines:?}");
    assert_eq!(refused(&["serve"]).0, 2, "somebody has to be named");
}

#[test]
fn wrong_addresses_are_named() {
    for (setting, key) in [
        ("bus.url=kafka://", "bus.url"),
        ("bus.url=kafka://a", "bus.url"),
        ("database.url=postgres://h", "database.url"),
        ("sandbox.url=here", "sandbox.url"),
        ("bus.security.protocol=tls", "bus.security.protocol"),
    ] {
        let line = one_line(&["serve", "order", "--set", setting], 64);
        assert!(line.starts_with(&format!("uzon: {key} (--set): ")), "{line}");
    }
}

#[test]
fn the_embedded_log_is_for_one_process() {
    for services in [&["order"][..], &["order", "inventory"]] {
        let line = one_line(&[&["serve"][..], services].concat(), 64);
        assert!(line.contains("bus.url (default)") && line.contains("one process"), "{line}");
    }
    let line = one_line(&["topics", "plan"], 64);
    assert!(line.contains("bus.url"), "{line}");
}

#[test]
fn callers_of_the_sandbox_need_its_address() {
    let kafka = format!("bus.url=kafka://{}", closed());
    for service in ["payment", "fulfillment"] {
        let line = one_line(&["serve", service, "--set", &kafka], 64);
        assert!(line.contains("sandbox.url (default)"), "{line}");
    }
    let line = one_line(&["serve", "sandbox"], 64);
    assert!(line.contains("sandbox.carrier.webhook (default)"), "{line}");
}

#[test]
fn an_unreachable_broker_is_69() {
    let (dir, address) = (tempfile::tempdir().unwrap(), closed());
    let bus = format!("bus.url=kafka://{address}");
    for command in [&["serve", "order"][..], &["topics", "plan"]] {
        let listen = ["--set", &bus, "--set", "http.listen=127.0.0.1:0", "--set", &databases(dir.path())];
        let line = one_line(&[command, &listen].concat(), 69);
        assert!(line.contains(&address.to_string()), "{line}");
    }
}

#[test]
fn an_unreachable_database_server_is_69() {
    let address = closed();
    for engine in ["postgres", "mysql"] {
        let url = format!("database.url={engine}://uzon:s3cr3t@{address}/uzon_{{service}}");
        for more in [&[][..], &["--create"]] {
            let line = one_line(&[&["migrate", "order", "--set", &url][..], more].concat(), 69);
            assert!(line.contains("order: database") && line.contains(&address.to_string()), "{line}");
            assert!(!line.contains("s3cr3t"), "{line}");
        }
    }
}

#[test]
fn without_create_nothing_is_created() {
    let dir = tempfile::tempdir().unwrap();
    let log = format!("bus.url=embedded:{}/bus.sqlite", dir.path().display());
    let set = ["--set", &databases(dir.path()), "--set", &log, "--set", "http.listen=127.0.0.1:0"];
    let line = one_line(&[&["serve", "all"][..], &set].concat(), 69);
    assert!(line.contains("there is no database") && line.contains("uzon migrate --create"), "{line}");
    let line = one_line(&["migrate", "order", "--set", &databases(dir.path())], 69);
    assert!(line.contains("uzon migrate --create"), "{line}");
    assert!(!dir.path().join("order.sqlite").exists());

    let output = printed(&["migrate", "order", "--create", "--json", "--set", &databases(dir.path())]);
    assert_eq!(serde_json::from_str::<Value>(&output).unwrap()["service"], "order");
    let all = printed(&["migrate", "--create", "--set", &databases(dir.path())]);
    assert_eq!(all.lines().count(), 8, "{all}");
    let serving = Serving::start(&[&["all"][..], &set].concat());
    let line = one_line(&["migrate", "order", "--set", &databases(dir.path())], 69);
    assert!(line.contains("another process has it open"), "{line}");
    serving.stop();
}

/// `uzon serve`, killed when the test ends without stopping it.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn start(arguments: &[&str]) -> Self {
        let child = uzon().arg("serve").args(arguments).stderr(Stdio::inherit()).spawn().unwrap();
        let mut serving = Self { child, address: String::new() };
        let mut output = BufReader::new(serving.child.stdout.take().unwrap());
        while serving.address.is_empty() {
            let mut line = String::new();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "{arguments:?} ends instead of getting ready");
            let log: Value = serde_json::from_str(&line).unwrap_or_default();
            if log["message"] == "ready" {
                log["address"].as_str().unwrap().clone_into(&mut serving.address);
            }
        }
        std::thread::spawn(move || output.read_to_end(&mut Vec::new())); // otherwise the process blocks on a full pipe
        serving
    }

    fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
        let status = eventually("it ends", || self.child.try_wait().unwrap());
        assert_eq!(status.code(), Some(0));
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Payment provider and carrier in a process of their own, all services in another: calls and
/// carrier updates go over HTTP.
#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_can_be_a_separate_process() {
    let (shop_data, world_data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let shop_at = closed();
    let webhook = format!("sandbox.carrier.webhook=http://{shop_at}/webhooks/carrier/sandbox");
    let at_once = ["latency=0ms", "error_rate=0", "pickup_after=0s", "deliver_after=0s"];
    let at_once = at_once.map(|setting| format!("sandbox.carrier.{setting}"));
    let mut arguments = vec!["sandbox", "--create", "--set", "http.listen=127.0.0.1:0", "--set", &webhook];
    let own = databases(world_data.path());
    arguments.extend(["--set", &own]);
    arguments.extend(at_once.iter().flat_map(|setting| ["--set", setting]));
    let world = Serving::start(&arguments);
    let health = get(&world.address, "/health").await.1;
    assert_eq!(health["status"], "UP");
    assert!(health["dependencies"].get("bus").is_none(), "it needs none: {health}");

    let (listen, url) = (format!("http.listen={shop_at}"), format!("sandbox.url=http://{}", world.address));
    let log = format!("bus.url=embedded:{}/bus.sqlite", shop_data.path().display());
    let shop = ["order", "inventory", "payment", "fulfillment", "notification", "analytics"];
    let own = databases(shop_data.path());
    let set =
        ["--create", "--set", &listen, "--set", &url, "--set", &log, "--set", &own, "--set", "payment.timeout=300ms"];
    let shop = Serving::start(&[&shop[..], &set].concat());
    assert_eq!(get(&shop.address, "/sandbox/carrier/ledger").await.0, 404, "it is elsewhere");
    let to_shop = ["--url", &format!("http://{}", shop.address), "--json"];
    let demo: Value = serde_json::from_str(&printed(&[&["products", "demo"][..], &to_shop].concat())).unwrap();
    assert_eq!(demo["items"].as_array().unwrap().len(), 24);
    assert_eq!(demo, serde_json::from_str::<Value>(&printed(&[&["products", "demo"][..], &to_shop].concat())).unwrap());

    for (token, end) in [
        ("tok_ok", "DELIVERED"),
        ("tok_declined", "FAILED"),
        ("tok_timeout_charged", "DELIVERED"),
        ("tok_lands_late", "DELIVERED"),
    ] {
        let place = ["order", "place", "--product", "TEAPOT", "--payment-token", token, "--watch"];
        let output = printed(&[&place[..], &to_shop].concat());
        let last: Value = serde_json::from_str(output.lines().last().unwrap()).unwrap();
        assert_eq!(last["status"], end, "{token}: {output}");
    }
    let ledger = get(&world.address, "/sandbox/payment-provider/ledger").await.1;
    let charged = ledger["items"].as_array().unwrap();
    assert_eq!(charged.iter().filter(|entry| entry["operation"] == "CHARGE").count(), 3, "each once: {ledger}");
    let down = json!({ "down": true });
    let client = reqwest::Client::builder().timeout(std::time::Duration::from_mins(1)).build().unwrap();
    let behaviour = format!("http://{}/sandbox/payment-provider/behaviour", world.address);
    assert!(client.put(&behaviour).json(&down).send().await.unwrap().status().is_success());
    let query = format!("http://{}/sandbox/payment-provider/charges/none/query", world.address);
    let answer = client.post(&query).json(&json!({ "orderId": uuid::Uuid::nil() })).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.json::<Value>().await.unwrap()["type"], "/problems/not-done");
    shop.stop();
    world.stop();
}

async fn get(address: &str, path: &str) -> (u16, Value) {
    let client = reqwest::Client::builder().timeout(std::time::Duration::from_mins(1)).build().unwrap();
    let answer = client.get(format!("http://{address}{path}")).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

/// `uzon dev` accepts settings for other buses and databases.
#[test]
fn dev_accepts_an_external_bus_and_reports_when_it_is_unreachable() {
    let (dir, address) = (tempfile::tempdir().unwrap(), closed());
    let data = dir.path().to_str().unwrap();
    let bus = format!("bus.url=kafka://{address}");
    let line = one_line(&["dev", "--listen", "127.0.0.1:0", "--data", data, "--set", &bus], 69);
    assert!(line.contains(&address.to_string()), "{line}");
    drop(Dev::start(dir.path(), &[]));
}
