//! Somebody else's D-Bus service, as a test plays it.

use std::rc::Rc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use gio::prelude::*;
use gio::{Cancellable, DBusConnection, DBusError, DBusNodeInfo, UnixFDList};
use glib::Variant;

use crate::bus::own_name;

/// A job for the service's own thread.
type Job = Box<dyn FnOnce(&DBusConnection) + Send>;

/// An object: its path, its interfaces as XML.
pub struct Object {
    pub path: &'static str,
    pub xml: &'static str,
}

/// Somebody calls a method, or reads a property.
pub struct Call<'a> {
    /// Where the stand-in is, to signal before it answers.
    pub connection: &'a DBusConnection,
    /// Who calls; not known for properties.
    pub sender: Option<&'a str>,
    /// The method or property.
    pub name: &'a str,
    /// What is given to the method.
    pub parameters: &'a Variant,
}

/// What a call is answered with.
pub struct Reply {
    value: Variant,
    fds: Option<UnixFDList>,
}

impl Reply {
    /// Descriptors go with it; the value has handles for them.
    pub fn with_fds(value: Variant, fds: UnixFDList) -> Self {
        let fds = Some(fds);
        Self { value, fds }
    }
}

impl From<Variant> for Reply {
    fn from(value: Variant) -> Self {
        Self { value, fds: None }
    }
}

/// A service that leaves the bus when dropped.
pub struct StandIn {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    /// Takes a name on a bus; `answer` answers `None` for an error.
    pub fn new<R: Into<Reply>>(
        connection: DBusConnection,
        name: &'static str,
        objects: Vec<Object>,
        answer: impl Fn(&Call) -> Option<R> + Send + 'static,
    ) -> Self {
        let (jobs, to_do) = mpsc::channel::<Job>();
        let (ready, is_ready) = mpsc::channel();
        let thread = thread::spawn(move || {
            let context = glib::MainContext::new();
            let serving = context.with_thread_default(|| {
                export(&connection, objects, answer);
                own_name(&connection, name);
                ready.send(()).unwrap();
                loop {
                    while context.iteration(false) {}
                    match to_do.recv_timeout(Duration::from_millis(1)) {
                        Ok(job) => job(&connection),
                        Err(mpsc::RecvTimeoutError::Timeout) => {}
                        Err(mpsc::RecvTimeoutError::Disconnected) => break,
                    }
                }
            });
            serving.unwrap();
            connection.close_sync(Cancellable::NONE).unwrap();
        });
        is_ready.recv().unwrap();
        Self {
            jobs: Some(jobs),
            thread: Some(thread),
        }
    }

    /// Sends a signal.
    pub fn signal(&self, path: &str, interface: &str, name: &str, parameters: &Variant) {
        let [path, interface, name] = [path, interface, name].map(str::to_owned);
        let bytes = parameters.data_as_bytes();
        let kind = parameters.type_().to_owned();
        let job = move |connection: &DBusConnection| {
            let parameters = Variant::from_bytes_with_type(&bytes, &kind);
            connection
                .emit_signal(None, &path, &interface, &name, Some(&parameters))
                .unwrap();
        };
        self.jobs.as_ref().unwrap().send(Box::new(job)).unwrap();
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.jobs.take();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn export<R: Into<Reply>>(
    connection: &DBusConnection,
    objects: Vec<Object>,
    answer: impl Fn(&Call) -> Option<R> + 'static,
) {
    let answer = Rc::new(move |call: &Call| answer(call).map(Into::into));
    for object in objects {
        let node = DBusNodeInfo::for_xml(object.xml).unwrap();
        for interface in node.interfaces() {
            let (called, asked) = (answer.clone(), answer.clone());
            connection
                .register_object(object.path, interface)
                .method_call(
                    move |connection, sender, _, _, name, parameters, invocation| {
                        let call = Call {
                            connection: &connection,
                            sender,
                            name,
                            parameters: &parameters,
                        };
                        match called(&call) {
                            Some(Reply { value, fds }) => {
                                invocation
                                    .return_value_with_unix_fd_list(Some(&value), fds.as_ref());
                            }
                            None => invocation.return_error(DBusError::Failed, "no such thing"),
                        }
                    },
                )
                .property(move |connection, _, _, _, name| {
                    let call = Call {
                        connection: &connection,
                        sender: None,
                        name,
                        parameters: &().to_variant(),
                    };
                    asked(&call).expect("a known property").value
                })
                .build()
                .unwrap();
        }
    }
}
