//! Unknown keys and wrong values.

use serde::Deserialize;
use settings::{ConfigError, Source, Span};

use super::{file_refused, refused, set_refused, shop, vars, with_file};

#[test]
fn unknown_keys_are_refused_with_a_suggestion() {
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
fn variables_that_are_not_settings_can_be_declared() {
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

#[test]
fn all_violations_are_reported_at_once() {
    let (_dir, loader) = with_file("[http]\nlisten = 80\n[inbox]\nkeep = \"1d\"\n[bus]\nurl = \"kafka://x\"\n");
    let error =
        loader.env(vars(&[("UZON_DELIVERY_BATCH", "x")])).set(["nope=1", "database.url=mysql:"]).load().unwrap_err();
    let keys: Vec<_> = error.problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["http.listen", "delivery.batch", "nope", "bus.url", "database.url"]);
    assert_eq!(error.problems[1].source, Source::Env("UZON_DELIVERY_BATCH".into()));
    assert_eq!(ConfigError::EXIT, 64);
}

#[test]
fn unusable_files_are_refused() {
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
fn unusable_secret_files_are_refused() {
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
