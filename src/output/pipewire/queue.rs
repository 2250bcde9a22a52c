//! The buffers that no consumer has, which PipeWire keeps.

use std::ptr::NonNull;

use ::pipewire::stream::Stream;
use ::pipewire::sys::pw_buffer;

/// They come one after the other, and are sent by putting them back.
pub trait Queue {
    /// Takes the next one. `None` if there is none, or a consumer is busy with it: then it goes to
    /// the end of the queue.
    fn dequeue(&self) -> Option<NonNull<pw_buffer>>;
    /// Sends one that was dequeued.
    fn queue(&self, buffer: NonNull<pw_buffer>);
}

impl Queue for Stream {
    fn dequeue(&self) -> Option<NonNull<pw_buffer>> {
        // SAFETY: what is dequeued is queued again by the only caller.
        NonNull::new(unsafe { self.dequeue_raw_buffer() })
    }

    fn queue(&self, buffer: NonNull<pw_buffer>) {
        // SAFETY: it was dequeued from this stream.
        unsafe { self.queue_raw_buffer(buffer.as_ptr()) };
    }
}
