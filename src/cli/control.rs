//! Commands for the running applet. None of them starts one.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use jiff::Timestamp;

use super::applet::{Applet, Failure};
use crate::dbus::Request;
use crate::report::Report;
use crate::stderr::say;

/// `lenscap status`.
pub fn status(json: bool) -> ExitCode {
    finish(Applet::find().and_then(|applet| print(&applet.status()?, json)))
}

/// `lenscap pause` and its like.
pub fn request(request: Request) -> ExitCode {
    finish(Applet::find().and_then(|applet| applet.request(request)))
}

/// `lenscap quit`: waits for the applet's end, so that the next command finds the device free.
pub fn quit() -> ExitCode {
    finish(Applet::find().and_then(|applet| end(&applet)))
}

/// Ends the applet and waits for its end.
pub fn end(applet: &Applet) -> Result<(), Failure> {
    match applet.request(Request::Quit) {
        // It may end before its reply is sent.
        Ok(()) | Err(Failure::Ended) => applet.wait_for_end(),
        Err(failure) => Err(failure),
    }
}

/// Prints a report and flushes it, for `--follow`.
pub fn print(report: &Report, json: bool) -> Result<(), Failure> {
    let text = if json {
        report.to_json() + "\n"
    } else {
        report.to_text(Timestamp::now())
    };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// The exit code, after one line about an error. A closed pipe is not an error.
pub fn finish(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            say(format_args!("lenscap: {failure}"));
            ExitCode::FAILURE
        }
    }
}
