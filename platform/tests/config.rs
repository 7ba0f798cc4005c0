//! The configuration: layers, refusals with their messages, what is shown.

use std::{fs, path::Path, time::Duration};

use platform::config::{
    AuthMode, BusUrl, Config, ConfigError, DEFAULTS, DurationRange, Loader, LogFormat, Source, Span, environment,
    reference,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// What a service brings along.
const SHOP: &str = r#"
# How orders are taken.
[order]
# An order that is not settled by then is cancelled.
# At least 1s.
deadline = "30m"
# Signs webhooks.
# Secret.
webhook_key = ""
# Whether guests may order.
guests = true

# The pretended carrier.
[sandbox.carrier]
# How long a booking takes.
# At least 1ms.
latency = "100ms..500ms"
# Share of bookings that fail.
# Between 0 and 1.
error_rate = 0.1
# Where failures are reported to.
report_url = ""
"#;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    deadline: Span,
    webhook_key: SecretString,
    guests: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Carrier {
    latency: DurationRange,
    error_rate: f64,
    report_url: String,
}

fn shop() -> Loader {
    Loader::new().defaults(SHOP).services(["order", "inventory"])
}

fn vars(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn with_file(text: &str) -> (tempfile::TempDir, Loader) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("uzon.toml");
    fs::write(&path, text).expect("a file");
    (dir, shop().file(path))
}

/// The lines of the refusal.
fn refused(loader: Loader) -> Vec<String> {
    loader.load().expect_err("should be refused").to_string().lines().map(str::to_owned).collect()
}

/// The lines of the refusal of a file, with `FILE` for its path.
fn file_refused(text: &str) -> Vec<String> {
    let (dir, loader) = with_file(text);
    let path = dir.path().join("uzon.toml").display().to_string();
    refused(loader).iter().map(|line| line.replace(&path, "FILE")).collect()
}

fn set_refused(assignment: &str) -> String {
    let lines = refused(shop().set([assignment]));
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines[0].clone()
}

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
    assert_eq!(config.effects.concurrency, 64);
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
fn what_is_printed_can_be_read_again() {
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
fn the_data_folder_moves_what_was_not_named() {
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
fn unknown_keys_are_refused_with_what_may_have_been_meant() {
    assert_eq!(set_refused("http.lisen=1"), "http.lisen (--set): unknown setting; did you mean http.listen?");
    assert_eq!(set_refused("http.colour=blue"), "http.colour (--set): unknown setting");
    assert_eq!(set_refused("http=1"), "http (--set): is a section, not a setting");
    assert_eq!(
        set_refused("http.listen.port=1"),
        "http.listen.port (--set): unknown: http.listen is a setting, not a section"
    );
    assert_eq!(
        set_refused("htpp.listen=1"),
        "htpp.listen (--set): unknown section; there are auth, bus, database, delivery, effects, http, inbox, order, \
         outbox, sandbox, service, telemetry, topics"
    );
    assert_eq!(set_refused("nonsense"), "nonsense (--set): expected key=value");
    assert_eq!(
        set_refused("service.ordr.database.url=x"),
        "service.ordr.database.url (--set): unknown setting; did you mean service.order.database.url?"
    );
    assert_eq!(
        refused(shop().env(vars(&[("UZON_HTTP_LISTN", "x"), ("UZON_SPEED", "x"), ("UZON_SPEED_FILE", "x")]))),
        [
            "UZON_HTTP_LISTN: unknown variable; did you mean UZON_HTTP_LISTEN?",
            "UZON_SPEED: unknown variable",
            "UZON_SPEED_FILE: unknown variable"
        ]
    );
    assert_eq!(
        file_refused("[http]\nlisten2 = 1\n[payment]\n[[order]]\na = 1\n"),
        [
            "payment (file FILE): unknown section; there are auth, bus, database, delivery, effects, http, inbox, order, \
             outbox, sandbox, service, telemetry, topics",
            "http.listen2 (file FILE): unknown setting; did you mean http.listen?",
            "order (file FILE): is a section, not a setting",
        ]
    );
}

#[test]
fn variables_that_are_no_settings_can_be_named() {
    let loader = shop().env(vars(&[("UZON_TOKEN", "x"), ("UZON_BLESS", "1")])).other_variables(["UZON_TOKEN"]);
    loader.load().unwrap();
}

#[test]
fn wrong_values_are_refused_with_what_was_expected() {
    let cases = [
        ("order.guests=yes", "expected true or false, found \"yes\""),
        ("delivery.batch=many", "expected a whole number, found \"many\""),
        ("delivery.batch=1.5", "expected a whole number, found \"1.5\""),
        ("delivery.batch=0", "expected a whole number between 1 and 10000, found 0"),
        ("topics.partitions=-1", "expected a whole number between 0 and 1000, found -1"),
        ("sandbox.carrier.error_rate=1.1", "expected a number between 0 and 1, found 1.1"),
        ("sandbox.carrier.error_rate=nan", "expected a number, found null"),
        ("order.deadline=soon", "expected a duration such as 500ms, 30s, 15m, 2h or 1d (up to 36500d), found \"soon\""),
        (
            "order.deadline=999ms",
            "expected a duration such as 500ms, 30s, 15m, 2h or 1d (up to 36500d) of at least 1s, found \"999ms\"",
        ),
        (
            "sandbox.carrier.latency=2s..1s",
            "expected a range of durations such as 100ms..500ms, the shorter first, found \"2s..1s\"",
        ),
        ("auth.mode=oidc", "expected one of dev, off, found \"oidc\""),
        ("telemetry.log_format=xml", "expected one of auto, json, pretty, found \"xml\""),
        ("telemetry.log_filter=a=b=c", "expected levels such as info or info,platform=debug"),
        (
            "http.listen=localhost",
            "expected an IP address and a port such as 127.0.0.1:8080 or [::]:8080, found \"localhost\"",
        ),
        ("http.cors_origins=*", "expected origins such as https://shop.example: scheme, host and port, no path, no *"),
        (
            "http.cors_origins=https://a.example/",
            "expected origins such as https://shop.example: scheme, host and port, no path, no *",
        ),
        ("bus.topic_prefix=a b", "expected at most 64 letters (a-z, A-Z), digits, `.`, `_` and `-`"),
    ];
    for (assignment, message) in cases {
        let key = assignment.split_once('=').unwrap().0;
        assert_eq!(set_refused(assignment), format!("{key} (--set): {message}"));
    }
}

const BUS: &str = "embedded:<file> or kafka://<host>:<port>,<host>:<port>";
const DATABASE: &str = "sqlite:<file>, postgres://<host>/<database> or mysql://<host>/<database>";

#[test]
fn addresses_that_lead_nowhere_are_refused() {
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
            "is kept in a file, or a restart would forget everything: expected something like sqlite:.uzon/{service}.sqlite"
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

#[test]
fn any_property_of_kafka_can_be_set() {
    let (_dir, loader) = with_file(
        "[bus]\nurl = \"kafka://a:1\"\n[bus.kafka]\n\"socket.keepalive.enable\" = true\nfetch.wait.max.ms = 5\n",
    );
    let config = loader
        .env(vars(&[("UZON_BUS_KAFKA_SSL_KEY_PASSWORD", "s3cr3t")]))
        .set(["bus.kafka.client.rack=b"])
        .load()
        .unwrap();
    let set: Vec<_> = config.bus.kafka.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        set,
        ["client.rack=b", "fetch.wait.max.ms=5", "socket.keepalive.enable=true", "ssl.key.password=s3cr3t"]
    );
    let shown = config.print();
    assert!(shown.contains("\n[bus.kafka]\n\"client.rack\" = \"b\" # --set\n"), "{shown}");
    assert!(shown.contains("\"ssl.key.password\" = \"***\"") && !shown.contains("s3cr3t"), "{shown}");
    assert_eq!(set_refused("bus.kafka=x"), "bus.kafka (--set): is a section, not a setting");
}

#[test]
fn what_the_promises_rest_on_is_not_for_the_asking() {
    let kafka = |more: &str| refused(shop().set(["bus.url=kafka://a:1", more]));
    for (setting, message) in [
        ("bus.kafka.acks=1", "an event counts as published when all replicas have it"),
        ("bus.kafka.group.id=mine", "follows from bus.topic_prefix and the service"),
        ("bus.security.protocol=sasl_ssl", ""),
        ("bus.security.username=u", "is not used with bus.security.protocol plaintext: sasl_ssl is"),
        ("bus.security.ca=/no/such/file", "is not used with bus.security.protocol plaintext"),
    ] {
        let key = setting.split_once('=').unwrap().0;
        let expected = match message {
            "" => "bus.security.username (default): is needed with bus.security.protocol sasl_ssl".to_owned(),
            message => format!("{key} (--set): {message}"),
        };
        assert_eq!(kafka(setting), [expected]);
    }
    assert_eq!(
        set_refused("bus.kafka.client.rack=b"),
        "bus.kafka.client.rack (--set): is for Apache Kafka, but bus.url is embedded:.uzon/bus.sqlite"
    );
    assert_eq!(
        set_refused("bus.instance=one"),
        "bus.instance (--set): is for Apache Kafka, but bus.url is embedded:.uzon/bus.sqlite"
    );
}

#[test]
fn a_service_alone_has_an_address_of_its_own_and_passes_over_what_is_for_others() {
    let (_dir, loader) = with_file(
        "[service.order]\nhttp.listen = \"127.0.0.1:9001\"\n[warehouse]\nshelves = 3\n[order]\ndeadline = \"1h\"\n",
    );
    let loader = loader.others(["warehouse"]).env(vars(&[("UZON_WAREHOUSE_DOORS", "2")]));
    let config = loader.load().unwrap();
    let port = |config: &Config, service, port| config.clone().alone(service, port).unwrap().http.listen.port();
    assert_eq!((port(&config, "order", 8081), port(&config, "inventory", 8082)), (9001, 8082));
    let config = shop().set(["http.listen=127.0.0.1:80"]).load().unwrap();
    assert_eq!(port(&config, "inventory", 8082), 80);
    let config = shop().set(["http.listen=127.0.0.1:80", "service.order.http.listen=127.0.0.1:81"]).load().unwrap();
    assert_eq!(port(&config, "order", 8081), 80, "the command line is about this process");
    let config = shop().set(["service.order.http.listen=0.0.0.0:80"]).load().unwrap();
    let open = config.alone("order", 1).unwrap_err().to_string();
    assert!(open.starts_with("auth.mode (default): dev is for this machine only"), "{open}");
    assert_eq!(file_refused("[warehouse]\nshelves = 3\n").len(), 1, "unless it is said to be for others");
}

#[test]
fn impossible_combinations_are_refused() {
    assert_eq!(
        set_refused("inbox.keep=30d"),
        "inbox.keep (--set): 30d must be longer than topics.retention, 30d (default), or an event read again counts twice"
    );
    assert_eq!(
        refused(shop().env(vars(&[("UZON_TOPICS_RETENTION", "60d")]))),
        [
            "inbox.keep (default): 31d must be longer than topics.retention, 60d (UZON_TOPICS_RETENTION), or an event read \
          again counts twice"
        ]
    );
    assert_eq!(
        set_refused("http.listen=0.0.0.0:80"),
        "auth.mode (default): dev is for this machine only, but http.listen is 0.0.0.0:80 (--set); off opens it to everybody"
    );
    shop().set(["http.listen=0.0.0.0:80", "auth.mode=off"]).load().unwrap();
    assert_eq!(
        set_refused("database.url=sqlite:one.db"),
        "database.url (--set): sqlite:one.db would be shared by service inventory and service order: put {service} into it"
    );
    assert_eq!(
        set_refused("database.url=postgres://u_{service}:pw@h/one"),
        "database.url (--set): postgres://u_order:***@h/one would be shared by service inventory and service order: put \
         {service} into it"
    );
    assert_eq!(
        set_refused("database.read_url=sqlite:{service}.copy"),
        "database.read_url (--set): a SQLite database has no replicas"
    );
    assert_eq!(
        set_refused("service.order.database.url=sqlite:.uzon/bus.sqlite"),
        "service.order.database.url (--set): sqlite:.uzon/bus.sqlite would be shared by the bus and service order: put \
         {service} into it"
    );
}

#[test]
fn all_problems_come_at_once() {
    let (_dir, loader) = with_file("[http]\nlisten = 80\n[inbox]\nkeep = \"1d\"\n[bus]\nurl = \"kafka://x\"\n");
    let error =
        loader.env(vars(&[("UZON_DELIVERY_BATCH", "x")])).set(["nope=1", "database.url=mysql:"]).load().unwrap_err();
    let keys: Vec<_> = error.problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["http.listen", "delivery.batch", "nope", "bus.url", "database.url"]);
    assert_eq!(error.problems[1].source, Source::Env("UZON_DELIVERY_BATCH".into()));
    assert_eq!(ConfigError::EXIT, 64);
}

#[test]
fn files_that_cannot_be_used_are_refused() {
    let lines = refused(shop().file("/no/such/uzon.toml"));
    assert!(lines[0].starts_with("file /no/such/uzon.toml: cannot be read: "), "{lines:?}");
    assert_eq!(lines.len(), 1);

    let lines = file_refused("[order]\nguests = true\nwebhook_key = \"hunter2\n");
    assert!(lines[0].starts_with("file FILE: line 3 is not TOML: "), "{lines:?}");
    assert!(!lines.concat().contains("hunter2"), "{lines:?}");

    let found = file_refused("[order]\nwebhook_key = [\"hunter2\"]\ndeadline = 2026-01-01\nguests = { a = 1 }\n");
    assert_eq!(
        found,
        [
            "order.webhook_key (file FILE): expected a text, found something else",
            "order.deadline (file FILE): is a date",
            "order.guests.a (file FILE): unknown: order.guests is a setting, not a section",
        ]
    );
}

#[test]
fn secret_files_that_cannot_be_used_are_refused() {
    let lines = refused(shop().env(vars(&[("UZON_ORDER_WEBHOOK_KEY_FILE", "/no/such/key")])));
    assert!(
        lines[0].starts_with("order.webhook_key (UZON_ORDER_WEBHOOK_KEY_FILE): /no/such/key cannot be read: "),
        "{lines:?}"
    );
    let both = vars(&[("UZON_ORDER_WEBHOOK_KEY_FILE", "/x"), ("UZON_ORDER_WEBHOOK_KEY", "y")]);
    assert_eq!(
        refused(shop().env(both)),
        ["order.webhook_key (UZON_ORDER_WEBHOOK_KEY_FILE): UZON_ORDER_WEBHOOK_KEY is given as well: keep one of them"]
    );
}

#[test]
fn sections_that_do_not_fit_their_type_are_named() {
    #[derive(Debug, Deserialize)]
    struct Small {
        #[serde(rename = "deadline")]
        _deadline: Span,
        #[serde(rename = "guests")]
        _guests: bool,
        #[serde(rename = "absent")]
        _absent: u8,
    }
    let config = shop().set(["order.deadline=1h"]).load().unwrap();
    assert_eq!(config.section::<Small>("order").unwrap_err().to_string(), "order (default): missing field `absent`");
    assert_eq!(
        config.refuse("order.deadline", "must be shorter than a day").to_string(),
        "order.deadline (--set): must be shorter than a day"
    );
}

#[test]
fn default_texts_must_document_themselves() {
    let cases = [
        ("[a]\nb = 1\n", "a.b (default): a setting has a comment above it that says what it means"),
        ("# What.\nb = 1\n", "b (default): a setting belongs into a [section]"),
        ("[http]\n# What.\nb = 1\n", "http.b (default): section [http] has been declared before"),
        ("[a]\n# What.\nb = 1979-05-27\n", "a.b (default): a setting cannot be a date"),
        ("[a]\n# What.\nb = [1]\n", "a.b (default): a list holds texts only"),
        ("[a]\n# What.\n# At least 2.\nb = 1\n", "a.b (default): expected a whole number of at least 2, found 1"),
        ("[a]\n# What.\n# One of: x, y.\nb = \"z\"\n", "a.b (default): expected one of x, y, found \"z\""),
        ("[a]\n# What.\nb_c = 1\n# What.\nb.c = 1\n", "a.b.c (default): shares the variable UZON_A_B_C with a.b_c"),
    ];
    for (text, message) in cases {
        assert_eq!(refused(Loader::new().defaults(text)), [message], "{text}");
    }
}

#[test]
fn durations_are_read_and_written() {
    for (text, millis) in
        [("0s", 0), ("500ms", 500), ("90s", 90_000), ("15m", 900_000), ("2h", 7_200_000), ("1d", 86_400_000)]
    {
        let span: Span = text.parse().unwrap();
        assert_eq!((span.duration().as_millis(), span.to_string().as_str()), (millis, text));
    }
    assert_eq!("120m".parse::<Span>().unwrap().to_string(), "2h");
    for text in ["", "5", "s", "-1s", "1.5s", "1 s", "1S", "1w", "36501d", "99999999999999999999s", "1h30m"] {
        assert!(text.parse::<Span>().is_err(), "{text}");
    }
    let range: DurationRange = "100ms..500ms".parse().unwrap();
    assert_eq!(
        (range.at(0.0), range.at(0.5), range.at(1.0)),
        (Duration::from_millis(100), Duration::from_millis(300), Duration::from_millis(500))
    );
    for text in ["", "..", "1s..", "..1s", "2s..1s", "1s...2s"] {
        assert!(text.parse::<DurationRange>().is_err(), "{text}");
    }
}

#[test]
fn the_environment_of_the_process_can_be_read() {
    assert!(environment().any(|(name, _)| name == "PATH"));
}

#[test]
fn a_configuration_goes_to_every_thread() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<Config>();
}

#[test]
fn the_reference_names_type_limits_and_variable() {
    let text = reference(&[DEFAULTS, SHOP]).unwrap();
    for line in [
        "## `[sandbox.carrier]`\n\nThe pretended carrier.\n\n| key |",
        "| `deadline` | An order that is not settled by then is cancelled. | duration, at least 1s | `\"30m\"` | `UZON_ORDER_DEADLINE` |",
        "| `webhook_key` | Signs webhooks. | text, secret | `\"\"` | `UZON_ORDER_WEBHOOK_KEY` |",
        "| `error_rate` | Share of bookings that fail. | number, 0 … 1 | `0.1` | `UZON_SANDBOX_CARRIER_ERROR_RATE` |",
    ] {
        assert!(text.contains(line), "{line}\nis not in\n{text}");
    }
}
