//! The document that describes every route, made from the table of routes.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::answer;
use super::routes::{ROUTES, Route};

/// The guard's own answers, which any route may give.
const GUARDED: [u16; 4] = [400, 408, 413, 415];

/// The document, in the form of the `OpenAPI` Specification 3.1.
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let entry = paths.entry(route.path).or_insert_with(|| json!({}));
        entry[route.method.to_ascii_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "bridged", "version": "1", "description": "Runs pipelines, takes records in, and tells how things stand." },
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": { "Error": error() },
        },
    })
}

pub(super) async fn show() -> Response {
    answer::json(StatusCode::OK, &document())
}

fn error() -> Value {
    json!({
        "type": "object",
        "required": ["error"],
        "properties": { "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": { "type": "string" },
                "message": { "type": "string" },
                "help": { "type": ["string", "null"] },
            },
        } },
    })
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({ "summary": route.summary, "responses": responses(route) });
    let mut parameters: Vec<Value> = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    parameters.extend(route.query.iter().map(|name| {
        let kind = if matches!(*name, "limit" | "before") {
            "integer"
        } else {
            "string"
        };
        json!({ "name": name, "in": "query", "required": false, "schema": { "type": kind } })
    }));
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    if !route.body.is_empty() {
        let content: Map<String, Value> = route
            .body
            .iter()
            .map(|kind| ((*kind).to_owned(), json!({})))
            .collect();
        operation["requestBody"] = json!({ "content": content });
    }
    if let Some(role) = route.role {
        operation["security"] = json!([{ "token": [] }]);
        operation["x-role"] = json!(role.as_str());
    }
    operation
}

fn responses(route: &Route) -> Value {
    let mut all: Vec<u16> = route.statuses.to_vec();
    all.extend(GUARDED);
    if route.role.is_some() {
        all.extend([401, 403, 503]);
    }
    all.sort_unstable();
    all.dedup();
    let each: Map<String, Value> = all
        .into_iter()
        .map(|status| {
            let code = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            let mut told = json!({ "description": code.canonical_reason().unwrap_or_default() });
            let is_error = status >= 400 && !(route.path == "/readyz" && status == 503);
            if is_error {
                told["content"] = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } });
            }
            (status.to_string(), told)
        })
        .collect();
    Value::Object(each)
}
