//! The wording of messages: a template per language, event and channel. See `templates/`.

use std::sync::LazyLock;

use events::{Currency, Money};
use minijinja::{Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;
use uuid::Uuid;

use super::{Channel, CustomerNotification, Line, rows::Contact};

/// For customers whose language has no templates.
pub const DEFAULT_LANGUAGE: &str = "en";
/// Languages there are templates in.
pub const LANGUAGES: [&str; 3] = [DEFAULT_LANGUAGE, "de", "ru"];

/// A message as the customer reads it.
#[derive(Debug, PartialEq, Eq)]
pub struct Text {
    /// Only e-mail has one.
    pub subject: Option<String>,
    pub body: String,
}

/// The variables of the templates.
#[derive(Serialize)]
struct Facts<'a> {
    order: Uuid,
    name: &'a str,
    items: &'a [Line],
    more: usize,
    total: String,
    carrier: Option<&'a str>,
    tracking: Option<&'a str>,
    delivery: Option<String>,
    reason: Option<&'a str>,
    amount: Option<String>,
}

/// Renders a message. `language` is a tag such as `de-AT`; English is used if it is unknown or malformed.
pub fn render(contact: &Contact, notification: &CustomerNotification<'_>, channel: Channel, language: &str) -> Text {
    let template = format!("{}/{}/{}", known(language), name(notification), channel.as_str());
    let template =
        TEMPLATES.get_template(&template).expect("there is one for every language, notification and channel");
    let text = template.render(Serde(Facts::of(contact, notification))).expect("templates name only fields of Facts");
    match (channel, text.split_once("\n\n")) {
        (Channel::Email, Some((subject, body))) => Text { subject: Some(subject.to_owned()), body: body.to_owned() },
        _ => Text { subject: None, body: text },
    }
}

impl<'a> Facts<'a> {
    fn of(contact: &'a Contact, notification: &CustomerNotification<'a>) -> Self {
        let total = Money::from_minor(contact.total_minor);
        let facts = Self {
            order: contact.order_id,
            name: &contact.name,
            items: &contact.items.lines,
            more: contact.items.more,
            total: format!("{total} {}", contact.currency),
            carrier: None,
            tracking: None,
            delivery: None,
            reason: None,
            amount: None,
        };
        let price = |amount: Money, currency: Currency| format!("{amount} {currency}");
        match *notification {
            CustomerNotification::Confirmed | CustomerNotification::Delivered => facts,
            CustomerNotification::Shipped(parcel) => Self {
                carrier: Some(&parcel.carrier),
                tracking: Some(&parcel.tracking_number),
                delivery: Some(parcel.estimated_delivery.utc().format("%Y-%m-%d").to_string()),
                ..facts
            },
            CustomerNotification::Cancelled(cancelled) => Self { reason: Some(&cancelled.reason), ..facts },
            CustomerNotification::Refunded(refund) => {
                Self { amount: Some(price(refund.amount, refund.currency)), ..facts }
            }
            CustomerNotification::Failed(failed) => Self { reason: failed.reason.as_deref(), ..facts },
        }
    }
}

/// The language in [`LANGUAGES`] for this tag, or the default.
fn known(tag: &str) -> &'static str {
    let language = tag.split(['-', '_']).next().unwrap_or(tag);
    LANGUAGES.into_iter().find(|known| known.eq_ignore_ascii_case(language)).unwrap_or(DEFAULT_LANGUAGE)
}

/// The file name of its templates.
const fn name(notification: &CustomerNotification<'_>) -> &'static str {
    match notification {
        CustomerNotification::Confirmed => "confirmed",
        CustomerNotification::Shipped(_) => "shipped",
        CustomerNotification::Delivered => "delivered",
        CustomerNotification::Cancelled(_) => "cancelled",
        CustomerNotification::Refunded(_) => "refunded",
        CustomerNotification::Failed(_) => "failed",
    }
}

macro_rules! sources {
    ($($language:literal: $($notification:literal)+;)+) => {
        [$($((
            concat!($language, "/", $notification),
            include_str!(concat!("../../templates/", $language, "/", $notification, ".txt")),
        ),)+)+]
    };
}

const SOURCES: [(&str, &str); 18] = sources! {
    "en": "confirmed" "shipped" "delivered" "cancelled" "refunded" "failed";
    "de": "confirmed" "shipped" "delivered" "cancelled" "refunded" "failed";
    "ru": "confirmed" "shipped" "delivered" "cancelled" "refunded" "failed";
};

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    const COMPILED_IN: &str = "the templates are compiled in, and a test renders each";
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict); // a misspelt variable fails the test
    templates.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().expect(COMPILED_IN));
    templates.add_template("items", include_str!("../../templates/items.txt")).expect(COMPILED_IN);
    for (name, source) in SOURCES {
        let (email, sms) = source.split_once("\n---\n").expect(COMPILED_IN);
        for (channel, source) in [(Channel::Email, email), (Channel::Sms, sms.trim_end())] {
            templates.add_template_owned(format!("{name}/{}", channel.as_str()), source).expect(COMPILED_IN);
        }
    }
    templates
});
