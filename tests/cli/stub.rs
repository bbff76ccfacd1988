//! Stub HTTP server: records its requests and sends the answers that a test gave it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

/// A stub server, which ends after its last answer.
pub struct Stub {
    pub address: SocketAddr,
    thread: JoinHandle<Vec<StubRequest>>,
}

/// A request: its first line, its Host header, its body.
#[derive(Debug, PartialEq)]
pub struct StubRequest {
    pub line: String,
    pub host: String,
    pub body: String,
}

impl Stub {
    /// Answers one connection after the other, each with a status line's code and text and a body.
    pub fn with_answers(answers: &[(&'static str, &'static str)]) -> Stub {
        let answers: Vec<String> = answers
            .iter()
            .map(|(status, body)| {
                format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                )
            })
            .collect();
        Stub::with_bytes(answers)
    }

    /// Answers with these raw bytes.
    pub fn with_bytes(answers: Vec<String>) -> Stub {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = thread::spawn(move || {
            answers.iter().map(|answer| exchange(listener.accept().unwrap().0, answer)).collect()
        });
        Stub { address, thread }
    }

    /// URL of the stub for the command line.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests that it received; waits until all answers are given.
    pub fn requests(self) -> Vec<StubRequest> {
        self.thread.join().unwrap()
    }
}

fn exchange(mut stream: TcpStream, answer: &str) -> StubRequest {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut next = || {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let line = next();
    let (mut host, mut length) = (String::new(), 0);
    loop {
        let header = next();
        match header.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("host") => host = value.to_owned(),
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap()
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    stream.write_all(answer.as_bytes()).unwrap();
    StubRequest { line, host, body: String::from_utf8(body).unwrap() }
}
