//! The query of a request.

use super::answer::{self, Rejection};
use super::coerce;
use super::fields::Complaint;

/// The last value of that name; none when it is not there.
#[must_use]
pub fn last(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.rfind(|(key, _)| decoded(key, true) == name).map(|(_, value)| decoded(value, true))
}

/// True if the query has that word, alone or with a value that means yes.
///
/// # Errors
/// 422 for a value that is neither yes nor no.
pub fn flag(query: &str, name: &str) -> Result<bool, Rejection> {
    let Some(word) = last(query, name) else { return Ok(false) };
    if word.is_empty() {
        return Ok(true);
    }
    coerce::word(&word).map_err(|(msg, kind)| {
        answer::unprocessable(&[Complaint::new(vec!["query".into(), name.into()], msg, kind)])
    })
}

/// The text without its percent escapes. In a query a plus is a space, in a path it is itself.
#[must_use]
pub fn decoded(text: &str, plus_is_space: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let escape = tail.first_chunk::<2>().filter(|_| byte == b'%').and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok().filter(|d| !d.starts_with('+'))?;
            u8::from_str_radix(digits, 16).ok()
        });
        rest = if escape.is_some() { &tail[2..] } else { tail };
        bytes.push(match escape {
            Some(escaped) => escaped,
            None if byte == b'+' && plus_is_space => b' ',
            None => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_counts_and_escapes_are_undone() {
        assert_eq!(last("machine=no&machine=%74rue", "machine").as_deref(), Some("true"));
        assert_eq!(last("a+b=c+d", "a b").as_deref(), Some("c d"));
        assert_eq!(last("machine", "machine").as_deref(), Some(""));
        assert_eq!(last("", "machine"), None);
    }

    #[test]
    fn what_is_no_escape_stays() {
        assert_eq!(decoded("100%", false), "100%");
        assert_eq!(decoded("%zz%+1%4", false), "%zz%+1%4");
        assert_eq!(decoded("a+b%C5%BE", false), "a+bž");
        assert_eq!(decoded("%ff", false), "\u{fffd}");
    }
}
