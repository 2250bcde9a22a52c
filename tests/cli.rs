//! The command line's contract: malformed arguments exit with 2, missing things with 1, with one line of instructions.

use std::path::Path;
use std::process::{Command, Output};

use lenscap_support::applet::Applet;
use lenscap_support::left_out;
use lenscap_support::session::Session;

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lenscap"));
    command
        .args(args)
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/dev/null/bus");
    command
}

fn lenscap(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

/// Checks that the arguments are rejected with one line that contains `help`.
fn check(args: &[&str], help: &str) {
    let output = lenscap(args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
    assert_eq!(output.stdout, b"", "{args:?}");
    assert_eq!(stderr.lines().count(), 1, "{args:?}: {stderr}");
    assert!(stderr.starts_with("lenscap: "), "{args:?}: {stderr}");
    assert!(stderr.contains(help), "{args:?}: {stderr}");
}

#[test]
fn unknown_arguments_are_rejected() {
    check(&["frobnicate"], "'frobnicate'");
    check(&["--frobnicate"], "see 'lenscap --help'");
    check(&["--widht", "640"], "'--width'");
    check(&["-x"], "'-x'");
    check(&["status", "--jsno"], "'--json'");
    check(&["status", "--width", "640"], "'--width'");
    check(&["doctor", "--mend"], "'--mend'");
    check(&["doctor", "load-module"], "'load-module'");
    check(&["doctor", "--fix=load"], "one of load-module, ");
    check(&["pause", "now"], "'now'");
    check(&["--width", "640", "status"], "'status'");
    check(&["help"], "see 'lenscap --help'");
    check(&["--no-tray=maybe"], "'--no-tray'");
    check(&["--bad\noption\nUsage:"], "'lenscap --help'");
}

#[test]
fn every_option_requires_one_value() {
    for option in [
        "-d",
        "-w",
        "-H",
        "-f",
        "-c",
        "-b",
        "--device",
        "--width",
        "--height",
        "--framerate",
        "--cooldown-ms",
        "--buffer-count",
        "--activation-delay-ms",
        "--poll-interval-ms",
        "--source",
        "--output",
        "--format",
        "--config",
    ] {
        check(&[option], "a value is required for");
        check(&["run", option], "a value is required for");
    }
    check(&["-w", "640", "--width", "640"], "multiple times");
}

#[test]
fn sizes_are_even_and_within_range() {
    for size in [
        "0",
        "1",
        "641",
        "-640",
        "8194",
        "99999999999",
        "wide",
        "640.0",
        "",
    ] {
        check(&["--width", size], "--width: ");
        check(
            &["-H", size],
            "give an even number of pixels from 2 to 8192",
        );
    }
}

#[test]
fn rates_and_counts_are_within_range() {
    for rate in ["0", "-1", "1000", "29.97", "fast"] {
        check(&["-f", rate], "give whole frames a second from 1 to 240");
    }
    for count in ["0", "1", "11", "-7", "many"] {
        check(&["-b", count], "give a number from 2 to 10");
    }
}

#[test]
fn times_are_milliseconds() {
    for time in ["-1", "3600001", "soon", "1.5", "5s"] {
        check(&["-c", time], "give milliseconds from 0 to 3600000");
        check(&["--activation-delay-ms", time], "--activation-delay-ms: ");
        check(&["--poll-interval-ms", time], "from 1 to 3600000");
    }
    check(&["--poll-interval-ms", "0"], "from 1 to 3600000");
}

#[test]
fn sources_are_of_a_known_kind() {
    check(&["--source", "webcam"], "use one of auto, icamerasrc");
    check(&["--source", "icamerasrc:"], "--source: ");
    check(&["--source", "v4l2"], "write v4l2:/dev/videoN");
    check(&["--source", "v4l2:video0"], "write v4l2:/dev/videoN");
    check(&["--source", "pipeline:"], "write pipeline:videotestsrc");
    check(&["--source", "test:1"], "use one of");
    for text in [
        "a\nb",
        "pipewire:a\tb",
        "v4l2:/dev/\u{1b}[8m",
        "pipeline:a\rb",
    ] {
        check(&["--source", text], "control character in it: leave it out");
    }
    check(&["-d", "/dev/\u{7}video1"], "leave it out");
    check(&["--source", "libcamera:"], "use one of");
    check(&["--source", "ftp://camera/"], "use rtsp://");
    check(&["--source", "rtsp://"], "after // comes a host");
    check(&["--source", "rtp://0.0.0.0:5004"], "?encoding=JPEG");
    let url = "http://me:secret@camera:0/";
    check(
        &["--source", url],
        "'http://me:***@camera:0/' makes no sense",
    );
}

#[test]
fn outputs_are_of_a_known_kind_and_can_be_combined() {
    check(
        &["--output", "window"],
        "use one of auto, v4l2loopback[:PATH], vcam, pipewire",
    );
    check(&["--output", "pipewire:x"], "write /dev/videoN or auto");
    check(&["--output", "pipewire:/x"], "'pipewire' takes no device");
    check(&["--output", "vcam:/dev/vcam"], "'vcam' takes no device");
    let device = ["-d", "/dev/video1", "--output", "vcam"];
    check(&device, "add --output v4l2loopback");
    let twice = ["--output", "pipewire", "--output", "pipewire"];
    check(&twice, "named twice");
    let auto = ["--output", "pipewire", "--output", "auto"];
    check(&auto, "'auto' stands alone");
    let device = ["-d", "/dev/video1", "--output", "pipewire"];
    check(&device, "add --output v4l2loopback");
    check(
        &["--output", "v4l2loopback:video0"],
        "write /dev/videoN or auto",
    );
    check(&["--output", "v4l2loopback:"], "write /dev/videoN or auto");
    check(&["--output", "auto:/dev/video0"], "'auto' takes no device");
    check(&["-d", "video0"], "write /dev/videoN or auto");
    check(&["--format", "MJPG"], "use one of auto, YUY2");
    let two = ["-d", "/dev/video1", "--output", "v4l2loopback:/dev/video2"];
    check(&two, "name different devices");
    check(&[&["run"], &two[..]].concat(), "name different devices");
}

#[test]
fn children_have_exactly_one_job() {
    check(&["capture", "--cards", "64x48"], "--cards");
    check(
        &["capture", "--cards", "64", "NV12", "card"],
        "write 1920x1080",
    );
    check(
        &["capture", "--cards", "64x47", "NV12", "card"],
        "'47' is not a size",
    );
    check(
        &["capture", "--cards", "64x48", "RGB", "card"],
        "unknown format",
    );
    check(
        &["capture", "--cards", "64x48", "NV12", "x"],
        "unknown placeholder",
    );
    check(
        &["capture", "--probe", "--cards", "64x48", "NV12", "card"],
        "--probe",
    );
    check(&["capture", "--elements"], "--elements");
    check(&["capture", "--elements", "x", "--probe"], "--probe");
}

#[test]
fn arguments_that_are_not_utf8_are_rejected() {
    use std::os::unix::ffi::OsStrExt;
    let latin1 = std::ffi::OsStr::from_bytes(b"\xe9");
    let output = Command::new(env!("CARGO_BIN_EXE_lenscap"))
        .arg("--source")
        .arg(latin1)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8(output.stderr).unwrap().lines().count(), 1);
}

#[test]
fn help_and_version_succeed() {
    for args in [
        &["--help"][..],
        &["-h"],
        &["run", "--help"],
        &["status", "-h"],
    ] {
        let output = lenscap(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(output.stderr, b"", "{args:?}");
        assert_ne!(output.stdout, b"", "{args:?}");
    }
    let version = format!("lenscap {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(lenscap(&["--version"]).stdout, version.as_bytes());
}

#[test]
fn the_help_lists_all_public_options_and_no_hidden_ones() {
    let help = String::from_utf8(lenscap(&["--help"]).stdout).unwrap();
    for word in [
        "-d, --device",
        "-w, --width",
        "-H, --height",
        "-f, --framerate",
        "-c, --cooldown-ms",
        "-b, --buffer-count",
        "--activation-delay-ms",
        "--poll-interval-ms",
        "--source",
        "--output",
        "--format",
        "--no-tray",
        "--config",
        "status",
        "pause",
        "resume",
        "quit",
        "preferences",
        "devices",
        "doctor",
    ] {
        assert!(help.contains(word), "{word}");
    }
    assert!(!help.contains("capture"), "{help}");
    for line in help.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

/// After an upgrade, the running program still starts child processes.
#[test]
fn a_program_whose_file_was_replaced_finds_cameras() {
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("lenscap");
    std::fs::copy(env!("CARGO_BIN_EXE_lenscap"), &copy).unwrap();
    let script = "exec 9<\"$0\" && rm \"$0\" && exec /proc/self/fd/9 devices --json";
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(&copy)
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!copy.exists());
    assert!(output.status.success(), "{stderr}");
}

#[test]
fn a_second_start_names_the_options_that_the_running_applet_does_not_use() {
    let session = Session::without_pipewire();
    session.write_config("[output]\nkind = \"pipewire\"\n");
    let line = "--source test --no-tray";
    let applet = Applet::new(&session, line);
    let config = session.dir().join("lenscap/lenscap.toml");
    let same = format!("run {line} --config {}", config.display());
    assert!(session.lenscap(&same).status.success());
    for (line, options) in [
        ("--source test -w 640", "--width"),
        ("--source auto --config /dev/null", "--source and --config"),
    ] {
        let output = session.lenscap(line);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}: {stderr}");
        let (pid, advice) = (applet.pid(), "run 'lenscap quit' first");
        let wanted = format!(
            "lenscap: lenscap is running already as process {pid}; to use {options}, {advice}\n"
        );
        assert_eq!(stderr, wanted);
    }
}

/// Exits with 1, as the command line isn't malformed.
#[test]
fn a_named_driver_that_is_missing_is_one_error_line() {
    if Path::new("/dev/vcam").exists() {
        return left_out("the driver is there");
    }
    let folder = tempfile::tempdir().unwrap();
    let output = command(&["--no-tray", "--source", "test", "--output", "vcam"])
        .env("LENSCAP_LOG", "off")
        .env("XDG_CONFIG_HOME", folder.path())
        .env("XDG_RUNTIME_DIR", folder.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("sudo modprobe vcam"), "{stderr}");
}
