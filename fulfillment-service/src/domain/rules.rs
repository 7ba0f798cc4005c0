use chrono::TimeDelta;

/// The limits that the rules apply.
#[derive(Debug, Clone, Copy)]
pub struct ShipmentRules {
    /// The carrier is queried about a parcel without an update for this long; then after twice as long, and so on.
    pub track_after: TimeDelta,
}
