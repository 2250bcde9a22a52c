//! The driver's call that waits until a client streams, or until none does.

use std::io;
use std::sync::Arc;
use std::thread;

use async_channel::Receiver;

use super::uapi::Control;

/// Whether a client streams, now and whenever that changes.
///
/// The driver can't be polled for it and the call only ends with a change, so a thread waits in it.
/// It outlives the receiver until the next change, and the open device with it: that is kept for the
/// applet's life anyway.
///
/// `first` is called before the main loop receives it, which may be busy starting a camera.
pub fn streams(
    control: &Arc<Control>,
    first: impl Fn(bool) + Send + 'static,
) -> io::Result<Receiver<io::Result<bool>>> {
    let (sender, receiver) = async_channel::unbounded();
    let control = control.clone();
    let thread = thread::Builder::new().name("vcam-wait".to_owned());
    thread.spawn(move || {
        let mut streaming = control.is_streaming();
        loop {
            let known = streaming.as_ref().ok().copied();
            known.into_iter().for_each(&first);
            let is_received = sender.send_blocking(streaming).is_ok();
            let Some(known) = known.filter(|_| is_received) else {
                return;
            };
            streaming = control.wait_for(!known).map(|()| !known);
        }
    })?;
    Ok(receiver)
}
