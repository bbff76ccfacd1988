//! The page `/docs`: the OpenAPI document for people, as plain HTML. It is made from that document, so it says the same.

use std::fmt::Write;

use serde_json::{Value, json};

use super::documents::wave::NAME as WAVE;
use super::openapi;
use super::paths::V1;
use super::problem::ProblemCode;
use super::route::Route;
use crate::machine::Fault;

/// Content security policy of the page: it loads nothing, and its own style is allowed by its hash.
pub const CONTENT_POLICY: &str = "default-src 'none'; style-src 'sha256-X1K51KCXgZ+oE814PCccJQp4HTq32palOaL3Vh4cj9c='; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = "\
    body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem;color-scheme:light dark}\
    h2{margin-top:2rem}details{border-top:1px solid #8886;padding:.5rem 0}\
    summary{cursor:pointer}summary b{display:inline-block;min-width:4.5rem}\
    table{border-collapse:collapse;width:100%;font-size:.9rem}\
    th,td{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0;border-bottom:1px solid #8884}\
    pre{overflow-x:auto;padding:.6rem;background:#8882}code{overflow-wrap:anywhere}";

/// Objects inside objects are shown so deep.
const DEPTH: usize = 3;

/// The page of these routes.
#[must_use]
pub fn write(routes: &[Route]) -> String {
    let document = openapi::document(routes);
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>yep: API</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>{STYLE}</style></head>\
         <body><h1>API v1</h1><p>{} For programs: <a href=\"{V1}openapi.json\">openapi.json</a> (OpenAPI 3.1).</p>",
        text(&document["info"]["description"])
    );
    for (path, operations) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in operations.as_object().into_iter().flatten() {
            write_operation(&mut page, &document, (method, path), operation);
        }
    }
    let wave = json!({ "$ref": format!("#/components/schemas/{WAVE}") });
    let _ = write!(page, "<h2 id=\"{WAVE}\">{WAVE}</h2><p>The fields of each type of wave.</p>");
    write_fields(&mut page, "Fields", &rows(&document, resolved(&document, &wave)));
    write_problems(&mut page);
    write_faults(&mut page);
    write_contract(&mut page, routes);
    page.push_str("</body></html>");
    page
}

fn write_operation(page: &mut String, document: &Value, (method, path): (&str, &str), operation: &Value) {
    let method = method.to_uppercase();
    let _ = write!(
        page,
        "<details id=\"{}\"><summary><b>{method}</b> <code>{}</code> {}</summary><p>{} {}</p>",
        text(&operation["operationId"]),
        escaped(path),
        text(&operation["summary"]),
        text(&operation["description"]),
        text(&operation["requestBody"]["description"]),
    );
    let parameters: Vec<FieldRow> =
        operation["parameters"].as_array().into_iter().flatten().map(parameter).collect();
    write_fields(page, "Parameters", &parameters);
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    if is_wave(body) {
        let _ = write!(page, "<p>Body: a <a href=\"#{WAVE}\">{WAVE}</a>.</p>");
    }
    write_fields(page, "Body", &rows(document, body));
    for (kind, content) in operation["responses"]["200"]["content"].as_object().into_iter().flatten() {
        write_fields(page, &format!("Answer: {kind}"), &rows(document, &content["schema"]));
    }
    let example = resolved(document, body)["examples"][0].to_string();
    let body = if body.is_null() {
        String::new()
    } else {
        let example = if example == "null" { "@body.json".to_owned() } else { format!("'{example}'") };
        format!(" -H 'content-type: application/json' -d {}", escaped(&example))
    };
    let _ = write!(
        page,
        "<p>Refused: a <a href=\"#problems\">problem</a>.</p><pre>curl -X {method} http://yep.local{}{body}</pre></details>",
        escaped(path)
    );
}

/// A row of a table of fields.
struct FieldRow {
    path: String,
    kind: String,
    meaning: String,
}

fn parameter(parameter: &Value) -> FieldRow {
    FieldRow {
        path: parameter["name"].as_str().unwrap_or_default().to_owned(),
        kind: kind(&parameter["schema"]),
        meaning: parameter["description"].as_str().unwrap_or_default().to_owned(),
    }
}

/// The fields of an object, and of the objects in it.
fn rows(document: &Value, schema: &Value) -> Vec<FieldRow> {
    let mut rows = Vec::new();
    collect(document, schema, "", 0, &mut rows);
    rows
}

fn collect(document: &Value, schema: &Value, prefix: &str, depth: usize, rows: &mut Vec<FieldRow>) {
    // Described once, in a section of its own.
    if is_wave(schema) {
        return;
    }
    let schema = resolved(document, schema);
    for form in ["oneOf", "allOf"] {
        for part in schema[form].as_array().into_iter().flatten() {
            let title = part["title"].as_str().map(|title| format!("{prefix}({title}) "));
            collect(document, part, title.as_deref().unwrap_or(prefix), depth, rows);
        }
    }
    // What may be null is one of two.
    for part in schema["anyOf"].as_array().into_iter().flatten().filter(|part| part["type"] != "null") {
        collect(document, part, prefix, depth, rows);
    }
    if depth == DEPTH {
        return;
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{prefix}{name}");
        let inner = resolved(document, property);
        let described = if property["description"].is_null() { inner } else { property };
        rows.push(FieldRow {
            path: path.clone(),
            kind: if is_wave(property) { WAVE.to_owned() } else { kind(inner) },
            meaning: described["description"].as_str().unwrap_or_default().to_owned(),
        });
        let inner = if is_wave(property) { property } else { inner };
        let (inside, mark) = if inner["items"].is_object() { (&inner["items"], "[].") } else { (inner, ".") };
        collect(document, inside, &format!("{path}{mark}"), depth + 1, rows);
    }
}

fn is_wave(schema: &Value) -> bool {
    schema["$ref"].as_str().is_some_and(|reference| reference.ends_with(&format!("/{WAVE}")))
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let name = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#"));
    name.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema)
}

/// Type, allowed values and range, in words.
fn kind(schema: &Value) -> String {
    let mut words = match &schema["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ if schema["anyOf"].is_array() => "object or null".to_owned(),
        _ if schema["properties"].is_object() => "object".to_owned(),
        _ => "any".to_owned(),
    };
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        words = values.join(", ");
    }
    match (&schema["minimum"], &schema["maximum"]) {
        (Value::Null, Value::Null) => {}
        (least, Value::Null) => words = format!("{words}, from {least}"),
        (Value::Null, most) => words = format!("{words}, to {most}"),
        (least, most) => words = format!("{words}, {least} to {most}"),
    }
    words
}

fn write_fields(page: &mut String, title: &str, rows: &[FieldRow]) {
    if rows.is_empty() {
        return;
    }
    let _ = write!(
        page,
        "<h4>{}</h4><table><tr><th>Field</th><th>Type</th><th>Meaning</th></tr>",
        escaped(title)
    );
    for FieldRow { path, kind, meaning } in rows {
        let (path, kind, meaning) = (escaped(path), escaped(kind), escaped(meaning));
        let _ = write!(page, "<tr><td><code>{path}</code></td><td>{kind}</td><td>{meaning}</td></tr>");
    }
    page.push_str("</table>");
}

fn write_problems(page: &mut String) {
    page.push_str(
        "<h2 id=\"problems\">Problems</h2><p>Each refusal is one of these, as <code>application/problem+json</code> \
         (RFC 9457): <code>code</code> for programs, <code>detail</code> and <code>remedy</code> for people, \
         <code>errors</code> with each wrong field, <code>request_id</code> as in the log.</p>\
         <table><tr><th>Code</th><th>Status</th><th>What is wrong</th><th>What helps</th></tr>",
    );
    for code in ProblemCode::ALL {
        let _ = write!(
            page,
            "<tr id=\"problem-{0}\"><td><code>{0}</code></td><td>{1}</td><td>{2}</td><td>{3}</td></tr>",
            code.name(),
            code.status().as_u16(),
            escaped(code.title()),
            escaped(code.remedy()),
        );
    }
    page.push_str("</table>");
}

fn write_faults(page: &mut String) {
    page.push_str(
        "<h2 id=\"faults\">Faults</h2><p>A fault latches until it is acknowledged.</p>\
         <table><tr><th>Code</th><th>What happened</th><th>What helps</th></tr>",
    );
    for fault in Fault::ALL {
        let _ = write!(
            page,
            "<tr id=\"fault-{0}\"><td><code>{0}</code></td><td>{1}</td><td>{2}</td></tr>",
            fault.code(),
            escaped(&fault.to_string()),
            escaped(fault.remedy()),
        );
    }
    page.push_str("</table>");
}

/// The routes of the clients' old contract, which has a document of its own.
fn write_contract(page: &mut String, routes: &[Route]) {
    page.push_str(
        "<h2>The clients' old contract</h2><p>For programs that were written for the first server; \
         docs/CONTRACT.md has its bodies and answers.</p>\
         <table><tr><th>Method</th><th>Path</th><th>Purpose</th><th>For</th></tr>",
    );
    for route in routes.iter().filter(|route| !route.path.starts_with(V1)) {
        let _ = write!(
            page,
            "<tr><td>{}</td><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
            route.method,
            escaped(route.path),
            escaped(route.summary),
            escaped(&route.right.holders()),
        );
    }
    page.push_str("</table>");
}

fn text(value: &Value) -> String {
    escaped(value.as_str().unwrap_or_default())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::routes::ROUTES;

    #[test]
    fn every_route_problem_and_fault_is_on_the_page() {
        let page = write(&ROUTES);
        for route in ROUTES.iter().filter(|route| !route.upgrades()) {
            assert!(page.contains(&escaped(route.path)), "{}", route.path);
        }
        assert!(
            ProblemCode::ALL.iter().all(|code| page.contains(&format!("id=\"problem-{}\"", code.name())))
        );
        assert!(Fault::ALL.iter().all(|fault| page.contains(&format!("id=\"fault-{}\"", fault.code()))));
        assert!(!page.contains("<script") && !page.contains("https://"), "nothing from elsewhere");
    }

    /// By the program that is on every Linux, as this is the only SHA-256 of the server.
    #[test]
    fn the_hash_is_that_of_the_style() {
        use std::io::Write;
        use std::process::{Command, Stdio};

        let (input, output) = (Stdio::piped(), Stdio::piped());
        let mut program = Command::new("sha256sum").stdin(input).stdout(output).spawn().unwrap();
        program.stdin.take().unwrap().write_all(STYLE.as_bytes()).unwrap();
        let output = program.wait_with_output().unwrap();
        let digits = std::str::from_utf8(&output.stdout).unwrap().split_whitespace().next().unwrap();
        let byte = |at| u32::from_str_radix(&digits[at..at + 2], 16).unwrap();
        let bits = (0..64).step_by(2).map(byte).chain([0]).collect::<Vec<_>>();
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut hash = String::from("sha256-");
        for three in bits.chunks(3) {
            let bits = three.iter().fold(0, |bits, byte| bits << 8 | byte);
            hash.extend([18, 12, 6, 0].map(|shift| char::from(letters[(bits >> shift & 63) as usize])));
        }
        hash.replace_range(hash.len() - 1.., "=");
        assert!(CONTENT_POLICY.contains(&format!("style-src '{hash}';")), "{hash}");
        assert!(write(&ROUTES).contains(&format!("<style>{STYLE}</style>")));
    }

    #[test]
    fn the_fields_of_a_body_have_units_and_ranges() {
        let page = write(&ROUTES);
        assert!(page.contains("max_speed_mm_s") && page.contains("In mm/s."), "{page}");
        assert!(page.contains("(sine) duration"), "{page}");
    }
}
