/// Why a record is a dead letter: the value of the header `dlq-error-class`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeadLetterReason {
    /// It cannot be decoded.
    Undecodable,
    /// It can be decoded, and can never be processed.
    Rejected,
    /// Its prerequisite has not arrived in time.
    Unmet,
    /// The decision about it has failed at every attempt.
    Failed,
}

impl DeadLetterReason {
    /// Sent. Never rename.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Undecodable => "undecodable",
            Self::Rejected => "rejected",
            Self::Unmet => "unmet",
            Self::Failed => "failed",
        }
    }
}
