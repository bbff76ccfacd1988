//! The built-in page: the rules that build.rs holds its files to, and how the server hands them out. What it does in a browser is
//! scripts/page-test's business.

use std::fs;
use std::path::Path;

use yep::api::Pages;
use yep::api::port::MachineLocation;

#[path = "support/api.rs"]
mod support;
// The build script's own source, of which the tests use the rules and not the embedding.
#[path = "../build/web/mod.rs"]
#[allow(dead_code)]
mod web;

use support::{Server, Setup};

async fn server() -> Server {
    Setup::new(MachineLocation::Local).start().await
}

#[tokio::test]
async fn anyone_gets_the_page_under_its_policy() {
    let server = server().await;
    let joined = web::join(&web::read(Path::new("src/web")).unwrap()).unwrap();
    let headers = [("host", "yep.local"), ("accept-encoding", "gzip")];
    let page = server.request_from(10, "GET", "/", &headers, b"").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'self'; connect-src 'self' ws://yep.local;"), "{policy}");
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    for (name, kind) in
        [("stop.js", "text/javascript"), ("style.css", "text/css"), ("icon.svg", "image/svg+xml")]
    {
        let path = format!("/web/{name}");
        let file = server.request_from(10, "GET", &path, &headers, b"").await;
        assert_eq!((file.status, file.header("content-encoding")), (200, Some("gzip")), "{name}");
        assert!(file.header("content-type").unwrap().starts_with(kind), "{name}");
        let plain = server.get(&path).await;
        assert!(plain.body == joined[name], "{name}");
        let tag = plain.header("etag").unwrap();
        let again = server.request("GET", &path, &[("if-none-match", tag)], "").await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{name}");
        assert_eq!(server.request("HEAD", &path, &[], "").await.status, 200, "{name}");
        assert_eq!(server.post(&path, "").await.status, 405, "{name}");
    }
    for path in ["/web/", "/web", "/web/none.js", "/web/../web/stop.js", "/web/%2e%2e/index.html"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn an_app_does_not_take_its_place_and_its_own_folder_does() {
    let app = tempfile::tempdir().unwrap();
    fs::write(app.path().join("index.html"), "an app").unwrap();
    let mut setup = Setup::new(MachineLocation::Local);
    setup.pages = Pages::read(app.path()).unwrap();
    let server = setup.start().await;
    assert!(server.get("/").await.text().contains("stop-button"));
    assert_eq!(server.get("/app/").await.text(), "an app");

    // For whoever works on the page: as it is on the disk now.
    let work = tempfile::tempdir().unwrap();
    let index = fs::read_to_string("src/web/index.html").unwrap();
    fs::write(work.path().join("index.html"), &index).unwrap();
    let mut setup = Setup::new(MachineLocation::Local);
    setup.pages = Pages::read(work.path()).unwrap();
    let server = setup.start().await;
    fs::write(work.path().join("index.html"), index.replace("STOP", "HALT")).unwrap();
    assert!(server.get("/").await.text().contains("HALT"));
    assert_eq!(server.get("/app/").await.status, 404);
}

#[test]
fn a_file_that_breaks_a_rule_is_named() {
    for (name, content, said) in [
        ("a.js", "window.alert('x')", "alert( is not allowed"),
        ("a.js", "if (confirm('x')) f()", "confirm( is not allowed"),
        ("a.js", "dialog.showModal()", "showModal is not allowed"),
        ("a.js", "e.innerHTML = x", "innerHTML is not allowed"),
        ("a.js", "import 'https://example.org/a.js'", "another origin"),
        ("a.js", "e.setAttribute(\"style\", x)", "style attribute"),
        ("a.js", "f(`one\n  two`)", "several lines"),
        ("a.css", "a { background: url(//example.org/a.png) }", "another origin"),
        ("a.html", "<script>f()</script>", "inline script"),
        ("a.html", "<script src=a.js>f()</script>", "inline script"),
        ("a.html", "<p style=\"color: red\">", "inline style"),
        ("a.html", "<style>p {}</style>", "inline style"),
        ("a.html", "<button onclick=\"f()\">", "inline handler"),
        ("a.exe", "", "has no type"),
    ] {
        let broken = web::check(name, content.as_bytes());
        assert!(broken.iter().any(|rule| rule.contains(said)), "{content}: {broken:?}");
    }
    for (name, content) in [
        ("a.js", "task(1); disconfirm(2); h(\"p\", { class: \"alert\" })"),
        ("a.html", "<script src=\"a.js\"></script><p class=\"on\">"),
        ("a.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
    ] {
        assert!(web::check(name, content.as_bytes()).is_empty(), "{content}");
    }
}

#[test]
fn what_is_stripped_is_comments_and_indentation() {
    let script =
        "// Why.\n/**\n * What.\n */\nexport function f() {\n\n  return \"// a\"; // here\n}\n/* one */\n";
    let stripped = "export function f() {\nreturn \"// a\"; // here\n}\n";
    assert_eq!(web::strip::strip("a.js", script.as_bytes()), stripped.as_bytes());
    assert_eq!(web::strip::strip("a.html", b"  <p>"), b"  <p>");
}

/// A page of these files besides an index that loads `main.js` and `style.css`.
fn page(files: &[(&str, &str)]) -> web::Files {
    let index =
        r#"<link rel="stylesheet" href="web/style.css"><script type="module" src="web/main.js"></script>"#;
    let all = [("index.html", index), ("style.css", "@import \"a.css\";\nb {}\n"), ("a.css", "a {}\n")];
    all.iter().chain(files).map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
}

#[test]
fn what_is_loaded_together_is_joined() {
    let joined = web::join(&page(&[
        ("main.js", "import { one } from \"./a/one.js\";\nimport \"./two.js\";\none(() => import(\"./a/late.js\"));\n"),
        ("a/one.js", "import { two as second } from \"../two.js\";\nexport function one() {}\n"),
        ("two.js", "// Why.\nexport const two = 2;\n"),
        ("a/late.js", "import {\n  two,\n} from \"../two.js\";\nimport { own } from \"./own.js\";\nexport const late = two;\n"),
        ("a/own.js", "export class own {}\n"),
    ]))
    .unwrap();
    let text = |name: &str| String::from_utf8(joined[name].clone()).unwrap();
    assert_eq!(joined.keys().collect::<Vec<_>>(), ["a/late.js", "index.html", "main.js", "style.css"]);
    assert_eq!(text("style.css"), "a {}\nb {}\n");
    assert_eq!(
        text("main.js"),
        "const $7 = (() => {\nconst two = 2;\nreturn { two };\n})();\n\
         const $2 = (() => {\nconst { two: second } = $7;\nfunction one() {}\nreturn { one };\n})();\n\
         const { one } = $2;\none(() => import(\"./a/late.js\"));\nexport { $7 };\n"
    );
    assert_eq!(
        text("a/late.js"),
        "import { $7 } from \"../main.js\";\nconst $3 = (() => {\nclass own {}\nreturn { own };\n})();\n\
         const { two } = $7;\nconst { own } = $3;\nconst late = two;\nexport { late };\n"
    );
}

#[test]
fn a_style_that_a_script_loads_is_a_file_of_its_own() {
    let joined = web::join(&page(&[
        ("main.js", "sheet(\"./late/late.css\");\n"),
        ("late/late.css", "@import \"../c.css\";\nd {}\n"),
        ("c.css", "c {}\n"),
    ]))
    .unwrap();
    assert_eq!(joined.keys().collect::<Vec<_>>(), ["index.html", "late/late.css", "main.js", "style.css"]);
    assert_eq!(joined["late/late.css"], b"c {}\nd {}\n");
}

#[test]
fn what_cannot_be_joined_is_named() {
    for (files, said) in [
        (&[("main.js", "import { a } from \"./a.js\";\n")][..], "a.js: is wanted, and is not there"),
        (&[("main.js", "f();\n"), ("a.js", "g();\n")], "a.js: nothing loads it"),
        (
            &[
                ("main.js", "import \"./a.js\";\n"),
                ("a.js", "import \"./b.js\";\n"),
                ("b.js", "import \"./a.js\";\n"),
            ],
            "a.js: waits for itself: main.js, a.js, b.js",
        ),
        (&[("main.js", "import * as a from \"./a.js\";\n")], "main.js: cannot be joined: import * as a"),
        (&[("main.js", "export default f;\n")], "main.js: cannot be joined: export default f;"),
        (
            &[("main.js", "f();\n"), ("a.css", "@import url(b.css);\n")],
            "a.css: cannot be joined: @import url(b.css);",
        ),
        (&[("main.js", "import { a } from\n")], "main.js: an import without an end"),
        (
            &[("main.js", "import \"./a.js\";\n"), ("a.js", "import(\"./b.js\");\n"), ("b.js", "f();\n")],
            "a.js: import() is for entries only",
        ),
    ] {
        let why = web::join(&page(files)).unwrap_err();
        assert!(why.starts_with(said), "{why}");
    }
}

#[test]
fn more_than_the_budget_is_refused() {
    // Text that cannot be compressed.
    let mut state = 1u64;
    let letter = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        b'!' + (state >> 57) as u8 % 90
    };
    let files = [("a.css".to_owned(), (0..2 * web::BUDGET_BYTES).map(letter).collect())].into();
    let broken = web::compress(&files).unwrap_err();
    assert!(broken.contains("the page may have"), "{broken}");
}
