//! Problem documents (RFC 9457): the one format of all refusals and failures.

use std::{borrow::Cow, fmt};

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

/// A type of problem. Its address (`/problems/<slug>`) identifies the problem for clients: never rename the `slug`.
///
/// Each service declares its types as `pub static` and passes them to [`HttpApp::service`](super::HttpApp::service),
/// which serves the page of each address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemType {
    pub slug: &'static str,
    pub status: StatusCode,
    pub title: &'static str,
    /// The text of the page `/problems/<slug>`: why the problem occurs and how to solve it.
    pub explanation: &'static str,
}

impl ProblemType {
    pub const fn new(slug: &'static str, status: StatusCode, title: &'static str, explanation: &'static str) -> Self {
        Self { slug, status, title, explanation }
    }

    /// The address, as sent to clients.
    pub fn path(&self) -> String {
        format!("/problems/{}", self.slug)
    }
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where: `items[0].quantity`, a query parameter, or a header.
    #[schema(example = "items[0].quantity")]
    pub field: Cow<'static, str>,
    /// Stable, for programs.
    #[schema(example = "out_of_range")]
    pub code: &'static str,
    /// For people.
    pub message: Cow<'static, str>,
}

impl FieldError {
    pub fn new(field: impl Into<Cow<'static, str>>, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { field: field.into(), code, message: message.into() }
    }
}

/// One refusal or failure to be sent to the client. A box, so that `Result<_, Problem>` is small.
#[derive(Debug, Clone)]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: &'static ProblemType,
    detail: Option<Cow<'static, str>>,
    errors: Vec<FieldError>,
    extensions: Map<String, Value>,
    retry_after: Option<u32>,
    scope: Option<&'static str>,
    cause: Option<String>,
}

impl Problem {
    pub fn new(kind: &'static ProblemType) -> Self {
        Self(Box::new(Inner {
            kind,
            detail: None,
            errors: Vec::new(),
            extensions: Map::new(),
            retry_after: None,
            scope: None,
            cause: None,
        }))
    }

    /// What happened this time.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    #[must_use]
    pub fn error(mut self, error: FieldError) -> Self {
        self.0.errors.push(error);
        self
    }

    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    /// An extension member, such as the current price beside `price_changed`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.extensions.insert(name.to_owned(), value.into());
        self
    }

    /// Sets `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Sets the cause. The middleware logs it once, with route and trace; it is never sent.
    #[must_use]
    pub fn cause(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Sets the missing scope, for `WWW-Authenticate`.
    #[must_use]
    pub(super) fn scope(mut self, scope: &'static str) -> Self {
        self.0.scope = Some(scope);
        self
    }

    pub fn kind(&self) -> &'static ProblemType {
        self.0.kind
    }

    pub fn status(&self) -> StatusCode {
        self.0.kind.status
    }

    pub fn field_errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    pub fn logged_cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// Builds the response, with `instance` set to the requested path.
    pub(super) fn render(&self, instance: Option<&str>) -> Response {
        let inner = &*self.0;
        let document = Document {
            kind: inner.kind.path(),
            title: inner.kind.title,
            status: inner.kind.status.as_u16(),
            detail: inner.detail.as_deref(),
            instance,
            errors: &inner.errors,
            extensions: &inner.extensions,
        };
        let body = serde_json::to_vec(&document).expect("strings, numbers and JSON values");
        let mut response = (inner.kind.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = inner.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(challenge) = inner.challenge() {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl Inner {
    fn challenge(&self) -> Option<HeaderValue> {
        match self.kind.status {
            StatusCode::UNAUTHORIZED => Some(HeaderValue::from_static("Bearer")),
            StatusCode::FORBIDDEN => {
                let scope = self.scope.map(|scope| format!(", scope=\"{scope}\"")).unwrap_or_default();
                HeaderValue::from_str(&format!("Bearer error=\"insufficient_scope\"{scope}")).ok()
            }
            _ => None,
        }
    }
}

/// The document as sent. The order of the fields is their order in the JSON.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(flatten)]
    extensions: &'a Map<String, Value>,
}

/// The schema in the API documents.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the document, is never built")]
struct Described {
    /// Which problem it is: stable, and the address of a page that explains it.
    #[schema(rename = "type", example = "/problems/validation")]
    kind: String,
    title: String,
    status: u16,
    /// What happened this time.
    detail: Option<String>,
    /// The path that was asked for.
    instance: Option<String>,
    /// Everything that is wrong with the request, at once.
    errors: Option<Vec<FieldError>>,
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        Described::schema()
    }
}

impl ToSchema for Problem {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Problem")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Described::schemas(schemas);
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.detail.as_deref().unwrap_or(self.0.kind.title))
    }
}

impl std::error::Error for Problem {}

/// Builds a complete response. The middleware renders it again with `instance`, and logs the cause.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.render(None);
        response.extensions_mut().insert(self);
        response
    }
}
