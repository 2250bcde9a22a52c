//! Reading small files that another program chose: whatever lies there, a read ends soon.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Enough for what the kernel or a desktop keeps in a file of text.
pub const USUAL: u64 = 64 << 10;

/// Why a file isn't read.
#[derive(Debug)]
pub enum ReadError {
    /// The system refuses.
    Io(io::Error),
    /// A fifo would wait for a writer, a device may have no end.
    NotRegular,
    /// It has more bytes than this.
    TooLarge(u64),
}

/// The bytes of a regular file with no more than `most` of them.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    // Opening a fifo would block until something writes to it.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    read_open(file, most)
}

/// The rest of one that is open.
pub fn read_open(file: File, most: u64) -> Result<Vec<u8>, ReadError> {
    if !file.metadata()?.is_file() {
        return Err(ReadError::NotRegular);
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(ReadError::TooLarge(most));
    }
    Ok(bytes)
}

/// The text of such a file; what is no UTF-8 in it is replaced.
pub fn text(path: &Path) -> io::Result<String> {
    let bytes = read(path, USUAL)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => error,
            ReadError::NotRegular => Self::new(ErrorKind::InvalidInput, "not a regular file"),
            ReadError::TooLarge(most) => {
                Self::new(ErrorKind::FileTooLarge, format!("larger than {most} bytes"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn only_regular_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        for path in [&fifo, dir.path(), Path::new("/dev/zero")] {
            let refused = read(path, USUAL);
            assert!(matches!(refused, Err(ReadError::NotRegular)), "{refused:?}");
        }
        let missing = text(&dir.path().join("missing"));
        assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn no_more_than_the_limit_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, b"caf\xe9").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"caf\xe9");
        assert!(matches!(read(&path, 3), Err(ReadError::TooLarge(3))));
        assert_eq!(text(&path).unwrap(), "caf\u{fffd}");
    }
}
