//! Commands for the running applet. None of them ever starts one.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use jiff::Timestamp;

use super::applet::{Applet, Failure};
use crate::dbus::Request;
use crate::report::Report;

/// `lenscap status`.
pub fn status(json: bool) -> ExitCode {
    finish(Applet::find().and_then(|applet| print(&applet.status()?, json)))
}

/// `lenscap pause` and its like.
pub fn request(request: Request) -> ExitCode {
    finish(Applet::find().and_then(|applet| applet.request(request)))
}

/// `lenscap quit`: returns when the applet is gone, so that what follows finds the device free.
pub fn quit() -> ExitCode {
    finish(Applet::find().and_then(|applet| end(&applet)))
}

/// Ends the applet, and waits until it is gone.
pub fn end(applet: &Applet) -> Result<(), Failure> {
    match applet.request(Request::Quit) {
        // It may be gone before its answer is out.
        Ok(()) | Err(Failure::Ended) => applet.wait_for_end(),
        Err(failure) => Err(failure),
    }
}

/// Prints a report, and at once: whoever follows wants it now.
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

/// The command's end: silent, or with one line. A reader that has seen enough is no failure.
pub fn finish(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("lenscap: {failure}");
            ExitCode::FAILURE
        }
    }
}
