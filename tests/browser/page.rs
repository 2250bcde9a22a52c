//! A page in a headless Chromium that draws its video on a canvas and posts the pixels.

use std::net::TcpListener;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use serde_json::Value;

use guest::http::answer;
use lenscap_support::session::{Process, Session, WAIT_TIMEOUT};

const PAGE: &str = include_str!("page.html");

/// The maximum brightness of a black picture after conversions.
const DARK: u64 = 8;

/// What a frame shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picture {
    /// The placeholder.
    Black,
    /// Anything else, with a hash of its pixels.
    Camera(i64),
}

/// A browser with the page open.
pub struct Browser {
    _process: Process,
    events: mpsc::Receiver<Value>,
    wants_stop: Arc<AtomicBool>,
}

impl Browser {
    pub fn new(session: &Session) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!(
            "http://localhost:{}/",
            listener.local_addr().unwrap().port()
        );
        let (sender, events) = mpsc::channel();
        let wants_stop = Arc::<AtomicBool>::default();
        let stops = wants_stop.clone();
        thread::spawn(move || serve(&listener, &sender, &stops));
        let profile = session.dir().join("chromium");
        let child = session
            .command("chromium")
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
            ])
            .args(["--disable-extensions", "--disable-background-networking"])
            .args([
                "--disable-component-update",
                "--use-fake-ui-for-media-stream",
            ])
            .arg("--enable-features=WebRtcPipeWireCamera")
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(address)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self {
            _process: Process(child.expect("chromium is needed for this test")),
            events,
            wants_stop,
        }
    }

    /// The page's next report of this kind.
    fn wait_for(&mut self, wanted: &str) -> Value {
        loop {
            let event = self.events.recv_timeout(WAIT_TIMEOUT);
            let event = event.unwrap_or_else(|_| panic!("the page tells of no {wanted}"));
            assert!(event["error"].is_null(), "the page says {event}");
            if !event[wanted].is_null() {
                return event;
            }
        }
    }

    /// The camera's name.
    pub fn label(&mut self) -> String {
        self.wait_for("label")["label"].as_str().unwrap().to_owned()
    }

    /// The next frame that the page draws.
    pub fn picture(&mut self) -> Picture {
        let frame = self.wait_for("digest");
        if frame["brightest"].as_u64().unwrap() <= DARK {
            Picture::Black
        } else {
            Picture::Camera(frame["digest"].as_i64().unwrap())
        }
    }

    /// Makes the page stop its track and stay open.
    pub fn stop(&mut self) {
        self.wants_stop.store(true, Ordering::Relaxed);
        self.wait_for("stopped");
    }
}

/// A minimal HTTP server: GET returns the page, POST is its report.
fn serve(listener: &TcpListener, events: &mpsc::Sender<Value>, wants_stop: &AtomicBool) {
    for stream in listener.incoming().flatten() {
        let order = if wants_stop.load(Ordering::Relaxed) {
            "stop"
        } else {
            "go on"
        };
        if let Ok(Some(event)) = answer(stream, PAGE, order)
            && events.send(event).is_err()
        {
            return;
        }
    }
}
