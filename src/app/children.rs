//! Short-lived children of the same binary, for what the applet must not do itself: look for cameras
//! (a camera stack may crash or hang when it is only asked) and draw the placeholder (which takes
//! fonts and image decoders into memory).

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Seek};
use std::time::Duration;

use anyhow::{Context, anyhow};
use gio::{Subprocess, SubprocessFlags, SubprocessLauncher};
use rustix::fs::MemfdFlags;

use crate::capture;
use crate::placeholder::Pictures;
use crate::settings::{Geometry, PlaceholderSpec, SourceSpec};
use crate::source::Found;

/// How long a child may take. A camera stack's own time-outs are shorter.
const LIMIT: Duration = Duration::from_secs(15);

/// Looks for every camera, best first, or checks the one named.
pub async fn probe(spec: Option<&SourceSpec>) -> anyhow::Result<Vec<Found>> {
    // Told over its standard input: the command line is for everybody to see. GLib aborts where there
    // is a pipe and nothing to send through it.
    let input = match spec {
        Some(_) => SubprocessFlags::STDIN_PIPE,
        None => SubprocessFlags::NONE,
    };
    let launcher = SubprocessLauncher::new(SubprocessFlags::STDOUT_PIPE | input);
    let named = spec.map(|_| "-".to_owned());
    let args: Vec<_> = std::iter::once("--probe".to_owned()).chain(named).collect();
    let child = start(&launcher, &args)?;
    let input = spec.map(|spec| glib::Bytes::from_owned(spec.revealed()));
    let answer = limited(&child, child.communicate_future(input.as_ref())).await;
    // What a child said before it crashed or hung still counts.
    let (output, ended_well) = match answer {
        Ok(output) => (output?.0, child.is_successful()),
        Err(error) => {
            tracing::warn!("looking for cameras: {error}");
            (None, false)
        }
    };
    let output = output.unwrap_or_else(|| glib::Bytes::from_static(b""));
    Ok(capture::probe::read(&output, ended_well))
}

/// Draws all placeholder pictures of a geometry, in the output's own pixel format.
pub async fn draw(geometry: Geometry, placeholder: &PlaceholderSpec) -> anyhow::Result<Pictures> {
    let what = match placeholder {
        PlaceholderSpec::Black => return Ok(Pictures::black(geometry)),
        PlaceholderSpec::Card => "card".to_owned(),
        PlaceholderSpec::Image(path) => path.to_string_lossy().into_owned(),
    };
    let memory =
        rustix::fs::memfd_create("lenscap-cards", MemfdFlags::CLOEXEC).map_err(io::Error::from)?;
    let launcher = SubprocessLauncher::new(SubprocessFlags::NONE);
    launcher.take_stdout_fd(Some(memory.try_clone()?));
    let size = format!("{}x{}", geometry.width, geometry.height);
    let format = geometry.format.name().to_owned();
    let child = start(&launcher, &["--cards".to_owned(), size, format, what])?;
    limited(&child, child.wait_check_future()).await??;
    let mut file = File::from(memory);
    file.rewind()?;
    Pictures::open(file, geometry).context("the child process drew no usable pictures")
}

fn start(launcher: &SubprocessLauncher, args: &[String]) -> anyhow::Result<Subprocess> {
    let program = std::env::current_exe()?;
    let mut line = vec![program.as_os_str(), OsStr::new("capture")];
    line.extend(args.iter().map(OsStr::new));
    Ok(launcher.spawn(&line)?)
}

/// Waits for a child's work, and kills the child when it takes too long.
async fn limited<T>(child: &Subprocess, work: impl Future<Output = T>) -> anyhow::Result<T> {
    glib::future_with_timeout(LIMIT, work).await.map_err(|_| {
        child.force_exit();
        anyhow!("a child process took more than {} seconds", LIMIT.as_secs())
    })
}
