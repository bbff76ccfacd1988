//! Bounded reading of files of unknown origin, and their text encodings.
//!
//! Opening a named pipe may block for ever, and `/dev/zero` never ends. Here an open never blocks, and a read ends at a
//! bound.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// Size limit of a file that a person made: a configuration, a backup, a list of points.
pub const BY_HAND_BYTES: usize = 16 << 20;

/// Opens a file for reading without blocking; a pipe without a writer is at its end at once.
fn open(path: &Path) -> io::Result<File> {
    let file = File::options().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path)?;
    // After opening, reads do wait for the writer of a pipe.
    let flags = fcntl_getfl(&file)?;
    fcntl_setfl(&file, flags - OFlags::NONBLOCK)?;
    Ok(file)
}

fn read_bounded(file: File, max_bytes: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(max_bytes as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > max_bytes {
        let what = format!("it has more than {max_bytes} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
    }
    Ok(bytes)
}

/// Reads a regular file.
///
/// # Errors
/// The system's; not a regular file, or longer than `max_bytes`.
pub fn read_regular(path: &Path, max_bytes: usize) -> io::Result<Vec<u8>> {
    let file = open_regular(path)?;
    read_bounded(file, max_bytes)
}

/// Opens a regular file for reading.
///
/// # Errors
/// The system's; not a regular file.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let file = open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"))
}

/// Reads the text of a file that a person named, which may be a pipe. Decodes it as [`text`] does.
///
/// # Errors
/// The system's; longer than [`BY_HAND_BYTES`], or no text.
pub fn read_text(path: &Path) -> io::Result<String> {
    let bytes = read_bounded(open(path)?, BY_HAND_BYTES)?;
    text(bytes).map_err(|what| io::Error::new(io::ErrorKind::InvalidData, what))
}

/// Creates a new file, in place of anything of that name.
///
/// # Errors
/// The system's.
pub fn create_anew(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    File::options().write(true).create_new(true).open(path)
}

/// Writes a small file in place of the old one, under another name first: a power cut leaves the old one or the new one.
///
/// # Errors
/// The system's; the old file is still there.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = create_anew(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, path)
}

/// Decodes UTF-8, with or without a byte order mark, or UTF-16 with one, as shells and editors on Windows write it.
///
/// # Errors
/// A message that says which encoding it seems to have.
pub fn text(bytes: Vec<u8>) -> Result<String, &'static str> {
    let utf_16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, half) = rest.as_chunks::<2>();
        let units = pairs.iter().map(|pair| unit(*pair));
        let decoded: Option<String> = char::decode_utf16(units).map(Result::ok).collect();
        decoded.filter(|_| half.is_empty()).ok_or("it begins like UTF-16, and is none: save it as UTF-8")
    };
    match bytes.as_slice() {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()),
        [0xff, 0xfe, rest @ ..] => return utf_16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => return utf_16(rest, u16::from_be_bytes),
        other if other.iter().take(2).any(|byte| *byte == 0) => {
            return Err("it looks like UTF-16 without its mark: save it as UTF-8");
        }
        _ => String::from_utf8(bytes),
    }
    .map_err(|_| "it is no UTF-8 text")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn what_windows_makes_of_a_text_is_read_or_named() {
        let utf_16 = |text: &str, mark: &[u8], unit: fn(u16) -> [u8; 2]| {
            [mark.to_vec(), text.encode_utf16().flat_map(unit).collect()].concat()
        };
        let said = "{\"größer 🙂\": 1}\r\n";
        for bytes in [
            said.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", said.as_bytes()].concat(),
            utf_16(said, b"\xff\xfe", u16::to_le_bytes),
            utf_16(said, b"\xfe\xff", u16::to_be_bytes),
        ] {
            assert_eq!(text(bytes).as_deref(), Ok(said));
        }
        for (bytes, named) in [
            (utf_16(said, b"", u16::to_le_bytes), "UTF-16 without its mark"),
            (utf_16(said, b"", u16::to_be_bytes), "UTF-16 without its mark"),
            (b"\xff\xfe{".to_vec(), "begins like UTF-16"),
            (b"\xff\xfe\x00\xd8{\0".to_vec(), "begins like UTF-16"),
            (b"gr\xf6\xdfer".to_vec(), "no UTF-8"),
        ] {
            assert!(text(bytes).unwrap_err().contains(named), "{named}");
        }
        assert_eq!(text(Vec::new()).as_deref(), Ok(""));
    }

    #[test]
    fn what_never_ends_or_never_begins_does_not_hold_up() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        assert_eq!(read_text(&pipe).unwrap(), "");
        for path in [&pipe, Path::new("/dev/zero"), dir.path()] {
            assert!(read_regular(path, 10).is_err(), "{}", path.display());
        }
        let endless = read_text(Path::new("/dev/zero")).unwrap_err();
        assert_eq!(endless.kind(), io::ErrorKind::FileTooLarge);
        // A pipe with a writer is waited for.
        let mut file = File::options().write(true).read(true).open(&pipe).unwrap();
        let writer = std::thread::spawn(move || {
            for part in [&b"so"[..], b" far"] {
                std::thread::sleep(std::time::Duration::from_millis(30));
                file.write_all(part).unwrap();
            }
        });
        assert_eq!(read_text(&pipe).unwrap(), "so far");
        writer.join().unwrap();
        // A new file replaces a pipe.
        create_anew(&pipe).unwrap();
        assert_eq!(read_regular(&pipe, 0).unwrap(), b"");
        fs::write(&pipe, [1; 11]).unwrap();
        assert_eq!(read_regular(&pipe, 10).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
