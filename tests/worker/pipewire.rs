//! PipeWire cameras: a private daemon with two cameras, and the real worker.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lenscap::capture::probe::Query;
use lenscap::capture::protocol::ToWorker;
use lenscap::report::Report;
use lenscap::settings::PixelFormat;
use lenscap::source::Found;

use super::applet::{WAIT_TIMEOUT, WorkerPeer, worker};
use super::geometry;

/// A session with a bus, `PipeWire` and `WirePlumber`, which ends with the test.
struct Session {
    runtime: tempfile::TempDir,
    address: String,
    children: Vec<Child>,
}

impl Drop for Session {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Session {
    fn new() -> Self {
        let runtime = tempfile::tempdir().unwrap();
        let address = format!("unix:path={}", runtime.path().join("bus").display());
        let mut session = Self {
            runtime,
            address,
            children: Vec::new(),
        };
        let listen = format!("--address={}", session.address);
        session.run(
            "dbus-daemon",
            &["--session", "--nofork", "--nopidfile", &listen],
        );
        session.wait_for("bus");
        session.run("pipewire", &[]);
        session.wait_for("pipewire-0");
        lenscap_support::wireplumber::configure(&session.runtime.path().join("config"));
        session.run("wireplumber", &[]);
        session
    }

    /// A command in the session, with an empty home directory.
    fn command(&self, mut command: Command) -> Command {
        let dir = self.runtime.path();
        command
            .env("XDG_RUNTIME_DIR", dir)
            .env("PIPEWIRE_RUNTIME_DIR", dir)
            .env("XDG_CONFIG_HOME", dir.join("config"))
            .env("XDG_STATE_HOME", dir.join("state"))
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .stderr(Stdio::null());
        command
    }

    fn run(&mut self, program: &str, arguments: &[&str]) {
        let mut command = self.command(Command::new(program));
        let child = command.args(arguments).stdin(Stdio::null());
        let child = child.stdout(Stdio::null()).spawn();
        self.children.push(child.expect(program));
    }

    fn wait_for(&self, socket: &str) {
        let socket = self.runtime.path().join(socket);
        wait_until(&socket.display().to_string(), || socket.exists());
    }

    /// A camera of this name with a single colour (AARRGGBB).
    fn camera(&mut self, name: &str, colour: &str) {
        let line = format!(
            "videotestsrc is-live=true pattern=solid-color foreground-color={colour} ! \
             video/x-raw,format=YUY2,width=320,height=240,framerate=30/1 ! pipewiresink mode=provide \
             stream-properties=properties,media.class=Video/Source,media.role=Camera,node.name={name},node.description={name}-camera"
        );
        let words: Vec<_> = std::iter::once("-q").chain(line.split(' ')).collect();
        self.run("gst-launch-1.0", &words);
    }

    /// The cameras that `lenscap capture --probe` finds.
    fn probe(&self, arguments: &[&str]) -> Vec<Found> {
        let mut command = self.command(Command::new(env!("CARGO_BIN_EXE_lenscap")));
        command.args(["capture", "--probe"]).args(arguments);
        let output = command.output().unwrap();
        Query::PipeWire.read(&output.stdout, output.status.success())
    }

    /// The nodes that are cameras.
    fn nodes(&self) -> Vec<String> {
        let found = self.probe(&["--pipewire"]).into_iter();
        let cameras = found.filter(|found| found.kind == "pipewire");
        cameras.map(|found| found.spec).collect()
    }
}

/// If the config file's camera is missing, another one is used, and the status names the missing
/// one.
#[test]
fn a_missing_camera_is_replaced() {
    let mut session = Session::new();
    session.camera("green", "0xff00ff00");
    wait_until("green", || session.nodes().len() == 1);
    for (asked, instead_of) in [("auto", None), ("pipewire:red", Some("pipewire:red"))] {
        let config = session.runtime.path().join("lenscap.toml");
        std::fs::write(&config, format!("[camera]\nsource = \"{asked}\"\n")).unwrap();
        let lenscap = env!("CARGO_BIN_EXE_lenscap");
        let file = config.display().to_string();
        session.run(lenscap, &["--no-tray", "--config", &file]);
        let status = || {
            let mut command = session.command(Command::new(lenscap));
            let output = command.args(["status", "--json"]).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            Report::from_json(text.trim()).ok()
        };
        let source = || status().map(|report| report.source).unwrap_or_default();
        // Until one is found, the status has the requested kind and no name.
        wait_until(asked, || !source().name.is_empty());
        assert_eq!(source().name, "green-camera");
        assert_eq!(source().instead_of.as_deref(), instead_of);
        let mut applet = session.children.pop().unwrap();
        applet.kill().unwrap();
        applet.wait().unwrap();
    }
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    while !done() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Our own camera is neither found nor used, and a named one is shown.
#[test]
fn the_named_node_is_shown_and_never_our_own() {
    assert!(
        Path::new("/usr/bin/pipewire").exists(),
        "pipewire is needed"
    );
    let mut session = Session::new();
    session.camera("lenscap", "0xffff0000");
    wait_until("our own node", || {
        let dump = session.command(Command::new("pw-dump")).output().unwrap();
        String::from_utf8_lossy(&dump.stdout).contains("lenscap-camera")
    });
    assert_eq!(session.nodes(), [""; 0]);
    session.camera("green", "0xff00ff00");
    wait_until("green", || session.nodes().len() == 1);
    session.camera("blue", "0xff0000ff");
    wait_until("blue", || session.nodes().len() == 2);

    let checked = session.probe(&["pipewire:blue"]).remove(0);
    assert_eq!((checked.problem, &*checked.name), (None, "blue-camera"));
    for (node, word) in [("lenscap", "own"), ("red", "no camera 'red'")] {
        let checked = session.probe(&[&format!("pipewire:{node}")]).remove(0);
        let text = checked.problem.expect("a problem").to_string();
        assert!(text.contains(word), "{text}");
    }

    // U and V of BT.601.
    for (source, colour) in [("pipewire:blue", (240, 110)), ("pipewire:green", (54, 34))] {
        let worker = session.command(worker());
        let mut applet = WorkerPeer::start(worker, source, geometry(PixelFormat::I420), |_| {});
        applet.send(ToWorker::Open);
        for _ in 0..10 {
            let frame = applet.frame();
            let chroma = &frame[320 * 240..];
            let seen = (chroma[0], chroma[160 * 120]);
            assert_eq!(seen, colour, "{source}");
        }
    }
}
