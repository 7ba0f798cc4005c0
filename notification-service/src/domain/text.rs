//! The wording of messages: a template per language, event and channel. See `templates/`.

use std::sync::LazyLock;

use events::{Currency, Money};
use minijinja::{Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;
use uuid::Uuid;

use super::{Channel, Line, News};
use crate::store::Contact;

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

/// What templates may name.
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

/// Writes a message. `language` is a tag such as `de-AT`; what it may be does not matter, English is always there.
pub fn write(contact: &Contact, news: &News<'_>, channel: Channel, language: &str) -> Text {
    let template = format!("{}/{}/{}", known(language), name(news), channel.as_str());
    let template = TEMPLATES.get_template(&template).expect("there is one for every language, news and channel");
    let text = template.render(Serde(Facts::of(contact, news))).expect("templates name nothing but facts");
    match (channel, text.split_once("\n\n")) {
        (Channel::Email, Some((subject, body))) => Text { subject: Some(subject.to_owned()), body: body.to_owned() },
        _ => Text { subject: None, body: text },
    }
}

impl<'a> Facts<'a> {
    fn of(contact: &'a Contact, news: &News<'a>) -> Self {
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
        match *news {
            News::Confirmed | News::Delivered => facts,
            News::Shipped(parcel) => Self {
                carrier: Some(&parcel.carrier),
                tracking: Some(&parcel.tracking_number),
                delivery: Some(parcel.estimated_delivery.utc().format("%Y-%m-%d").to_string()),
                ..facts
            },
            News::Cancelled(cancelled) => Self { reason: Some(&cancelled.reason), ..facts },
            News::Refunded(refund) => Self { amount: Some(price(refund.amount, refund.currency)), ..facts },
            News::Failed(failed) => Self { reason: failed.reason.as_deref(), ..facts },
        }
    }
}

/// The language of ours that comes nearest to this tag.
fn known(tag: &str) -> &'static str {
    let language = tag.split(['-', '_']).next().unwrap_or(tag);
    LANGUAGES.into_iter().find(|known| known.eq_ignore_ascii_case(language)).unwrap_or(DEFAULT_LANGUAGE)
}

/// The name of its templates.
const fn name(news: &News<'_>) -> &'static str {
    match news {
        News::Confirmed => "confirmed",
        News::Shipped(_) => "shipped",
        News::Delivered => "delivered",
        News::Cancelled(_) => "cancelled",
        News::Refunded(_) => "refunded",
        News::Failed(_) => "failed",
    }
}

macro_rules! sources {
    ($($language:literal: $($news:literal)+;)+) => {
        [$($((
            concat!($language, "/", $news),
            include_str!(concat!("../../templates/", $language, "/", $news, ".txt")),
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
    templates.set_undefined_behavior(UndefinedBehavior::Strict); // a misspelt fact is noticed by the test
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
