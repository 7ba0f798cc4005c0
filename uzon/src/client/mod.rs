//! The HTTP client of the command line: answers are JSON, and problem documents become failures.

mod sse;

use std::time::Duration;

use clock::Clock;
use futures_util::StreamExt;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde_json::{Value, json};

use crate::Failure;

const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_mins(1);
/// Streams send a heartbeat every 15 s: after three missed ones the connection counts as lost.
const SILENCE: Duration = Duration::from_secs(50);
/// Items per page: the limit of the server.
const PAGE: &str = "200";

/// A system, and the output format of its answers.
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    /// Output as JSON.
    pub json: bool,
}

impl Client {
    pub fn new(url: &str, json: bool) -> Result<Self, Failure> {
        let wrong = |why: &str| Failure::Usage(format!("--url {url}: {why}, such as http://127.0.0.1:8080"));
        let parsed = Url::parse(url).map_err(|_| wrong("expected an address"))?;
        if parsed.scheme() != "http" || parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(wrong("expected a plain http address"));
        }
        let http = reqwest::Client::builder().connect_timeout(CONNECT).read_timeout(SILENCE).build();
        let http = http.map_err(|error| Failure::Refused(format!("no HTTP client: {error}")))?;
        Ok(Self { http, base: url.trim_end_matches('/').to_owned(), json })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Failure> {
        self.answer(self.request(Method::GET, path).query(query).timeout(ANSWER)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.answer(self.request(Method::PUT, path).json(body).timeout(ANSWER)).await
    }

    /// Sends a request with an idempotency key: the given one, or a new one.
    pub async fn post(&self, path: &str, body: &Value, key: Option<&str>) -> Result<Value, Failure> {
        let key = key.map_or_else(|| Clock::system().new_id().to_string(), str::to_owned);
        let request = self.request(Method::POST, path).header("Idempotency-Key", key);
        self.answer(request.json(body).timeout(ANSWER)).await
    }

    /// Items of a list, page by page, at most `limit`.
    pub async fn list(&self, path: &str, filter: &[(&str, &str)], most: usize) -> Result<Vec<Value>, Failure> {
        let (mut items, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mut query = filter.to_vec();
            query.push(("limit", PAGE));
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page = self.get(path, &query).await?;
            items.extend(page["items"].as_array().into_iter().flatten().cloned());
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() || items.len() >= most {
                items.truncate(most);
                return Ok(items);
            }
        }
    }

    /// Passes on the data of a stream of events until it ends. `Ok(false)`: the connection was lost
    /// and can be retried.
    pub async fn follow(
        &self,
        path: &str,
        last: &mut Option<String>,
        mut event: impl FnMut(Value),
    ) -> Result<bool, Failure> {
        let mut request = self.request(Method::GET, path).header("Accept", "text/event-stream");
        if let Some(id) = last {
            request = request.header("Last-Event-ID", &*id);
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let mut bytes = self.accepted(response).await?.bytes_stream();
        let mut events = sse::Events::default();
        while let Some(piece) = bytes.next().await {
            let Ok(piece) = piece else { return Ok(false) };
            for (id, data) in events.take(&piece) {
                if id.is_some() {
                    *last = id;
                }
                event(serde_json::from_str(&data).unwrap_or(Value::String(data)));
            }
        }
        Ok(true)
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let response = self.accepted(response).await?;
        let text = response.text().await.map_err(|error| self.unreachable(&error))?;
        serde_json::from_str(&text).map_err(|_| self.stranger("its answer is no JSON"))
    }

    /// The response, or a failure for a problem document.
    async fn accepted(&self, response: Response) -> Result<Response, Failure> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.starts_with("application/problem+json") {
            return Err(self.stranger(&format!("it answers {status}")));
        }
        let problem = response.json().await.unwrap_or(json!({}));
        Err(failure(status, &problem))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let url = &self.base;
        if error.is_connect() {
            return Failure::Unavailable(format!(
                "nothing answers at {url}: start it with `uzon dev`, or say where it is with --url"
            ));
        }
        let what = if error.is_timeout() { "did not answer in time" } else { "has broken off" };
        Failure::Unavailable(format!("{url} {what}; try again, with the same --key where there was one"))
    }

    fn stranger(&self, why: &str) -> Failure {
        Failure::Refused(format!("{} does not look like Uzon: {why}; is --url right?", self.base))
    }
}

/// A problem document in one line, with all fields that violate a rule.
fn failure(status: StatusCode, problem: &Value) -> Failure {
    let text = |name: &str| problem[name].as_str().filter(|text| !text.is_empty());
    let mut line = text("title").unwrap_or("refused").to_owned();
    let errors: Vec<String> = problem["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| [&error["field"], &error["message"]].map(|it| it.as_str().unwrap_or_default()).join(" "))
        .collect();
    if !errors.is_empty() {
        line = format!("{line}: {}", errors.join("; "));
    } else if let Some(detail) = text("detail") {
        line = format!("{line}: {detail}");
    }
    match status {
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
            Failure::Unavailable(format!("{line}; try again in a moment"))
        }
        StatusCode::TOO_MANY_REQUESTS => Failure::Refused(format!("{line}; try again in a moment")),
        _ => Failure::Refused(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_become_one_line() {
        let problem = json!({ "title": "The request breaks a rule", "detail": "2 values are not acceptable", "errors": [
            { "field": "items[0].quantity", "code": "out_of_range", "message": "must be at least 1" },
            { "field": "currency", "code": "unsupported_currency", "message": "is not supported" } ] });
        let text = failure(StatusCode::UNPROCESSABLE_ENTITY, &problem);
        assert_eq!(
            text.to_string(),
            "The request breaks a rule: items[0].quantity must be at least 1; currency is not supported"
        );
        let text = failure(StatusCode::NOT_FOUND, &json!({ "title": "There is no such thing" }));
        assert_eq!(text.to_string(), "There is no such thing");
        assert!(matches!(failure(StatusCode::SERVICE_UNAVAILABLE, &json!({})), Failure::Unavailable(_)));
    }

    #[test]
    fn an_address_is_checked_before_it_is_used() {
        for wrong in ["8080", "localhost:8080", "https://host", "http://host/?a=b", "ftp://host"] {
            assert!(matches!(Client::new(wrong, false), Err(Failure::Usage(_))), "{wrong}");
        }
        assert_eq!(Client::new("http://host:1/", false).ok().unwrap().base, "http://host:1");
    }
}
