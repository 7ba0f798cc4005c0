//! The API documents: one for each service, a combined one, and pages to read and try them without internet access.

use axum::{Router, routing::get};
use http::{HeaderValue, header};
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi, Url};

/// The documents of the services in this process.
#[derive(Debug, Clone, Default)]
pub struct ApiDocs {
    services: Vec<(&'static str, Value)>,
    asyncapi: Option<&'static str>,
}

impl ApiDocs {
    pub(super) fn add(&mut self, service: &'static str, document: &OpenApi) {
        let mut document = serde_json::to_value(document).expect("an OpenAPI document is JSON");
        document["info"]["title"] = service.into();
        self.services.push((service, document));
    }

    pub(super) fn set_asyncapi(&mut self, document: &'static str) {
        self.asyncapi = Some(document);
    }

    /// The name and document of each service.
    pub fn services(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.services.iter().map(|(name, document)| (*name, document))
    }

    /// Combines all documents. If schemas of the same name differ, the service's name distinguishes them.
    pub fn merged(&self, title: &str, version: &str) -> Value {
        let (mut paths, mut schemas, mut tags) = (Map::new(), Map::new(), Vec::new());
        for (service, document) in &self.services {
            let mut document = document.clone();
            let own = document.pointer("/components/schemas").and_then(Value::as_object).cloned().unwrap_or_default();
            let clashing: Vec<String> = own
                .iter()
                .filter(|(name, schema)| schemas.get(*name).is_some_and(|known| known != *schema))
                .map(|(name, _)| name.clone())
                .collect();
            rename(&mut document, &|name| clashing.iter().any(|c| c == name).then(|| prefixed(service, name)));
            for (name, schema) in take(&mut document, "/components/schemas") {
                let name = if clashing.contains(&name) { prefixed(service, &name) } else { name };
                schemas.entry(name).or_insert(schema);
            }
            paths.extend(take(&mut document, "/paths"));
            if let Some(Value::Array(own)) = document.get_mut("tags").map(Value::take) {
                tags.extend(own);
            }
        }
        json!({
            "openapi": "3.1.0",
            "info": { "title": title, "version": version },
            "paths": paths,
            "components": { "schemas": schemas },
            "tags": tags,
        })
    }

    /// The routes `/openapi.json`, `/openapi/{service}.json`, `/docs`, and `/asyncapi.json` if there is a document.
    pub(super) fn routes(&self, title: &str, version: &str) -> Router {
        // "none": otherwise the page sends each document to a validator on the internet
        let mut ui = SwaggerUi::new("/docs")
            .config(Config::default().validator_url("none"))
            .external_url_unchecked(Url::with_primary("all", "/openapi.json", true), self.merged(title, version));
        for (service, document) in &self.services {
            ui = ui
                .external_url_unchecked(Url::new(service, format!("/openapi/{service}.json").leak()), document.clone());
        }
        let policy =
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";
        let router = Router::from(ui).layer(axum::middleware::map_response(
            async move |mut response: axum::response::Response| {
                response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
                response
            },
        ));
        match self.asyncapi {
            None => router,
            Some(document) => router
                .route("/asyncapi.json", get(async move || ([(header::CONTENT_TYPE, "application/json")], document))),
        }
    }
}

fn prefixed(service: &str, name: &str) -> String {
    format!("{}.{name}", service.trim_end_matches("-service"))
}

fn take(document: &mut Value, pointer: &str) -> Map<String, Value> {
    match document.pointer_mut(pointer).map(Value::take) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

/// Replaces references to renamed schemas.
fn rename(value: &mut Value, new_name: &impl Fn(&str) -> Option<String>) {
    match value {
        Value::Object(members) => members.values_mut().for_each(|member| rename(member, new_name)),
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, new_name)),
        Value::String(text) => {
            let name = text.strip_prefix("#/components/schemas/").and_then(new_name);
            if let Some(name) = name {
                *text = format!("#/components/schemas/{name}");
            }
        }
        _ => {}
    }
}
