//! Reading the config file, whatever is at its path.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::i18n::{gettext, gettext_f};
use crate::small_file::{self, ReadError};

/// Settings take a few hundred bytes. What is larger is another file, or has no end.
const MOST_BYTES: u64 = 1 << 20;

/// The file's text; `None` if there is no file. An error is one line without the path.
pub fn read(path: &Path) -> Result<Option<String>, String> {
    let bytes = match small_file::read(path, MOST_BYTES) {
        Ok(bytes) => bytes,
        Err(ReadError::Io(error)) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(ReadError::Io(error)) => return Err(unreadable(&error)),
        Err(ReadError::NotRegular) => {
            return Err(gettext(
                "this is not a regular file: put a text file there, or name another one with --config",
            ));
        }
        Err(ReadError::TooLarge(_)) => {
            return Err(gettext(
                "this is larger than 1 MiB, so it is no config file: name another one with --config",
            ));
        }
    };
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|error| unreadable(&io::Error::new(ErrorKind::InvalidData, error.utf8_error())))
}

fn unreadable(error: &io::Error) -> String {
    gettext_f("cannot be read: {error}", &[("error", &error.to_string())])
}
