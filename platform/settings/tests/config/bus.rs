//! `[bus]`

use super::{file_refused, refused, set_refused, shop, vars, with_file};

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
fn properties_that_the_guarantees_depend_on_are_refused() {
    let kafka = |more: &str| refused(shop().set(["bus.url=kafka://a:1", more]));
    for (setting, message) in [
        ("bus.kafka.acks=1", "an event counts as published when all replicas have it"),
        ("bus.kafka.group.id=mine", "is set with bus.groups"),
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
fn a_group_is_named_after_its_service_unless_it_has_a_name_of_its_own() {
    let (_dir, loader) = with_file("[bus.groups]\norder = \"order-service-group\"\n");
    let loader = loader.set(["bus.topic_prefix=shop."]);
    let groups = loader.load().unwrap().bus.group_names();
    assert_eq!(
        (groups.of("order").as_str(), groups.of("inventory").as_str()),
        ("order-service-group", "shop.inventory")
    );

    let config = shop().env(vars(&[("UZON_BUS_GROUPS_INVENTORY", "stock")])).load().unwrap();
    assert_eq!(config.bus.group_names().of("inventory"), "stock");
    assert!(config.print().contains("[bus.groups]\ninventory = \"stock\" # UZON_BUS_GROUPS_INVENTORY\n"));
}

#[test]
fn groups_that_cannot_be_used_are_refused() {
    assert_eq!(
        set_refused("bus.groups.ordr=x"),
        "bus.groups.ordr (--set): unknown setting; did you mean bus.groups.order?"
    );
    assert_eq!(
        file_refused("[bus.groups]\nwarehouse = \"x\"\n"),
        ["bus.groups.warehouse (file FILE): unknown setting"]
    );
    for name in ["", "a b"] {
        assert_eq!(
            set_refused(&format!("bus.groups.order={name}")),
            "bus.groups.order (--set): expected 1 to 180 letters (a-z, A-Z), digits, `.`, `_` and `-`"
        );
    }
    for service in ["order", "inventory"] {
        let other = if service == "order" { "inventory" } else { "order" };
        assert_eq!(
            set_refused(&format!("bus.groups.{service}={other}")),
            format!("bus.groups.{service} (--set): {other} would be the group of service inventory and service order")
        );
    }
    assert_eq!(set_refused("bus.groups=x"), "bus.groups (--set): is a section, not a setting");
}

#[test]
fn the_dead_letter_topic_is_a_pattern() {
    let pattern = |loader: settings::Loader| loader.load().unwrap().bus.dead_letter_topic;
    assert_eq!(pattern(shop()), "{topic}.DLQ");
    assert_eq!(pattern(shop().set(["bus.dead_letter_topic=dlq-{topic}"])), "dlq-{topic}");
    let long = format!("{{topic}}{}", "x".repeat(65));
    for wrong in ["", "{topic}", "dead-letters", "{topic}-{topic}", "{topic} DLQ", "{service}.DLQ", &long] {
        assert_eq!(
            set_refused(&format!("bus.dead_letter_topic={wrong}")),
            "bus.dead_letter_topic (--set): expected {topic} once and 1 to 64 letters (a-z, A-Z), digits, `.`, `_` and \
             `-`, such as {topic}.DLQ"
        );
    }
}

#[test]
fn a_dead_letter_topic_is_no_topic_of_events_and_not_too_long() {
    let topics = "[bus.topics]\n# Orders.\norders = \"orders\"\n# Old ones.\nold-orders = \"old-orders\"\n";
    let refused = |settings: &[&str]| {
        let loader = shop().defaults(topics).set(["bus.url=kafka://a:1"]);
        refused(loader.set(settings.iter().copied()))
    };
    assert_eq!(
        refused(&["bus.dead_letter_topic=old-{topic}"]),
        ["bus.dead_letter_topic (--set): old-orders is the name of topic old-orders as well"]
    );
    let (prefix, name) = ("p".repeat(64), "n".repeat(180));
    let (with_prefix, renamed) = (format!("bus.topic_prefix={prefix}"), format!("bus.topics.orders={name}"));
    assert_eq!(
        refused(&[&with_prefix, &renamed, "bus.dead_letter_topic={topic}.death"]),
        [format!("bus.dead_letter_topic (--set): {prefix}{name}.death is longer than the 249 characters of Kafka")]
    );
}
