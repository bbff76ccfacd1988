//! HTTP client: one request to a running server, and its answer.

use std::env;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::Failure;
use crate::api::charge::client::TAB;
use crate::app::reachable_address;
use crate::options::Options;

/// Timeout of the connection, and again of the answer; a working server answers in milliseconds.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The environment variable with a token, for a server on another computer.
const TOKEN: &str = "YEP_TOKEN";
/// Longest answer; a whole recording of the flight recorder has some megabytes.
const ANSWER_BYTES: usize = 16 << 20;

/// Address of a server: `http://host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    authority: String,
    host: String,
    port: u16,
    /// Name of the client among those of this computer; a motion that waits for signs of life takes them from it alone.
    tab: Option<String>,
}

impl Default for Address {
    /// The one of `--server`.
    fn default() -> Address {
        Address::of_socket(Options::default().listen)
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        let uri: Uri = text.parse().map_err(|error| format!("{error}; give it as http://host:port"))?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        match (uri.scheme_str(), authority, uri.path()) {
            (Some("http"), Some(authority), "" | "/") => {
                let host = authority.host().trim_matches(['[', ']']).to_owned();
                let port = authority.port_u16().unwrap_or(80);
                Ok(Address::of_unspecified(&host, port).unwrap_or(Address {
                    authority: authority.to_string(),
                    host,
                    port,
                    tab: None,
                }))
            }
            _ => Err("give it as http://host:port, with nothing behind it".to_owned()),
        }
    }
}

impl Address {
    /// The address at which a server that listens on all addresses answers this computer; `None` if `host` is not
    /// unspecified.
    fn of_unspecified(host: &str, port: u16) -> Option<Address> {
        let any: IpAddr = host.parse().ok().filter(IpAddr::is_unspecified)?;
        let here = reachable_address(SocketAddr::new(any, port));
        Some(Address { authority: here.to_string(), host: here.ip().to_string(), port, tab: None })
    }

    /// The server at this address of a network.
    pub fn of_socket(address: SocketAddr) -> Address {
        let (host, port) = (address.ip().to_string(), address.port());
        let authority = match (port, address) {
            (80, SocketAddr::V4(_)) => host.clone(),
            (80, SocketAddr::V6(_)) => format!("[{host}]"),
            _ => address.to_string(),
        };
        Address { authority, host, port, tab: None }
    }

    /// The same server, asked as the client of this name.
    pub fn in_tab(&self, tab: String) -> Address {
        Address { tab: Some(tab), ..self.clone() }
    }

    /// The address for people.
    pub fn url(&self) -> String {
        format!("http://{}", self.authority)
    }

    /// The command that starts a server at this address, for people.
    fn start_command(&self) -> String {
        let ip = if self.host == "localhost" { Ok(IpAddr::from([127, 0, 0, 1])) } else { self.host.parse() };
        match ip {
            Ok(ip) if ip.is_loopback() => {
                format!("Start one with: yep run --listen {}", SocketAddr::new(ip, self.port))
            }
            _ => format!("Start one there with: yep run --listen 0.0.0.0:{}", self.port),
        }
    }

    /// Sends a GET request for `path`.
    pub fn get(&self, path: &str) -> Result<Value, Failure> {
        self.request(Method::GET, path, Bytes::new())
    }

    /// Sends a POST request with `body` to `path`.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.request(Method::POST, path, body.to_string().into())
    }

    /// Sends a PUT request with `body` to `path`.
    pub fn put(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.request(Method::PUT, path, body.to_string().into())
    }

    /// Sends a DELETE request to `path`.
    pub fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.request(Method::DELETE, path, Bytes::new())
    }

    /// Sends a GET request for `path`; the answer may have any type.
    pub fn get_bytes(&self, path: &str) -> Result<Bytes, Failure> {
        self.request_bytes(Method::GET, path, Bytes::new())
    }

    fn request(&self, method: Method, path: &str, body: Bytes) -> Result<Value, Failure> {
        let body = self.request_bytes(method, path, body)?;
        serde_json::from_slice(&body).map_err(|_| self.not_a_server("its answer is not JSON"))
    }

    fn request_bytes(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::Refused(format!("cannot start: {error}")))?;
        let (status, body) = runtime.block_on(self.exchange(method, path, body))?;
        if status.is_success() {
            return Ok(body);
        }
        Err(Failure::Refused(refusal_text(status, &body)))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let connect = TcpStream::connect((self.host.as_str(), self.port));
        let stream = match tokio::time::timeout(TIMEOUT, connect).await {
            Ok(connected) => connected.map_err(|error| self.no_server(&error.to_string()))?,
            Err(_) => return Err(self.no_server("no answer")),
        };
        tokio::time::timeout(TIMEOUT, self.send(stream, method, path, body))
            .await
            .unwrap_or_else(|_| Err(self.not_a_server("it does not answer")))
    }

    async fn send(
        &self,
        stream: TcpStream,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let protocol_error = |error: hyper::Error| self.not_a_server(&error.to_string());
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(protocol_error)?;
        // Ends with the runtime; its errors show in the answer.
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.authority)
            .header(CONTENT_TYPE, "application/json");
        // Not an option: what is on a command line is seen by every user of the computer.
        if let Ok(token) = env::var(TOKEN) {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(tab) = &self.tab {
            request = request.header(TAB, tab);
        }
        let request = request.body(Full::new(body)).map_err(|error| Failure::Usage(error.to_string()))?;
        let answer = sender.send_request(request).await.map_err(protocol_error)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES)
            .collect()
            .await
            .map_err(|error| self.not_a_server(&error.to_string()))?;
        Ok((status, body.to_bytes()))
    }

    fn no_server(&self, why: &str) -> Failure {
        Failure::Unreachable(format!(
            "no server at {} ({why})\n{}\nor name another with --server or YEP_SERVER",
            self.url(),
            self.start_command()
        ))
    }

    fn not_a_server(&self, why: &str) -> Failure {
        Failure::Unreachable(format!(
            "something at {} does not talk like a yep server ({why})\nName another with --server or YEP_SERVER",
            self.url()
        ))
    }
}

/// The server's reason for a refusal: `{"detail": "..."}`, or for values that are not allowed a list with a place and a
/// message each.
fn refusal_text(status: StatusCode, body: &[u8]) -> String {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Some(errors) = answer["errors"].as_array().filter(|errors| !errors.is_empty()) {
        return errors.iter().map(field_problem).collect::<Vec<_>>().join("; ");
    }
    match &answer["detail"] {
        Value::String(detail) => detail.clone(),
        Value::Array(list) if !list.is_empty() => problems(&answer["detail"]),
        _ => format!("the server answered {status}"),
    }
}

/// A field that the server refuses; an element of a list as `points[3]`.
fn field_problem(error: &Value) -> String {
    let message = error["message"].as_str().unwrap_or("not allowed");
    let path = error["field"].as_str().unwrap_or_default();
    let path = path.strip_prefix("wave.").unwrap_or(path);
    match path.rsplit_once('.') {
        _ if path.is_empty() => message.to_owned(),
        Some((field, index)) if index.parse::<usize>().is_ok() => format!("{field}[{index}]: {message}"),
        _ => format!("{path}: {message}"),
    }
}

/// All problems of a request, in one line.
pub fn problems(list: &Value) -> String {
    list.as_array().into_iter().flatten().map(problem).collect::<Vec<_>>().join("; ")
}

/// A problem with the field, or its element as `points[3]`.
fn problem(problem: &Value) -> String {
    let path = problem["loc"].as_array().map_or(&[][..], Vec::as_slice);
    let place = match path {
        [.., Value::String(field), Value::Number(index)] => Some(format!("{field}[{index}]")),
        [.., Value::String(field)] => Some(field.clone()),
        _ => None,
    };
    let message = problem["msg"].as_str().unwrap_or("not allowed");
    place.map_or(message.to_owned(), |place| format!("{place}: {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_scheme_a_host_and_a_port() {
        let address: Address = "http://[::1]:8080/".parse().unwrap();
        assert_eq!((address.host.as_str(), address.port), ("::1", 8080));
        assert_eq!(address.authority, "[::1]:8080");
        assert_eq!("http://yep.local".parse::<Address>().unwrap().port, 80);
        // A server that was started with --listen 0.0.0.0 answers at the loopback address.
        for (any, here) in [("http://0.0.0.0:81", "127.0.0.1:81"), ("http://[::]:81", "[::1]:81")] {
            assert_eq!(any.parse::<Address>().unwrap().authority, here);
        }
        for bad in
            ["", "yep.local", "https://yep", "http://yep/api", "http://a@b", "http://", "127.0.0.1:8080"]
        {
            assert!(bad.parse::<Address>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn what_it_proposes_to_start_can_be_started() {
        for (server, listen) in [
            ("http://localhost:8080", "with: yep run --listen 127.0.0.1:8080"),
            ("http://[::1]:8080", "with: yep run --listen [::1]:8080"),
            ("http://0.0.0.0:8080", "with: yep run --listen 127.0.0.1:8080"),
            ("http://yep.local", "there with: yep run --listen 0.0.0.0:80"),
            ("http://10.0.0.7:81", "there with: yep run --listen 0.0.0.0:81"),
        ] {
            let said = server.parse::<Address>().unwrap().start_command();
            assert!(said.ends_with(listen), "{server}: {said}");
            let (_, listen) = said.rsplit_once(' ').unwrap();
            assert!(listen.parse::<SocketAddr>().is_ok(), "{said}");
        }
    }

    #[test]
    fn a_refusal_says_what_the_server_said() {
        let said = |body: &str| refusal_text(StatusCode::CONFLICT, body.as_bytes());
        assert_eq!(said(r#"{"detail":"not homed: calibrate first"}"#), "not homed: calibrate first");
        assert_eq!(
            said(
                r#"{"detail":"a","errors":[{"field":"wave.points.3","message":"b"},{"field":"","message":"c"}]}"#
            ),
            "points[3]: b; c"
        );
        assert_eq!(
            said(r#"{"detail":[{"loc":["body","spec","duration"],"msg":"field required"},{"msg":"no"}]}"#),
            "duration: field required; no"
        );
        assert_eq!(said(""), "the server answered 409 Conflict");
        assert_eq!(said("{}"), "the server answered 409 Conflict");
    }
}
