//! Short-lived children of the same binary, for what the applet must not do itself: search for cameras
//! (a camera stack may crash or hang when it is only queried) and draw the placeholder (which takes
//! fonts and image decoders into memory).

use std::fs::File;
use std::io::{self, Seek, Write};
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use rustix::fs::{MemfdFlags, memfd_create};

use super::spawner;
use crate::capture;
use crate::placeholder::Pictures;
use crate::program;
use crate::settings::{Geometry, PlaceholderSpec, SourceSpec};
use crate::small_file;
use crate::source::Found;

/// How long a child may take. A camera stack's own time-outs are shorter.
const LIMIT: Duration = Duration::from_secs(15);

/// Bytes of a probe's answer: a camera takes a few hundred.
const MOST_ANSWER: u64 = 1 << 20;

/// Looks for every camera, best first, or checks the one named.
pub async fn probe(spec: Option<&SourceSpec>) -> anyhow::Result<Vec<Found>> {
    let named = spec.map(|_| "-".to_owned());
    let args: Vec<_> = std::iter::once("--probe".to_owned()).chain(named).collect();
    // Told over its standard input: the command line is for everybody to see.
    let (child, answer) = start(&args, spec.map(SourceSpec::revealed)).await?;
    let ended_well = match end(child).await {
        Ok(status) => status.success(),
        Err(error) => {
            tracing::warn!("the search for cameras: {error}");
            false
        }
    };
    // What a child printed before it crashed or hung still counts.
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
    let (child, cards) = start(&["--cards".to_owned(), size, format, what], None).await?;
    let status = end(child).await?;
    ensure!(status.success(), "the child process that draws: {status}");
    Pictures::open(cards, geometry).context("the child process drew no usable pictures")
}

/// Starts a child that reads `input`, and writes to a file that comes with it. Both are in memory
/// alone, so that no pipe has to be read meanwhile.
async fn start(args: &[String], input: Option<String>) -> anyhow::Result<(Child, File)> {
    let output = memory("lenscap-output")?;
    let mut command = program::command()?;
    command.arg("capture").args(args);
    command.stdout(output.try_clone()?).stdin(Stdio::null());
    if let Some(text) = input {
        let mut input = memory("lenscap-input")?;
        input.write_all(text.as_bytes())?;
        input.rewind()?;
        command.stdin(input);
    }
    Ok((spawner::start(command).await?, output))
}

fn memory(name: &str) -> io::Result<File> {
    Ok(memfd_create(name, MemfdFlags::CLOEXEC)?.into())
}

fn read(mut file: File) -> io::Result<Vec<u8>> {
    file.rewind()?;
    Ok(small_file::read_open(file, MOST_ANSWER)?)
}

/// Waits until a child has ended, and kills it when it takes too long.
async fn end(mut child: Child) -> anyhow::Result<ExitStatus> {
    let Ok(status) = glib::future_with_timeout(LIMIT, spawner::end(&child)).await else {
        child.kill()?;
        return Err(anyhow!(
            "a child process took more than {} seconds",
            LIMIT.as_secs()
        ));
    };
    Ok(status?)
}
