//! Reading the config file, whatever is at its path.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::i18n::{gettext, gettext_f};

/// Settings take a few hundred bytes. What is larger is another file, or has no end.
const MOST_BYTES: u64 = 1 << 20;

/// The file's text; `None` if there is no file. An error is one line without the path.
pub fn read(path: &Path) -> Result<Option<String>, String> {
    let unreadable =
        |error: io::Error| gettext_f("cannot be read: {error}", &[("error", &error.to_string())]);
    // Otherwise opening a fifo would block until something writes to it.
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path);
    let file = match opened {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(unreadable)?,
    };
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(gettext(
            "this is not a regular file: put a text file there, or name another one with --config",
        ));
    }
    let mut bytes = Vec::new();
    let mut limited = file.take(MOST_BYTES + 1);
    limited.read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(gettext(
            "this is larger than 1 MiB, so it is no config file: name another one with --config",
        ));
    }
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|error| unreadable(io::Error::new(ErrorKind::InvalidData, error.utf8_error())))
}
