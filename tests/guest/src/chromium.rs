//! A browser as the client: a page reads the camera's pixels back and posts them to us.

use std::{
    fs::File,
    net::TcpListener,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use gsticamerasrc::http::answer;
use rustix::process::Signal;
use serde_json::Value;

use crate::{
    applet::{Applet, Helper, Launch, send},
    stage::Stage,
};

const PAGE: &str = include_str!("chromium.html");

/// An emulated processor needs up to a minute until the browser shows its first picture.
const START: Duration = Duration::from_secs(120);
const PATIENCE: Duration = Duration::from_secs(60);

/// Placeholder, camera, a pause, a crash: the page shows each, and its track never ends.
pub fn browser(stage: &Stage) -> Result<()> {
    let applet = Launch::default()
        .option("--activation-delay-ms", 6000)
        .option("--cooldown-ms", 5000)
        .start(stage)?;
    let (page, browser) = open(stage)?;
    page.wait_for(START, &Shows::Placeholder)
        .context("at first")?;
    page.wait_for(PATIENCE, &Shows::Camera)
        .context("after the delay")?;

    applet.pause()?;
    page.wait_for(PATIENCE, &Shows::Placeholder)
        .context("after a pause")?;
    applet.resume()?;
    page.wait_for(PATIENCE, &Shows::Camera)
        .context("after resuming")?;

    send(applet.worker()?, Signal::KILL);
    page.wait_for(PATIENCE, &Shows::Placeholder)
        .context("after a crash")?;
    page.wait_for(PATIENCE, &Shows::Camera)
        .context("after the backoff")?;

    drop(browser);
    closes_with_its_last_client(stage, &applet)
}

fn closes_with_its_last_client(stage: &Stage, applet: &Applet) -> Result<()> {
    applet.wait_for_state("idle", Duration::from_secs(20))?;
    stage.camera().wait_until_closed(Duration::from_secs(6))
}

fn open(stage: &Stage) -> Result<(Page, Helper)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://localhost:{}/", listener.local_addr()?.port());
    let (sender, events) = channel();
    thread::spawn(move || serve(&listener, &sender));
    let log = File::create(stage.folder.join("chromium.log"))?;
    let browser = stage
        .kit
        .command("chromium")
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--use-fake-ui-for-media-stream",
        ])
        .args([
            "--no-first-run",
            "--disable-extensions",
            "--disable-background-networking",
        ])
        .args([
            "--disable-component-update",
            "--user-data-dir=/tmp/chromium",
            &address,
        ])
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    Ok((Page { events }, Helper(browser)))
}

#[derive(Debug, PartialEq, Eq)]
enum Shows {
    Placeholder,
    Camera,
}

impl Shows {
    /// The camera's magenta, and anything else.
    fn of(rgb: &Value) -> Option<Self> {
        let [red, green, blue] = [rgb[0].as_u64()?, rgb[1].as_u64()?, rgb[2].as_u64()?];
        let magenta = red > 180 && blue > 180 && green < 180;
        Some(if magenta {
            Self::Camera
        } else {
            Self::Placeholder
        })
    }
}

/// What the page tells.
struct Page {
    events: Receiver<Value>,
}

impl Page {
    fn wait_for(&self, patience: Duration, wanted: &Shows) -> Result<()> {
        let deadline = Instant::now() + patience;
        let mut last = Value::Null;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(event) = self.events.recv_timeout(left) else {
                bail!("the page did not show the {wanted:?} within {patience:?}, but {last}");
            };
            ensure!(
                event["event"] != "ended" && event["event"] != "error",
                "the page says {event}"
            );
            if Shows::of(&event["rgb"]).as_ref() == Some(wanted) {
                return Ok(());
            }
            last = event;
        }
    }
}

/// As much of an HTTP server as one page needs: GET gives it, POST is its word.
fn serve(listener: &TcpListener, events: &Sender<Value>) {
    for stream in listener.incoming().flatten() {
        if let Ok(Some(event)) = answer(stream, PAGE, "")
            && events.send(event).is_err()
        {
            return;
        }
    }
}
