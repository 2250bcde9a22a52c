//! Standard output as a private channel.

use std::fs::File;
use std::io;

use rustix::stdio;

/// Takes standard output for what this child has to say to the applet. Whatever else prints there
/// from now on (camera HALs do, from inside a plugin) goes to standard error.
pub fn take() -> io::Result<File> {
    let ours = rustix::io::fcntl_dupfd_cloexec(stdio::stdout(), 3)?;
    stdio::dup2_stdout(stdio::stderr())?;
    Ok(File::from(ours))
}
