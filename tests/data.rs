//! The README's samples, the systemd unit and the metadata of packages.

use std::fs;
use std::process::Command;

use lenscap::config::{self, Loaded};
use lenscap::doctor::Check;
use lenscap::report::Report;
use lenscap::settings::Settings;
use lenscap::settings::key::Key;

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The README's code blocks in this language, without the indentation of lists.
fn blocks(language: &str) -> Vec<String> {
    let readme = read("README.md");
    let mut fences = readme.split("```");
    let mut blocks = Vec::new();
    while let (Some(_prose), Some(block)) = (fences.next(), fences.next()) {
        let (first, rest) = block.split_once('\n').unwrap();
        if first == language {
            let lines: Vec<_> = rest.lines().map(str::trim_start).collect();
            blocks.push(lines.join("\n"));
        }
    }
    blocks
}

/// Runs a line in a shell, with `lenscap` just parsing its command line and `make` in dry-run mode.
fn is_valid(line: &str) -> bool {
    let program = env!("CARGO_BIN_EXE_lenscap");
    let script = format!(
        "lenscap() {{ '{program}' \"$@\" --help; }}\n\
         make() {{ command make --dry-run \"$@\"; }}\n\
         {line}"
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    output.status.success()
}

#[test]
fn the_readmes_commands_are_valid() {
    let is_ours = |line: &&str| {
        let mut words = line.split(' ').filter(|word| !word.contains('='));
        matches!(words.next(), Some("lenscap" | "make"))
    };
    let blocks = blocks("sh");
    let lines: Vec<_> = blocks.iter().flat_map(|block| block.lines()).collect();
    let ours: Vec<_> = lines.into_iter().filter(is_ours).collect();
    assert!(ours.len() > 10, "the samples were not found: {ours:?}");
    for line in ours {
        assert!(is_valid(line), "{line}");
    }
    // Arguments before `--help` are still checked.
    assert!(!is_valid("lenscap --widht 640"));
    assert!(!is_valid("lenscap --width 641 # odd"));
    assert!(!is_valid("make runn"));
}

/// The README's checks: the bold beginnings of a numbered list.
fn readmes_checks() -> Vec<String> {
    let readme = read("README.md");
    let numbered = readme.lines().filter_map(|line| line.split_once(". **"));
    let numbered = numbered.enumerate().map(|(at, (number, rest))| {
        assert_eq!(number, (at + 1).to_string(), "{rest}");
        let (title, _) = rest.split_once("**").unwrap();
        title.to_owned()
    });
    numbered.collect()
}

#[test]
fn the_readmes_checks_are_the_doctors() {
    assert_eq!(readmes_checks(), Check::ALL.map(Check::title));
}

#[test]
fn the_readmes_config_file_is_the_default_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lenscap.toml");
    let sample = blocks("toml").concat();
    let mut section = "";
    let mut listed = Vec::new();
    for line in sample.lines().filter(|line| !line.is_empty()) {
        match (line.strip_prefix('['), line.split_once(" = ")) {
            (Some(name), _) => section = name.trim_end_matches(']'),
            (None, Some((name, value))) => {
                let value = value.split('#').next().unwrap().trim().trim_matches('"');
                listed.push(format!("{section}.{name} {value}"));
            }
            _ => panic!("{line}"),
        }
    }
    let keys = Key::in_file().map(|(key, _)| format!("{key} {}", key.default_text()));
    assert_eq!(listed, keys.collect::<Vec<_>>());
    fs::write(&path, sample).unwrap();
    let mut other = Settings::default();
    other.camera.width = 2;
    let wanted = Loaded {
        settings: Settings::default(),
        warnings: Vec::new(),
        error: None,
    };
    assert_eq!(config::load(&path, &other), wanted);
}

#[test]
fn the_readmes_status_is_what_is_printed() {
    let report = r#"{"state":"live","paused":false,"camera_open":true,
        "since":"2026-11-20T12:00:00Z",
        "source":{"kind":"icamerasrc","name":"ov02c10-uf"},
        "outputs":[{"kind":"v4l2loopback","device":"/dev/video0","name":"Intel MIPI Camera",
            "width":1920,"height":1080,"framerate":30,"format":"YUY2","watch":"usage-event"}],
        "clients":[{"pid":4242,"name":"firefox"}],
        "error":null,"overridden":[],"worker_pid":4243}"#;
    let report = Report::from_json(report).unwrap();
    let printed = report.to_text("2026-11-20T12:05:00Z".parse().unwrap());
    let shown = format!("$ lenscap status\n{printed}");
    assert_eq!(blocks("console"), [shown.trim_end()]);
}

/// `make install` replaces this directory.
#[test]
fn the_unit_starts_the_program_where_install_puts_it() {
    let path = format!("/usr/local/bin/{}", env!("CARGO_PKG_NAME"));
    let unit = read("data/lenscap.service");
    assert!(unit.contains(&format!("\nExecStart={path}\n")), "{unit}");
}

/// The user's systemd may not drop capabilities: the service would fail with status 218.
#[test]
fn the_unit_needs_no_privileges() {
    assert!(!read("data/lenscap.service").contains("\nCapabilityBoundingSet="));
}

/// Without one of these calls, camera software would run without its sandbox.
#[test]
fn the_unit_lets_camera_software_be_confined() {
    let unit = read("data/lenscap.service");
    let lines = unit.lines();
    let filters: Vec<_> = lines
        .filter_map(|line| line.strip_prefix("SystemCallFilter="))
        .collect();
    let allowed: Vec<_> = filters.iter().flat_map(|line| line.split(' ')).collect();
    for call in [
        "landlock_create_ruleset",
        "landlock_add_rule",
        "landlock_restrict_self",
        "seccomp",
    ] {
        let is_free = filters.is_empty() || allowed.contains(&call);
        assert!(is_free, "{call}");
    }
}

#[test]
fn the_license_is_the_declared_one() {
    assert!(read("LICENSE").starts_with(env!("CARGO_PKG_LICENSE")));
}

/// The text after the first occurrence of `before`.
fn first(path: &str, before: &str, end: char) -> String {
    let text = read(path);
    let (_, rest) = text.split_once(before).unwrap();
    rest.split(end).next().unwrap().to_owned()
}

#[test]
fn the_newest_release_is_this_version() {
    let metainfo = "data/io.github.lenscap.Lenscap.metainfo.xml";
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(first(metainfo, "<release version=\"", '"'), version);
    // Without the Debian revision.
    assert_eq!(first("data/debian/changelog", "lenscap (", '-'), version);
}

/// The memory of vcam's frames is pinned and counts against no limit, so a machine without vcam keeps it closed. Where
/// the driver arrives later, its event has the rule evaluated again.
#[test]
fn udmabuf_is_opened_only_beside_vcam() {
    let rules = read("data/udev/rules.d/72-lenscap.rules");
    let of = |kernel: &str| {
        let key = format!("KERNEL==\"{kernel}\"");
        let lines = rules.lines().filter(move |line| line.contains(&key));
        lines.collect::<Vec<_>>()
    };
    let memory = of("udmabuf");
    assert!(!memory.is_empty());
    for line in memory {
        assert!(line.contains(", TEST==\"/dev/vcam\", "), "{line}");
    }
    let again = "ATTR{[misc/udmabuf]uevent}=\"change\"";
    assert!(of("vcam").iter().any(|line| line.contains(again)));
}
