//! A machine without problems, for tests to change.

use crate::doctor::facts::{
    CameraFacts, DesktopFacts, DeviceFacts, DeviceHolder, DeviceState, Distro, Facts, LoadedModule,
    ModuleFacts, NodeAccess, PipewireFacts, PipewireObjects, SystemFacts, WantedSettings,
};
use crate::relay::{Fault, FaultKind, StateName};
use crate::report::{Output, Report, Source};
use crate::source::Found;

/// A Debian desktop with a webcam and an idle applet that reports no output.
pub fn healthy() -> Facts {
    Facts {
        system: SystemFacts {
            flatpak: false,
            distro: Distro::Debian,
            kernel: "6.12.1-amd64".to_owned(),
            user: "me".to_owned(),
            helper: Some("/usr/libexec/lenscap-fix".into()),
        },
        wanted: WantedSettings {
            source: "auto".to_owned(),
            outputs: vec!["auto".to_owned()],
            ..WantedSettings::default()
        },
        camera: CameraFacts {
            found: Some(vec![camera("v4l2", None)]),
            ..CameraFacts::default()
        },
        module: ModuleFacts {
            installed: true,
            loaded: Some(LoadedModule {
                version: "0.15.0".to_owned(),
                exclusive_caps: true,
                max_buffers: 8,
            }),
            exclusive_caps: Some(("1".to_owned(), "/etc/modprobe.d/zz-lenscap.conf".into())),
            at_boot: true,
            control: true,
            ..ModuleFacts::default()
        },
        devices: vec![DeviceFacts {
            path: "/dev/video0".into(),
            state: DeviceState::Free,
            ..DeviceFacts::default()
        }],
        pipewire: Some(PipewireFacts {
            installed: true,
            objects: Some(PipewireObjects {
                manager: true,
                cameras: Vec::new(),
            }),
        }),
        desktop: Some(DesktopFacts {
            tray: true,
            notifications: true,
            portals: true,
            gnome: false,
            extension: None,
            denied: Some(Vec::new()),
        }),
        applet: Some(report()),
        ..Facts::default()
    }
}

/// Gives the machine an IPU6 camera that works.
pub fn ipu(facts: &mut Facts) {
    facts.camera = CameraFacts {
        found: Some(vec![camera("icamerasrc", None)]),
        ipu: true,
        element: Some(true),
        nodes: vec![NodeAccess {
            path: "/dev/ipu-psys0".into(),
            psys: true,
            open: true,
            group: "video".to_owned(),
            group_may: true,
            ..NodeAccess::default()
        }],
        raw_nodes: 32,
        ..CameraFacts::default()
    };
}

/// A camera as the probing child reports it.
pub fn camera(kind: &str, fault: Option<FaultKind>) -> Found {
    Found {
        kind: kind.to_owned(),
        spec: format!("{kind}:x"),
        name: "A camera".to_owned(),
        problem: fault.map(|kind| Fault::new(kind, "a reason")),
        ..Found::default()
    }
}

pub fn holder(pid: u32, name: &str) -> DeviceHolder {
    let name = name.to_owned();
    DeviceHolder { pid, name }
}

/// Makes the applet report an output.
pub fn output(facts: &mut Facts, kind: &str, device: &str) {
    let mut report = report();
    report.outputs = vec![Output {
        kind: kind.to_owned(),
        device: device.to_owned(),
        name: "Intel MIPI Camera".to_owned(),
        width: 1920,
        height: 1080,
        framerate: 30,
        format: "YUY2".to_owned(),
        watch: "usage-event".to_owned(),
    }];
    facts.applet = Some(report);
}

fn report() -> Report {
    Report {
        state: StateName::Idle,
        paused: false,
        covered_by: None,
        camera_open: false,
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
