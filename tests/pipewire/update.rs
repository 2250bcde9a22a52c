//! The program's file is replaced or removed while the applet runs.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use lenscap_support::applet::Applet;
use lenscap_support::host::Host;
use lenscap_support::program;
use lenscap_support::session::{Session, until};

use crate::consumer::Consumer;
use crate::desk::desktop;
use crate::{ENOUGH, LINE, session};

/// A program of another version, which is no Lenscap at all: nothing that starts it succeeds.
const OTHER: &str = "/bin/false";
/// The tray's entry.
const OFFER: &str = "Restart to finish the update";

/// Installs a copy of the applet in the session.
fn install(session: &Session) -> PathBuf {
    let path = session.dir().join("bin/lenscap");
    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::copy(program("lenscap"), &path).unwrap();
    path
}

/// Replaces a program as package managers do, by a rename.
fn replace(path: &Path, by: impl AsRef<Path>) {
    let draft = path.with_extension("new");
    fs::copy(by, &draft).unwrap();
    fs::rename(draft, path).unwrap();
}

fn start(session: &Session, program: &Path) -> Applet {
    Applet::start(session, session.command(program).args(LINE.split(' ')))
}

/// The call goes on through the change, and the next one has the camera, too.
fn a_change_disturbs_no_call(change: impl Fn(&Path)) {
    let session = session();
    session.write_config(
        "[output]\nplaceholder = \"black\"\n[desktop]\nrestart_after_update = false\n",
    );
    let program = install(&session);
    let mut applet = start(&session, &program);
    applet.wait_for("idle");
    let mut consumer = Consumer::new(&session);
    consumer.see_camera(ENOUGH);
    applet.wait_for("live");
    change(&program);
    consumer.forget();
    assert_eq!(consumer.see_camera(ENOUGH), (0, 0));
    drop(consumer);
    applet.wait_for("idle");
    Consumer::new(&session).see_camera(ENOUGH);
    assert!(applet.is_running());
}

#[test]
fn another_version_on_the_disk_disturbs_no_call() {
    a_change_disturbs_no_call(|path| replace(path, OTHER));
}

#[test]
fn a_removed_program_disturbs_no_call() {
    a_change_disturbs_no_call(|path| fs::remove_file(path).unwrap());
}

/// Installs a newer copy of the applet, which is another file and nothing else.
fn update(path: &Path) {
    replace(path, program("lenscap"));
}

/// The file that a process runs: an update has another one.
fn running(applet: &Applet) -> u64 {
    let file = fs::metadata(format!("/proc/{}/exe", applet.pid()));
    file.unwrap().ino()
}

fn installed(path: &Path) -> u64 {
    path.metadata().unwrap().ino()
}

#[test]
fn the_applet_restarts_in_place_when_the_call_is_over() {
    let session = session();
    let program = install(&session);
    let mut applet = start(&session, &program);
    applet.wait_for("idle");
    let before = running(&applet);
    let mut consumer = Consumer::new(&session);
    consumer.see_camera(ENOUGH);
    update(&program);
    applet.wait("the update", |report| report.update);
    consumer.forget();
    assert_eq!(consumer.see_camera(ENOUGH), (0, 0));
    assert_eq!(running(&applet), before);
    drop(consumer);
    until("the restart", || running(&applet) == installed(&program));

    // It is the same process, and works as it did.
    assert!(applet.is_running());
    let mut applet = applet.restarted(&session);
    let report = applet.wait_for("idle");
    assert!(!report.update);
    assert_eq!(report.outputs[0].width, 160, "the arguments are the same");
    Consumer::new(&session).see_camera(ENOUGH);
    assert!(session.lenscap("quit").status.success());
    assert!(applet.wait_for_end().success());
}

#[test]
fn an_idle_applet_restarts_by_itself_and_leaves_nothing_open() {
    let session = session();
    let program = install(&session);
    let mut applet = start(&session, &program);
    // What it opens when it is first needed is open after a call.
    let call = |applet: &mut Applet| {
        Consumer::new(&session).see_camera(ENOUGH);
        applet.wait_for("live");
        applet.wait_for("idle");
    };
    call(&mut applet);
    let descriptors = applet.descriptors();
    update(&program);
    until("the restart", || running(&applet) == installed(&program));
    assert!(applet.is_running());
    let mut applet = applet.restarted(&session);
    call(&mut applet);
    until("as many descriptors as before", || {
        applet.descriptors() <= descriptors
    });
}

#[test]
fn without_the_setting_the_restart_is_offered() {
    let session = session();
    session.write_config("[desktop]\nrestart_after_update = false\n");
    let program = install(&session);
    let mut applet = start(&session, &program);
    let desktop = desktop(&session);
    let host = Host::new(&desktop);
    host.start();
    let item = host.item(0);
    let before = running(&applet);
    update(&program);
    applet.wait("the update", |report| report.update);
    let status = session.lenscap("status").stdout;
    let status = String::from_utf8(status).unwrap();
    assert!(status.contains("restart Lenscap to use it"), "{status}");
    assert_eq!(running(&applet), before);
    host.choose(&item, OFFER).unwrap();
    until("the restart", || running(&applet) == installed(&program));
    assert!(applet.is_running());
}

#[test]
fn a_program_that_cannot_run_is_not_started() {
    let session = session();
    let program = install(&session);
    let mut applet = start(&session, &program);
    replace(&program, OTHER);
    applet.wait("the update", |report| report.update);
    Consumer::new(&session).see_camera(ENOUGH);
    assert!(applet.is_running());
    update(&program);
    until("the restart", || running(&applet) == installed(&program));
}

/// A restart leaves such children: the preferences window, and what was searching for cameras.
#[test]
fn children_from_before_the_restart_are_reaped() {
    let session = session();
    let mut command = session.command("sh");
    let script = format!("true & exec \"$0\" {LINE}");
    command.args(["-c", &script]).arg(program("lenscap"));
    let mut applet = Applet::start(&session, &mut command);
    applet.wait_for("idle");
    let pid = applet.pid();
    until("no child is left", || {
        let children = format!("/proc/{pid}/task/{pid}/children");
        fs::read_to_string(children).unwrap().is_empty()
    });
}
