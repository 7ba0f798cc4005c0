//! Hides passwords in addresses before they are shown to anybody.

use serde_json::Value as Json;

const HIDDEN: &str = "***";

/// The value of a query parameter whose name contains one of these words is hidden.
const SECRET_WORDS: [&str; 4] = ["password", "secret", "token", "key"];

/// Stands for a secret. Shows only whether there is one.
pub(super) fn secret(value: &Json) -> Json {
    Json::from(if value.as_str() == Some("") { "" } else { HIDDEN })
}

/// The value with the passwords of addresses hidden.
pub(super) fn value(value: &Json) -> Json {
    match value {
        Json::String(text) => Json::from(url(text)),
        Json::Array(items) => items.iter().map(self::value).collect(),
        other => other.clone(),
    }
}

/// `scheme://user:password@host/?token=x` → `scheme://user:***@host/?token=***`. Hides up to the last `@`, because a
/// password may contain unescaped `/`, `?` or `@`.
pub(super) fn url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let rest = match rest.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host))) {
        Some((user, host)) => format!("{user}:{HIDDEN}@{host}"),
        None => rest.to_owned(),
    };
    let rest = match rest.split_once('?') {
        Some((rest, query)) => format!("{rest}?{}", query.split('&').map(parameter).collect::<Vec<_>>().join("&")),
        None => rest,
    };
    format!("{scheme}://{rest}")
}

fn parameter(text: &str) -> String {
    match text.split_once('=') {
        Some((name, _)) if SECRET_WORDS.iter().any(|word| name.to_lowercase().contains(word)) => {
            format!("{name}={HIDDEN}")
        }
        _ => text.to_owned(),
    }
}
