//! Parser of HTTP answers from the bytes of a connection.

/// A complete answer.
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// True if the connection ends with it.
    pub closes: bool,
    /// True if its content type is JSON.
    pub is_json: bool,
    /// The content.
    pub content: Vec<u8>,
    /// Length on the connection, in bytes.
    pub length: usize,
}

impl Answer {
    /// Parses the first answer in the bytes; `None` while it is incomplete.
    ///
    /// # Panics
    ///
    /// If the bytes are no answer.
    #[must_use]
    pub fn first(bytes: &[u8], is_to_head: bool) -> Option<Answer> {
        let head = bytes.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
        // The answer to a preflight repeats requested header names, which may be any bytes that a header can hold.
        let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
        let status = text.strip_prefix("http/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status: {text:?}"));
        let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));

        let rest = &bytes[head..];
        let (content, length) = if is_to_head {
            (Vec::new(), 0)
        } else if value("transfer-encoding") == Some("chunked") {
            chunked(rest)?
        } else {
            let length = value("content-length").map_or(0, |length| length.parse().expect("a length"));
            (rest.get(..length)?.to_vec(), length)
        };
        Some(Answer {
            status,
            closes: value("connection") == Some("close"),
            is_json: value("content-type").is_some_and(|kind| kind.contains("json")),
            content,
            length: head + length,
        })
    }
}

/// Parses chunked content (RFC 9112, section 7.1); returns it with its length on the connection, `None` while it is
/// incomplete.
fn chunked(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut content = Vec::new();
    let mut rest = bytes;
    loop {
        let end = rest.windows(2).position(|end| end == b"\r\n")?;
        let size =
            std::str::from_utf8(&rest[..end]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let size = size
            .unwrap_or_else(|| panic!("no size of a chunk: {:?}", rest[..end].escape_ascii().to_string()));
        let chunk = rest.get(end + 2..end + 2 + size + 2)?;
        assert!(chunk.ends_with(b"\r\n"), "a chunk is not as long as it says");
        content.extend_from_slice(&chunk[..size]);
        rest = &rest[end + 2 + size + 2..];
        if size == 0 {
            return Some((content, bytes.len() - rest.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_put_together_and_what_comes_behind_them_is_left() {
        let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\nHTTP/1.1 404 ";
        let answer = Answer::first(bytes, false).expect("all of it is there");
        assert_eq!((answer.status, answer.content.as_slice()), (200, &b"[1,2]"[..]));
        assert!(bytes[answer.length..].starts_with(b"HTTP/1.1 404"));
        for some in 0..answer.length {
            assert!(Answer::first(&bytes[..some], false).is_none(), "{some} bytes are not all");
        }
    }
}
