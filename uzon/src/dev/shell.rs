//! All that is served on the port: the services' routes, and what surrounds them.

use std::mem;

use axum::{Router, http::HeaderValue};
use platform::{
    Shutdown,
    config::Http,
    http::{Limits, Shell},
};

use super::system::System;
use crate::pages;

const TITLE: &str = "Uzon";
const ASYNCAPI: &str = include_str!("../../../docs/asyncapi.json");

pub(super) fn limits(http: &Http) -> Limits {
    Limits { body: http.max_body_bytes, request_time: http.request_timeout.into(), ..Limits::default() }
}

/// Everything in one router. Takes the routes out of the services: there is one shell.
pub(super) fn router(system: &mut System, http: &Http, stop: &Shutdown, pages: &pages::Start) -> Router {
    let origins = http.cors_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
    let mut shell = Shell::new(TITLE, env!("CARGO_PKG_VERSION"))
        .health(system.health())
        .limits(limits(http))
        .origins(origins)
        .shutdown(stop.clone())
        .asyncapi(ASYNCAPI)
        .routes(pages.routes());
    for running in &mut system.services {
        let routes = mem::take(&mut running.routes);
        shell = shell.service(running.app.name(), routes, (), running.problems);
    }
    shell.router()
}
