use chrono::TimeDelta;

/// The limits that the rules apply.
#[derive(Debug, Clone, Copy)]
pub struct OrderRules {
    /// How long an order may stay unconfirmed before it is cancelled.
    pub deadline: TimeDelta,
}
