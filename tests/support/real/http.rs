//! HTTP client: one request on a connection of its own, byte by byte.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::{PATIENCE, schema};

/// Header names and values.
pub type Headers<'a> = &'a [(&'a str, &'a str)];

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body; panics unless the status is 200.
    #[track_caller]
    pub fn expect_ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.json()
    }

    /// Code and detail; panics unless the status is 409.
    #[track_caller]
    pub fn expect_refused(&self) -> (String, String) {
        assert_eq!(self.status, 409, "{}", self.body);
        let said = self.json();
        (said["code"].as_str().unwrap().into(), said["detail"].as_str().unwrap().into())
    }
}

/// Sends a request and reads its answer. Host is `localhost` with the port unless the headers have another; only the
/// headers that HTTP needs are added.
#[track_caller]
pub fn request(address: SocketAddr, method: &str, path: &str, headers: Headers<'_>, body: &str) -> Answer {
    let answer = attempt(address, method, path, headers, body);
    answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
}

/// The same for a server that may end meanwhile.
pub fn attempt(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: Headers<'_>,
    body: &str,
) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        head += &format!("Host: localhost:{}\r\n", address.port());
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let answer = parse(&answer).ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, answer))?;
    schema::check_answer(method, path, answer.status, answer.header("content-type"), answer.body.as_bytes());
    Ok(answer)
}

/// Parses a whole answer; `None` if a part is missing.
fn parse(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.filter_map(|line| line.split_once(": ")).map(|(n, v)| (n.into(), v.into()));
    let answer = Answer { status, headers: headers.collect(), body: body.into() };
    let length = answer.header("content-length").map(|length| length.parse::<usize>());
    length.is_none_or(|length| length == Ok(body.len())).then_some(answer)
}
