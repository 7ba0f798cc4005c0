/// The versions of a product that a change is meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectedVersion {
    /// No condition: the product need not exist.
    Any,
    /// The product exists, at whatever version.
    Existing,
    /// The product exists at one of these versions.
    OneOf(Vec<i64>),
}

impl ExpectedVersion {
    /// Whether the change is allowed; `current` is `None` when there is no product.
    pub fn allows(&self, current: Option<i64>) -> bool {
        match self {
            Self::Any => true,
            Self::Existing => current.is_some(),
            Self::OneOf(versions) => current.is_some_and(|current| versions.contains(&current)),
        }
    }
}
