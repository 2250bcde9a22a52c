//! The program's file is replaced or removed while the applet runs.

use std::fs;
use std::path::{Path, PathBuf};

use lenscap_support::applet::Applet;
use lenscap_support::program;
use lenscap_support::session::Session;

use crate::consumer::Consumer;
use crate::{ENOUGH, LINE, session};

/// A program of another version, which is no Lenscap at all: nothing that starts it succeeds.
const OTHER: &str = "/bin/false";

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
