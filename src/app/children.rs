//! Short-lived children of the same binary, for what the applet must not do itself: look for cameras
//! (a camera stack may crash or hang when it is only asked) and draw the placeholder (which takes
//! fonts and image decoders into memory).

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::time::Duration;

use anyhow::{Context, anyhow};
use gio::{Subprocess, SubprocessFlags, SubprocessLauncher};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::capture;
use crate::placeholder::Pictures;
use crate::settings::{Geometry, PlaceholderSpec, SourceSpec};
use crate::source::Found;

/// How long a child may take. A camera stack's own time-outs are shorter.
const LIMIT: Duration = Duration::from_secs(15);

/// Looks for every camera, best first, or checks the one named.
pub async fn probe(spec: Option<&SourceSpec>) -> anyhow::Result<Vec<Found>> {
    let named = spec.map(|_| "-".to_owned());
    let args: Vec<_> = std::iter::once("--probe".to_owned()).chain(named).collect();
    // Told over its standard input: the command line is for everybody to see.
    let (child, answer) = start(&args, spec.map(SourceSpec::revealed))?;
    let ended_well = match limited(&child, child.wait_future()).await {
        Ok(ended) => ended.map(|()| child.is_successful())?,
        Err(error) => {
            tracing::warn!("looking for cameras: {error}");
            false
        }
    };
    // What a child said before it crashed or hung still counts.
    let output = read(answer)?;
    Ok(capture::probe::read(&output, ended_well))
}

/// Draws all placeholder pictures of a geometry, in the output's own pixel format.
pub async fn draw(geometry: Geometry, placeholder: &PlaceholderSpec) -> anyhow::Result<Pictures> {
    let what = match placeholder {
        PlaceholderSpec::Black => return Ok(Pictures::black(geometry)),
        PlaceholderSpec::Card => "card".to_owned(),
        PlaceholderSpec::Image(path) => path.to_string_lossy().into_owned(),
    };
    let size = format!("{}x{}", geometry.width, geometry.height);
    let format = geometry.format.name().to_owned();
    let (child, cards) = start(&["--cards".to_owned(), size, format, what], None)?;
    limited(&child, child.wait_check_future()).await??;
    Pictures::open(cards, geometry).context("the child process drew no usable pictures")
}

/// Starts a child that reads `input`, and writes to a file that comes with it. Both are in memory
/// alone, so that nobody has to keep a pipe going.
fn start(args: &[String], input: Option<String>) -> anyhow::Result<(Subprocess, File)> {
    let output = memory("lenscap-output")?;
    let launcher = SubprocessLauncher::new(SubprocessFlags::NONE);
    launcher.take_stdout_fd(Some(output.try_clone()?.into()));
    if let Some(text) = input {
        let mut input = memory("lenscap-input")?;
        input.write_all(text.as_bytes())?;
        input.rewind()?;
        launcher.take_stdin_fd(Some(input.into()));
    }
    let program = std::env::current_exe()?;
    let mut line = vec![program.as_os_str(), OsStr::new("capture")];
    line.extend(args.iter().map(OsStr::new));
    Ok((launcher.spawn(&line)?, output))
}

fn memory(name: &str) -> io::Result<File> {
    Ok(memfd_create(name, MemfdFlags::CLOEXEC)?.into())
}

fn read(mut file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Waits for a child's work, and kills the child when it takes too long.
async fn limited<T>(child: &Subprocess, work: impl Future<Output = T>) -> anyhow::Result<T> {
    glib::future_with_timeout(LIMIT, work).await.map_err(|_| {
        child.force_exit();
        anyhow!("a child process took more than {} seconds", LIMIT.as_secs())
    })
}
