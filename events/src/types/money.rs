use std::{borrow::Cow, fmt, str::FromStr};

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An amount in integer hundredths of a currency. In JSON it is a string with two decimals (`"59.90"`), because some JSON
/// parsers convert a number to a float.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongMoney {
    /// The text is not digits with at most two decimals.
    #[error("an amount is written as digits with at most two decimals, such as 59.90")]
    Form,
    /// The amount does not fit the type.
    #[error("the amount is too large")]
    TooLarge,
}

impl Money {
    /// The amount 0.00.
    pub const ZERO: Self = Self(0);

    /// Creates an amount from hundredths: `from_minor(5990)` is 59.90.
    pub const fn from_minor(hundredths: i64) -> Self {
        Self(hundredths)
    }

    /// The amount in hundredths, as databases store it.
    pub const fn minor(self) -> i64 {
        self.0
    }

    /// Whether the amount is 0.00.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum; `None` on overflow.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, which may be negative; `None` on overflow.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The price of `quantity` units; `None` on overflow.
    pub fn checked_mul(self, quantity: u32) -> Option<Self> {
        self.0.checked_mul(quantity.into()).map(Self)
    }

    /// The sum of all amounts; `None` on overflow.
    pub fn checked_sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }
}

/// Accepts digits with at most two decimals: no plus, no exponent, no grouping, no leading zero, no negative zero.
impl FromStr for Money {
    type Err = WrongMoney;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let padded = whole.len() > 1 && whole.starts_with('0');
        if !digits(whole) || padded || !digits(decimals) || decimals.len() > 2 {
            return Err(WrongMoney::Form);
        }
        let mut amount = Decimal::from_str_exact(text).map_err(|_| WrongMoney::TooLarge)?;
        if amount.is_zero() && unsigned.len() < text.len() {
            return Err(WrongMoney::Form);
        }
        amount.rescale(2); // leaves fewer decimals if two do not fit
        match i64::try_from(amount.mantissa()) {
            Ok(hundredths) if amount.scale() == 2 => Ok(Self(hundredths)),
            _ => Err(WrongMoney::TooLarge),
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Decimal::from_i128_with_scale(self.0.into(), 2).fmt(f)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Money {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Money".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^-?(0|[1-9][0-9]*)\.[0-9]{2}$",
            "description": "An amount of money, with two decimals.",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Money, WrongMoney};

    #[test]
    fn accepted_and_rejected_texts() {
        for (text, hundredths) in
            [("59.90", 5990), ("59.9", 5990), ("59", 5900), ("0", 0), ("0.01", 1), ("-1.50", -150)]
        {
            assert_eq!(text.parse(), Ok(Money::from_minor(hundredths)), "{text}");
        }
        let wrong = "|-|.|+1|1.|.5|1.234|1.000|1e2|1E2|0x1|1,00|1_000|1 000| 1|1 |00.50|007|-0|-0.00|--1|-+1|1.-5|1.2.3|NaN|inf|٣";
        for text in wrong.split('|') {
            assert_eq!(text.parse::<Money>(), Err(WrongMoney::Form), "{text:?}");
        }
        for text in ["92233720368547758.08", "-92233720368547758.09", "9".repeat(29).as_str(), "9".repeat(99).as_str()]
        {
            assert_eq!(text.parse::<Money>(), Err(WrongMoney::TooLarge), "{text:?}");
        }
    }

    #[test]
    fn json_numbers_are_rejected() {
        assert!(serde_json::from_str::<Money>("59.90").is_err());
        assert!(serde_json::from_str::<Money>("59").is_err());
        assert!(serde_json::from_str::<Money>("null").is_err());
    }

    #[test]
    fn limits_of_the_range() {
        assert_eq!(Money::from_minor(i64::MAX).to_string(), "92233720368547758.07");
        assert_eq!(Money::from_minor(i64::MIN).to_string(), "-92233720368547758.08");
        assert_eq!(Money::from_minor(i64::MAX).checked_add(Money::from_minor(1)), None);
        assert_eq!(Money::from_minor(i64::MIN).checked_sub(Money::from_minor(1)), None);
        assert_eq!(Money::from_minor(i64::MAX).checked_mul(2), None);
        assert_eq!(Money::checked_sum([Money::from_minor(i64::MAX), Money::from_minor(1)]), None);
    }

    proptest! {
        #[test]
        fn an_amount_survives_writing_and_reading(hundredths: i64) {
            let money = Money::from_minor(hundredths);
            let json = serde_json::to_string(&money).unwrap();
            let (_, decimals) = json.trim_matches('"').split_once('.').unwrap();
            prop_assert_eq!(decimals.len(), 2);
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
        }

        #[test]
        fn an_accepted_text_is_written_unchanged_up_to_zeros(text in r"-?[0-9]{1,17}(\.[0-9]{1,3})?") {
            if let Ok(money) = text.parse::<Money>() {
                let written = money.to_string();
                prop_assert!(written.starts_with(&text), "{} became {}", text, written);
                prop_assert_eq!(written.trim_start_matches(&text).trim_matches(['.', '0']), "");
            }
        }

        #[test]
        fn parsing_never_panics(text: String) {
            let _ = text.parse::<Money>();
        }

        #[test]
        fn arithmetic_is_exact_or_none(a: i64, b: i64, quantity: u32) {
            let exact = |wide: i128| i64::try_from(wide).ok().map(Money::from_minor);
            let (x, y) = (Money::from_minor(a), Money::from_minor(b));
            prop_assert_eq!(x.checked_add(y), exact(i128::from(a) + i128::from(b)));
            prop_assert_eq!(x.checked_sub(y), exact(i128::from(a) - i128::from(b)));
            prop_assert_eq!(x.checked_mul(quantity), exact(i128::from(a) * i128::from(quantity)));
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        }
    }
}
