//! Finding the desktop entries of processes.

use std::fs;

use super::*;

/// A directory of desktop entries.
struct Entries(tempfile::TempDir);

impl Entries {
    fn new(entries: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (id, keys) in entries {
            let text = format!("[Desktop Entry]\nType=Application\n{keys}\n");
            fs::write(dir.path().join(format!("{id}.desktop")), text).unwrap();
        }
        Self(dir)
    }

    fn find(&self, name: &str, unit_id: Option<&str>) -> Application {
        let client = Client {
            pid: 1,
            name: name.to_owned(),
        };
        let identity = ProcessIdentity {
            own_ids: vec![name.to_owned(), format!("{name}_{name}")],
            programs: vec![name.to_owned()],
            unit_id: unit_id.map(str::to_owned),
        };
        find_in(&[self.0.path().to_owned()], &client, &identity)
    }
}

fn application(name: &str, icon: Option<&str>) -> Application {
    Application {
        name: name.to_owned(),
        icon: icon.map(str::to_owned),
    }
}

#[test]
fn an_application_is_found_by_its_most_specific_id() {
    let entries = Entries::new(&[
        ("com.slack.Slack", "Name=Slack\nIcon=com.slack.Slack"),
        ("zoom-client_zoom-client", "Name=Zoom\nIcon=/snap/zoom.png"),
        (
            "org.mozilla.firefox",
            "Name=Firefox\nExec=/usr/lib/firefox %u\nIcon=firefox",
        ),
        (
            "google-chrome",
            "Name=Google Chrome\nExec=/usr/bin/google-chrome-stable",
        ),
        (
            "org.kde.konsole",
            "Name=Konsole\nExec=konsole\nCategories=System;TerminalEmulator;",
        ),
    ]);
    for (process, unit, wanted) in [
        ("com.slack.Slack", None, ("Slack", Some("com.slack.Slack"))),
        ("zoom-client", None, ("Zoom", Some("/snap/zoom.png"))),
        ("firefox", None, ("Firefox", Some("firefox"))),
        (
            "firefox",
            Some("org.kde.konsole"),
            ("Firefox", Some("firefox")),
        ),
        ("chrome", Some("google-chrome"), ("Google Chrome", None)),
        ("ffplay", Some("org.kde.konsole"), ("ffplay", None)),
        ("ffplay", None, ("ffplay", None)),
    ] {
        let (name, icon) = wanted;
        assert_eq!(
            entries.find(process, unit),
            application(name, icon),
            "{process} {unit:?}"
        );
    }
}

#[test]
fn a_visible_entry_precedes_a_hidden_one() {
    let entries = Entries::new(&[
        ("a", "Name=Helper\nExec=obs --helper\nNoDisplay=true"),
        ("b", "Name=OBS Studio\nExec=obs"),
        ("c", "Name=Removed\nExec=cheese\nHidden=true"),
        ("d", "Name=Only\nExec=only\nNoDisplay=true"),
    ]);
    assert_eq!(entries.find("obs", None).name, "OBS Studio");
    assert_eq!(entries.find("cheese", None).name, "cheese");
    assert_eq!(entries.find("only", None).name, "Only");
}

#[test]
fn an_application_named_camera_gets_its_process_name() {
    let entries = Entries::new(&[
        ("org.gnome.Snapshot", "Name=Camera\nExec=snapshot"),
        ("other", "Name=CAMERA\nName[de]=Kamera\nExec=other"),
        ("third", "Name=Camera Effects\nExec=effects"),
    ]);
    for (process, wanted) in [
        ("snapshot", "Camera (snapshot)"),
        ("org.gnome.Snapshot", "Camera (org.gnome.Snapshot)"),
        ("other", "CAMERA (other)"),
        ("effects", "Camera Effects"),
    ] {
        assert_eq!(entries.find(process, None).name, wanted);
    }
}

#[test]
fn invalid_files_are_ignored() {
    let entries = Entries::new(&[("good", "Name=Good\nExec=good")]);
    fs::write(entries.0.path().join("bad.desktop"), b"\xff\xfe[").unwrap();
    fs::write(entries.0.path().join("empty.desktop"), "").unwrap();
    assert_eq!(entries.find("good", None).name, "Good");
    assert_eq!(entries.find("bad", None).name, "bad");
}

#[test]
fn applications_are_listed_without_duplicates() {
    let listed = |names: &[&str]| {
        let all = distinct(names.iter().map(|name| application(name, None)));
        list(&all).unwrap_or_default()
    };
    assert_eq!(listed(&[]), "");
    assert_eq!(listed(&["Firefox"]), "Firefox");
    assert_eq!(listed(&["Firefox", "Firefox"]), "Firefox");
    assert_eq!(listed(&["Firefox", "Zoom"]), "Firefox and Zoom");
    assert_eq!(listed(&["Firefox", "Zoom", "OBS"]), "Firefox, Zoom and OBS");
}
