//! Requests of yep-app, header by header, as recorded.

use serde_json::{Value, json};

use crate::real::Yep;
use crate::real::http::Answer;

/// Origin of the app's page.
const ORIGIN: &str = "http://localhost:3042";
const JSON: (&str, &str) = ("content-type", "application/json;charset=UTF-8");

/// The app, open in a browser on the same host.
pub struct App<'a>(&'a Yep);

impl App<'_> {
    pub fn of(yep: &Yep) -> App<'_> {
        App(yep)
    }

    /// Sends a request with the page's origin, and checks that the answer allows it; a browser would withhold the
    /// answer otherwise.
    #[track_caller]
    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let body_text = body.map_or(String::new(), Value::to_string);
        let headers = [("origin", ORIGIN), ("accept", "application/json, text/plain, */*"), JSON];
        let answer = self.0.request(method, path, &headers[..if body.is_some() { 3 } else { 2 }], &body_text);
        assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN), "{method} {path}: {answer:?}");
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"), "{method} {path}");
        answer
    }

    /// Sends the preflight of the browser before JSON to another origin.
    #[track_caller]
    fn preflight(&self, method: &str, path: &str) {
        let headers = [
            ("origin", ORIGIN),
            ("access-control-request-method", method),
            ("access-control-request-headers", "content-type"),
        ];
        let answer = self.0.request("OPTIONS", path, &headers, "");
        assert_eq!((answer.status, answer.body.as_str()), (200, "OK"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN), "{path}");
        assert_eq!(answer.header("access-control-allow-headers"), Some("content-type"), "{path}");
        assert!(answer.header("access-control-allow-methods").unwrap().contains(method), "{path}");
    }

    /// Presses a button.
    #[track_caller]
    pub fn press(&self, button: &str) {
        let path = "/api/commands/run/";
        self.preflight("POST", path);
        let answer = self.send("POST", path, Some(&json!({ "type": button })));
        assert_eq!((answer.status, answer.body.as_str()), (200, "null"), "{button}");
    }

    /// Presses the run button; the duration is the content of the text field.
    #[track_caller]
    pub fn run_wave(&self, shape: &str, duration: Value) -> Answer {
        self.preflight("POST", "/api/wave/run");
        self.send("POST", "/api/wave/run", Some(&json!({ "type": shape, "duration": duration })))
    }

    #[track_caller]
    pub fn settings(&self) -> Value {
        self.send("GET", "/api/settings/machine-thrust/default", None).expect_ok()
    }

    /// Opens the settings page, moves a slider and presses save.
    #[track_caller]
    pub fn load_and_save_settings(&self) {
        let before = self.settings();
        let mut document = before.clone();
        let chart = document["stroke_force_chart"].clone();
        assert_eq!(chart.as_array().map(Vec::len), Some(10), "{document}");
        let curve = self.send("POST", "/api/curve/", Some(&json!({ "points": chart }))).expect_ok();
        assert_eq!(curve.as_array().map(Vec::len), Some(100), "{curve}");

        let id = document["id"].as_str().unwrap().to_owned();
        let path = format!("/api/settings/machine-thrust/{id}");
        self.preflight("PUT", &path);
        let fields = document.as_object_mut().unwrap();
        fields.retain(|name, value| {
            !value.is_null() && !["max_steps", "steps_per_mm", "id"].contains(&name.as_str())
        });
        fields["stroke_force_chart"][0] = json!(60);
        let saved = self.send("PUT", &path, Some(&document)).expect_ok();
        for (name, value) in document.as_object().unwrap() {
            assert_eq!(&saved[name], value, "{name}");
        }
        assert_eq!((&saved["id"], &saved["steps_per_mm"]), (&json!(id), &before["steps_per_mm"]));
        assert_eq!(self.settings(), saved);
    }

    /// Types 2.3, clears the field, types 0.05: a request for each key stroke.
    #[track_caller]
    pub fn type_durations(&self) {
        self.preflight("POST", "/api/wave/get");
        for (duration, points) in [
            (json!(2), Some(239)),
            (json!("2."), Some(239)),
            (json!(2.3), Some(275)),
            (json!(""), None),
            (json!(0), Some(0)),
            (json!("0."), Some(0)),
            (json!(0), Some(0)),
            (json!(0.05), Some(5)),
        ] {
            let body = json!({ "type": "sine", "duration": duration });
            let answer = self.send("POST", "/api/wave/get", Some(&body));
            let Some(points) = points else {
                assert_eq!(answer.status, 422, "{duration}: {}", answer.body);
                assert_eq!(answer.json()["detail"][0]["loc"], json!(["body", "spec", "duration"]));
                continue;
            };
            let drawn = answer.expect_ok();
            let positions = drawn["positions"].as_array().unwrap();
            assert_eq!(positions.len(), points, "{duration}");
            assert!(positions.iter().all(|p| (-1.0..=1.0).contains(&p.as_f64().unwrap())), "{duration}");
        }
    }
}
