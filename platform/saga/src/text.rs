//! Texts from outside, before they are stored.

/// Characters that are kept of an error.
const MAX_CHARS: usize = 2_000;

/// An error as it is stored: bounded, and without NUL, which PostgreSQL refuses.
pub(crate) fn stored_error(error: &str) -> String {
    error.chars().take(MAX_CHARS).map(|char| if char == '\0' { '\u{fffd}' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_bounded_and_without_nul() {
        assert_eq!(stored_error("a\0b"), "a\u{fffd}b");
        assert_eq!(stored_error(&"é".repeat(3_000)).chars().count(), MAX_CHARS);
    }
}
