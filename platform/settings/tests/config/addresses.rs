//! Addresses of bus and databases.

use settings::BusUrl;

use super::{set_refused, shop};

const BUS: &str = "embedded:<file> or kafka://<host>:<port>,<host>:<port>";

const DATABASE: &str = "sqlite:<file>, postgres://<host>/<database> or mysql://<host>/<database>";

#[test]
fn unusable_addresses_are_refused() {
    let brokers = "expected brokers with their ports as in kafka://127.0.0.1:9092 or kafka://a:9092,b:9092";
    let no_database =
        |engine| format!("names no database: expected something like {engine}://uzon@127.0.0.1/uzon_{{service}}");
    let cases = [
        ("bus.url=kafka://", brokers.to_owned()),
        ("bus.url=kafka://a", brokers.to_owned()),
        ("bus.url=kafka://a:9092,b", brokers.to_owned()),
        ("bus.url=kafka://user:pw@a:9092", brokers.to_owned()),
        ("bus.url=redis://x", format!("unknown scheme redis: expected {BUS}")),
        ("bus.url=", format!("expected {BUS}")),
        ("bus.url=embedded:", "names no file: expected something like embedded:.uzon/bus.sqlite".to_owned()),
        ("database.url=postgres://u:pw@h", no_database("postgres")),
        ("database.url=postgresql:h/d", no_database("postgres")),
        ("database.url=mysql://h/", no_database("mysql")),
        ("database.url=mariadb://u:p/w@h", no_database("mysql")),
        ("database.url=oracle:x", format!("unknown scheme oracle: expected {DATABASE}")),
        ("database.url=user:pw@host", format!("unknown scheme user: expected {DATABASE}")),
        (
            "database.url=sqlite::memory:",
            "must be a file, or a restart would lose everything: expected something like sqlite:.uzon/{service}.sqlite"
                .to_owned(),
        ),
        (
            "database.url=sqlite:x?mode=ro",
            "takes no options: expected a plain path as in sqlite:.uzon/{service}.sqlite".to_owned(),
        ),
        ("service.order.database.url=mysql://h", no_database("mysql")),
        ("sandbox.url=https://h", "expected an address such as http://127.0.0.1:8087".to_owned()),
    ];
    for (assignment, message) in cases {
        let key = assignment.split_once('=').unwrap().0;
        assert_eq!(set_refused(assignment), format!("{key} (--set): {message}"));
    }
}

#[test]
fn servers_are_addressed_like_files() {
    let load = |settings: &[&str]| shop().set(settings.iter().copied()).load().unwrap();
    let config = load(&[
        "bus.url=kafka://a:9092, b:9092",
        "database.url=postgresql://uzon_{service}:s3cr3t@h:5432/uzon_{service}",
        "database.read_url=postgres://r@replica/uzon_{service}",
        "service.order.database.url=postgres://elsewhere/orders",
    ]);
    assert_eq!(config.bus.url, BusUrl::Kafka(vec!["a:9092".to_owned(), "b:9092".to_owned()]));
    assert_eq!((config.bus.url.to_string().as_str(), config.bus.url.file()), ("kafka://a:9092,b:9092", None));
    let stock = config.database_for("inventory");
    assert_eq!(stock.url.reveal(), "postgres://uzon_inventory:s3cr3t@h:5432/uzon_inventory");
    assert_eq!(stock.url.to_string(), "postgres://uzon_inventory:***@h:5432/uzon_inventory");
    assert!(!format!("{stock:?}{config:?}").contains("s3cr3t"));
    assert_eq!(stock.read_url.unwrap().to_string(), "postgres://r@replica/uzon_inventory");
    assert_eq!(config.database_for("order").url.to_string(), "postgres://elsewhere/orders");
    // Names on a server need no quotes.
    assert_eq!(
        config.database_for("sandbox-payment").url.to_string(),
        "postgres://uzon_sandbox_payment:***@h:5432/uzon_sandbox_payment"
    );
    let maria = load(&["database.url=mariadb://h/uzon_{service}"]);
    assert_eq!(maria.database_for("order").url.reveal(), "mysql://h/uzon_order");
}
