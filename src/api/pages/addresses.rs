//! Rewriting of hard-coded addresses: an app that was built for `http://localhost` finds the API at the origin of its page.
//!
//! Only a text that begins with the address is changed. `http://localhost/api/…` becomes the path `/api/…`, which every browser
//! resolves against the page. Older browsers take no path for a WebSocket, so `"ws://localhost/api/…"` becomes an expression
//! in a script, `(window.location.origin.replace("http","ws")+"/api/…")`: right for every host and for https. It says `window`
//! since `location` alone is a common name of variables. Where no expression can be, as in an attribute or in a text inside
//! another one, the path has to do.

use super::html::{self, PartKind};
use super::literals::{self, Literal, LiteralKind};

/// The origin of the page, for a WebSocket.
const SOCKET_ORIGIN: &str = "window.location.origin.replace(\"http\",\"ws\")";

/// The language of a file that may have addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// JavaScript.
    Script,
    /// HTML, with scripts in it.
    Html,
    /// CSS.
    Style,
}

impl Syntax {
    /// The language of a content type. Others stay as they are, source maps too.
    pub fn of(content_type: &str) -> Option<Syntax> {
        match content_type.split(';').next()? {
            "text/javascript" => Some(Syntax::Script),
            "text/html" => Some(Syntax::Html),
            "text/css" => Some(Syntax::Style),
            _ => None,
        }
    }
}

/// The content with its addresses rewritten, and their number; none when there are none.
pub fn rewrite(content: &[u8], syntax: Syntax) -> Option<(Vec<u8>, usize)> {
    let mut rewriter = Rewriter { written: Vec::with_capacity(content.len() + 1_024), addresses: 0 };
    match syntax {
        Syntax::Script => rewriter.script(content),
        Syntax::Style => rewriter.markup(content),
        Syntax::Html => {
            for part in html::parts(content) {
                match part.kind {
                    PartKind::Script => rewriter.script(part.text),
                    PartKind::Markup => rewriter.markup(part.text),
                    PartKind::Comment => rewriter.written.extend_from_slice(part.text),
                }
            }
        }
    }
    (rewriter.addresses > 0).then_some((rewriter.written, rewriter.addresses))
}

/// An address of the API that text begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ApiAddress {
    /// `ws:` instead of `http:`.
    is_socket: bool,
    /// Length of its origin. Behind that comes `/api`.
    origin: usize,
}

impl ApiAddress {
    fn at(text: &[u8]) -> Option<ApiAddress> {
        let (is_socket, rest) = match text {
            [b'h', b't', b't', b'p', b':', rest @ ..] => (false, rest),
            [b'w', b's', b':', rest @ ..] => (true, rest),
            _ => return None,
        };
        let rest = without_slash(without_slash(rest)?)?;
        let rest = rest.strip_prefix(b"localhost").or_else(|| rest.strip_prefix(b"127.0.0.1"))?;
        let path = rest.strip_prefix(b":80").unwrap_or(rest);
        let behind = without_slash(path)?.strip_prefix(b"api")?;
        let ends = matches!(
            behind,
            [] | [b'/' | b'\\' | b'?' | b'#' | b'"' | b'\'' | b'`' | b')', ..] | [b'$', b'{', ..]
        );
        ends.then_some(ApiAddress { is_socket, origin: text.len() - path.len() })
    }
}

/// The text behind a slash, which may be escaped.
fn without_slash(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(b"/").or_else(|| text.strip_prefix(b"\\/"))
}

struct Rewriter {
    written: Vec<u8>,
    addresses: usize,
}

impl Rewriter {
    fn script(&mut self, code: &[u8]) {
        let is_socket = |text: &[u8]| ApiAddress::at(text).is_some_and(|address| address.is_socket);
        let has_socket = addresses(code).any(|(_, address)| address.is_socket);
        let literals = has_socket.then(|| literals::find(code, is_socket)).flatten();
        self.replace(code, &literals.unwrap_or_default());
    }

    fn markup(&mut self, text: &[u8]) {
        self.replace(text, &[]);
    }

    /// Writes the text with its addresses replaced: by an expression in one of the literals, by a path elsewhere.
    fn replace(&mut self, text: &[u8], literals: &[Literal]) {
        let mut from = 0;
        for (at, address) in addresses(text) {
            if at < from {
                continue;
            }
            self.addresses += 1;
            let path = at + address.origin;
            let literal = literals.binary_search_by_key(&at, |literal| literal.open + 1);
            match literal.map(|index| literals[index].kind) {
                Ok(LiteralKind::Template) => {
                    self.write(&text[from..at]);
                    self.write(format!("${{{SOCKET_ORIGIN}}}").as_bytes());
                    from = path;
                }
                Ok(LiteralKind::Text { close, is_expression: true }) => {
                    self.write(&text[from..at - 1]);
                    self.write(format!("({SOCKET_ORIGIN}+").as_bytes());
                    // With its own quotes, as it was.
                    self.write(&text[at - 1..at]);
                    self.write(&text[path..=close]);
                    self.write(b")");
                    from = close + 1;
                }
                Ok(LiteralKind::Text { .. }) | Err(_) => {
                    self.write(&text[from..at]);
                    from = path;
                }
            }
        }
        self.write(&text[from..]);
    }

    fn write(&mut self, bytes: &[u8]) {
        self.written.extend_from_slice(bytes);
    }
}

/// The addresses with which a text begins, and where: behind a quote, or the bracket of a style's `url(…)`.
fn addresses(text: &[u8]) -> impl Iterator<Item = (usize, ApiAddress)> + '_ {
    let begins = |at: &usize| matches!(text[at - 1], b'"' | b'\'' | b'`') || text[..*at].ends_with(b"url(");
    (1..text.len()).filter(begins).filter_map(|at| Some((at, ApiAddress::at(&text[at..])?)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ORIGIN: &str = "window.location.origin.replace(\"http\",\"ws\")";

    fn rewritten(text: &str, syntax: Syntax) -> Option<String> {
        let (written, addresses) = rewrite(text.as_bytes(), syntax)?;
        assert!(addresses > 0);
        Some(String::from_utf8(written).unwrap())
    }

    #[track_caller]
    fn check(syntax: Syntax, cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            let expected = expected.replace("ORIGIN", ORIGIN);
            assert_eq!(rewritten(text, syntax).as_deref(), Some(&*expected), "{text}");
            assert_eq!(rewritten(&expected, syntax), None, "not twice: {expected}");
        }
    }

    #[test]
    fn an_address_for_requests_becomes_a_path() {
        check(
            Syntax::Script,
            &[
                ("const a='http://localhost/api/';", "const a='/api/';"),
                ("a=\"http://localhost/api\"", "a=\"/api\""),
                ("a=\"http://localhost:80/api/wave/get\"", "a=\"/api/wave/get\""),
                ("a='http://127.0.0.1/api/'+b", "a='/api/'+b"),
                ("a='http://127.0.0.1:80/api?b#c'", "a='/api?b#c'"),
                ("a=`http://localhost/api/${b}`", "a=`/api/${b}`"),
                ("a=`http://localhost/api${b}`", "a=`/api${b}`"),
                ("a={'http://localhost/api':1}", "a={'/api':1}"),
                ("a=\"http:\\/\\/localhost\\/api\\/b\"", "a=\"\\/api\\/b\""),
                ("eval(\"a='http://localhost/api/'\")", "eval(\"a='/api/'\")"),
                ("eval(\"a=\\\"http://localhost/api/\\\"\")", "eval(\"a=\\\"/api/\\\"\")"),
                ("JSON.parse('{\"a\":\"http://localhost/api\"}')", "JSON.parse('{\"a\":\"/api\"}')"),
                ("a='http://localhost/api/'+'http://localhost/api/'", "a='/api/'+'/api/'"),
                // Code that is not understood.
                ("} a='http://localhost/api/'", "} a='/api/'"),
            ],
        );
    }

    #[test]
    fn an_address_for_a_socket_becomes_an_expression() {
        check(
            Syntax::Script,
            &[
                ("f('ws://localhost/api/stream/status',{})", "f((ORIGIN+'/api/stream/status'),{})"),
                ("return\"ws://localhost/api\"", "return(ORIGIN+\"/api\")"),
                ("const a=\"ws://localhost:80/api/\"+b", "const a=(ORIGIN+\"/api/\")+b"),
                ("a=\"ws://127.0.0.1/api/\".concat(b)", "a=(ORIGIN+\"/api/\").concat(b)"),
                ("a=`ws://127.0.0.1:80/api/${b}`", "a=`${ORIGIN}/api/${b}`"),
                ("a={b:'ws://localhost/api'}", "a={b:(ORIGIN+'/api')}"),
                ("a?'ws://localhost/api':b", "a?(ORIGIN+'/api'):b"),
                ("a='ws:\\/\\/localhost\\/api'", "a=(ORIGIN+'\\/api')"),
                ("a=// b\n'ws://localhost/api'", "a=// b\n(ORIGIN+'/api')"),
            ],
        );
    }

    #[test]
    fn what_is_behind_the_address_in_the_text_of_a_socket_stays() {
        let text = "'ws://localhost/api?a=\"ws://localhost/api\"'";
        let expected = format!("({ORIGIN}+'/api?a=\"ws://localhost/api\"')");
        assert_eq!(rewritten(text, Syntax::Script), Some(expected));
    }

    #[test]
    fn where_no_expression_can_be_a_socket_has_a_path() {
        check(
            Syntax::Script,
            &[
                ("a={'ws://localhost/api':1}", "a={'/api':1}"),
                ("a=b\n'ws://localhost/api'", "a=b\n'/api'"),
                ("JSON.parse('{\"a\":\"ws://localhost/api\"}')", "JSON.parse('{\"a\":\"/api\"}')"),
                ("eval(\"f('ws://localhost/api')\")", "eval(\"f('/api')\")"),
                ("a=/'ws:\\/\\/localhost\\/api'/", "a=/'\\/api'/"),
                ("// 'ws://localhost/api'", "// '/api'"),
                ("} a='ws://localhost/api'", "} a='/api'"),
            ],
        );
    }

    #[test]
    fn pages_and_styles_have_paths_and_the_scripts_in_pages_expressions() {
        check(
            Syntax::Html,
            &[
                (
                    "<a href=\"http://localhost/api/docs\" data-b='ws://localhost/api'>",
                    "<a href=\"/api/docs\" data-b='/api'>",
                ),
                ("<script>f('ws://localhost/api')</script>", "<script>f((ORIGIN+'/api'))</script>"),
                ("<a onclick=\"f('ws://localhost/api')\">", "<a onclick=\"f('/api')\">"),
                (
                    "<script type=\"application/json\">{\"a\":\"ws://localhost/api\"}</script>",
                    "<script type=\"application/json\">{\"a\":\"/api\"}</script>",
                ),
                (
                    "<!-- \"http://localhost/a\" --><img src='http://localhost/api/a'>",
                    "<!-- \"http://localhost/a\" --><img src='/api/a'>",
                ),
            ],
        );
        check(
            Syntax::Style,
            &[
                ("a{b:url(http://localhost/api/c)}", "a{b:url(/api/c)}"),
                ("a{b:url('http://localhost/api/c')}", "a{b:url('/api/c')}"),
            ],
        );
    }

    #[test]
    fn other_addresses_stay() {
        for text in [
            "'http://localhost'",
            "'http://localhost/'",
            "'http://localhost/apis'",
            "'http://localhost:8080/api'",
            "'http://localhost:800/api'",
            "'https://localhost/api'",
            "'wss://localhost/api'",
            "'http://localhost.example/api'",
            "'http://127.0.0.10/api'",
            "'http://yep.local/api'",
            "'see http://localhost/api'",
            "// http://localhost/api",
            "f(http://localhost/api)",
            "'/api/'",
            "",
            "'",
            "'http://localhost/ap",
        ] {
            for syntax in [Syntax::Script, Syntax::Html, Syntax::Style] {
                assert_eq!(rewritten(text, syntax), None, "{text}");
            }
        }
        assert_eq!(rewritten("<!-- 'http://localhost/api' -->", Syntax::Html), None, "a comment");
    }

    /// Pieces of code and markup, and of what resembles an address.
    fn piece() -> impl Strategy<Value = String> {
        let known = proptest::sample::select(vec![
            "'",
            "\"",
            "`",
            "${",
            "{",
            "}",
            "(",
            ")",
            "/",
            "\\",
            "\n",
            "//",
            "/*",
            "*/",
            "<script>",
            "</script>",
            "<!--",
            "-->",
            "http:",
            "ws:",
            "://",
            "localhost",
            "127.0.0.1",
            ":80",
            "return",
            "a",
            "=",
            ":",
            ",",
            "url(",
        ]);
        prop_oneof![4 => known.prop_map(str::to_owned), 1 => any::<String>()]
    }

    fn syntax() -> impl Strategy<Value = Syntax> {
        proptest::sample::select(vec![Syntax::Script, Syntax::Html, Syntax::Style])
    }

    proptest! {
        #[test]
        fn a_file_without_the_address_is_never_changed(
            pieces in proptest::collection::vec(piece(), 0..60),
            syntax in syntax(),
        ) {
            prop_assert_eq!(rewrite(pieces.concat().as_bytes(), syntax), None);
        }

        #[test]
        fn bytes_that_are_no_text_are_never_changed(bytes: Vec<u8>, syntax in syntax()) {
            prop_assert_eq!(rewrite(&bytes, syntax), None);
        }

        /// Beside the address nothing changes, whatever is around it.
        #[test]
        fn around_an_address_everything_stays(
            before in proptest::collection::vec(piece(), 0..30),
            socket: bool,
            behind in proptest::collection::vec(piece(), 0..30),
            syntax in syntax(),
        ) {
            let scheme = if socket { "ws" } else { "http" };
            let (before, behind) = (before.concat(), behind.concat());
            let text = format!("{before}'{scheme}://localhost/api/x'{behind}");
            if let Some(written) = rewritten(&text, syntax) {
                let expression = format!("{before}({ORIGIN}+'/api/x'){behind}");
                let expected = [format!("{before}'/api/x'{behind}"), expression];
                prop_assert!(expected.contains(&written), "{}", written);
            } else {
                prop_assert!(syntax == Syntax::Html && before.contains("<!--"), "left: {}", text);
            }
        }
    }
}
