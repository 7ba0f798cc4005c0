use chrono::TimeDelta;

/// The limits that the rules apply.
#[derive(Debug, Clone, Copy)]
pub struct StockRules {
    /// How long an unconfirmed order keeps its stock before `ReservationExpired` is published.
    pub hold_for: TimeDelta,
    /// A product with at most this number of units is running low.
    pub low_stock: i64,
}
