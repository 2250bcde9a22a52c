//! The promise of every output, walked: once a card has taken the place of camera frames, nothing
//! that a client can read holds one, whatever fails.

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use crate::placeholder::{Pictures, write_picture};
use crate::relay::{Card, FaultKind};
use crate::settings::{Geometry, PixelFormat};

/// What a camera frame is filled with; no card has it.
pub const CAMERA: u8 = 0xC7;

/// The shape of the frames.
pub fn geometry() -> Geometry {
    Geometry {
        format: PixelFormat::Yuy2,
        width: 16,
        height: 2,
    }
}

/// An output on a fake driver.
pub trait Walked {
    /// What happens to this backend alone.
    type Own: Debug;

    /// Shows a frame that is full of [`CAMERA`].
    fn submit(&mut self) -> io::Result<()>;
    fn show(&mut self, card: Card, pictures: &Arc<Pictures>) -> io::Result<()>;
    fn repeat(&mut self, pictures: &Arc<Pictures>) -> io::Result<()>;
    /// The cards have other pictures from now on.
    fn repaint(&mut self, pictures: &Arc<Pictures>) -> io::Result<()>;
    fn sustain(&mut self, on: bool) -> io::Result<()>;
    /// The driver's next call fails.
    fn break_driver(&mut self);
    fn act(&mut self, own: Self::Own) -> io::Result<()>;
    /// All bytes that clients can read.
    fn visible(&self) -> Vec<u8>;
}

#[derive(Clone, Debug)]
pub enum Move<Own> {
    Frame,
    Card(Card),
    Repeat,
    Repaint,
    Sustain(bool),
    BreakDriver,
    /// The pictures of the cards can't be read, or can be again.
    BreakCards(bool),
    Own(Own),
}

/// Some moves, two in five of them the backend's own.
pub fn moves<Own: Clone + Debug>(
    own: impl Strategy<Value = Own>,
) -> impl Strategy<Value = Vec<Move<Own>>> {
    let cards = vec![Card::Off, Card::Starting, Card::Failed(FaultKind::Other)];
    let one = prop_oneof![
        12 => Just(Move::Frame),
        4 => prop::sample::select(cards).prop_map(Move::Card),
        3 => Just(Move::Repeat),
        2 => Just(Move::Repaint),
        2 => any::<bool>().prop_map(Move::Sustain),
        1 => Just(Move::BreakDriver),
        3 => any::<bool>().prop_map(Move::BreakCards),
        20 => own.prop_map(Move::Own),
    ];
    vec(one, 1..100)
}

/// Makes the moves, and looks at what clients can read after each.
pub fn walk<W: Walked>(output: &mut W, moves: Vec<Move<W::Own>>) -> TestCaseResult {
    let file = CardFile::new();
    let pictures = &file.open();
    let shows_camera = |output: &W| output.visible().contains(&CAMERA);
    output.show(Card::Off, pictures).unwrap();
    prop_assert!(!shows_camera(output), "what was there before");
    let mut may_show_camera = false;
    for step in moves {
        let name = format!("{step:?}");
        let done = match step {
            Move::Frame => {
                may_show_camera = true;
                output.submit()
            }
            Move::Card(card) => {
                may_show_camera = false;
                output.show(card, pictures)
            }
            Move::Repeat => output.repeat(pictures),
            Move::Repaint => output.repaint(pictures),
            Move::Sustain(on) => output.sustain(on),
            Move::BreakDriver => {
                output.break_driver();
                Ok(())
            }
            Move::BreakCards(broken) => {
                file.set_broken(broken);
                Ok(())
            }
            Move::Own(own) => output.act(own),
        };
        prop_assert!(may_show_camera || !shows_camera(output), "{name}: {done:?}");
    }
    file.set_broken(true);
    output.break_driver();
    let _ = output.show(Card::Paused, pictures);
    prop_assert!(!shows_camera(output), "when all fails");
    Ok(())
}

/// A file of pictures that can be emptied.
struct CardFile {
    file: File,
    bytes: Vec<u8>,
}

impl CardFile {
    fn new() -> Self {
        let mut bytes = Vec::new();
        let cards: Vec<_> = Card::all().collect();
        let frame = vec![0x2D; geometry().frame_len()];
        write_picture(&mut bytes, geometry(), &cards, &frame).unwrap();
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&bytes, 0).unwrap();
        Self { file, bytes }
    }

    fn open(&self) -> Arc<Pictures> {
        Arc::new(Pictures::open(self.file.try_clone().unwrap(), geometry()).unwrap())
    }

    fn set_broken(&self, broken: bool) {
        if broken {
            self.file.set_len(0).unwrap();
        } else {
            self.file.write_all_at(&self.bytes, 0).unwrap();
        }
    }
}
