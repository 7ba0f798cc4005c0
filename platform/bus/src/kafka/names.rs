//! Maps the program's topic names to Kafka's, and back.

use std::{collections::HashMap, sync::Arc};

use super::KafkaOptions;

/// Kafka's name of a topic, from the program's name.
pub(super) fn actual(options: &KafkaOptions, name: &str) -> String {
    let name = options.topic_names.get(name).map_or(name, String::as_str);
    format!("{}{name}", options.topic_prefix)
}

/// The names of some topics, in both directions.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    actual: Vec<String>,
    logical: HashMap<String, Arc<str>>,
}

impl Names {
    pub fn new(options: &KafkaOptions, topics: &[Arc<str>]) -> Self {
        let mut names = Self::default();
        for topic in topics {
            let actual = actual(options, topic);
            if names.logical.insert(actual.clone(), topic.clone()).is_none() {
                names.actual.push(actual);
            }
        }
        names
    }

    pub fn actual(&self) -> Vec<&str> {
        self.actual.iter().map(String::as_str).collect()
    }

    /// Kafka's name of one of these topics.
    pub fn actual_of(&self, logical: &str) -> Option<&str> {
        self.iter().find(|(_, it)| ***it == *logical).map(|(actual, _)| actual)
    }

    /// The program's name of a topic, from Kafka's name.
    pub fn logical(&self, actual: &str) -> Arc<str> {
        self.logical.get(actual).cloned().unwrap_or_else(|| actual.into())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<str>)> {
        self.actual.iter().map(|actual| (&**actual, &self.logical[actual]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(prefix: &str) -> KafkaOptions {
        KafkaOptions {
            topic_prefix: prefix.to_owned(),
            topic_names: [("orders-in", "order-events"), ("orders-in.DLQ", "order-events.DLQ")]
                .map(|(topic, name)| (topic.to_owned(), name.to_owned()))
                .into(),
            ..KafkaOptions::default()
        }
    }

    #[test]
    fn a_prefix_comes_before_every_name() {
        let options = options("shop.");
        assert_eq!(actual(&options, "catalog"), "shop.catalog");
        assert_eq!(actual(&options, "catalog.DLQ"), "shop.catalog.DLQ");
        assert_eq!(actual(&options, "orders-in"), "shop.order-events");
        assert_eq!(actual(&options, "orders-in.DLQ"), "shop.order-events.DLQ");
    }

    #[test]
    fn names_lead_back() {
        let names = Names::new(&options("p-"), &["orders-in".into(), "catalog".into()]);
        assert_eq!(names.actual(), ["p-order-events", "p-catalog"]);
        assert_eq!(&*names.logical("p-order-events"), "orders-in");
        assert_eq!(&*names.logical("p-catalog"), "catalog");
    }
}
