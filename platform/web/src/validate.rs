//! Checks the fields of a request, and reports all violations together.

use std::{borrow::Cow, fmt::Display, ops::RangeInclusive};

use super::problem::{FieldError, Problem};

/// Collects the violations of a request.
/// ```
/// # use web::Checks;
/// let mut checks = Checks::new();
/// checks.range("items[0].quantity", 0, 1..=10_000).email("customer.email", "ada@example.org");
/// assert_eq!(checks.finish().unwrap_err().field_errors()[0].code, "out_of_range");
/// ```
#[derive(Debug, Default)]
pub struct Checks(Vec<FieldError>);

impl Checks {
    pub fn new() -> Self {
        Self::default()
    }

    /// Requires a condition. The message completes the sentence "quantity …".
    pub fn that(
        &mut self,
        holds: bool,
        field: impl Into<Cow<'static, str>>,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> &mut Self {
        if !holds {
            self.0.push(FieldError::new(field, code, message));
        }
        self
    }

    /// The same, but builds field name and message only if the condition does not hold.
    pub fn that_or(&mut self, holds: bool, error: impl FnOnce() -> FieldError) -> &mut Self {
        if !holds {
            self.0.push(error());
        }
        self
    }

    /// Requires a number in a range.
    pub fn range<N: Copy + PartialOrd + Display>(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        value: N,
        range: RangeInclusive<N>,
    ) -> &mut Self {
        self.that_or(range.contains(&value), || {
            FieldError::new(field, "out_of_range", format!("must be between {} and {}", range.start(), range.end()))
        })
    }

    /// Requires a text with a length in this range, not blank and without control characters (some databases refuse
    /// NUL).
    pub fn text(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        value: &str,
        length: RangeInclusive<usize>,
    ) -> &mut Self {
        let (least, most) = (*length.start(), *length.end());
        if (least > 0 && value.trim().is_empty()) || !length.contains(&value.chars().count()) {
            let message = format!("must have {least} to {most} characters");
            self.0.push(FieldError::new(field, "wrong_length", message));
        } else if value.chars().any(char::is_control) {
            self.0.push(FieldError::new(field, "invalid_characters", "must not contain control characters"));
        }
        self
    }

    /// The same for an optional text.
    pub fn optional_text(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        value: Option<&str>,
        length: RangeInclusive<usize>,
    ) -> &mut Self {
        match value {
            Some(value) => self.text(field, value, length),
            None => self,
        }
    }

    /// Requires the form of an e-mail address. Whether the address exists can only be tested with a message.
    pub fn email(&mut self, field: impl Into<Cow<'static, str>>, value: &str) -> &mut Self {
        self.that(is_email(value), field, "invalid_email", "must be an e-mail address")
    }

    /// ISO 3166-1: two capital letters.
    pub fn country(&mut self, field: impl Into<Cow<'static, str>>, value: &str) -> &mut Self {
        let holds = value.len() == 2 && value.bytes().all(|b| b.is_ascii_uppercase());
        self.that(holds, field, "invalid_country", "must be a two-letter country code such as GB")
    }

    /// Requires a language tag (a subset of BCP 47): `en`, `pt-BR`.
    pub fn language(&mut self, field: impl Into<Cow<'static, str>>, value: &str) -> &mut Self {
        let (language, region) = value.split_once('-').map_or((value, None), |(l, r)| (l, Some(r)));
        let holds = (2..=3).contains(&language.len())
            && language.bytes().all(|b| b.is_ascii_lowercase())
            && region.is_none_or(|r| r.len() == 2 && r.bytes().all(|b| b.is_ascii_uppercase()));
        self.that(holds, field, "invalid_language", "must be a language tag such as en or pt-BR")
    }

    /// A telephone number with country code (E.164): `+` and 7 to 15 digits.
    pub fn phone(&mut self, field: impl Into<Cow<'static, str>>, value: &str) -> &mut Self {
        let holds = value.strip_prefix('+').is_some_and(|digits| {
            (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
        });
        self.that(holds, field, "invalid_phone", "must be a telephone number such as +441234567890")
    }

    /// Adds a violation that was found elsewhere, such as an unknown product.
    pub fn push(&mut self, error: FieldError) -> &mut Self {
        self.0.push(error);
        self
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns a 422 with all violations, if there are any.
    pub fn finish(&mut self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::validation(std::mem::take(&mut self.0))) }
    }
}

fn is_email(value: &str) -> bool {
    let plain = value.len() <= 254 && !value.chars().any(|c| c.is_whitespace() || c.is_control());
    let Some((local, domain)) = value.rsplit_once('@') else { return false };
    plain
        && (1..=64).contains(&local.len())
        && !local.contains(['@', '<', '>', ',', ';', ':'])
        && domain.contains('.')
        && domain.split('.').all(|label| {
            !label.is_empty() && !label.starts_with('-') && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(check: impl FnOnce(&mut Checks)) -> Vec<&'static str> {
        let mut checks = Checks::new();
        check(&mut checks);
        checks.finish().err().map(|p| p.field_errors().iter().map(|e| e.code).collect()).unwrap_or_default()
    }

    #[test]
    fn what_is_fine_passes() {
        let found = codes(|checks| {
            checks.that(true, "a", "never", "").range("b", 1, 1..=3).text("c", "Teekanne für zwei", 1..=40);
            checks.optional_text("d", None, 1..=2).email("e", "ada.l+x@mail.example.org").country("f", "GB");
            checks.language("g", "en").language("h", "pt-BR").phone("i", "+441234567890").text("j", "", 0..=5);
        });
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let found = codes(|checks| {
            checks.that(false, "a", "custom", "").range("b", 4, 1..=3).text("c", "  ", 1..=40);
            checks.text("d", "a\0b", 1..=5).text("e", "abcdef", 1..=5).country("f", "gb").language("g", "English");
            checks.phone("h", "01234").push(FieldError::new("i", "unknown_product", ""));
        });
        assert_eq!(
            found,
            [
                "custom",
                "out_of_range",
                "wrong_length",
                "invalid_characters",
                "wrong_length",
                "invalid_country",
                "invalid_language",
                "invalid_phone",
                "unknown_product"
            ]
        );
    }

    #[test]
    fn refuses_what_is_no_address() {
        for bad in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "ada@localhost",
            "a b@example.org",
            "a@b@example.org",
            "a@ex..org",
            "a@-x.org",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
