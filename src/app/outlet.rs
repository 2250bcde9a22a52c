//! The output, as the applet holds it: open or waited for, and watched for clients.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use glib::{ControlFlow, IOCondition};

use super::Events;
use crate::clients::{NodeWatch, Traffic, UsageEvent};
use crate::descriptor::Watched;
use crate::output::{self, V4l2loopback};
use crate::placeholder::Pictures;
use crate::relay::{Card, Event, Fault, FaultKind, Plan, Watch};
use crate::settings::Settings;

/// The virtual camera, or the wait for one.
pub struct Outlet {
    open: Option<Open>,
    /// Watches over nodes that could not be opened, while there is no output.
    waiting: Vec<Watched>,
    events: Events,
    /// Called when a node that could not be opened may be free.
    retry: Rc<dyn Fn()>,
}

struct Open {
    /// What it was set up by.
    settings: Settings,
    output: Rc<RefCell<V4l2loopback>>,
    usage: Option<UsageEvent>,
    /// The placeholder that is up; `None` while the camera's picture is.
    card: Option<Card>,
    /// Whether a client streams.
    sustained: bool,
    /// Shows the placeholder again and again while a client streams.
    pulse: Option<Watched>,
    _sources: Vec<Watched>,
}

impl Outlet {
    /// An outlet without an output.
    pub fn new(events: Events, retry: impl Fn() + 'static) -> Self {
        Self {
            open: None,
            waiting: Vec::new(),
            events,
            retry: Rc::new(retry),
        }
    }

    /// The open output.
    pub fn output(&self) -> Option<std::cell::Ref<'_, V4l2loopback>> {
        Some(self.open.as_ref()?.output.borrow())
    }

    /// The settings that the open output was set up by.
    pub fn settings(&self) -> Option<Settings> {
        Some(self.open.as_ref()?.settings.clone())
    }

    /// How its clients are noticed.
    pub fn watch(&self) -> Watch {
        match &self.open {
            Some(Open { usage: Some(_), .. }) => Watch::UsageEvent,
            _ => Watch::Inotify,
        }
    }

    /// Opens the output that the settings ask for. While it can't be opened, every node that might
    /// become free is watched.
    pub fn connect(&mut self, settings: &Settings) -> Result<Plan, Fault> {
        self.disconnect();
        let nodes: Vec<_> = match &settings.output.spec.device {
            Some(path) => vec![path.clone()],
            None => output::nodes(),
        };
        let mut watches: Vec<_> = nodes
            .iter()
            .filter_map(|node| NodeWatch::new(node).ok())
            .collect();
        let mut result = output::open(settings);
        // Our own attempt opens and closes alike; one more close is another writer's, just now.
        if result.is_err() && watches.iter_mut().any(|watch| freed(watch.read())) {
            result = output::open(settings);
        }
        result
            .and_then(|output| self.adopt(output, settings))
            .inspect_err(|_| {
                self.waiting = watches.into_iter().map(|watch| self.wait(watch)).collect();
            })
    }

    fn adopt(&mut self, output: V4l2loopback, settings: &Settings) -> Result<Plan, Fault> {
        let usage = UsageEvent::subscribe(output.device());
        let node = NodeWatch::new(output.path()).map_err(|error| lost(output.path(), &error))?;
        let output = Rc::new(RefCell::new(output));
        let mut sources = vec![self.watch_node(node, usage, &output)];
        if let Some(usage) = usage {
            sources.push(self.watch_usage(usage, &output));
        }
        self.open = Some(Open {
            settings: settings.clone(),
            output,
            usage,
            card: Some(Card::Off),
            sustained: false,
            pulse: None,
            _sources: sources,
        });
        Ok(self.plan(settings))
    }

    /// How to time things with this output.
    pub fn plan(&self, settings: &Settings) -> Plan {
        Plan::new(settings, self.watch())
    }

    fn wait(&self, mut watch: NodeWatch) -> Watched {
        let retry = self.retry.clone();
        let fd = watch.as_fd().as_raw_fd();
        let source = glib_unix::unix_fd_add_local(fd, IOCondition::IN, move |_, _| {
            if let Ok(Traffic { closes: 0, .. }) = watch.read() {
                return ControlFlow::Continue;
            }
            // A new attempt makes new watches, and drops this one: not from within it.
            let retry = retry.clone();
            glib::idle_add_local_once(move || retry());
            ControlFlow::Break
        });
        Watched::new(source)
    }

    /// Opens and closes are clients where the driver doesn't tell; where it does, a close is the
    /// moment to ask it again, so that a verdict that was missed can't stick.
    fn watch_node(
        &self,
        mut node: NodeWatch,
        usage: Option<UsageEvent>,
        output: &Rc<RefCell<V4l2loopback>>,
    ) -> Watched {
        let events = self.events.clone();
        let output = output.clone();
        let fd = node.as_fd().as_raw_fd();
        let source = glib_unix::unix_fd_add_local(fd, IOCondition::IN, move |_, _| {
            let Ok(traffic) = node.read() else {
                return ControlFlow::Break;
            };
            if traffic.opens > 0 {
                events.send(Event::Opens(traffic.opens));
            }
            if traffic.closes > 0 {
                if let Some(usage) = usage
                    && let Err(error) = usage.ask_again(output.borrow().device())
                {
                    tracing::debug!("asking for the clients again: {error}");
                }
                events.send(Event::Opens(-traffic.closes));
            }
            ControlFlow::Continue
        });
        Watched::new(source)
    }

    fn watch_usage(&self, usage: UsageEvent, output: &Rc<RefCell<V4l2loopback>>) -> Watched {
        let events = self.events.clone();
        let output = output.clone();
        let fd = output.borrow().device().file().as_raw_fd();
        let source = glib_unix::unix_fd_add_local(fd, IOCondition::PRI, move |_, _| {
            let read = usage.read(output.borrow().device());
            match read {
                Ok(Some(count)) => events.send(Event::Usage(count)),
                Ok(None) => {}
                Err(error) => {
                    let fault = lost(output.borrow().path(), &error);
                    events.send(Event::OutputLost(fault));
                    return ControlFlow::Break;
                }
            }
            ControlFlow::Continue
        });
        Watched::new(source)
    }

    /// Shows a camera frame, unless it came too soon after the last one.
    pub fn submit(&mut self, frame: &[u8]) -> Result<(), Fault> {
        self.with_open(|open| {
            open.card = None;
            open.pulse = None;
            if !open.output.borrow_mut().submit(frame)? {
                tracing::debug!("a frame came too soon after the last one");
            }
            Ok(())
        })
    }

    /// Shows a placeholder.
    pub fn show(&mut self, card: Card) -> Result<(), Fault> {
        self.with_open(|open| {
            open.card = Some(card);
            open.output.borrow_mut().show(card)
        })?;
        self.set_pulse();
        Ok(())
    }

    /// Keeps frames coming to a client that streams, or stops it.
    pub fn sustain(&mut self, on: bool) -> Result<(), Fault> {
        self.with_open(|open| {
            open.sustained = on;
            open.output.borrow_mut().sustain(on)
        })?;
        self.set_pulse();
        Ok(())
    }

    /// While a client streams and a placeholder is up, it is shown again at the nominal rate, which
    /// costs no copy. The driver's own repeats stay on below it, to bridge whatever may go wrong.
    fn set_pulse(&mut self) {
        let events = self.events.clone();
        let Some(open) = &mut self.open else {
            return;
        };
        let Some(card) = open.card.filter(|_| open.sustained) else {
            open.pulse = None;
            return;
        };
        let output = open.output.clone();
        let frame_time = Duration::from_secs(1) / output.borrow().framerate();
        let source = glib::timeout_add_local(frame_time, move || {
            let shown = output.borrow_mut().show(card);
            match shown {
                Ok(()) => ControlFlow::Continue,
                Err(error) => {
                    let fault = lost(output.borrow().path(), &error);
                    events.send(Event::OutputLost(fault));
                    ControlFlow::Break
                }
            }
        });
        open.pulse = Some(Watched::new(source));
    }

    /// Takes other placeholder pictures, and shows the new one if a placeholder is up.
    pub fn set_pictures(&mut self, pictures: Pictures) -> Result<(), Fault> {
        self.with_open(|open| {
            let mut output = open.output.borrow_mut();
            output.set_pictures(pictures);
            open.card.map_or(Ok(()), |card| output.show(card))
        })
    }

    /// Gives the device back, and waits for none.
    pub fn disconnect(&mut self) {
        self.open = None;
        self.waiting.clear();
    }

    /// Drops a device that is gone.
    pub fn forget(&mut self) {
        self.open = None;
    }

    fn with_open(&mut self, act: impl FnOnce(&mut Open) -> io::Result<()>) -> Result<(), Fault> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        act(open).map_err(|error| lost(open.output.borrow().path(), &error))
    }
}

/// Whether somebody closed who was there before.
fn freed(traffic: io::Result<Traffic>) -> bool {
    traffic.is_ok_and(|traffic| traffic.closes > traffic.opens)
}

fn lost(path: &Path, error: &io::Error) -> Fault {
    let text = format!(
        "{} is gone: {error}; load v4l2loopback again",
        path.display()
    );
    Fault::new(FaultKind::NoOutput, text)
}
