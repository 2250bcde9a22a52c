//! A camera of vcam as an output: its clients, by the driver's word.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::rc::Rc;

use glib::{ControlFlow, IOCondition};

use super::{Outlet, Signs, Watched, lost};
use crate::clients::{NodeWatch, watch_vcam};
use crate::output::{Output, Vcam};
use crate::relay::{Card, Event, Fault, Watch};

impl Outlet {
    /// Watches for streams by the driver's word; opens and closes say when to look who it is.
    pub(super) fn watch_vcam(&self, output: &Rc<RefCell<Output>>) -> io::Result<Signs> {
        let mut sources = vec![self.watch_opens(output)?];
        sources.extend(self.watch_streams(output)?);
        Ok(Signs::new(Watch::VcamWait, sources))
    }

    fn watch_opens(&self, output: &Rc<RefCell<Output>>) -> io::Result<Watched> {
        let place = output.borrow().place();
        let mut node = NodeWatch::new(Path::new(&place))?;
        let (id, events) = (self.id, self.events.clone());
        let output = Rc::downgrade(output); // it may be taken from here, within the event
        let fd = node.as_fd().as_raw_fd();
        let source = glib_unix::unix_fd_add_local(fd, IOCondition::IN, move |_, _| {
            let Ok(traffic) = node.read() else {
                return ControlFlow::Break;
            };
            events.send(Event::Opens(id, traffic.opens - traffic.closes));
            let Some(output) = output.upgrade() else {
                return ControlFlow::Break;
            };
            let looked = match output.borrow().vcam() {
                Some(vcam) if traffic.closes > 0 => vcam.look(),
                _ => Ok(()),
            };
            let Err(error) = looked else {
                return ControlFlow::Continue;
            };
            let fault = lost(&output.borrow(), &error);
            drop(output);
            events.send(Event::OutputLost(id, fault));
            ControlFlow::Break
        });
        Ok(Watched::new(source))
    }

    /// The nodes in /dev have changed: ours may be one that we can open now.
    pub fn look(&mut self) -> Result<(), Fault> {
        self.with_open(|open| open.output.borrow().vcam().map_or(Ok(()), Vcam::look))
    }

    fn watch_streams(&self, output: &Rc<RefCell<Output>>) -> io::Result<Option<Watched>> {
        let news = match output.borrow().vcam() {
            Some(vcam) => watch_vcam(vcam.control(), vcam.pacemaker())?,
            None => return Ok(None),
        };
        let (id, events) = (self.id, self.events.clone());
        let output = Rc::downgrade(output);
        let task = glib::spawn_future_local(async move {
            while let Ok(news) = news.recv().await {
                let Some(output) = output.upgrade() else {
                    return;
                };
                let event = match news {
                    Ok(streams) => Event::Usage(id, streams.into()),
                    Err(error) => Event::OutputLost(id, lost(&output.borrow(), &error)),
                };
                drop(output);
                events.send(event);
            }
        });
        Ok(task.into_source_id().ok().map(Watched::new))
    }

    /// Gives the camera up, covered, without closing it, if it is one of vcam.
    pub fn take_vcam(&mut self) -> Option<Vcam> {
        let open = self
            .open
            .take_if(|open| open.output.borrow().vcam().is_some())?;
        if let Err(error) = open.output.borrow_mut().show(Card::Off) {
            tracing::debug!("covering vcam: {error}");
        }
        let output = open.output.clone();
        drop(open); // and with it whatever else holds the output
        match Rc::into_inner(output)?.into_inner() {
            Output::Vcam(output) => Some(output),
            Output::V4l2loopback(_) | Output::Pipewire(_) => None,
        }
    }
}
