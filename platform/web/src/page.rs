//! Pagination: `{ "items": […], "next": "<cursor>" | null }`.

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use http::request::Parts;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use super::{
    Checks,
    json::parse_query,
    problem::{FieldError, Problem},
};

/// Default number of items in a page.
pub const DEFAULT_LIMIT: u32 = 50;
/// Maximum number of items that a request may ask for.
pub const MAX_LIMIT: u32 = 200;

/// One page of a list.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Ask for the following page with `cursor=<this>`; `null` on the last one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A complete list, without a next page.
    pub fn complete(items: Vec<T>) -> Self {
        Self { items, next: None }
    }

    /// Builds a page from up to `limit + 1` rows (see [`PageRequest::fetch`]). The additional row shows that there is a
    /// next page, which begins after the last row of this one.
    pub fn cut<C: Serialize>(mut rows: Vec<T>, page: &PageRequest, cursor: impl FnOnce(&T) -> C) -> Self {
        let limit = page.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|last| encode(&cursor(last)));
        Self { items: rows, next }
    }

    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next: self.next }
    }
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        axum::Json(self).into_response()
    }
}

/// The parameters of every list, for its API document: `params(PageQuery, OrderFilter)`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// Items per page, 1 to 200; 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// The requested page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    pub limit: u32,
    cursor: Option<String>,
}

impl PageRequest {
    /// The number of rows to read: one more than the page shows.
    pub fn fetch(&self) -> u64 {
        u64::from(self.limit) + 1
    }

    /// The end of the previous page; `None` for the first page. An invalid cursor is refused.
    pub fn after<C: DeserializeOwned>(&self) -> Result<Option<C>, Problem> {
        self.cursor.as_deref().map(decode).transpose()
    }
}

impl TryFrom<PageQuery> for PageRequest {
    type Error = Problem;

    fn try_from(query: PageQuery) -> Result<Self, Problem> {
        let limit = query.limit.unwrap_or(DEFAULT_LIMIT.into());
        Checks::new().range("limit", limit, 1..=MAX_LIMIT.into()).finish()?;
        Ok(Self { limit: u32::try_from(limit).expect("in range"), cursor: query.cursor })
    }
}

/// `limit`, `cursor`, and the filters `F` of one list. An extractor. `F` should deny unknown fields: `limit` and
/// `cursor` are removed before `F` is parsed.
#[derive(Debug, Clone)]
pub struct Paged<F = NoFilter> {
    pub filter: F,
    pub page: PageRequest,
}

impl<F: DeserializeOwned, S: Sync> FromRequestParts<S> for Paged<F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let (page, filter): (Vec<_>, Vec<_>) = parts
            .uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty())
            .partition(|pair| matches!(pair.split('=').next(), Some("limit" | "cursor")));
        let filter = parse_query(&filter.join("&"))?;
        let page = parse_query::<PageQuery>(&page.join("&"))?.try_into()?;
        Ok(Self { filter, page })
    }
}

/// A list without filters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoFilter {}

/// Encodes a cursor, which is opaque to clients.
fn encode<C: Serialize>(cursor: &C) -> String {
    BASE64.encode(serde_json::to_vec(cursor).expect("cursors are plain values"))
}

fn decode<C: DeserializeOwned>(cursor: &str) -> Result<C, Problem> {
    let bytes = BASE64.decode(cursor).ok();
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(|| {
        Problem::malformed("the cursor is none of this list's").error(FieldError::new(
            "cursor",
            "invalid_value",
            "must be `next` of a page of this list",
        ))
    })
}
