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
    applet::{Applet, AppletBuilder, ChildGuard, send},
    test_bed::TestBed,
};

const PAGE: &str = include_str!("chromium.html");

/// In emulation, the browser takes up to a minute to show its first picture.
const START: Duration = Duration::from_secs(120);
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);

/// Placeholder, camera, a pause, a crash: the page shows each, and its track never ends.
pub fn browser(bed: &TestBed) -> Result<()> {
    let applet = AppletBuilder::default()
        .option("--activation-delay-ms", 6000)
        .option("--cooldown-ms", 5000)
        .start(bed)?;
    let (page, browser) = open(bed)?;
    page.wait_for(START, &Shows::Placeholder)
        .context("at first")?;
    page.wait_for(WAIT_TIMEOUT, &Shows::Camera)
        .context("after the delay")?;

    applet.pause()?;
    page.wait_for(WAIT_TIMEOUT, &Shows::Placeholder)
        .context("after a pause")?;
    applet.resume()?;
    page.wait_for(WAIT_TIMEOUT, &Shows::Camera)
        .context("after resuming")?;

    send(applet.worker()?, Signal::KILL);
    page.wait_for(WAIT_TIMEOUT, &Shows::Placeholder)
        .context("after a crash")?;
    page.wait_for(WAIT_TIMEOUT, &Shows::Camera)
        .context("after the backoff")?;

    drop(browser);
    closes_with_its_last_client(bed, &applet)
}

fn closes_with_its_last_client(bed: &TestBed, applet: &Applet) -> Result<()> {
    applet.wait_for_state("idle", Duration::from_secs(20))?;
    bed.camera().wait_until_closed(Duration::from_secs(6))
}

fn open(bed: &TestBed) -> Result<(Page, ChildGuard)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://localhost:{}/", listener.local_addr()?.port());
    let (sender, events) = channel();
    thread::spawn(move || serve(&listener, &sender));
    let log = File::create(bed.folder.join("chromium.log"))?;
    let browser = bed
        .tools
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
    Ok((Page { events }, ChildGuard(browser)))
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

/// The page's reports.
struct Page {
    events: Receiver<Value>,
}

impl Page {
    fn wait_for(&self, timeout: Duration, wanted: &Shows) -> Result<()> {
        let deadline = Instant::now() + timeout;
        let mut last = Value::Null;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(event) = self.events.recv_timeout(left) else {
                bail!("the page did not show the {wanted:?} within {timeout:?}, but {last}");
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

/// A minimal HTTP server: GET returns the page, POST is a report of it.
fn serve(listener: &TcpListener, events: &Sender<Value>) {
    for stream in listener.incoming().flatten() {
        if let Ok(Some(event)) = answer(stream, PAGE, "")
            && events.send(event).is_err()
        {
            return;
        }
    }
}
