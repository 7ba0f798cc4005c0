//! The address of an HTTP server.

use http::Uri;
use serde::Deserialize;

/// `http://127.0.0.1:8087`, or empty for none. Never ends with `/`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HttpUrl(Option<String>);

impl HttpUrl {
    pub fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl TryFrom<String> for HttpUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        if url.is_empty() {
            return Ok(Self(None));
        }
        let wrong = || "expected an address such as http://127.0.0.1:8087".to_owned();
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let plain = uri.scheme_str() == Some("http") && uri.host().is_some_and(|host| !host.is_empty());
        if plain && uri.query().is_none() { Ok(Self(Some(url.trim_end_matches('/').to_owned()))) } else { Err(wrong()) }
    }
}
