//! `uzon dev`: refused starts, operation, and shutdown.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
};

use serde_json::Value;
use support::{Dev, eventually, refused, uzon};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// The single line of output of a refused start, and its exit status.
fn refused_start(data: &Path, arguments: &[&str]) -> (i32, String) {
    let all = [&["dev", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()], arguments].concat();
    let (status, mut lines) = refused(&all);
    assert_eq!(lines.len(), 1, "{lines:?}");
    (status, lines.remove(0))
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dir = folder();
    let (status, lines) = refused(&["dev", "--listen", &address, "--data", dir.path().to_str().unwrap()]);
    assert_eq!(
        (status, lines),
        (1, vec![format!("uzon: cannot listen on {address}: the port is in use by another program")])
    );
    assert!(!dir.path().join("bus.sqlite").exists(), "nothing was started");
}

#[test]
fn a_data_folder_belongs_to_one_process() {
    let dir = folder();
    let first = Dev::start(dir.path(), &[]);
    for more in [&[][..], &["--fresh"]] {
        let (status, line) = refused_start(dir.path(), more);
        assert_eq!(status, 1);
        assert!(line.contains("another uzon (process ") && line.contains("--data"), "{line}");
    }
    assert_eq!(first.json(&["products", "list"])["items"].as_array().unwrap().len(), 24, "the first is not disturbed");
}

#[test]
fn a_folder_that_cannot_be_written_is_refused() {
    // Not writable even for root.
    let (status, line) = refused_start(Path::new("/proc/self"), &[]);
    assert_eq!(status, 1);
    assert!(line.starts_with("uzon: the data folder /proc/self cannot be used: "), "{line}");

    let dir = folder();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(refused_start(&file, &[]).0, 1);
}

#[test]
fn an_invalid_database_is_named_and_unchanged() {
    for name in ["bus.sqlite", "inventory.sqlite", "analytics.sqlite"] {
        let dir = folder();
        let file = dir.path().join(name);
        fs::write(&file, "a letter to the editor, long enough to be taken for a database header by nobody").unwrap();
        let (status, line) = refused_start(dir.path(), &[]);
        assert_eq!(status, 69, "{line}");
        assert!(line.contains(name), "{line}");
        assert!(fs::read_to_string(&file).unwrap().starts_with("a letter"), "{name}");
        assert!(line.len() < 300, "{line}");
    }
}

#[test]
fn wrong_usage_has_its_own_exit_status() {
    for arguments in [&["dve"][..], &["dev", "--listen", "localhost"], &["order"], &["order", "show", "7"], &["serve"]]
    {
        assert_eq!(refused(arguments).0, 2, "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_serves_and_completes_all_work_before_it_ends() {
    let dir = folder();
    let dev = Dev::start(dir.path(), &[]);

    let (status, health) = dev.get("/health/ready").await;
    let health: Value = serde_json::from_str(&health).unwrap();
    assert_eq!((status, &health["status"]), (200, &Value::from("UP")), "{health}");
    for dependency in ["bus", "order.database", "inventory.outbox", "sandbox-payment.database", "analytics.database"] {
        assert_eq!(health["dependencies"][dependency]["status"], "UP", "{dependency}: {health}");
    }
    for path in [
        "/",
        "/uzon.css",
        "/uzon.svg",
        "/docs/",
        "/openapi.json",
        "/asyncapi.json",
        "/metrics",
        "/health/live",
        "/problems",
    ] {
        assert_eq!(dev.get(path).await.0, 200, "{path}");
    }
    // Every address on the page exists.
    let page = dev.get("/").await.1;
    for path in page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let (status, _) = dev.get(path).await;
        assert!(matches!(status, 200 | 303), "{path}: {status}");
    }

    let (status, log) = dev.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert_eq!(log, "", "a clean end logs nothing");
    for entry in fs::read_dir(dir.path()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.ends_with("-wal"), "{name} was not folded into its database");
    }
}

#[test]
fn accepted_orders_exist_after_a_restart() {
    let dir = folder();
    let dev = Dev::start(dir.path(), &[]);
    let placed = dev.json(&["order", "place", "--product", "TEAPOT:2", "--key", "k"]);
    assert_eq!((&placed["status"], &placed["totalAmount"]), (&"PENDING".into(), &"59.90".into()));
    let id = placed["orderId"].as_str().unwrap();
    assert_eq!(dev.stop().0.code(), Some(0));

    let dev = Dev::start(dir.path(), &[]);
    let again = dev.json(&["order", "place", "--product", "TEAPOT:2", "--key", "k"]);
    assert_eq!(again, placed, "the same key is the same order");
    let last = dev.printed(&["order", "watch", id]);
    assert!(last.lines().last().unwrap().ends_with("Delivered"), "{last}");
    let teapot = &dev.json(&["products", "list", "--search", "TEAPOT"])["items"][0];
    assert_eq!((&teapot["available"], &teapot["reserved"], &teapot["shipped"]), (&9998.into(), &0.into(), &2.into()));
}

#[test]
fn a_kill_loses_nothing() {
    let dir = folder();
    let mut dev = Dev::start(dir.path(), &[]);
    let placed = dev.json(&["order", "place", "--product", "TEAPOT"]);
    dev.signal("KILL");
    dev.wait();
    let dev = Dev::start(dir.path(), &[]);
    let events = dev.printed(&["order", "watch", placed["orderId"].as_str().unwrap()]);
    assert!(events.lines().last().unwrap().ends_with("Delivered"), "{events}");
}

#[test]
fn open_streams_do_not_hold_up_the_end() {
    let dir = folder();
    let dev = Dev::start(dir.path(), &["--set", "sandbox.carrier.deliver_after=1d"]);
    let placed = dev.json(&["order", "place", "--product", "TEAPOT"]);
    let order = placed["orderId"].as_str().unwrap();
    let mut watch = uzon().args(["order", "watch", order, "--url", &dev.url]).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().ends_with("Order Placed") || lines.next().is_some());

    assert_eq!(dev.stop().0.code(), Some(0));
    let end = eventually("the following command ends", || watch.try_wait().unwrap());
    assert_eq!(end.code(), Some(69), "nobody is there any more");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let dir = folder();
    let mut dev = Dev::start(dir.path(), &[]);
    // An incomplete request delays the shutdown after the first signal.
    let mut stream = TcpStream::connect(dev.url.trim_start_matches("http://")).unwrap();
    stream.write_all(b"POST /api/v1/orders HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{").unwrap();
    let status = eventually("it ends", || {
        dev.signal("TERM"); // two signals in quick succession can count as one
        dev.ended()
    });
    assert_eq!(status.code(), Some(1));
    drop(dev);
    assert_eq!(Dev::start(dir.path(), &[]).stop().0.code(), Some(0));
}

#[test]
fn fresh_begins_with_nothing() {
    let dir = folder();
    let dev = Dev::start(dir.path(), &[]);
    dev.printed(&["products", "put", "MINE", "--name", "Mine", "--price", "1.00"]);
    assert_eq!(dev.json(&["products", "list"])["items"].as_array().unwrap().len(), 25);
    dev.stop();

    let stranger = dir.path().join("letters.txt");
    fs::write(&stranger, "dear reader").unwrap();
    let (status, line) = refused_start(dir.path(), &["--fresh"]);
    assert_eq!(status, 1);
    assert!(line.contains("letters.txt"), "{line}");
    fs::remove_file(stranger).unwrap();

    let dev = Dev::start(dir.path(), &["--fresh"]);
    assert_eq!(dev.json(&["products", "list"])["items"].as_array().unwrap().len(), 24);
}

#[test]
fn the_start_message_lists_addresses() {
    let dir = folder();
    let mut child = uzon()
        .args(["dev", "--listen", "127.0.0.1:0", "--set", "telemetry.log_format=pretty", "--data"])
        .arg(dir.path())
        .spawn()
        .unwrap();
    let mut text = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    while !text.contains("Ctrl-C") {
        assert_ne!(stdout.read_line(&mut text).unwrap(), 0, "{text}");
    }
    assert!(text.starts_with("Uzon "), "no output comes first: {text}");
    // The printed command works in a shell.
    let command = text.split("or with curl:\n\n").nth(1).unwrap().split("\n\nCtrl-C").next().unwrap();
    let curl =
        std::process::Command::new("sh").args(["-c", &command.replacen("curl ", "curl -sS ", 1)]).output().unwrap();
    let answer: Value = serde_json::from_slice(&curl.stdout).unwrap_or_default();
    assert_eq!(answer["status"], "PENDING", "{command}\n{curl:?}");

    std::process::Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(eventually("it ends", || child.try_wait().unwrap()).code(), Some(0));
}
