//! What clients see, shown to the preferences window over a channel of its own: as a client of the
//! virtual camera it would take the only reader's place there.
//!
//! A preview is one end of a `SOCK_SEQPACKET` socketpair. The first packet tells the frames' shape
//! and carries a memfd with a few slots, which the reader can't write to. After it, a packet is a
//! slot's number: from the applet it lends the slot with the newest frame, from the reader it gives
//! the slot back. A reader that is slow misses frames; it never holds the applet up. Either side's
//! end is the socket's end, and a frame of another shape means another preview.

mod audience;
mod protocol;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use audience::Audience;
pub use reader::{Frame, Reader};
