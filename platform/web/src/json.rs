//! Parses requests strictly: every error names the field and its position.

use std::borrow::Cow;

use axum::{
    extract::{
        FromRequest, FromRequestParts, RawPathParams, Request,
        path::ErrorKind,
        rejection::{BytesRejection, FailedToBufferBody, PathRejection},
    },
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, header, request::Parts};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    problem::{FieldError, Problem},
    problems,
};

/// A JSON body of a request or a response. A request body is refused if it is too large, not JSON, or not of type `T`.
/// Types of commands should have `#[serde(deny_unknown_fields)]`, so that a misspelt field is an error.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = read_body(request, state).await?;
        parse(&bytes).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Reads the bytes of a JSON body. Checks the content type first, then the size limit of the route.
pub(super) async fn read_body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    if !says_json(request.headers()) {
        return Err(Problem::new(&problems::UNSUPPORTED_MEDIA_TYPE).detail("send Content-Type: application/json"));
    }
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            Problem::new(&problems::BODY_TOO_LARGE)
        }
        other => Problem::malformed("the body broke off").cause(other),
    })
}

fn says_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let media = value.split(';').next().unwrap_or_default().trim();
    let ends_in_json = media.len() > 5 && media.is_char_boundary(media.len() - 5);
    media.eq_ignore_ascii_case("application/json")
        || (ends_in_json && media[media.len() - 5..].eq_ignore_ascii_case("+json"))
}

/// Parses strict JSON. The problem of an error names the field and the position.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Tracking the path costs an allocation per field: only a body that failed is parsed again with it.
    serde_json::from_slice(bytes).map_err(|error| {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let (path, error) = match serde_path_to_error::deserialize::<_, T>(&mut reader) {
            Ok(_) => (String::new(), error), // the error is behind the value
            Err(traced) => (traced.path().to_string(), traced.into_inner()),
        };
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or(&text);
        let code = if error.is_data() { code_of(message) } else { "invalid_json" };
        Problem::malformed(format!("{message} (line {line}, column {column})"))
            .error(FieldError::new(field_of(&path, message), code, message.to_owned()))
            .with("line", line)
            .with("column", column)
    })
}

/// The code of a serde error, from its message: serde does not expose the kind of an error otherwise.
fn code_of(message: &str) -> &'static str {
    match message {
        m if m.starts_with("unknown field") => "unknown_field",
        m if m.starts_with("missing field") => "missing_field",
        m if m.starts_with("duplicate field") => "duplicate_field",
        m if m.starts_with("unknown variant") => "unknown_value",
        m if m.starts_with("invalid value") => "invalid_value",
        m if m.starts_with("invalid type") => "wrong_type",
        _ => "invalid_value",
    }
}

/// The path of the field. If the path ends at the parent, adds the field that the message names.
fn field_of(path: &str, message: &str) -> Cow<'static, str> {
    // "?" stands for a part that was not parsed
    let parent = path.trim_end_matches('?').trim_end_matches('.');
    let prefix = ["unknown field `", "missing field `", "duplicate field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start)?.split('`').next());
    Cow::Owned(match prefix {
        Some(name) if parent.is_empty() || parent == name => name.to_owned(),
        Some(name) if parent.ends_with(&format!(".{name}")) => parent.to_owned(),
        Some(name) => format!("{parent}.{name}"),
        None => parent.to_owned(),
    })
}

/// The query string. `T` should have `#[serde(deny_unknown_fields)]`: otherwise a misspelt filter is ignored and the
/// response lists everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parse_query(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

pub(super) fn parse_query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let reader = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(reader).map_err(|traced| {
        let path = traced.path().to_string();
        let message = traced.into_inner().to_string();
        let (field, code) = (field_of(&path, &message), code_of(&message));
        Problem::malformed(format!("query parameter {field}: {message}")).error(FieldError::new(field, code, message))
    })
}

/// Parameters of the path: `Path(id): Path<Uuid>`.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(failed)) => {
                let names: Vec<String> = match RawPathParams::from_request_parts(parts, state).await {
                    Ok(params) => params.iter().map(|(name, _)| name.to_owned()).collect(),
                    Err(_) => Vec::new(),
                };
                Err(path_problem(failed.into_kind(), &names))
            }
            Err(other) => Err(Problem::internal(other)),
        }
    }
}

fn path_problem(kind: ErrorKind, names: &[String]) -> Problem {
    let message = kind.to_string();
    let field = match kind {
        ErrorKind::ParseErrorAtKey { key, .. }
        | ErrorKind::DeserializeError { key, .. }
        | ErrorKind::InvalidUtf8InPathParam { key } => key,
        ErrorKind::ParseErrorAtIndex { index, .. } => names.get(index).cloned().unwrap_or_default(),
        ErrorKind::ParseError { .. } | ErrorKind::Message(_) => names.join(", "),
        // the handler reads a parameter that its route does not have
        _ => return Problem::internal(message),
    };
    Problem::malformed(format!("{field} in the path: {message}")).error(FieldError::new(
        field,
        "invalid_value",
        message,
    ))
}
