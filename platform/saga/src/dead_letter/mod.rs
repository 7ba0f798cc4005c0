//! What cannot be decided is set aside in the service's own database: parked while it is retried, a dead letter when only a
//! person can help.

pub(crate) mod copy;
pub(crate) mod parking;
pub(crate) mod queues;
mod reason;
mod topic;

pub use parking::RetryPolicy;
pub(crate) use reason::DeadLetterReason;
pub use topic::DeadLetterTopic;
