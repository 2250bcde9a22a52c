//! Previews over a real bus, with readers in other processes.

use std::cell::Cell;
use std::fs::File;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gio::DBusConnection;
use glib::MainContext;
use lenscap::dbus::{NAME, Service};
use lenscap::output::{Frame, Lease, Slots};
use lenscap::placeholder::{Pictures, write_picture};
use lenscap::preview::{Audience, Reader};
use lenscap::relay::Card;
use lenscap::settings::{Geometry, PixelFormat};
use lenscap_support::bus::{Bus, own_name};
use lenscap_support::fake_applet::report;
use lenscap_support::preview::{open_preview, request_preview};

/// Previews use the process's only main loop, so the tests run one at a time.
static MAIN_LOOP: Mutex<()> = Mutex::new(());

/// Timeout on a busy machine.
const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

const GEOMETRY: Geometry = Geometry {
    format: PixelFormat::Yuy2,
    width: 64,
    height: 48,
};

/// All bytes of the card `Off`.
const CARD: u8 = 77;

fn filled(byte: u8) -> Vec<u8> {
    vec![byte; GEOMETRY.frame_len()]
}

/// Pictures whose card `Off` consists of this byte; the others are black.
fn pictures(byte: u8) -> Pictures {
    let mut file = tempfile::tempfile().unwrap();
    write_picture(&mut file, GEOMETRY, &[Card::Off], &filled(byte)).unwrap();
    Pictures::open(file, GEOMETRY).unwrap()
}

/// A worker's memory with one frame in it.
struct OneSlot(Vec<u8>, File);

impl Slots for OneSlot {
    fn pixels(&self, _: u32) -> &[u8] {
        &self.0
    }

    fn memory(&self) -> (&File, usize) {
        (&self.1, self.0.len())
    }

    fn release(&self, _: u32) {}
}

/// The applet's side of previews, on the test's main loop.
struct Stage {
    audience: Rc<Audience>,
    /// The last reported number of readers.
    left: Rc<Cell<Option<usize>>>,
    /// Added to the number of the process that opens a preview, to make it another one.
    other: Rc<Cell<u32>>,
    client: DBusConnection,
    _service: Service,
    _bus: Bus,
    _turn: MutexGuard<'static, ()>,
}

impl Stage {
    fn new() -> Self {
        let turn = MAIN_LOOP.lock().unwrap_or_else(PoisonError::into_inner);
        let bus = Bus::new();
        let server = bus.connect();
        let left = Rc::new(Cell::new(None));
        let told = left.clone();
        let audience = Rc::new(Audience::new(move |readers| told.set(Some(readers.len()))));
        let opened = audience.clone();
        let other = Rc::new(Cell::new(0));
        let others = other.clone();
        let service = Service::export(
            &server,
            |_| report(),
            |_| Ok(()),
            move |reader| {
                let preview = opened.open(reader + others.get(), &pictures(CARD));
                preview.map_err(|error| error.to_string())
            },
        );
        own_name(&server, NAME);
        Self {
            audience,
            left,
            other,
            client: bus.connect(),
            _service: service.unwrap(),
            _bus: bus,
            _turn: turn,
        }
    }

    /// Shows a camera frame that is made of this byte, as the frame pump does.
    fn submit(&self, byte: u8) {
        let slots = Arc::new(OneSlot(filled(byte), tempfile::tempfile().unwrap()));
        let lease = Arc::new(Lease::new(slots, 0));
        let frame = Frame {
            lease: &lease,
            captured: 0,
        };
        self.audience.sink().show(&frame).unwrap();
    }

    fn reader(&self) -> Reader {
        Reader::new(open_preview(&self.client)).unwrap()
    }
}

/// Runs the main loop until this is so.
fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let context = MainContext::default();
    let deadline = Instant::now() + WAIT_TIMEOUT;
    let timer = glib::timeout_add_local(WAIT_TIMEOUT, || glib::ControlFlow::Continue);
    while !is_so() {
        assert!(
            Instant::now() < deadline,
            "not within {WAIT_TIMEOUT:?}: {what}"
        );
        context.iteration(true);
    }
    timer.remove();
}

/// Handles the messages of readers, which have arrived already.
fn turn() {
    while MainContext::default().iteration(false) {}
}

/// The byte that the newest frame consists of; `None` if there is none.
fn seen(reader: &mut Reader) -> Option<u8> {
    Some(reader.newest().unwrap()?.bytes()[0])
}

#[test]
fn a_reader_sees_the_card_and_then_the_frames() {
    let stage = Stage::new();
    stage.audience.show(Card::Off, &pictures(CARD));
    let mut reader = stage.reader();
    assert_eq!(reader.geometry(), GEOMETRY);
    assert_eq!(seen(&mut reader), Some(CARD));
    for byte in 1..10 {
        turn();
        stage.submit(byte);
        assert_eq!(seen(&mut reader), Some(byte));
    }
    turn();
    stage.audience.repaint(&pictures(78)); // no card is up
    assert_eq!(seen(&mut reader), None);
    stage.audience.show(Card::Off, &pictures(CARD));
    assert_eq!(seen(&mut reader), Some(CARD));
    turn();
    stage.audience.repaint(&pictures(78));
    assert_eq!(seen(&mut reader), Some(78));
}

#[test]
fn a_preview_of_a_live_camera_starts_without_a_card() {
    let stage = Stage::new();
    stage.audience.show(Card::Off, &pictures(CARD));
    stage.submit(1);
    let mut reader = stage.reader();
    assert_eq!(seen(&mut reader), None);
    stage.submit(2);
    assert_eq!(seen(&mut reader), Some(2));
}

#[test]
fn previews_are_independent() {
    let stage = Stage::new();
    let mut quick = stage.reader();
    stage.other.set(1);
    let mut slow = stage.reader();
    let own = std::process::id(); // as the bus has it
    assert_eq!(stage.audience.readers(), [own, own + 1]);
    stage.submit(1);
    let looking = slow.newest().unwrap().unwrap();
    for byte in 2..10 {
        stage.submit(byte);
        assert_eq!(seen(&mut quick), Some(byte));
        turn();
    }
    assert_eq!(looking.bytes(), filled(1));
    drop(looking);
    drop(slow);
    wait("one left", || stage.left.take() == Some(1));
    stage.submit(10);
    assert_eq!(seen(&mut quick), Some(10));
}

#[test]
fn a_killed_reader_is_removed() {
    let stage = Stage::new();
    // It holds the socket, and reads nothing.
    let socket = Stdio::from(open_preview(&stage.client));
    let mut reader = Command::new("sleep")
        .arg("60")
        .stdin(socket)
        .spawn()
        .unwrap();
    for byte in 0..20 {
        stage.submit(byte);
    }
    turn();
    assert_eq!(
        (stage.audience.readers().len(), stage.left.get()),
        (1, None)
    );
    reader.kill().unwrap();
    wait("nobody left", || stage.left.get() == Some(0));
    assert!(stage.audience.readers().is_empty());
    reader.wait().unwrap();
}

#[test]
fn the_applet_can_end_all_previews_and_open_new_ones() {
    let stage = Stage::new();
    let mut reader = stage.reader();
    stage.audience.close();
    assert!(reader.newest().is_err());
    assert!(stage.audience.readers().is_empty());
    let mut again = stage.reader();
    stage.submit(3);
    assert_eq!(seen(&mut again), Some(3));
}

#[test]
fn a_process_has_one_preview_and_there_are_four_in_all() {
    let stage = Stage::new();
    let mut first = stage.reader();
    let mut again = stage.reader();
    assert!(first.newest().is_err(), "the new one takes its place");
    let mut kept = Vec::new();
    for other in 1..4 {
        stage.other.set(other);
        kept.push(open_preview(&stage.client));
    }
    assert_eq!(stage.audience.readers().len(), 4);
    stage.other.set(4);
    let refused = request_preview(&stage.client).unwrap_err();
    assert!(refused.message().contains("too many previews"), "{refused}");
    stage.submit(3);
    assert_eq!(seen(&mut again), Some(3));
}
