//! Table of the intended deviations from the original server's answers, with the reasons.

/// One item with another answer.
pub struct Deviation {
    pub group: &'static str,
    pub name: &'static str,
    pub status: u16,
    pub instead: Instead,
    /// The types of the messages on `command_all` that follow.
    pub announces: &'static [&'static str],
    pub why: &'static str,
}

/// The answer of this server.
pub enum Instead {
    /// This JSON.
    Json(&'static str),
    /// The recorded answer of another item, by its group and name.
    Like(&'static str),
    /// This text.
    Text(&'static str),
    /// The recorded numbers, with those below 0 replaced by 0.
    AtLeastZero,
}

const SLASH: &str = "both forms of a path are answered directly; the original redirected one to the other";
const CRASH: &str = "the original failed with 500 and a stack trace";
const CHECKED: &str = "the original stored what made it fail later; ours refuses it";
const AFTER_REFUSED: &str = "the force limit that the original had stored before was refused";
const UPDATED: &[&str] = &["update_settings"];

const fn instead(
    group: &'static str,
    name: &'static str,
    status: u16,
    instead: Instead,
    announces: &'static [&'static str],
    why: &'static str,
) -> Deviation {
    Deviation { group, name, status, instead, announces, why }
}

/// All deviations.
pub const DEVIATIONS: &[Deviation] = &[
    instead("commands", "get_slash", 405, Instead::Json(r#"{"detail":"Method Not Allowed"}"#), &[], SLASH),
    instead(
        "cors",
        "preflight http://127.0.0.1:3042 POST /api/commands/run/",
        200,
        Instead::Text("OK"),
        &[],
        "the app may also be opened by the loopback address",
    ),
    instead(
        "cors",
        "preflight http://127.0.0.1:3042 PUT /api/settings/machine-thrust/default",
        200,
        Instead::Text("OK"),
        &[],
        "the app may also be opened by the loopback address",
    ),
    instead(
        "cors",
        "simple500 http://localhost:3042",
        422,
        Instead::Json(
            r#"{"detail":[{"loc":["body","spec","type"],"msg":"unknown type of wave: give one of sine, square, trapezoid, triangle, points","type":"value_error"}]}"#,
        ),
        &[],
        CRASH,
    ),
    instead(
        "cors",
        "simple http://evil.example",
        403,
        Instead::Json(r#"{"detail":"this origin may not use the server"}"#),
        &[],
        "a foreign page may change nothing",
    ),
    instead(
        "cors",
        "simple422 http://evil.example",
        403,
        Instead::Json(r#"{"detail":"this origin may not use the server"}"#),
        &[],
        "a foreign page may change nothing",
    ),
    instead(
        "cors",
        "simple with cookie http://evil.example",
        403,
        Instead::Json(r#"{"detail":"this origin may not use the server"}"#),
        &[],
        "a foreign page may change nothing",
    ),
    instead(
        "docs_errors",
        "root",
        200,
        Instead::Text(include_str!("../../src/web/index.html")),
        &[],
        "the page of the program is at /",
    ),
    instead(
        "curve",
        "len_9",
        422,
        Instead::Json(
            r#"{"detail":[{"loc":["body","data","points"],"msg":"a curve goes through exactly 10 points, not 9","type":"value_error"}]}"#,
        ),
        &[],
        CRASH,
    ),
    instead(
        "curve",
        "len_11",
        422,
        Instead::Json(
            r#"{"detail":[{"loc":["body","data","points"],"msg":"a curve goes through exactly 10 points, not 11","type":"value_error"}]}"#,
        ),
        &[],
        CRASH,
    ),
    instead(
        "curve",
        "len_0",
        422,
        Instead::Json(
            r#"{"detail":[{"loc":["body","data","points"],"msg":"a curve goes through exactly 10 points, not 0","type":"value_error"}]}"#,
        ),
        &[],
        CRASH,
    ),
    instead(
        "curve",
        "points_object",
        422,
        Instead::Json(
            r#"{"detail":[{"loc":["body","data","points"],"msg":"value is not a valid list","type":"type_error.list"}]}"#,
        ),
        &[],
        CRASH,
    ),
    instead(
        "curve",
        "points_with_null",
        422,
        Instead::Json(
            r#"{"detail":[{"loc":["body","data","points",9],"msg":"none is not an allowed value","type":"type_error.none.not_allowed"}]}"#,
        ),
        &[],
        CRASH,
    ),
    instead(
        "curve",
        "overshoot_mid",
        200,
        Instead::AtLeastZero,
        &[],
        "a negative stroke made the machine's program fail",
    ),
    instead("curve", "no_slash", 200, Instead::Like("curve/default100"), &[], SLASH),
    instead("docs_errors", "head_settings", 200, Instead::Text(""), &[], "whatever answers GET answers HEAD"),
    instead("settings", "default_slash", 200, Instead::Like("settings/default"), &[], SLASH),
    instead("settings", "default_slash_origin", 200, Instead::Like("settings/default"), &[], SLASH),
    instead(
        "settings",
        "unknown_id",
        404,
        Instead::Json(r#"{"detail":"there are no settings with this id"}"#),
        &[],
        CRASH,
    ),
    instead(
        "settings",
        "invalid_id",
        404,
        Instead::Json(r#"{"detail":"there are no settings with this id"}"#),
        &[],
        CRASH,
    ),
    instead("settings", "put_slash_redirect", 200, Instead::Like("settings/put_null_is_ignored"), &[], SLASH),
    instead(
        "settings",
        "put_slash_redirect_noct",
        200,
        Instead::Like("settings/put_null_is_ignored"),
        &[],
        SLASH,
    ),
    instead(
        "settings",
        "put_chart_short_accepted",
        422,
        Instead::Json(
            r#"{"detail":[{"loc":["body","data","stroke_force_chart"],"msg":"must have exactly 10 values, not 3","type":"value_error"}]}"#,
        ),
        &[],
        CHECKED,
    ),
    instead(
        "settings",
        "put_max_stroke_zero",
        422,
        Instead::Json(
            r#"{"detail":[{"loc":["body","data","max_stroke"],"msg":"must be 1 to 5000, not 0","type":"value_error"},{"loc":["body","data","stroke_limit"],"msg":"must be 1 to max_stroke (0 mm), not 155","type":"value_error"},{"loc":["body","data","padding_mm"],"msg":"must be 0 or more, and twice it below max_stroke (0 mm), not 5","type":"value_error"}]}"#,
        ),
        &[],
        CRASH,
    ),
    instead(
        "settings",
        "after_max_stroke_zero",
        200,
        Instead::Like("settings/put_chart"),
        &[],
        "the impossible stroke was refused, so the settings are still there",
    ),
    instead(
        "settings",
        "put_int64_max",
        422,
        Instead::Json(
            r#"{"detail":[{"loc":["body","data","force_limit"],"msg":"must be 1 to 100000, not 9223372036854775807","type":"value_error"}]}"#,
        ),
        &[],
        CHECKED,
    ),
    instead(
        "settings",
        "put_name_number",
        200,
        Instead::Json(
            r#"{"name":"5","active":true,"tick_stroke_limit":10,"force_limit":1000,"stroke_force_chart":[50,40,30,25,23,22,20,18,15,10],"microsteps_per_rev":400,"wave_resolution":120,"stroke_limit":155,"max_stroke":155,"padding_mm":5,"max_steps":null,"id":"6b046f1dc9f8c8945c405bba","steps_per_mm":null}"#,
        ),
        UPDATED,
        AFTER_REFUSED,
    ),
    instead(
        "settings",
        "put_name_empty",
        200,
        Instead::Json(
            r#"{"name":"","active":true,"tick_stroke_limit":10,"force_limit":1000,"stroke_force_chart":[50,40,30,25,23,22,20,18,15,10],"microsteps_per_rev":400,"wave_resolution":120,"stroke_limit":155,"max_stroke":155,"padding_mm":5,"max_steps":null,"id":"6b046f1dc9f8c8945c405bba","steps_per_mm":null}"#,
        ),
        UPDATED,
        AFTER_REFUSED,
    ),
    instead(
        "settings",
        "put_body_array",
        200,
        Instead::Json(
            r#"{"name":"","active":true,"tick_stroke_limit":10,"force_limit":1000,"stroke_force_chart":[50,40,30,25,23,22,20,18,15,10],"microsteps_per_rev":400,"wave_resolution":120,"stroke_limit":155,"max_stroke":155,"padding_mm":5,"max_steps":null,"id":"6b046f1dc9f8c8945c405bba","steps_per_mm":null}"#,
        ),
        UPDATED,
        AFTER_REFUSED,
    ),
    instead(
        "settings",
        "post_create",
        409,
        Instead::Json(
            r#"{"detail":"there is one settings document: change it with PUT on its id, or on default","code":"one_document"}"#,
        ),
        &[],
        CRASH,
    ),
    instead(
        "settings",
        "post_create_no_slash",
        409,
        Instead::Json(
            r#"{"detail":"there is one settings document: change it with PUT on its id, or on default","code":"one_document"}"#,
        ),
        &[],
        SLASH,
    ),
    instead(
        "settings",
        "put_active_false_only_doc",
        422,
        Instead::Json(
            r#"{"detail":[{"loc":["body","data","active"],"msg":"must be true: there is one settings document","type":"value_error"}]}"#,
        ),
        &[],
        CRASH,
    ),
    instead(
        "settings",
        "wave_get_when_no_active",
        200,
        Instead::Like("wave_get/sine_0.2"),
        &[],
        "there are always active settings",
    ),
    instead("setup", "initialize_no_slash", 200, Instead::Json(r#"null"#), &[], SLASH),
    instead(
        "wave_get",
        "sine_-1",
        422,
        Instead::Json(
            r#"{"detail":[{"loc":["body","spec","duration"],"msg":"a duration of -1 s cannot be drawn: give a number of seconds, 0 or more","type":"value_error"}]}"#,
        ),
        &[],
        CRASH,
    ),
    instead(
        "wave_get",
        "sine_-5",
        422,
        Instead::Json(
            r#"{"detail":[{"loc":["body","spec","duration"],"msg":"a duration of -5 s cannot be drawn: give a number of seconds, 0 or more","type":"value_error"}]}"#,
        ),
        &[],
        CRASH,
    ),
    instead(
        "wave_get",
        "square_-1",
        422,
        Instead::Json(
            r#"{"detail":[{"loc":["body","spec","duration"],"msg":"a duration of -1 s cannot be drawn: give a number of seconds, 0 or more","type":"value_error"}]}"#,
        ),
        &[],
        CRASH,
    ),
    instead(
        "wave_get",
        "square_-0.001",
        422,
        Instead::Json(
            r#"{"detail":[{"loc":["body","spec","duration"],"msg":"a duration of -0.001 s has no point at 120 points/s: a square needs at least one","type":"value_error"}]}"#,
        ),
        &[],
        CRASH,
    ),
    instead(
        "wave_get",
        "type_unknown",
        200,
        Instead::Json(include_str!("triangle.json")),
        &[],
        "ours knows triangles",
    ),
    instead(
        "wave_get",
        "type_upper",
        422,
        Instead::Json(
            r#"{"detail":[{"loc":["body","spec","type"],"msg":"unknown type of wave: give one of sine, square, trapezoid, triangle, points","type":"value_error"}]}"#,
        ),
        &[],
        CRASH,
    ),
    instead(
        "wave_get",
        "duration_NaN",
        400,
        Instead::Json(r#"{"detail":"There was an error parsing the body"}"#),
        &[],
        "NaN is no JSON",
    ),
    instead(
        "wave_get",
        "duration_1e300",
        422,
        Instead::Json(
            r#"{"detail":[{"loc":["body","spec","duration"],"msg":"a duration of 1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 s has too many points at 120 points/s: at most 1000000 are drawn","type":"value_error"}]}"#,
        ),
        &[],
        CRASH,
    ),
    instead(
        "wave_get",
        "duration_1e12",
        422,
        Instead::Json(
            r#"{"detail":[{"loc":["body","spec","duration"],"msg":"a duration of 1000000000000 s has too many points at 120 points/s: at most 1000000 are drawn","type":"value_error"}]}"#,
        ),
        &[],
        CRASH,
    ),
    instead(
        "wave_get",
        "res-5_sine_1",
        422,
        Instead::Json(
            r#"{"detail":[{"loc":["body","spec","duration"],"msg":"a wave_resolution of -5 points/s cannot be drawn: give 0 or more","type":"value_error"}]}"#,
        ),
        &[],
        CRASH,
    ),
    instead(
        "wave_run",
        "sine_0.01_empty_data",
        422,
        Instead::Json(
            r#"{"detail":[{"loc":["body","spec","duration"],"msg":"the machine would not make a step, and not hear STOP any more: give a longer duration or stroke","type":"value_error"}]}"#,
        ),
        &[],
        "the machine's program was locked by a wave without points",
    ),
];
