//! Creates, describes and alters topics. Dropping librdkafka's admin client blocks the calling thread, so these
//! functions must be called in threads that may block.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rdkafka::{
    admin::{
        AdminClient, AdminOptions, AlterConfig, ConfigResource, ConfigSource, NewPartitions, NewTopic,
        ResourceSpecifier, TopicReplication,
    },
    error::{KafkaError, RDKafkaErrorCode as Code},
};

use super::{
    KafkaOptions,
    convert::{about, setup},
    health::{Health, HealthContext},
    metadata::MetadataClient,
    names::actual,
};
use crate::{BusError, TopicSpec, TopicState};

const WAIT_TIMEOUT: Duration = Duration::from_secs(15);

pub(super) struct Admin {
    options: Arc<KafkaOptions>,
    health: Arc<Health>,
    metadata: Arc<MetadataClient>,
}

/// The topic settings that do not come from the brokers' defaults.
fn settings(options: &KafkaOptions, spec: &TopicSpec) -> Vec<(&'static str, String)> {
    let mut settings = vec![("cleanup.policy", if spec.compacted { "compact" } else { "delete" }.to_owned())];
    if let Some(retention) = spec.retention {
        settings.push(("retention.ms", retention.as_millis().to_string()));
    }
    if options.replication > 2 {
        settings.push(("min.insync.replicas", "2".to_owned())); // acknowledged records survive the loss of a broker
    }
    settings
}

impl Admin {
    pub fn new(options: &Arc<KafkaOptions>, health: &Arc<Health>, metadata: &Arc<MetadataClient>) -> Self {
        Self { options: options.clone(), health: health.clone(), metadata: metadata.clone() }
    }

    fn client(&self) -> Result<AdminClient<HealthContext>, BusError> {
        self.options.metadata().create_with_context(HealthContext(self.health.clone())).map_err(|error| setup(&error))
    }

    fn about(&self, name: &str, error: &KafkaError) -> BusError {
        match error.rdkafka_error_code() {
            Some(
                Code::BrokerTransportFailure | Code::OperationTimedOut | Code::RequestTimedOut | Code::AllBrokersDown,
            ) => BusError::Unavailable(self.health.outage()),
            Some(code @ (Code::InvalidReplicationFactor | Code::InvalidPartitions | Code::InvalidConfig)) => {
                BusError::Setup(format!("topic {name}: {code}"))
            }
            _ => about(name, self.health.principal(), error),
        }
    }

    /// Creates the missing topics and waits until every partition has a leader.
    pub fn create(&self, specs: &[TopicSpec]) -> Result<(), BusError> {
        let mut missing = Vec::new();
        for spec in specs {
            let actual = actual(&self.options, &spec.name);
            if self.metadata.topic(&actual, &spec.name)?.is_none() {
                missing.push((actual, spec));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let replication = if self.options.replication > 0 { self.options.replication } else { -1 };
        let settings: Vec<_> = missing.iter().map(|(_, spec)| settings(&self.options, spec)).collect();
        let topics = missing.iter().zip(&settings).map(|((actual, spec), settings)| {
            let topic = NewTopic::new(actual, spec.partitions, TopicReplication::Fixed(replication));
            settings.iter().fold(topic, |topic, (name, value)| topic.set(name, value))
        });
        let topics: Vec<_> = topics.collect();
        let client = self.client()?;
        let answers = wait(client.create_topics(&topics, &options())).map_err(|error| self.about("?", &error))?;
        for (answer, (_, spec)) in answers.into_iter().zip(&missing) {
            match answer {
                Ok(_) | Err((_, Code::TopicAlreadyExists)) => {} // another process has just created it
                Err((_, code)) => return Err(self.about(&spec.name, &KafkaError::AdminOp(code))),
            }
        }
        for (actual, spec) in &missing {
            let mut looks = 0;
            while !self.metadata.topic(actual, &spec.name)?.is_some_and(|seen| seen.ready) {
                looks += 1;
                if looks > 100 {
                    return Err(BusError::Unavailable(format!(
                        "topic {} is created, but has no leader yet",
                        spec.name
                    )));
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(())
    }

    /// The state of those topics that exist.
    pub fn states(&self, names: &[Arc<str>]) -> Result<Vec<TopicState>, BusError> {
        let mut states = Vec::new();
        for name in names {
            if let Some(seen) = self.metadata.topic(&actual(&self.options, name), name)? {
                let (partitions, copies) = (seen.partitions, Some(seen.copies));
                states.push(TopicState { name: name.clone(), partitions, copies, compacted: None, retention: None });
            }
        }
        let actual: Vec<_> = states.iter().map(|it| actual(&self.options, &it.name)).collect();
        let answers = self.configs(&actual)?;
        for (state, answer) in states.iter_mut().zip(answers) {
            // Without the permission to describe settings, the settings remain unknown.
            let Ok(config) = answer else { continue };
            let value = |name: &str| config.get(name).and_then(|entry| entry.value.clone());
            state.compacted = value("cleanup.policy").map(|it| it.contains("compact"));
            let retention = value("retention.ms").and_then(|it| it.parse::<u64>().ok());
            state.retention = retention.map(Duration::from_millis);
        }
        Ok(states)
    }

    fn configs(&self, actual: &[String]) -> Result<Vec<Result<ConfigResource, Code>>, BusError> {
        if actual.is_empty() {
            return Ok(Vec::new());
        }
        let which: Vec<_> = actual.iter().map(|it| ResourceSpecifier::Topic(it)).collect();
        wait(self.client()?.describe_configs(&which, &options())).map_err(|error| self.about("?", &error))
    }

    /// Adds partitions to existing topics and changes their settings. Kafka cannot remove partitions. This function
    /// does not change the replication factor.
    pub fn alter(&self, specs: &[TopicSpec]) -> Result<(), BusError> {
        let client = self.client()?;
        for spec in specs {
            let actual = actual(&self.options, &spec.name);
            let failed = |error: KafkaError| self.about(&spec.name, &error);
            let seen = self.metadata.topic(&actual, &spec.name)?;
            let seen = seen.ok_or_else(|| BusError::UnknownTopic(spec.name.to_string()))?;
            let wanted = usize::try_from(spec.partitions).unwrap_or_default();
            if spec.partitions > seen.partitions {
                let more = [NewPartitions::new(&actual, wanted)];
                let answers = wait(client.create_partitions(&more, &options())).map_err(failed)?;
                answers
                    .into_iter()
                    .try_for_each(|it| it.map(drop))
                    .map_err(|(_, code)| failed(KafkaError::AdminOp(code)))?;
            }
            // This request replaces all settings of a topic, so the current values of all other settings are sent
            // again.
            let mut settings: BTreeMap<String, String> = BTreeMap::new();
            for config in self.configs(std::slice::from_ref(&actual))? {
                let config = config.map_err(|code| failed(KafkaError::AdminOp(code)))?;
                let own = config.entries.into_iter().filter(|it| it.source == ConfigSource::DynamicTopic);
                settings.extend(own.filter_map(|it| Some((it.name, it.value?))));
            }
            settings
                .extend(self::settings(&self.options, spec).into_iter().map(|(name, value)| (name.to_owned(), value)));
            let config = AlterConfig::new(ResourceSpecifier::Topic(&actual));
            let config = settings.iter().fold(config, |config, (name, value)| config.set(name, value));
            let answers = wait(client.alter_configs(&[config], &options())).map_err(failed)?;
            answers
                .into_iter()
                .try_for_each(|it| it.map(drop))
                .map_err(|(_, code)| failed(KafkaError::AdminOp(code)))?;
        }
        Ok(())
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(WAIT_TIMEOUT)).operation_timeout(Some(WAIT_TIMEOUT))
}

fn wait<F: Future>(answer: F) -> F::Output {
    tokio::runtime::Handle::current().block_on(answer)
}
