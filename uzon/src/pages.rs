//! The page at `/` with all addresses. It loads nothing from other servers.

use std::net::SocketAddr;

use axum::{
    Router,
    http::header,
    response::{Html, IntoResponse},
    routing::get,
};

use crate::dev::{Example, url};

const PAGE: &str = include_str!("../assets/index.html");
const STYLE: &str = include_str!("../assets/uzon.css");
const ICON: &str = include_str!("../assets/uzon.svg");

/// The page, with an example for this system.
pub(crate) struct Start(String);

impl Start {
    pub fn new(address: SocketAddr, example: &Example) -> Self {
        let page = PAGE
            .replace("{{version}}", env!("CARGO_PKG_VERSION"))
            .replace("{{url}}", &url(address))
            .replace("{{product}}", &escape(&example.name))
            .replace("{{sku}}", &escape(&example.sku))
            .replace("{{curl}}", &escape(&example.curl(address)));
        Self(page)
    }

    pub fn routes(&self) -> Router {
        let page = self.0.clone();
        Router::new()
            .route("/", get(async move || Html(page)))
            .route("/uzon.css", get(async || file("text/css; charset=utf-8", STYLE)))
            .route("/uzon.svg", get(async || file("image/svg+xml", ICON)))
    }
}

fn file(kind: &'static str, content: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=3600")], content)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(name: &str) -> String {
        let example = Example { name: name.to_owned(), ..Example::of_the_demonstration() };
        Start::new("127.0.0.1:8080".parse().unwrap(), &example).0
    }

    #[test]
    fn everything_is_filled_in_and_nothing_comes_from_elsewhere() {
        let page = page("Teapot");
        assert!(page.contains("Teapot") && !page.contains("{{"), "{page}");
        for attribute in ["src=\"http", "href=\"http", "href=\"//"] {
            assert!(!page.contains(attribute), "{attribute}");
        }
    }

    #[test]
    fn every_place_is_on_the_page() {
        let page = page("Teapot");
        for (path, _) in crate::dev::PLACES {
            assert!(page.contains(&format!("href=\"{path}\"")) || path == "/", "{path}");
        }
    }

    #[test]
    fn what_people_have_named_is_escaped() {
        assert!(page("<script>&\"").contains("&lt;script&gt;&amp;&quot;"));
    }
}
