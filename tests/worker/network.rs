//! Network cameras: a sender on this machine and the real worker.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use lenscap::capture::protocol::ToWorker;
use lenscap::relay::FaultKind;
use lenscap::settings::{PixelFormat, SourceSpec};

use super::applet::{WAIT_TIMEOUT, WorkerPeer};
use super::geometry;

/// A sender that ends with the test.
struct Sender(Child);

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A sender's command in the README and the matching source.
struct Sample {
    command: String,
    source: String,
}

/// The README's example addresses.
const RECEIVER: &str = "192.168.1.20";
const CAMERA: &str = "192.168.1.30";

/// A blue picture.
const BLUE: &str = "videotestsrc is-live=true pattern=solid-color foreground-color=0xff0000ff \
                    ! video/x-raw,width=320,height=240,framerate=30/1 ! videoconvert";

fn samples() -> Vec<Sample> {
    let readme = include_str!("../../README.md");
    let start = readme.find("### Network cameras").unwrap();
    let section = &readme[start..];
    let mut lines = section[..section.find("\n## ").unwrap()].lines();
    let mut samples = Vec::new();
    while let Some(line) = lines.next() {
        if line.starts_with("gst-launch-1.0 ") {
            let source = lines.next().unwrap();
            let source = source.strip_prefix("lenscap --source '").unwrap();
            samples.push(Sample {
                command: line.to_owned(),
                source: source.strip_suffix('\'').unwrap().to_owned(),
            });
        }
    }
    samples
}

impl Sample {
    /// The same on this machine, at an unused port.
    fn at(&self, port: u16) -> Self {
        let here = |text: &str| {
            let text = text.replace(RECEIVER, "127.0.0.1");
            let text = text.replace(CAMERA, "127.0.0.1");
            text.replace("0.0.0.0", "127.0.0.1")
                .replace("5004", &port.to_string())
        };
        Self {
            command: here(&self.command),
            source: here(&self.source),
        }
    }

    fn is_fetched(&self) -> bool {
        self.source.starts_with("rtp+tcp:")
    }

    fn comes_and_goes(&self) {
        let sender = self.send();
        let mut applet = opened(&self.source);
        expect_blue(&mut applet);
        drop(sender);
        let fault = applet.fault();
        let kinds = [FaultKind::NoPicture, FaultKind::Stopped];
        assert!(kinds.contains(&fault.kind), "{}: {fault}", self.source);
        assert_eq!(applet.ended_within(WAIT_TIMEOUT).code(), Some(1));

        let _sender = self.send();
        expect_blue(&mut opened(&self.source));
    }

    /// Starts the sender, and waits for it if it listens.
    fn send(&self) -> Sender {
        let sender = Command::new("sh")
            .args(["-c", &format!("exec {}", self.command)])
            .env("camera", BLUE)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        if self.is_fetched() {
            let port = self.source.split([':', '?']).nth(2).unwrap();
            wait_for(port.parse().unwrap());
        }
        Sender(sender)
    }
}

fn free_port(is_tcp: bool) -> u16 {
    let address = "127.0.0.1:0";
    let taken = if is_tcp {
        TcpListener::bind(address).unwrap().local_addr()
    } else {
        UdpSocket::bind(address).unwrap().local_addr()
    };
    taken.unwrap().port()
}

/// Waits until a process listens on the port.
fn wait_for(port: u16) {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    while let Err(error) = TcpStream::connect(("127.0.0.1", port)) {
        assert!(Instant::now() < deadline, "port {port}: {error}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn opened(source: &str) -> WorkerPeer {
    let applet = WorkerPeer::new(source, geometry(PixelFormat::I420));
    applet.send(ToWorker::Open);
    applet
}

/// Waits for frames that are blue everywhere.
fn expect_blue(applet: &mut WorkerPeer) {
    for _ in 0..10 {
        let frame = applet.frame();
        let (luma, colour) = frame.split_at(320 * 240);
        let (u, v) = colour.split_at(160 * 120);
        let within = |plane: &[u8], least: u8, most: u8| {
            plane.iter().all(|value| (least..=most).contains(value))
        };
        // Blue is 41, 240, 110 in BT.601, and 29, 255, 107 in a JPEG picture's full range.
        assert!(within(luma, 25, 55), "luma {:?}", &luma[..8]);
        assert!(within(u, 225, 255), "u {:?}", &u[..8]);
        assert!(within(v, 100, 120), "v {:?}", &v[..8]);
    }
}

/// All samples in the README: frames arrive, their loss is reported, and they arrive again.
#[test]
fn senders_as_in_the_readme_are_received() {
    let samples = samples();
    assert_eq!(samples.len(), 4);
    // In parallel, as detecting the loss of datagrams takes time.
    thread::scope(|scope| {
        for sample in &samples {
            scope.spawn(|| sample.at(free_port(sample.is_fetched())).comes_and_goes());
        }
    });
}

/// A port without a sender.
#[test]
fn the_fault_names_a_missing_sender() {
    let port = free_port(false);
    let mut applet = opened(&format!("rtp://127.0.0.1:{port}?encoding=JPEG"));
    let fault = applet.fault();
    assert_eq!(fault.kind, FaultKind::NoPicture);
    assert!(fault.to_string().contains("start its sender"), "{fault}");

    let port = free_port(true);
    for url in [
        format!("rtp+tcp://127.0.0.1:{port}?encoding=H264"),
        format!("http://me:secret@127.0.0.1:{port}/"),
        format!("rtsp://me:secret@127.0.0.1:{port}/"),
    ] {
        let fault = opened(&url).fault();
        assert_eq!(fault.kind, FaultKind::NoCamera, "{url}: {fault}");
        assert!(!fault.to_string().contains("secret"), "{fault}");
    }
}

/// A camera's usual frame interval.
const QUICK: Duration = Duration::from_millis(33);

/// How a camera sends its pictures over HTTP.
#[derive(Clone, Copy, Debug)]
enum Way {
    Multipart,
    /// JPEG pictures without separators.
    Bare,
}

/// A camera with a web server, for the user "me".
struct WebCamera {
    port: u16,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl WebCamera {
    fn new(way: Way, frame_time: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                // The client closes the connection.
                let _ = serve(stream.unwrap(), way, frame_time, &stopped);
            }
        });
        Self {
            port,
            stop,
            thread: Some(thread),
        }
    }

    fn url(&self, password: &str) -> String {
        format!("http://me:{password}@127.0.0.1:{}/video", self.port)
    }
}

impl Drop for WebCamera {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn serve(
    mut stream: TcpStream,
    way: Way,
    frame_time: Duration,
    stopped: &AtomicBool,
) -> std::io::Result<()> {
    let mut request = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if request.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    // "me:s@crt"
    if !head.contains("Authorization: Basic bWU6c0BjcnQ=") {
        let refusal = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"camera\"\r\n\
                       Content-Length: 0\r\n\r\n";
        return stream.write_all(refusal.as_bytes());
    }
    let kind = match way {
        Way::Multipart => "multipart/x-mixed-replace; boundary=frame",
        Way::Bare => "video/x-motion-jpeg",
    };
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n")?;
    let picture = blue_jpeg();
    while !stopped.load(Ordering::Relaxed) {
        if let Way::Multipart = way {
            let len = picture.len();
            write!(
                stream,
                "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len}\r\n\r\n"
            )?;
        }
        stream.write_all(&picture)?;
        if let Way::Multipart = way {
            stream.write_all(b"\r\n")?;
        }
        thread::park_timeout(frame_time);
    }
    Ok(())
}

fn blue_jpeg() -> Vec<u8> {
    let blue = image::RgbImage::from_pixel(320, 240, image::Rgb([0, 0, 255]));
    let mut jpeg = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 90);
    blue.write_with_encoder(encoder).unwrap();
    jpeg
}

#[test]
fn frames_arrive_over_http_until_the_camera_ends() {
    for way in [Way::Multipart, Way::Bare] {
        let camera = WebCamera::new(way, QUICK);
        let mut applet = opened(&camera.url("s%40crt"));
        expect_blue(&mut applet);
        drop(camera);
        let fault = applet.fault();
        assert_eq!(fault.kind, FaultKind::Stopped, "{way:?}: {fault}");
    }
}

/// The first picture isn't delayed until the next arrives.
#[test]
fn a_slow_cameras_first_frame_is_shown_at_once() {
    let camera = WebCamera::new(Way::Multipart, Duration::from_secs(3600));
    opened(&camera.url("s%40crt")).frame();
}

#[test]
fn a_wrong_password_is_reported_but_not_shown() {
    let camera = WebCamera::new(Way::Multipart, QUICK);
    let fault = opened(&camera.url("wrong-secret")).fault();
    assert_eq!(fault.kind, FaultKind::NoPermission, "{fault}");
    assert!(!fault.to_string().contains("wrong-secret"), "{fault}");
}

/// An RTSP camera with its URL for the user "me".
fn rtsp_camera(arguments: &[&str]) -> (Sender, impl Fn(&str) -> String) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/worker/rtsp-server.py");
    let mut server = Command::new("/usr/bin/python3")
        .arg(script)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut port = String::new();
    let mut stdout = BufReader::new(server.stdout.take().unwrap());
    stdout.read_line(&mut port).unwrap();
    let port = port.trim().to_owned();
    let url = move |password: &str| format!("rtsp://me:{password}@127.0.0.1:{port}/camera");
    (Sender(server), url)
}

#[test]
fn frames_arrive_over_rtsp_until_the_camera_ends() {
    for arguments in [&[][..], &["--sound"]] {
        let (server, url) = rtsp_camera(arguments);
        let mut applet = opened(&url("s%40crt"));
        expect_blue(&mut applet);
        drop(server);
        let fault = applet.fault();
        let kinds = [
            FaultKind::NoPicture,
            FaultKind::Stopped,
            FaultKind::NoCamera,
        ];
        assert!(kinds.contains(&fault.kind), "{fault}");
        assert!(!fault.to_string().contains("s@crt"), "{fault}");
    }
    let (_server, url) = rtsp_camera(&[]);
    let fault = opened(&url("wrong-secret")).fault();
    assert_eq!(fault.kind, FaultKind::NoPermission, "{fault}");
    assert!(!fault.to_string().contains("secret"), "{fault}");
}

#[test]
fn urls_in_the_readme_are_valid_sources() {
    let readme = include_str!("../../README.md");
    let lines = readme
        .lines()
        .filter_map(|line| line.strip_prefix("lenscap --source "));
    let mut urls = 0;
    for line in lines {
        let source = line.split(" #").next().unwrap().trim().trim_matches('\'');
        let spec: SourceSpec = source.parse().unwrap();
        urls += usize::from(matches!(spec, SourceSpec::Network(_)));
    }
    assert_eq!(urls, 6);
}
