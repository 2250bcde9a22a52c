//! A session with a private bus and a home, in this process's environment.

use lenscap::relay::StateName;
use lenscap::report::{Report, Source};

use lenscap_support::bus::Bus;
use lenscap_support::desktop::Desktop;
use lenscap_support::in_tree;

/// A session that ends with the test.
pub struct Session {
    pub desktop: Desktop,
    pub home: tempfile::TempDir,
    _bus: Bus,
}

impl Session {
    pub fn new() -> Self {
        let bus = Bus::new();
        let home = tempfile::tempdir().unwrap();
        let icons = in_tree("data/icons");
        std::os::unix::fs::symlink(icons, home.path().join("icons")).unwrap();
        // SAFETY: every test has its own process, and there is no other thread yet that could read the
        // environment.
        unsafe {
            std::env::set_var("DBUS_SESSION_BUS_ADDRESS", &bus.address);
            std::env::set_var("XDG_DATA_HOME", home.path());
        }
        Self {
            desktop: Desktop::new(bus.connect()),
            home,
            _bus: bus,
        }
    }
}

/// A report of this state.
pub fn report(state: StateName) -> Report {
    Report {
        state,
        paused: state == StateName::Paused,
        covered_by: None,
        camera_open: state == StateName::Live,
        since: "2026-11-20T12:00:00Z".to_owned(),
        source: Source::default(),
        outputs: Vec::new(),
        clients: Vec::new(),
        error: None,
        overridden: Vec::new(),
        update: false,
        worker_pid: None,
        stats: None,
    }
}
