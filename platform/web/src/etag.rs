//! Resource versions as strong entity tags (RFC 9110): `ETag: "7"`, `If-None-Match`, `If-Match`.

use axum::{
    Json,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use serde::Serialize;

use super::problem::{FieldError, Problem};

/// The entity tag of a version: `"7"` for version 7.
pub fn etag(version: u64) -> HeaderValue {
    HeaderValue::try_from(format!("\"{version}\"")).expect("digits between quotes")
}

/// A JSON response with the `ETag` of its version.
#[derive(Debug, Clone)]
pub struct Versioned<T>(pub u64, pub T);

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        ([(header::ETAG, etag(self.0))], Json(self.1)).into_response()
    }
}

/// The tags of a condition header.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    Any,
    Of(Vec<Tag>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Tag {
    weak: bool,
    /// `None`: a tag that no version of a resource can have.
    version: Option<u64>,
}

impl Tags {
    fn read(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Self>, Problem> {
        let mut found = Vec::new();
        for value in headers.get_all(name) {
            let text = value.to_str().map_err(|_| malformed(name))?;
            for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
                if part == "*" {
                    return Ok(Some(Self::Any));
                }
                let (weak, quoted) = part.strip_prefix("W/").map_or((false, part), |rest| (true, rest));
                let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                let inner = inner.ok_or_else(|| malformed(name))?;
                // "07" and "7" are different tags
                let version = inner.parse().ok().filter(|version: &u64| version.to_string() == inner);
                found.push(Tag { weak, version });
            }
        }
        Ok(headers.contains_key(name).then_some(Self::Of(found)))
    }
}

fn malformed(name: &HeaderName) -> Problem {
    let name = if name == header::IF_MATCH { "If-Match" } else { "If-None-Match" };
    Problem::malformed(format!("the header {name} cannot be read")).error(FieldError::new(
        name,
        "invalid_header",
        "must be a version between quotes, such as \"7\", or *",
    ))
}

/// The versions that the client already has (`If-None-Match`). An extractor; the header is optional.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfNoneMatch(Option<Tags>);

impl IfNoneMatch {
    /// Whether the client already has this version: a 304 is then sufficient.
    pub fn has(&self, version: u64) -> bool {
        match &self.0 {
            None => false,
            Some(Tags::Any) => true,
            // weak comparison: W/"7" matches "7"
            Some(Tags::Of(tags)) => tags.iter().any(|tag| tag.version == Some(version)),
        }
    }

    /// 304 if the client has the version, otherwise the full response. Both carry the `ETag`.
    pub fn answer<T: Serialize>(&self, version: u64, body: T) -> Response {
        if self.has(version) {
            return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag(version))]).into_response();
        }
        Versioned(version, body).into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Tags::read(&parts.headers, &header::IF_NONE_MATCH).map(Self)
    }
}

/// The condition of [`IfMatch`] on the current version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// The header is absent.
    Always,
    /// `*`: the resource exists.
    Exists,
    /// The current version is one of these.
    OneOf(Vec<u64>),
}

/// The version that the client wants to change (`If-Match`). An extractor; without the header every version matches.
/// The condition is part of the command: the comparison must use the version at the time of the decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfMatch(Option<Tags>);

impl IfMatch {
    /// No condition.
    pub fn absent() -> Self {
        Self(None)
    }

    /// The condition as a value, for a domain without HTTP types.
    pub fn condition(&self) -> Precondition {
        match &self.0 {
            None => Precondition::Always,
            Some(Tags::Any) => Precondition::Exists,
            // strong comparison: a weak tag never matches
            Some(Tags::Of(tags)) => {
                Precondition::OneOf(tags.iter().filter(|tag| !tag.weak).filter_map(|tag| tag.version).collect())
            }
        }
    }

    /// Whether the condition holds. `current` is `None` if the resource does not exist.
    pub fn allows(&self, current: Option<u64>) -> bool {
        match self.condition() {
            Precondition::Always => true,
            Precondition::Exists => current.is_some(),
            Precondition::OneOf(versions) => current.is_some_and(|current| versions.contains(&current)),
        }
    }

    /// Returns 412 unless the condition holds.
    pub fn check(&self, current: Option<u64>) -> Result<(), Problem> {
        if self.allows(current) {
            return Ok(());
        }
        Err(Problem::precondition_failed().detail(match current {
            Some(version) => format!("the current version is {version}"),
            None => "there is nothing yet".to_owned(),
        }))
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Tags::read(&parts.headers, &header::IF_MATCH).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &HeaderName, value: &str) -> Result<Option<Tags>, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        Tags::read(&headers, name)
    }

    #[test]
    fn if_none_match_compares_weakly() {
        for (value, has) in [
            ("\"7\"", true),
            ("W/\"7\"", true),
            ("\"6\", \"7\"", true),
            ("*", true),
            ("\"6\"", false),
            ("\"07\"", false),
        ] {
            assert_eq!(IfNoneMatch(read(&header::IF_NONE_MATCH, value).unwrap()).has(7), has, "{value}");
        }
        assert!(!IfNoneMatch(None).has(7));
        assert_eq!(IfNoneMatch(Some(Tags::Any)).answer(7, "x").status(), StatusCode::NOT_MODIFIED);
        assert_eq!(IfNoneMatch(None).answer(7, "x").status(), StatusCode::OK);
    }

    #[test]
    fn if_match_compares_strongly() {
        for (value, current, allows) in [
            ("\"7\"", Some(7), true),
            ("\"6\"", Some(7), false),
            ("W/\"7\"", Some(7), false),
            ("\"x\"", None, false),
            ("\"7\"", None, false),
            ("*", Some(7), true),
            ("*", None, false),
        ] {
            assert_eq!(IfMatch(read(&header::IF_MATCH, value).unwrap()).allows(current), allows, "{value} {current:?}");
        }
        assert!(IfMatch::absent().check(None).is_ok());
        let stale = IfMatch(read(&header::IF_MATCH, "\"6\"").unwrap()).check(Some(7)).unwrap_err();
        assert_eq!(stale.status(), StatusCode::PRECONDITION_FAILED);
        assert_eq!(read(&header::IF_MATCH, "7").unwrap_err().status(), StatusCode::BAD_REQUEST);
    }
}
