//! What a random walk does.

use proptest::prelude::*;

/// Outputs of a walk, at most.
pub const MOST_OUTPUTS: u8 = 2;
/// How late a busy main loop may be, in milliseconds.
const MOST_LATE: u64 = 2000;

/// What the walk does next. Small numbers, so that it meets itself again.
#[derive(Clone, Copy, Debug)]
pub enum Move {
    /// Time passes; timers fire when they are due.
    Pass(u64),
    /// Time passes, and something else comes before the timers that are due.
    Late(u64),
    Usage(u8, u32),
    Opens(u8, i32),
    /// Which of three processes have the device open; `None`: /proc can't be read.
    Holders(u8, Option<u8>),
    Previews(u32),
    /// The worker delivers a frame (a dead one's last, where there is none).
    Frame,
    /// The pump reports silence.
    Silent,
    WorkerFails,
    WorkerExits,
    Pause,
    Resume,
    Lock(bool),
    Sleep,
    Awake,
    OutputLost(u8),
    OutputReady(u8),
    OutputDropped(u8),
    OutputPinned,
    BetterOutput,
    SourceReady,
    SourceMissing,
    Settings {
        output: bool,
        source: bool,
        cover_when_locked: bool,
    },
}

pub fn moves() -> impl Strategy<Value = Move> {
    let id = || 0..MOST_OUTPUTS;
    prop_oneof![
        12 => prop_oneof![0..60u64, 200..400u64, 900..1100u64, 2000..6000u64].prop_map(Move::Pass),
        4 => (0..MOST_LATE).prop_map(Move::Late),
        6 => (id(), 0..3u32).prop_map(|(id, count)| Move::Usage(id, count)),
        3 => (id(), -2..3i32).prop_map(|(id, change)| Move::Opens(id, change)),
        4 => (id(), prop::option::weighted(0.9, 0..8u8)).prop_map(|(id, mask)| Move::Holders(id, mask)),
        1 => (0..2u32).prop_map(Move::Previews),
        12 => Just(Move::Frame),
        1 => Just(Move::Silent),
        1 => Just(Move::WorkerFails),
        3 => Just(Move::WorkerExits),
        1 => Just(Move::Pause),
        2 => Just(Move::Resume),
        1 => any::<bool>().prop_map(Move::Lock),
        1 => Just(Move::Sleep),
        2 => Just(Move::Awake),
        1 => id().prop_map(Move::OutputLost),
        3 => id().prop_map(Move::OutputReady),
        1 => id().prop_map(Move::OutputDropped),
        1 => Just(Move::OutputPinned),
        1 => Just(Move::BetterOutput),
        3 => Just(Move::SourceReady),
        1 => Just(Move::SourceMissing),
        1 => any::<[bool; 3]>().prop_map(|[output, source, cover_when_locked]| Move::Settings {
            output,
            source,
            cover_when_locked,
        }),
    ]
}
