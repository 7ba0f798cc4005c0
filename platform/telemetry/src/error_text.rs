//! Errors and panics as one line of text.

use std::{any::Any, error::Error};

/// An error with its causes, in one line. A cause whose text the line already contains is not repeated.
pub fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

/// The text of a caught panic: `panic: <message>`.
pub fn panic_message(panic: &(dyn Any + Send)) -> String {
    let literal = panic.downcast_ref::<&str>().copied();
    let message = literal.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", message.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot listen")]
    struct Listen(#[source] std::io::Error);

    #[test]
    fn causes_follow_their_error() {
        assert_eq!(error_chain(&Listen(std::io::Error::other("no such device"))), "cannot listen: no such device");
        assert_eq!(error_chain(&Listen(std::io::Error::other("listen"))), "cannot listen");
    }

    #[test]
    fn a_panic_has_its_message() {
        let panic = |message: Box<dyn Any + Send>| panic_message(&*message);
        assert_eq!(panic(Box::new("literal")), "panic: literal");
        assert_eq!(panic(Box::new("formatted".to_owned())), "panic: formatted");
        assert_eq!(panic(Box::new(7)), "panic: without a message");
    }
}
