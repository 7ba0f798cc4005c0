//! A bus without topics, for processes whose services neither consume nor publish events.

use std::{sync::Arc, time::Duration};

use bus::{Bus, BusError, Follower, Lag, Outgoing, Partition, Published, Record, Subscription, TopicSpec, TopicState};
use futures_util::future::{BoxFuture, ready};

/// Has no topics.
pub(super) struct NullBus;

fn no_bus<T>() -> Result<T, BusError> {
    Err(BusError::Setup("this process has no bus".to_owned()))
}

impl Bus for NullBus {
    fn create_topics<'a>(&'a self, _: &'a [TopicSpec]) -> BoxFuture<'a, Result<(), BusError>> {
        Box::pin(ready(no_bus()))
    }

    fn topics<'a>(&'a self, _: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<TopicState>, BusError>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    fn alter_topics<'a>(&'a self, _: &'a [TopicSpec]) -> BoxFuture<'a, Result<(), BusError>> {
        Box::pin(ready(no_bus()))
    }

    fn publish(&self, batch: Vec<Outgoing>) -> BoxFuture<'_, Published> {
        let failure = if batch.is_empty() { None } else { no_bus::<()>().err() };
        Box::pin(ready(Published { durable: 0, failure }))
    }

    fn join<'a>(
        &'a self,
        _: &'a str,
        _: &'a [Arc<str>],
        _: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Subscription>, BusError>> {
        Box::pin(ready(no_bus()))
    }

    fn lag<'a>(&'a self, _: &'a str, _: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<Lag>, BusError>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    fn read<'a>(&'a self, _: &'a Partition, _: i64, _: usize) -> BoxFuture<'a, Result<Vec<Record>, BusError>> {
        Box::pin(ready(no_bus()))
    }

    fn follow<'a>(&'a self, _: &'a [Arc<str>]) -> BoxFuture<'a, Result<Box<dyn Follower>, BusError>> {
        Box::pin(ready(no_bus()))
    }

    fn health(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(ready(Ok(())))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(ready(()))
    }
}
