//! The command line against a running system: what it prints, and how it fails.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use support::{Dev, printed, refused};

#[test]
fn orders_are_placed_shown_followed_and_cancelled() {
    let data = tempfile::tempdir().unwrap();
    let dev = Dev::start(data.path(), &[]);

    let followed = dev.printed(&["order", "place", "--product", "teapot:2", "--product", "MUG-BLUE", "--watch"]);
    let lines: Vec<&str> = followed.lines().collect();
    assert!(lines[0].contains("68.40 EUR: Order Placed"), "{followed}");
    assert!(lines.last().unwrap().ends_with("Delivered"), "{followed}");
    let id = lines[0].split([' ', ',']).nth(1).unwrap();

    let shown = dev.printed(&["order", "show", id]);
    for part in [id, "Delivered (DELIVERED)", "Teapot", "29.95", "CHARGED", "68.40 EUR", "ada@example.org"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert_eq!(dev.json(&["order", "show", id])["items"][0]["lineTotal"], "59.90");

    let (status, lines) = dev.refused(&["order", "cancel", id]);
    assert_eq!((status, lines.len()), (1, 1), "{lines:?}");
    assert!(dev.printed(&["order", "cancel", id, "--preview"]).starts_with("It cannot be cancelled: "));

    let declined =
        dev.printed(&["order", "place", "--product", "TEAPOT", "--payment-token", "tok_declined", "--watch"]);
    assert!(declined.lines().last().unwrap().ends_with("Failed (CARD_DECLINED)"), "{declined}");
    let sold_out = dev.printed(&["order", "place", "--product", "PORCELAIN-SET", "--watch"]);
    assert!(sold_out.lines().last().unwrap().ends_with("Cancelled (OUT_OF_STOCK)"), "{sold_out}");
}

#[test]
fn products_are_listed_created_and_stocked() {
    let data = tempfile::tempdir().unwrap();
    let dev = Dev::start(data.path(), &[]);

    let list = dev.printed(&["products", "list"]);
    for part in ["TEAPOT", "Samovar, brass", "GBP", "01920000-0000-7000-8000-000000000018"] {
        assert!(list.contains(part), "{part}: {list}");
    }
    dev.printed(&["products", "put", "LADDER", "--name", "Ladder", "--price", "75.5"]);
    dev.printed(&["products", "stock", "LADDER", "7"]);
    let ladder = dev.json(&["products", "stock", "LADDER", "-3", "--note", "broken"]);
    assert_eq!((&ladder["available"], &ladder["price"]), (&4.into(), &"75.50".into()));
    dev.printed(&["products", "put", "LADDER", "--name", "Step ladder", "--price", "80"]);
    let found = dev.json(&["products", "list", "--search", "LADDER"]);
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    assert_eq!(found["items"][0]["name"], "Step ladder");

    for (arguments, part) in [
        (&["products", "stock", "LADDER", "-30"][..], "Not enough stock"),
        (&["products", "stock", "SNAKE", "1"], "there is no product SNAKE"),
        (&["products", "put", "LADDER", "--name", "", "--price", "0.00"], "name "),
        (&["order", "place", "--product", "SNAKE"], "there is no product SNAKE"),
        (&["order", "show", "01920000-0000-7000-8000-0000000000ff"], "There is no such thing"),
    ] {
        let (status, lines) = dev.refused(arguments);
        assert_eq!((status, lines.len()), (1, 1), "{arguments:?}: {lines:?}");
        assert!(lines[0].contains(part), "{part}: {lines:?}");
    }
}

#[test]
fn nobody_there_is_69_and_says_what_to_do() {
    // Assumes that a free port stays free for a moment.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let (status, lines) = refused(&["products", "list", "--url", &url]);
    assert_eq!(status, 69);
    assert_eq!(
        lines,
        [format!("uzon: nothing answers at {url}: start it with `uzon dev`, or say where it is with --url")]
    );
    assert_eq!(refused(&["products", "list", "--url", "127.0.0.1:8080"]).0, 2);
}

#[test]
fn shells_can_complete() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(printed(&["completions", shell]).contains("products"), "{shell}");
    }
}
