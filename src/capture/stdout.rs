//! Standard output as a private channel.

use std::fs::File;
use std::io;

use rustix::stdio;

/// Returns standard output for this child's messages to the applet, and redirects other output, such
/// as that of camera HALs inside plugins, to standard error.
pub fn take() -> io::Result<File> {
    let ours = rustix::io::fcntl_dupfd_cloexec(stdio::stdout(), 3)?;
    stdio::dup2_stdout(stdio::stderr())?;
    Ok(File::from(ours))
}
