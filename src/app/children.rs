//! Short-lived children of the same binary, for what the applet must not do itself: search for cameras
//! (a camera stack may crash or hang when it is only queried) and draw the placeholder (which takes
//! fonts and image decoders into memory).

use std::fs::File;
use std::io::{self, Seek, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Signal, pidfd_send_signal};

use super::spawner;
use crate::capture::card::UNUSABLE_IMAGE;
use crate::capture::probe::Query;
use crate::capture::sandbox::Reach;
use crate::capture::{child, elements};
use crate::placeholder::Pictures;
use crate::program;
use crate::settings::{Geometry, PlaceholderSpec, SourceSpec};
use crate::small_file;
use crate::source::{self, Found};

/// How long a child may take. A camera stack's own time-outs are shorter.
const LIMIT: Duration = Duration::from_secs(15);

/// Bytes of a probe's answer: a camera takes a few hundred.
const MOST_ANSWER: u64 = 1 << 20;

/// Finds all cameras, best first.
pub async fn find_all() -> anyhow::Result<Vec<Found>> {
    search_plugins().await;
    let mut all = Vec::new();
    for query in Query::ALL {
        all.extend(probe(&query).await?);
    }
    Ok(source::distinct(all))
}

/// Checks a source.
pub async fn check(source: &SourceSpec) -> anyhow::Result<Vec<Found>> {
    search_plugins().await;
    probe(&Query::Source(source.clone())).await
}

/// Looks for new plugins. Without that, the old ones are found.
async fn search_plugins() {
    let search = async {
        let (child, _) = start(elements::search(), None).await?;
        end(child).await
    };
    if let Err(error) = search.await {
        tracing::warn!("the search for plugins: {error:#}");
    }
}

async fn probe(query: &Query) -> anyhow::Result<Vec<Found>> {
    let input = match query {
        Query::Source(source) => Some(source.revealed()),
        Query::Local | Query::PipeWire => None,
    };
    let (child, answer) = start(query.command(), input).await?;
    let ended_well = match end(child).await {
        Ok(status) => status.success(),
        Err(error) => {
            tracing::warn!("the search for cameras: {error}");
            false
        }
    };
    // What a child printed before it crashed or hung still counts.
    let output = read(answer)?;
    Ok(query.read(&output, ended_well))
}

/// Draws all placeholder pictures of a geometry, in the output's own pixel format. Fails if an image
/// can't be loaded.
pub async fn draw(geometry: Geometry, placeholder: &PlaceholderSpec) -> anyhow::Result<Pictures> {
    let what = match placeholder {
        PlaceholderSpec::Black => return Ok(Pictures::black(geometry)),
        PlaceholderSpec::Card => "card".to_owned(),
        PlaceholderSpec::Image(path) => path.to_string_lossy().into_owned(),
    };
    let size = format!("{}x{}", geometry.width, geometry.height);
    let format = geometry.format.name().to_owned();
    let mut command = child::command(Reach::Devices);
    command.args(["--cards", &size, &format, &what]);
    let (child, cards) = start(command, None).await?;
    let status = end(child).await?;
    if status.code() == Some(UNUSABLE_IMAGE.into()) {
        bail!(String::from_utf8_lossy(&read(cards)?).into_owned());
    }
    ensure!(status.success(), "the child process that draws: {status}");
    Pictures::open(cards, geometry).context("the child process drew no usable pictures")
}

/// Has the program that is installed now print its version, which proves that it can run.
pub async fn run_installed() -> anyhow::Result<()> {
    let mut command = Command::new(program::path()?);
    command.arg("--version");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let status = end(spawner::start(command).await?).await?;
    ensure!(status.success(), "{status}");
    Ok(())
}

/// Starts a child that reads `input`, and writes to a file that comes with it. Both are in memory
/// alone, so that no pipe has to be read meanwhile.
async fn start(mut command: Command, input: Option<String>) -> anyhow::Result<(Child, File)> {
    let output = memory("lenscap-output")?;
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
async fn end(child: Child) -> anyhow::Result<ExitStatus> {
    let (child, pidfd) = spawner::with_pidfd(child)?;
    let Ok(status) = glib::future_with_timeout(LIMIT, spawner::end(child)).await else {
        pidfd_send_signal(&pidfd, Signal::KILL)?;
        return Err(anyhow!(
            "a child process took more than {} seconds",
            LIMIT.as_secs()
        ));
    };
    Ok(status?)
}
