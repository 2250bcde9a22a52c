//! The connection to PipeWire, and the loop that it speaks on.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;

use ::pipewire as pw;
use pw::context::ContextRc;
use pw::core::{CoreRc, Listener, PW_ID_CORE};
use pw::loop_::{LoopRc, Timeout};

/// A connection to PipeWire.
pub struct Connection {
    // Dropped in this order.
    _listener: Listener,
    core: CoreRc,
    _context: ContextRc,
    own_loop: LoopRc,
    /// What ended it.
    failed: Rc<RefCell<Option<String>>>,
}

impl Connection {
    pub fn new() -> io::Result<Self> {
        pw::init();
        let own_loop = LoopRc::new(None).map_err(io::Error::other)?;
        let context = ContextRc::new(&own_loop, None).map_err(io::Error::other)?;
        let core = context.connect_rc(None).map_err(io::Error::other)?;
        let failed = Rc::<RefCell<_>>::default();
        let noted = failed.clone();
        let listener = core
            .add_listener_local()
            .error(move |id, _, code, message| {
                if id == PW_ID_CORE {
                    noted.replace(Some(message.to_owned()));
                } else {
                    tracing::debug!("PipeWire on object {id}: {message} ({code})");
                }
            })
            .register();
        Ok(Self {
            _listener: listener,
            core,
            _context: context,
            own_loop,
            failed,
        })
    }

    pub fn core(&self) -> &CoreRc {
        &self.core
    }

    /// Handles what has come, without waiting.
    pub fn dispatch(&self) -> io::Result<()> {
        self.own_loop
            .iterate(Timeout::Finite(std::time::Duration::ZERO));
        match self.failed.take() {
            Some(message) => Err(io::Error::other(message)),
            None => Ok(()),
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.own_loop.fd()
    }
}
