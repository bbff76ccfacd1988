//! Envelope of a stored value: a version byte, the content in postcard's encoding, a CRC-32 of both.
//!
//! postcard silently accepts surplus bytes and swapped fields, hence the checksum and the version.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::engine::DatabaseError;

const CRC_BYTES: usize = 4;

/// Encodes and seals `content`.
///
/// # Errors
/// The encoder's; it has none for plain structs.
pub fn encode(version: u8, content: &impl Serialize) -> Result<Vec<u8>, String> {
    Ok(seal(version, &postcard::to_stdvec(content).map_err(|error| error.to_string())?))
}

/// Unseals and decodes a value of exactly this version; `what` names it in errors.
///
/// # Errors
/// [`DatabaseError::Unreadable`] or [`DatabaseError::Newer`].
pub fn decode<T: DeserializeOwned>(what: &str, version: u8, value: &[u8]) -> Result<T, DatabaseError> {
    let (found, content) = unseal(value, version)?;
    if found != version {
        return Err(damaged(format!("{what}: version {found} where version {version} belongs")));
    }
    let (content, rest) = postcard::take_from_bytes(content)
        .map_err(|error| damaged(format!("{what} cannot be decoded: {error}")))?;
    if !rest.is_empty() {
        return Err(damaged(format!("{what}: surplus bytes")));
    }
    Ok(content)
}

/// Puts a version before the content and a checksum behind it.
pub fn seal(version: u8, content: &[u8]) -> Vec<u8> {
    let mut value = vec![version];
    value.extend_from_slice(content);
    let crc = crc32fast::hash(&value);
    value.extend(crc.to_be_bytes());
    value
}

/// Checks a sealed value; returns its version and content.
///
/// # Errors
/// [`DatabaseError::Unreadable`] for a wrong checksum; [`DatabaseError::Newer`] for a version above `known`.
pub fn unseal(value: &[u8], known: u8) -> Result<(u8, &[u8]), DatabaseError> {
    let Some((sealed, crc)) = value.split_last_chunk::<CRC_BYTES>() else {
        return Err(damaged("a value is too short"));
    };
    if crc32fast::hash(sealed) != u32::from_be_bytes(*crc) {
        return Err(damaged("the checksum of a value is wrong"));
    }
    match sealed.split_first() {
        None | Some((0, _)) => Err(damaged("a value has no version")),
        Some((found, _)) if *found > known => Err(DatabaseError::Newer { found: *found, known }),
        Some((found, content)) => Ok((*found, content)),
    }
}

/// The error for a damaged database.
pub fn damaged(what: impl Into<String>) -> DatabaseError {
    DatabaseError::Unreadable(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flipped_bit_and_each_lost_byte_is_seen() {
        let value = encode(1, &("some", 12.5, [1_u8, 2])).unwrap();
        assert_eq!(decode("it", 1, &value), Ok(("some".to_owned(), 12.5, [1_u8, 2])));
        for bit in 0..value.len() * 8 {
            let mut damaged = value.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(unseal(&damaged, 1), Err(DatabaseError::Unreadable(_))));
        }
        for length in 0..value.len() {
            assert!(matches!(unseal(&value[..length], 1), Err(DatabaseError::Unreadable(_))));
        }
    }

    #[test]
    fn a_newer_version_is_not_damage_and_an_older_one_is_no_other() {
        assert_eq!(unseal(&seal(9, b"?"), 1), Err(DatabaseError::Newer { found: 9, known: 1 }));
        assert!(matches!(decode::<u8>("it", 2, &seal(1, &[5])), Err(DatabaseError::Unreadable(_))));
        assert!(matches!(decode::<u8>("it", 1, &seal(1, &[5, 6])), Err(DatabaseError::Unreadable(_))));
        assert_eq!(decode::<u8>("it", 1, &seal(1, &[5])), Ok(5));
    }
}
