//! Texts that users write and that runs leave, read whole, within a bound: what names a device file or
//! a disk image by mistake is told so, and memory does not run out.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Octets of the longest text that a person writes: a profile, a list, a configuration, a key.
pub const WRITTEN_OCTETS_MAX: u64 = 1 << 20;
/// Octets of the longest text that a run leaves.
pub const LEFT_OCTETS_MAX: u64 = 256 << 20;

/// The text in `path`.
///
/// # Errors
///
/// Where it cannot be read, is no UTF-8, or is longer than `octets_max`.
pub fn read(path: &Path, octets_max: u64) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(octets_max + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|length| length > octets_max) {
        let what = format!("is larger than {} MiB", octets_max >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_long_as_it_may_be() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "ä".repeat(1 << 19)).unwrap();
        assert_eq!(read(file.path(), 1 << 20).unwrap().len(), 1 << 20);
        std::fs::write(file.path(), "a".repeat((1 << 20) + 1)).unwrap();
        let error = read(file.path(), 1 << 20).unwrap_err().to_string();
        assert_eq!(error, "is larger than 1 MiB");
    }

    /// It has no end.
    #[test]
    fn a_device_is_no_text() {
        let error = read(Path::new("/dev/zero"), 1 << 20).unwrap_err().to_string();
        assert_eq!(error, "is larger than 1 MiB");
    }
}
