use std::{fmt, ops::Deref};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Personal data, or a secret. It is serialised as the bare value, but its `Debug` output is `***`, so that the value cannot
/// get into a log or a panic message. There is no `Display`: code that needs the value dereferences it (`&*name`).
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Personal<T>(pub T);

impl<T> Personal<T> {
    /// The bare value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T> Deref for Personal<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> From<T> for Personal<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl From<&str> for Personal<String> {
    fn from(value: &str) -> Self {
        Self(value.into())
    }
}

#[cfg(test)]
mod tests {
    use super::Personal;

    #[test]
    fn the_value_is_serialised_but_never_printed() {
        let name: Personal<String> = "Ada Lovelace".into();
        assert_eq!(format!("{name:?} {:?}", Some(&name)), "*** Some(***)");
        assert_eq!(serde_json::to_string(&name).unwrap(), r#""Ada Lovelace""#);
        assert_eq!(serde_json::from_str::<Personal<String>>(r#""Ada Lovelace""#).unwrap(), name);
        assert_eq!(name.len(), 12);
        assert_eq!(name.into_inner(), "Ada Lovelace");
    }
}
