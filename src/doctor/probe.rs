//! Probes that gather the facts, each limited in time.
//!
//! Files are read below a root directory, so that tests can set one up. What may crash or hang
//! (plugins, the vendor's camera software) runs in child processes.

mod camera;
mod desktop;
mod devices;
mod files;
mod modprobe;
mod module;
mod pipewire;
mod rivals;
mod startup;
mod system;
mod vcam;

use std::path::Path;
use std::thread;

use startup::Places;

use super::facts::{Facts, WantedSettings};
use crate::config::Loaded;
use crate::report::Report;

/// Takes as long as loading the camera's plugins does, 40 s at most.
pub fn gather(loaded: &Loaded, applet: Option<Report>) -> Facts {
    let root = Path::new("/");
    let home = glib::home_dir();
    let places = Places::of_user();
    thread::scope(|scope| {
        // The child processes take longest.
        let camera = scope.spawn(|| camera::gather(root));
        let system = system::gather(root);
        let kernel = &system.kernel;
        Facts {
            wanted: wanted(loaded, applet.as_ref()),
            module: module::gather(root, kernel),
            devices: devices::gather(root),
            vcam: vcam::gather(root, kernel),
            rivals: rivals::gather(root, &home),
            pipewire: pipewire::gather(root),
            desktop: desktop::gather(&places),
            startup: startup::gather(root, &places),
            unreachable: match applet {
                Some(_) => None,
                None => startup::unreachable(root),
            },
            applet,
            system,
            camera: camera.join().unwrap_or_default(),
        }
    })
}

/// The settings in force: the running applet's command line takes precedence over the config file.
fn wanted(loaded: &Loaded, applet: Option<&Report>) -> WantedSettings {
    let settings = &loaded.settings;
    let overrides = |key: &str| {
        let mut keys = applet.iter().flat_map(|applet| &applet.overridden);
        keys.any(|overridden| overridden == key)
    };
    let specs = settings.output.specs.iter();
    let mut wanted = WantedSettings {
        source: settings.camera.source.kind().to_owned(),
        outputs: specs
            .clone()
            .map(|spec| spec.kind.name().to_owned())
            .collect(),
        device: specs.clone().find_map(|spec| spec.device.clone()),
        autostart: settings.desktop.autostart,
        broken: loaded.error.clone(),
    };
    if let Some(applet) = applet {
        if overrides("source") {
            wanted.source.clone_from(&applet.source.kind);
        }
        if overrides("device") || overrides("output") {
            let outputs = applet.outputs.iter();
            wanted.outputs = outputs.clone().map(|output| output.kind.clone()).collect();
            let named = outputs.filter(|output| output.device.starts_with('/'));
            wanted.device = named.map(|output| output.device.clone().into()).next();
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::report;
    use crate::settings::Settings;

    /// A root directory with these files.
    pub fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn the_applets_command_line_takes_precedence() {
        let loaded = Loaded {
            settings: Settings::default(),
            warnings: Vec::new(),
            error: None,
        };
        let line = r#"{"state":"idle","paused":false,"camera_open":false,"since":"",
            "source":{"kind":"test","name":""},
            "outputs":[{"kind":"vcam","device":"/dev/video9","name":"","width":2,"height":2,
                "framerate":30,"format":"YUY2","watch":"vcam-wait"}],
            "clients":[],"error":null,"overridden":[],"worker_pid":null}"#;
        let mut applet = report::Report::from_json(line).unwrap();
        let by_file = wanted(&loaded, Some(&applet));
        assert_eq!(
            (by_file.source.as_str(), by_file.outputs.join(" ")),
            ("auto", "auto".to_owned())
        );
        applet.overridden = vec!["source".to_owned(), "output".to_owned()];
        let by_command_line = wanted(&loaded, Some(&applet));
        assert_eq!(
            (
                by_command_line.source.as_str(),
                by_command_line.outputs.join(" ")
            ),
            ("test", "vcam".to_owned())
        );
        assert_eq!(by_command_line.device, Some("/dev/video9".into()));
        assert_eq!(wanted(&loaded, None), by_file);
    }
}
