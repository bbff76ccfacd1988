//! The routes, written down: for programs as OpenAPI, for people as a page. Both come from the route table,
//! so neither can say anything else than what is served.

use std::fmt::Write;

use hyper::StatusCode;
use hyper::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use serde_json::{Map, Value, json};

use crate::api::answer::{self, Answer};
use crate::api::request::BodyType;
use crate::api::route::{AnswerType, BodyLimit, Route};
use crate::auth::Role;
use crate::wave::fields::{FIELDS, TYPES, WaveFieldKind};
use crate::wave::interpolate::MAX_POINTS;

/// The routes as OpenAPI.
pub fn openapi(routes: &[Route]) -> Answer {
    let mut paths: Map<String, Value> = Map::new();
    for route in routes.iter().filter(|route| route.answer != AnswerType::Html) {
        let entry = paths.entry(route.path).or_insert_with(|| json!({}));
        entry[route.method.as_str().to_lowercase()] = operation(route);
    }
    answer::ok(&json!({
        "openapi": "3.1.0",
        "info": { "title": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
    }))
}

fn operation(route: &Route) -> Value {
    let names = route.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let parameters = names
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let mut operation = json!({
        "summary": route.summary,
        "parameters": parameters.collect::<Vec<_>>(),
        "responses": { "200": { "description": "done" }, "4XX": { "description": "refused; detail says why" } },
        "x-least-standing": role(route.role),
    });
    if route.body != BodyType::Nothing {
        let schema = json!({ "schema": schema(route) });
        operation["requestBody"] = json!({ "required": true, "content": { "application/json": schema } });
    }
    operation
}

/// What a body has, where it has more than a page could guess.
fn schema(route: &Route) -> Value {
    if route.limit != BodyLimit::Wave || route.body != BodyType::Json {
        return json!({ "type": "object" });
    }
    let mut fields = Map::new();
    fields.insert("type".into(), json!({ "enum": TYPES }));
    fields.insert("duration".into(), json!({ "type": "number", "description": "seconds for a period" }));
    for field in FIELDS.iter().filter(|field| !field.is_required()) {
        let of = if field.types.is_empty() { "every type".into() } else { field.types.join(", ") };
        let described = format!("of {of}; docs/WAVES.md has the units");
        let schema = match field.kind {
            WaveFieldKind::Points => {
                json!({ "type": "array", "maxItems": MAX_POINTS + 1, "description": described })
            }
            WaveFieldKind::Word(words) => json!({ "enum": words }),
            WaveFieldKind::Number { .. } => json!({ "type": "number", "description": described }),
        };
        fields.insert(field.name.into(), schema);
    }
    json!({ "type": "object", "required": ["type", "duration"], "properties": fields })
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Guest => "anyone",
        Role::Machine => "this machine, and the configured yep-machine",
        Role::Local => "this machine",
    }
}

/// The routes as a page, without scripts, styles or anything from elsewhere.
pub fn page(routes: &[Route]) -> Answer {
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>yep: routes</title></head><body>\
         <h1>Routes</h1><p>For programs: <a href=\"/api/openapi.json\">/api/openapi.json</a></p><table>\
         <tr><th>Method</th><th>Path</th><th>What it is for</th><th>Who may</th></tr>",
    );
    for route in routes {
        // The table's own text, in which nothing needs escaping; a test checks that.
        let _ = write!(
            page,
            "<tr><td>{}</td><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
            route.method,
            route.path,
            route.summary,
            role(route.role)
        );
    }
    page.push_str("</table></body></html>");
    let mut answer = answer::typed(StatusCode::OK, "text/html; charset=utf-8", page);
    let policy = HeaderValue::from_static("default-src 'self'; frame-ancestors 'none'");
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    answer
}

#[cfg(test)]
mod tests {
    use crate::api::routes::ROUTES;

    #[test]
    fn the_table_needs_no_escaping() {
        for route in ROUTES {
            assert!(!format!("{}{}", route.path, route.summary).contains(['<', '>', '&', '"']));
        }
    }
}
