use chrono::TimeDelta;

/// The limits that the rules apply.
#[derive(Debug, Clone, Copy)]
pub struct PaymentRules {
    /// How long an unknown charge is queried. Less than the provider keeps idempotency keys.
    pub query_for: TimeDelta,
}
