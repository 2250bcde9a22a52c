//! A process that answers on the bus as the applet does.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use gio::{Cancellable, DBusConnection};
use lenscap::dbus::{NAME, Request, Service};
use lenscap::relay::StateName;
use lenscap::report::{Client, Report, Source, Stats};

use crate::bus::{Bus, own_name};

/// How long the applet takes to end after it was told to.
pub const ENDING: Duration = Duration::from_millis(300);

/// A service on a thread with a main loop of its own. It leaves the bus when dropped.
pub struct FakeApplet {
    reports: Option<mpsc::Sender<Report>>,
    requests: mpsc::Receiver<Request>,
    thread: Option<JoinHandle<()>>,
}

impl FakeApplet {
    /// Starts it; every request is answered with `answer`, and `Quit` is obeyed too.
    pub fn new(bus: &Bus, answer: Result<(), String>) -> Self {
        let connection = bus.connect();
        let (reports, new_reports) = mpsc::channel();
        let (made, requests) = mpsc::channel();
        let (ready, is_ready) = mpsc::channel();
        let thread = thread::spawn(move || serve(&connection, &new_reports, made, answer, &ready));
        is_ready.recv().unwrap();
        Self {
            reports: Some(reports),
            requests,
            thread: Some(thread),
        }
    }

    /// Shows a new report to everybody.
    pub fn show(&self, report: &Report) {
        let reports = self.reports.as_ref().unwrap();
        reports.send(report.clone()).unwrap();
    }

    /// The next request, if one comes soon.
    pub fn request(&self) -> Option<Request> {
        self.requests.recv_timeout(Duration::from_secs(5)).ok()
    }
}

impl Drop for FakeApplet {
    fn drop(&mut self) {
        self.reports.take();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn serve(
    connection: &DBusConnection,
    reports: &mpsc::Receiver<Report>,
    made: mpsc::Sender<Request>,
    answer: Result<(), String>,
    ready: &mpsc::Sender<()>,
) {
    let context = glib::MainContext::new();
    let refusal = answer.clone().err().unwrap_or_default(); // it has no previews to give
    let (quit, has_quit) = mpsc::channel();
    let serving = context.with_thread_default(|| {
        let current = Rc::new(RefCell::new(report()));
        let told = current.clone();
        let service = Service::export(
            connection,
            move |with_stats| {
                let report = told.borrow();
                if with_stats {
                    counted(&report, 100)
                } else {
                    report.without_stats()
                }
            },
            move |request| {
                if request == Request::Quit {
                    quit.send(()).unwrap();
                }
                let _ = made.send(request);
                answer.clone()
            },
            move |_| Err(refusal.clone()),
        )
        .unwrap();
        own_name(connection, NAME);
        ready.send(()).unwrap();
        // The channel closes when the test is over.
        while has_quit.try_recv().is_err() {
            context.iteration(false);
            match reports.recv_timeout(Duration::from_millis(1)) {
                Ok(report) => {
                    current.replace(report.clone());
                    service.changed(&report);
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
        }
        thread::sleep(ENDING);
    });
    serving.unwrap();
    connection.close_sync(Cancellable::NONE).unwrap();
}

/// What the applet tells at first.
pub fn report() -> Report {
    Report {
        state: StateName::Live,
        paused: false,
        covered_by: None,
        camera_open: true,
        since: "2026-11-20T12:00:00Z".to_owned(),
        source: Source::default(),
        outputs: Vec::new(),
        clients: vec![Client {
            pid: 123,
            name: "firefox".to_owned(),
        }],
        error: None,
        overridden: Vec::new(),
        update: false,
        worker_pid: None,
        stats: None,
    }
}

/// A report with this many frames in its statistics.
pub fn counted(report: &Report, frames: u64) -> Report {
    let stats = Stats {
        frames,
        ..Stats::default()
    };
    Report {
        stats: Some(stats),
        ..report.clone()
    }
}
