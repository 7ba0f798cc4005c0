//! Sources, their order, and what is shown of their values.

use std::{fs, path::Path, time::Duration};

use secrecy::ExposeSecret;
use settings::{AuthMode, BusUrl, Config, Loader, LogFormat, Source, Span, environment};

use super::{Carrier, Order, shop, vars, with_file};

#[test]
fn the_defaults_are_valid() {
    let config = Loader::new().load().unwrap();
    assert_eq!(config.http.listen, "127.0.0.1:8080".parse().unwrap());
    assert_eq!(config.http.max_body_bytes, 262_144);
    assert_eq!(config.http.request_timeout.duration(), Duration::from_secs(30));
    assert!(config.http.cors_origins.is_empty());
    assert_eq!(config.bus.url, BusUrl::Embedded(".uzon/bus.sqlite".into()));
    assert_eq!(config.bus.topic_prefix, "");
    assert_eq!((config.topics.partitions, config.topics.retention.to_string()), (0, "30d".to_owned()));
    assert_eq!(config.inbox.keep.delta(), chrono::TimeDelta::days(31));
    assert_eq!((config.delivery.batch, config.delivery.retries), (500, 3));
    assert_eq!((config.delivery.first_retry, config.delivery.hold), (Span::from_secs(1), Span::from_secs(300)));
    assert_eq!((config.outbox.batch, config.outbox.limit_age), (500, Span::from_secs(300)));
    assert_eq!(config.effects.concurrency, 256);
    assert_eq!(config.auth.mode, AuthMode::Dev);
    assert_eq!((config.telemetry.log_format, config.telemetry.log_filter.as_str()), (LogFormat::Auto, "info"));
    let database = config.database_for("order");
    assert_eq!((database.url.to_string().as_str(), database.max_connections), ("sqlite:.uzon/order.sqlite", 4));
}

#[test]
fn later_sources_win() {
    let (_dir, loader) = with_file(
        "[delivery]\nbatch = 1\nretries = 1\nhold = \"1m\"\n[order]\nguests = false\n[sandbox]\ncarrier = { error_rate = 0 }\n",
    );
    let config = loader
        .env(vars(&[("UZON_DELIVERY_RETRIES", "2"), ("UZON_DELIVERY_HOLD", "2m"), ("PATH", "/bin")]))
        .set([
            "delivery.hold=3m",
            "sandbox.carrier.latency=5ms",
            "http.cors_origins=https://a.example, http://b.example:81",
        ])
        .load()
        .unwrap();
    assert_eq!((config.delivery.batch, config.delivery.retries), (1, 2));
    assert_eq!(config.delivery.hold.to_string(), "3m");
    assert_eq!(config.http.cors_origins, ["https://a.example", "http://b.example:81"]);
    assert_eq!(config.source("delivery.retries"), Source::Env("UZON_DELIVERY_RETRIES".into()));
    assert_eq!(config.source("delivery.hold"), Source::Set);
    assert_eq!(config.source("http.listen"), Source::Default);

    let order: Order = config.section("order").unwrap();
    assert_eq!((order.deadline.to_string().as_str(), order.guests), ("30m", false));
    let carrier: Carrier = config.section("sandbox.carrier").unwrap();
    assert_eq!((carrier.latency.to_string().as_str(), carrier.report_url.as_str()), ("5ms..5ms", ""));
    assert!(carrier.error_rate.abs() < f64::EPSILON);
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    fs::write(&path, "hunter2\n").unwrap();
    let config = shop()
        .env(vars(&[("UZON_ORDER_WEBHOOK_KEY_FILE", path.to_str().unwrap())]))
        .set(["sandbox.carrier.report_url=https://u:pa/s?s@s@host/x?token=abc&a=b"])
        .load()
        .unwrap();
    let order: Order = config.section("order").unwrap();
    assert_eq!(order.webhook_key.expose_secret(), "hunter2");
    let shown = config.print();
    assert!(shown.contains("webhook_key = \"***\" # UZON_ORDER_WEBHOOK_KEY_FILE\n"), "{shown}");
    assert!(shown.contains("report_url = \"https://u:***@host/x?token=***&a=b\" # --set\n"), "{shown}");
    assert!(shown.contains("[sandbox.carrier]\nlatency = \"100ms..500ms\" # default\n"), "{shown}");
    assert!(!format!("{config:?} {order:?}").contains("hunter2"));
}

#[test]
fn printed_settings_can_be_read_again() {
    let printed = shop().set(["delivery.batch=7", "service.order.database.max_connections=9"]).load().unwrap().print();
    let (_dir, loader) = with_file(&printed);
    let config = loader.load().unwrap();
    assert_eq!((config.delivery.batch, config.database_for("order").max_connections), (7, 9));
    assert!(printed.starts_with("[http]\nlisten = \"127.0.0.1:8080\" # default\n"), "{printed}");
    assert!(printed.contains("[service.order.database]\nmax_connections = 9 # --set\n"), "{printed}");
}

#[test]
fn a_service_can_have_its_own_database() {
    let (_dir, loader) =
        with_file("[database]\nmax_connections = 5\n[service.order]\ndatabase.url = \"sqlite:/fast/{service}.db\"\n");
    let config = loader.env(vars(&[("UZON_SERVICE_INVENTORY_DATABASE_MAX_CONNECTIONS", "8")])).load().unwrap();
    let show = |service| {
        let database = config.database_for(service);
        format!("{} {}", database.url, database.max_connections)
    };
    assert_eq!(show("order"), "sqlite:/fast/order.db 5");
    assert_eq!(show("inventory"), "sqlite:.uzon/inventory.sqlite 8");
    assert_eq!(show("unannounced"), "sqlite:.uzon/unannounced.sqlite 5");
}

#[test]
fn the_data_folder_moves_the_default_files() {
    let config = shop().set(["service.order.database.url=sqlite:.uzon/mine.sqlite"]).load().unwrap();
    let config = config.with_data_dir("/tmp/elsewhere").unwrap().with_data_dir(Path::new("/data/")).unwrap();
    assert_eq!(config.bus.url.file(), Some(Path::new("/data/bus.sqlite")));
    assert_eq!(config.database_for("inventory").url.file(), Some(Path::new("/data/inventory.sqlite")));
    assert_eq!(config.database_for("order").url.file(), Some(Path::new(".uzon/mine.sqlite")));
    assert!(config.print().contains("url = \"embedded:/data/bus.sqlite\" # --data\n"));

    let error = config.with_data_dir("/what?").unwrap_err().to_string();
    assert!(error.starts_with("bus.url (--data): takes no options: expected a plain path"), "{error}");
}

#[test]
fn the_environment_of_the_process_can_be_read() {
    assert!(environment().any(|(name, _)| name == "PATH"));
}

#[test]
fn a_configuration_can_be_shared_between_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<Config>();
}
