//! The event by which v4l2loopback counts the clients that stream.

use std::io;

use crate::output::v4l2::Device;

/// `V4L2_EVENT_PRI_CLIENT_USAGE`, since v4l2loopback 0.13 (`V4L2_EVENT_PRIVATE_START` + 0x08E00000 + 1).
const CLIENT_USAGE: u32 = 0x10E0_0001;
/// The same in Ubuntu's patched 0.12.7, where it carries a count.
const CLIENT_USAGE_OLD: u32 = 0x0800_0000;

/// A subscription to the event of one device, whose file is then ready as `POLLPRI`.
#[derive(Clone, Copy, Debug)]
pub struct UsageEvent {
    kind: u32,
}

impl UsageEvent {
    /// Subscribes; `None` where the driver has no such event.
    pub fn subscribe(device: &Device) -> Option<Self> {
        [CLIENT_USAGE, CLIENT_USAGE_OLD]
            .into_iter()
            .find(|kind| device.subscribe(*kind).is_ok())
            .map(|kind| Self { kind })
    }

    /// The newest count of streaming clients (some drivers: just 0 or 1); `None` if nothing changed.
    pub fn read(self, device: &Device) -> io::Result<Option<u32>> {
        let mut newest = None;
        while let Some(count) = device.next_event(self.kind)? {
            newest = Some(count);
        }
        Ok(newest)
    }

    /// Requests the driver's present count, which then waits to be read, in case an event was missed.
    /// Subscribing twice does nothing, so the subscription is cancelled first.
    pub fn request(self, device: &Device) -> io::Result<()> {
        device.unsubscribe(self.kind)?;
        device.subscribe(self.kind)
    }
}
