//! Every process that runs camera software, with hostile software in it (`hostile.rs`).

use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use landlock::{CompatLevel, Compatible, Ruleset, RulesetAttr, Scope};
use lenscap::capture::protocol::ToWorker;
use lenscap::settings::{Geometry, PixelFormat};
use lenscap_support::applet::Applet;
use lenscap_support::session::{Session, until};
use lenscap_support::{in_tree, left_out};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::applet::WorkerPeer;
use crate::home::has_landlock;

const GEOMETRY: Geometry = Geometry {
    format: PixelFormat::Yuy2,
    width: 64,
    height: 48,
};

/// How many ways out it tries.
const ATTEMPTS: usize = 30;

/// What each process keeps, beside what those before it keep.
const DEVICES: [&str; 1] = ["netlink"];
const PIPEWIRE: [&str; 3] = ["local socket", "session bus", "datagram"];
const NETWORK: [&str; 2] = ["internet", "internet 6"];
const DESKTOP: [&str; 6] = [
    "abstract socket",
    "bus address",
    "display",
    "key agent",
    "service of the session",
    "list of the runtime directory",
];

/// What there is to attack.
struct World {
    /// The user's home is not in a shared directory, where files could be created in it.
    people: tempfile::TempDir,
    dir: tempfile::TempDir,
    abstract_name: String,
    _listeners: (UnixListener, UnixListener, UnixDatagram),
}

impl World {
    fn new() -> Self {
        let people = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(people.path().join("me/registry")).unwrap();
        fs::create_dir_all(people.path().join("run/dbus-1/services")).unwrap();
        fs::write(people.path().join("me/secret"), "secret").unwrap();
        fs::create_dir_all(at("second/mount")).unwrap();
        fs::create_dir_all(at("reports")).unwrap();
        let abstract_name = dir.path().display().to_string();
        let abstract_address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        Self {
            _listeners: (
                UnixListener::bind(people.path().join("run/bus")).unwrap(),
                UnixListener::bind_addr(&abstract_address).unwrap(),
                UnixDatagram::bind(at("datagram")).unwrap(),
            ),
            abstract_name,
            people,
            dir,
        }
    }

    fn home(&self) -> PathBuf {
        self.people.path().join("me")
    }

    fn report(&self) -> PathBuf {
        self.dir.path().join("reports/report")
    }

    /// `lenscap` with the hostile software, in a process group of its own. Home is mounted a second time
    /// where that is possible.
    fn lenscap(&self) -> Command {
        let lenscap = env!("CARGO_BIN_EXE_lenscap");
        let at = |name: &str| self.dir.path().join(name);
        let mount = at("second/mount");
        // The victim runs in the same user namespace, and in the process group.
        let victim = "sleep 3600 </dev/null >/dev/null 2>&1 &
            HOSTILE_VICTIM=$! exec \"$@\"";
        let mut command;
        if can_mount() {
            command = Command::new("unshare");
            command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
            command.arg(format!(
                "mount --bind \"$0\" \"$1\" || exit; shift; {victim}"
            ));
            command.args([self.people.path(), &mount, Path::new(lenscap)]);
        } else {
            command = Command::new("sh");
            command.args(["-c", victim, "sh", lenscap]);
        }
        let runtime = self.people.path().join("run");
        let bus = runtime.join("bus");
        let address = format!("unix:path={}", bus.display());
        command
            .process_group(0)
            .env("HOME", self.home())
            .env("GST_REGISTRY_1_0", self.home().join("registry/file"))
            .env("DBUS_SESSION_BUS_ADDRESS", address)
            .env("DISPLAY", ":7")
            .env("SSH_AUTH_SOCK", "/nowhere")
            .env("HOSTILE_REPORT", self.report())
            .env("XDG_RUNTIME_DIR", runtime)
            .env("HOSTILE_BUS", bus)
            .env("HOSTILE_DATAGRAM", at("datagram"))
            .env("HOSTILE_ABSTRACT", &self.abstract_name)
            .env("HOSTILE_MOUNT", mount.join("me"))
            .env("LD_PRELOAD", hostile());
        command
    }

    /// Checks what software in this process can do, beside keeping its environment: that is the
    /// parent's part.
    fn check(&self, arguments: &[&str], kept: &[&[&str]]) {
        let mut command = self.lenscap();
        let output = run(command.arg("capture").args(arguments));
        assert!(self.report().exists(), "{arguments:?}: {output:?}");
        self.check_report(&arguments.join(" "), kept);
    }

    fn check_report(&self, what: &str, kept: &[&[&str]]) {
        let report = fs::read_to_string(self.report()).unwrap();
        fs::remove_file(self.report()).unwrap();
        let mut kept: Vec<_> = kept.concat();
        // Landlock has scopes from Linux 6.12 on.
        if !has_scopes() {
            kept.push("signal");
            kept.extend(kept.contains(&"local socket").then_some("abstract socket"));
        }
        let done = format!("done {ATTEMPTS}");
        kept.push(&done);
        kept.sort_unstable();
        kept.dedup();
        let mut lines: Vec<_> = report.lines().collect();
        let of_the_parent = ["bus address", "display", "key agent"];
        lines.retain(|line| !of_the_parent.contains(line));
        kept.retain(|line| !of_the_parent.contains(line));
        lines.sort_unstable();
        println!("{what}: {lines:?}");
        assert_eq!(lines, kept, "{what}");
    }
}

/// A process group, with the victim in it, which ends with the test.
struct Group(u32);

impl Drop for Group {
    fn drop(&mut self) {
        let leader = Pid::from_raw(self.0.cast_signed()).unwrap();
        let _ = kill_process_group(leader, Signal::KILL);
    }
}

fn run(command: &mut Command) -> Output {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let _group = Group(child.id());
    child.wait_with_output().unwrap()
}

/// The hostile software, which cargo builds with all tests, but not with one alone.
fn hostile() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let programs = test.parent().and_then(Path::parent).unwrap();
    let library = programs.join("examples/libhostile.so");
    let modified = |path: &Path| path.metadata().and_then(|file| file.modified()).ok();
    let source = modified(&in_tree("tests/sandbox/hostile.rs"));
    let is_new = modified(&library) >= source;
    assert!(is_new, "run 'cargo build --example hostile'");
    library
}

fn can_mount() -> bool {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "true"]);
    let output = command.output();
    let can = output.is_ok_and(|output| output.status.success());
    if !can {
        left_out("a home that is mounted twice");
    }
    can
}

fn has_scopes() -> bool {
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    ruleset.scope(Scope::Signal).is_ok()
}

#[test]
fn software_of_local_cameras_gets_nowhere() {
    if !has_landlock() {
        return;
    }
    let world = World::new();
    for arguments in [
        &["--probe"][..],
        &["--probe", "test"],
        &["--probe", "v4l2:/dev/video99"],
        &["--probe", "libcamera"],
        &["--probe", "icamerasrc"],
        &["--cards", "64x48", "NV12", "card"],
    ] {
        world.check(arguments, &[&DEVICES]);
    }
    world.check(&["--elements", "x"], &[&DEVICES, &["registry"]]);
}

#[test]
fn other_sources_keep_what_they_need() {
    if !has_landlock() {
        return;
    }
    let world = World::new();
    let pipewire: &[&[&str]] = &[&DEVICES, &PIPEWIRE];
    world.check(&["--probe", "--pipewire"], pipewire);
    world.check(&["--probe", "pipewire"], pipewire);
    let network: &[&[&str]] = &[&DEVICES, &PIPEWIRE, &NETWORK];
    world.check(&["--probe", "rtsp://127.0.0.1/"], network);
    let pipeline: &[&[&str]] = &[&DEVICES, &PIPEWIRE, &NETWORK, &DESKTOP];
    world.check(&["--probe", "pipeline:videotestsrc"], pipeline);
}

#[test]
fn a_worker_keeps_what_its_source_needs() {
    if !has_landlock() {
        return;
    }
    let world = World::new();
    for (source, kept) in [
        ("test", &[&DEVICES[..]][..]),
        ("rtsp://127.0.0.1/", &[&DEVICES, &PIPEWIRE, &NETWORK]),
    ] {
        let mut command = world.lenscap();
        command.arg("capture");
        let peer = WorkerPeer::start(command, source, GEOMETRY, |_| {});
        let _group = Group(peer.worker.id());
        until("the report", || {
            let report = fs::read_to_string(world.report());
            report.is_ok_and(|report| report.contains("done"))
        });
        world.check_report(source, kept);
    }
}

/// The parent removes it: libraries may connect before the process confines itself.
#[test]
fn the_search_for_cameras_has_no_desktop_in_its_environment() {
    let world = World::new();
    let mut command = world.lenscap();
    let output = run(command.arg("devices"));
    let report = fs::read_to_string(world.report());
    let report = report.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    assert_eq!(report.matches("done").count(), 3, "{report}");
    for name in ["bus address", "display", "key agent"] {
        assert!(!report.contains(name), "{report}");
    }
}

#[test]
fn what_a_search_starts_ends_with_it() {
    let world = World::new();
    let mut command = world.lenscap();
    let output = run(command.arg("devices").env("HOSTILE_STAY", "1"));
    assert!(output.status.success(), "{output:?}");
    let report = fs::read_to_string(world.report()).unwrap();
    let processes = report.lines().map(|line| line.trim_start_matches("stays "));
    let processes: Vec<u32> = processes.map(|number| number.parse().unwrap()).collect();
    assert_eq!(processes.len(), 3, "{report}");
    for process in processes {
        until("the end of what was started", || !lives(process));
    }
}

/// What a crash leaves, and what a terminal does.
fn check_set_up(process: u32) {
    let read = |file: &str| fs::read_to_string(format!("/proc/{process}/{file}")).unwrap();
    let limits = read("limits");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let numbers: Vec<_> = core
        .unwrap()
        .split_ascii_whitespace()
        .skip(4)
        .take(2)
        .collect();
    assert!(
        [["0", "0"], ["1", "1"]]
            .iter()
            .any(|limit| numbers == limit),
        "{limits}"
    );
    let status = read("status");
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = u64::from_str_radix(ignored.unwrap().trim(), 16).unwrap();
    for signal in [Signal::TSTP, Signal::TTIN, Signal::TTOU] {
        assert!(
            ignored & (1 << (signal.as_raw() - 1)) != 0,
            "{signal:?}: {ignored:x}"
        );
    }
}

#[test]
fn no_frame_is_dumped_and_no_terminal_stops_a_relay() {
    let session = Session::without_pipewire();
    let applet = Applet::new(&session, "--no-tray --source test");
    check_set_up(applet.pid());
    let mut worker = Command::new(env!("CARGO_BIN_EXE_lenscap"));
    worker.arg("capture");
    let mut peer = WorkerPeer::start(worker, "test", GEOMETRY, |_| {});
    peer.send(ToWorker::Open);
    peer.frame();
    check_set_up(peer.worker.id());
}

/// Whether a process has not been killed; its new parent may take its time to reap it.
fn lives(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}
