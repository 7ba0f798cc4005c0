//! Settings that are valid one by one and impossible together; a service alone in its process.

use settings::Config;

use super::{file_refused, refused, set_refused, shop, vars, with_file};

#[test]
fn a_service_alone_has_its_own_address_and_ignores_settings_of_others() {
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
    assert_eq!(port(&config, "order", 8081), 80, "the command line is for this process");
    let config = shop().set(["service.order.http.listen=0.0.0.0:80"]).load().unwrap();
    let open = config.alone("order", 1).unwrap_err().to_string();
    assert!(open.starts_with("auth.mode (default): dev is for this machine only"), "{open}");
    assert_eq!(file_refused("[warehouse]\nshelves = 3\n").len(), 1, "unless declared to be for others");
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
