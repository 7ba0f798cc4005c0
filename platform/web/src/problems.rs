//! The problem types that all services share, and the pages that explain all types.

use std::{fmt, fmt::Write as _, sync::Arc};

use axum::{
    Router,
    extract::Path,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};

use super::problem::{FieldError, Problem, ProblemType};

macro_rules! problem_types {
    ($($name:ident = $slug:literal, $status:ident, $title:literal, $explanation:literal;)*) => {
        $(#[doc = $title] pub static $name: ProblemType =
            ProblemType::new($slug, StatusCode::$status, $title, $explanation);)*
        /// All types that the services share.
        pub static SHARED: &[&ProblemType] = &[$(&$name),*];
    };
}

problem_types! {
    MALFORMED_REQUEST = "malformed-request", BAD_REQUEST, "The request cannot be read",
        "The body is no valid JSON, a value has the wrong type, a field or parameter is unknown or missing. `errors` names the field, `detail` the place.";
    VALIDATION = "validation", UNPROCESSABLE_ENTITY, "The request breaks a rule",
        "The request can be read, but some of its values are not acceptable. `errors` names all of them, each with a code for programs and a message for people.";
    IDEMPOTENCY_KEY_MISSING = "idempotency-key-missing", BAD_REQUEST, "The Idempotency-Key header is missing",
        "Requests that change something carry an Idempotency-Key (1 to 255 visible characters), so that repeating one after a lost answer does not do it twice. Use a fresh random key per intention, and the same key for each repetition.";
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The Idempotency-Key was used for another request",
        "This key came before with another body. A key stands for one intention: use a fresh one.";
    REQUEST_IN_PROGRESS = "request-in-progress", CONFLICT, "The same request is still being worked on",
        "A request with this Idempotency-Key has not been answered yet. Repeat it after the time in Retry-After to get its answer.";
    UNAUTHORIZED = "unauthorized", UNAUTHORIZED, "Who is asking is not known",
        "The request needs a valid access token in the Authorization header.";
    FORBIDDEN = "forbidden", FORBIDDEN, "This is not allowed",
        "The access token is valid but lacks the permission named in WWW-Authenticate.";
    NOT_FOUND = "not-found", NOT_FOUND, "There is no such thing",
        "Nothing is at this address, or it belongs to somebody else.";
    METHOD_NOT_ALLOWED = "method-not-allowed", METHOD_NOT_ALLOWED, "This method is not possible here",
        "The address exists, but not for this HTTP method. The Allow header lists those that are.";
    PRECONDITION_FAILED = "precondition-failed", PRECONDITION_FAILED, "It has changed in the meantime",
        "The version in If-Match is no longer the current one. Read it again, and decide again.";
    BODY_TOO_LARGE = "body-too-large", PAYLOAD_TOO_LARGE, "The body is too large",
        "Request bodies are limited, normally to 256 KiB.";
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body is not JSON",
        "Send the body as JSON, with Content-Type: application/json.";
    OVERLOADED = "overloaded", TOO_MANY_REQUESTS, "Too much at the moment",
        "Nothing was accepted and nothing was done. Try again after the time in Retry-After.";
    INTERNAL = "internal", INTERNAL_SERVER_ERROR, "Something went wrong on our side",
        "It has been logged with the trace id of the request. Repeating the request with the same Idempotency-Key is safe.";
    UNAVAILABLE = "unavailable", SERVICE_UNAVAILABLE, "Not available at the moment",
        "Something this request needs cannot be reached. Repeating it later, with the same Idempotency-Key, is safe.";
    TIMED_OUT = "timed-out", SERVICE_UNAVAILABLE, "It took too long",
        "The answer was not ready in time; whether the request was carried out is not known. Repeating it with the same Idempotency-Key is safe, and tells.";
}

/// Constructors of the shared types.
impl Problem {
    pub fn malformed(detail: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self::new(&MALFORMED_REQUEST).detail(detail)
    }

    /// 422 with all violations.
    pub fn validation(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("{}: {}", one.field, one.message),
            more => format!("{} values are not acceptable", more.len()),
        };
        Self::new(&VALIDATION).detail(detail).errors(errors)
    }

    pub fn not_found() -> Self {
        Self::new(&NOT_FOUND)
    }

    pub fn unauthorized() -> Self {
        Self::new(&UNAUTHORIZED)
    }

    pub fn forbidden(scope: super::Scope) -> Self {
        Self::new(&FORBIDDEN).detail(format!("the permission {} is needed", scope.0)).scope(scope.0)
    }

    pub fn precondition_failed() -> Self {
        Self::new(&PRECONDITION_FAILED)
    }

    pub fn idempotency_key_reused() -> Self {
        Self::new(&IDEMPOTENCY_KEY_REUSED)
    }

    pub fn request_in_progress() -> Self {
        Self::new(&REQUEST_IN_PROGRESS).retry_after(1)
    }

    pub fn overloaded(retry_after_seconds: u32) -> Self {
        Self::new(&OVERLOADED).retry_after(retry_after_seconds)
    }

    /// 503: a dependency is unavailable. The cause is logged, not sent.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        Self::new(&UNAVAILABLE).retry_after(1).cause(cause)
    }

    /// 500: a bug. The cause is logged, not sent.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::new(&INTERNAL).cause(cause)
    }
}

/// The routes `/problems` and `/problems/{slug}`.
pub(super) fn pages(types: &[&'static ProblemType]) -> Router {
    let mut types = types.to_vec();
    types.sort_by_key(|kind| kind.slug);
    types.dedup_by_key(|kind| kind.slug);
    let types: Arc<[&'static ProblemType]> = types.into();
    let all = types.clone();
    Router::new()
        .route("/problems", get(async move || Html(index(&all))))
        .route("/problems/page.css", get(async || ([(header::CONTENT_TYPE, "text/css")], STYLE)))
        .route(
            "/problems/{slug}",
            get(async move |Path(slug): Path<String>| -> Response {
                match types.iter().find(|kind| kind.slug == slug) {
                    Some(kind) => Html(page(kind)).into_response(),
                    None => Problem::not_found().into_response(),
                }
            }),
        )
}

static STYLE: &str = include_str!("../assets/page.css");

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><link rel=\"stylesheet\" href=\"/problems/page.css\"></head><body><main>{body}</main></body></html>\n"
    )
}

fn page(kind: &ProblemType) -> String {
    let mut body = format!("<p><code>{} {}</code></p><h1>{}</h1><p>", kind.status.as_u16(), kind.slug, kind.title);
    // Text between back-ticks is code. The texts are constants of this program and need no escaping.
    for (index, part) in kind.explanation.split('`').enumerate() {
        let _ = if index % 2 == 0 { write!(body, "{part}") } else { write!(body, "<code>{part}</code>") };
    }
    body.push_str("</p><p><a href=\"/problems\">All problems</a></p>");
    document(kind.title, &body)
}

fn index(types: &[&'static ProblemType]) -> String {
    let mut body = String::from("<h1>Problems</h1><ul>");
    for kind in types {
        let _ = write!(
            body,
            "<li><a href=\"/problems/{slug}\"><code>{slug}</code></a> ({status}) {title}</li>",
            slug = kind.slug,
            status = kind.status.as_u16(),
            title = kind.title
        );
    }
    body.push_str("</ul>");
    document("Problems", &body)
}
