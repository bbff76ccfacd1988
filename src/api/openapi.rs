//! The OpenAPI document of API v1, made from the route table and from the types that serialise.

use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::RecursiveTransform;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::paths::V1;
use super::problem::{self, Problem};
use super::request::{BodyType, STREAM_TYPE};
use super::route::{AnswerType, BodyLimit, QueryParameter, Route, SchemaFn};
use crate::auth::{Right, credentials};

/// The names of the two ways to present a token.
const BEARER: &str = "bearer";
const COOKIE: &str = "cookie";
/// The port of a machine in the home network.
const DEFAULT_PORT: u16 = 80;
/// Where the document has the schemas of its types.
const SCHEMAS: &str = "/components/schemas";

/// The document of these routes.
#[must_use]
pub fn document(routes: &[Route]) -> Value {
    let mut schemas = Schemas::new();
    let mut paths: Map<String, Value> = Map::new();
    for route in routes.iter().filter(|route| is_described(route)) {
        let entry = paths.entry(route.path).or_insert_with(|| json!({}));
        entry[route.method.as_str().to_lowercase()] = operation(route, &mut schemas);
    }
    let problem = schemas.of_answer(of_problem);
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": env!("CARGO_PKG_NAME"),
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Control of one stepper-driven linear axis. Lengths are in mm from the back end of the usable range, \
                            forces in grams; positive is toward the front. Each refusal is a problem document (RFC 9457).",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                BEARER: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token of a program: `yep pair --token NAME` on the machine.",
                },
                COOKIE: {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": credentials::cookie_name(DEFAULT_PORT),
                    "description": "The token of a paired browser; the name has the port of the server.",
                },
            },
            "schemas": schemas.collected(),
            "responses": {
                "Problem": {
                    "description": "Refused; the problem says why, and what helps.",
                    "headers": { "x-request-id": request_id_header() },
                    "content": { problem::CONTENT_TYPE: { "schema": problem } },
                },
            },
        },
    })
}

/// The clients' old contract is described in docs/CONTRACT.md, and a WebSocket is no operation.
fn is_described(route: &Route) -> bool {
    route.path.starts_with(V1) && !route.upgrades()
}

fn of_problem(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Problem>()
}

/// Collects the schemas of all types: of bodies as they are read, of answers as they are written.
struct Schemas {
    bodies: SchemaGenerator,
    answers: SchemaGenerator,
}

impl Schemas {
    fn new() -> Schemas {
        let settings = |contract| {
            let with = |settings: &mut SchemaSettings| {
                settings.definitions_path = SCHEMAS.into();
                settings.meta_schema = None;
                settings.contract = contract;
            };
            SchemaSettings::draft2020_12().with(with)
        };
        // What a reader assumes of an older server's answer is no default of the answer.
        let without_defaults = RecursiveTransform(|schema: &mut Schema| {
            schema.remove("default");
        });
        let answers = settings(Contract::Serialize).with_transform(without_defaults);
        Schemas {
            bodies: settings(Contract::Deserialize).into_generator(),
            answers: answers.into_generator(),
        }
    }

    fn of_body(&mut self, schema: SchemaFn) -> Schema {
        schema(&mut self.bodies)
    }

    fn of_answer(&mut self, schema: SchemaFn) -> Schema {
        schema(&mut self.answers)
    }

    fn collected(mut self) -> Map<String, Value> {
        let mut all = self.answers.take_definitions(true);
        all.append(&mut self.bodies.take_definitions(true));
        all
    }
}

fn operation(route: &Route, schemas: &mut Schemas) -> Value {
    let mut parameters: Vec<Value> = path_parameters(route);
    parameters.extend(route.query.iter().map(query_parameter));
    let mut operation = json!({
        "security": security(route.right),
        "operationId": operation_id(route),
        "tags": [tag(route)],
        "summary": route.summary,
        "x-right": route.right.name(),
        "parameters": parameters,
        "responses": {
            "200": success(route, schemas),
            "4XX": { "$ref": "#/components/responses/Problem" },
            "5XX": { "$ref": "#/components/responses/Problem" },
        },
    });
    if route.right != Right::Anyone {
        operation["description"] = format!("For {}.", route.right.holders()).into();
    }
    if route.body == BodyType::File {
        let text = json!({ "schema": { "type": "string" } });
        operation["requestBody"] = json!({
            "required": true,
            "description": format!("The file as it is. At most {}.", size(route.limit)),
            "content": { "text/plain": text },
        });
    } else if route.body == BodyType::Stream {
        operation["requestBody"] = json!({
            "required": true,
            "description": format!("The file as it is. At most {}.", size(route.limit)),
            "content": { STREAM_TYPE: { "schema": { "type": "string" } } },
        });
    } else if route.body != BodyType::Nothing {
        let schema = route.takes.map_or_else(|| json!({}), |takes| schemas.of_body(takes).to_value());
        operation["requestBody"] = json!({
            "required": is_required(&schema),
            "description": format!("At most {}.", size(route.limit)),
            "content": { "application/json": { "schema": schema } },
        });
    }
    operation
}

/// A token, but on the machine itself, where none is needed.
fn security(right: Right) -> Value {
    match right {
        Right::Anyone => json!([]),
        Right::Attend => json!([{}]),
        _ => json!([{ BEARER: [] }, { COOKIE: [] }, {}]),
    }
}

/// An object without required fields may be left out.
fn is_required(schema: &Value) -> bool {
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
    !matches!(name, Some("MotionRequest" | "WindowRequest"))
}

fn size(limit: BodyLimit) -> &'static str {
    match limit {
        BodyLimit::Small => "16 KiB",
        BodyLimit::Wave => "256 KiB",
        BodyLimit::File => "1 MiB",
        BodyLimit::Update => "128 MiB",
    }
}

fn success(route: &Route, schemas: &mut Schemas) -> Value {
    let schema = route.gives.map_or_else(|| json!({}), |gives| schemas.of_answer(gives).to_value());
    let content = match route.answer {
        AnswerType::Json => json!({ "application/json": { "schema": schema } }),
        AnswerType::JsonOrCsv => json!({
            "application/json": { "schema": schema },
            "text/csv": { "schema": { "type": "string" } },
        }),
        AnswerType::JsonOrHtml => json!({
            "application/json": { "schema": schema },
            "text/html": { "schema": { "type": "string" } },
        }),
        AnswerType::Script => json!({ "text/javascript": { "schema": { "type": "string" } } }),
        AnswerType::Html => json!({ "text/html": { "schema": { "type": "string" } } }),
        AnswerType::Metrics => json!({ "text/plain": { "schema": { "type": "string" } } }),
        AnswerType::Socket => json!({}),
    };
    json!({ "description": "Done.", "headers": { "x-request-id": request_id_header() }, "content": content })
}

fn request_id_header() -> Value {
    json!({
        "description": "The number of the request, as in the log.",
        "schema": { "type": "string", "pattern": "^[0-9a-f]{16}$" },
    })
}

/// The segments in braces.
pub fn parameter_names(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

fn path_parameters(route: &Route) -> Vec<Value> {
    let parameter = |name: &str| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } });
    parameter_names(route.path).map(parameter).collect()
}

fn query_parameter(parameter: &QueryParameter) -> Value {
    let mut schema = json!({ "type": parameter.kind });
    if let Some((least, most)) = parameter.range {
        schema["minimum"] = least.into();
        schema["maximum"] = most.into();
    }
    if !parameter.words.is_empty() {
        schema["enum"] = parameter.words.into();
    }
    json!({
        "name": parameter.name,
        "in": "query",
        "required": false,
        "description": parameter.summary,
        "schema": schema,
    })
}

/// The segments behind the version, with the method: `putWavesName`.
fn operation_id(route: &Route) -> String {
    let words = route.path[V1.len()..].split(['/', '.', '{', '}', '_']).filter(|word| !word.is_empty());
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    words.fold(route.method.as_str().to_lowercase(), |id, word| id + &capital(word))
}

fn tag(route: &Route) -> &'static str {
    route.path[V1.len()..].split(['/', '.']).next().unwrap_or_default()
}
