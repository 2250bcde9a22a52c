//! The config file's watcher, with a real file system and main loop.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lenscap::config::Watcher;
use tempfile::TempDir;

/// Watchers use the process's only main loop, so the tests run one at a time.
static MAIN_LOOP: Mutex<()> = Mutex::new(());

/// Longer than the watcher waits for a removed file to be replaced.
const LONG: Duration = Duration::from_millis(400);

struct Bench {
    watcher: Option<Watcher>,
    calls: Rc<Cell<u32>>,
    dir: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Bench {
    /// Watches `file` in a fresh directory that `prepare` has filled.
    fn new(file: &str, prepare: impl FnOnce(&Path)) -> Self {
        let turn = MAIN_LOOP.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path());
        let calls = Rc::new(Cell::new(0));
        let count = calls.clone();
        let watcher = Watcher::new(&dir.path().join(file), move || count.set(count.get() + 1));
        Self {
            watcher: Some(watcher.unwrap()),
            calls,
            dir,
            _turn: turn,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Handles the main loop's pending events.
    fn turn(&self) -> u32 {
        let context = glib::MainContext::default();
        while context.iteration(false) {}
        self.calls.take()
    }

    /// Runs the main loop for `time`.
    fn run(&self, time: Duration) -> u32 {
        let context = glib::MainContext::default();
        let end = Instant::now() + time;
        let _timer = glib::timeout_add_local_once(time, || {});
        while Instant::now() < end {
            context.iteration(true);
        }
        self.calls.take()
    }
}

fn write(path: impl AsRef<Path>) {
    fs::write(path, "[camera]\n").unwrap();
}

#[test]
fn a_write_in_place_is_one_change_at_close() {
    let bench = Bench::new("lenscap.toml", |dir| write(dir.join("lenscap.toml")));
    write(bench.path("lenscap.toml"));
    assert_eq!(bench.turn(), 1);
    let file = fs::File::create(bench.path("lenscap.toml")).unwrap();
    assert_eq!(bench.turn(), 0);
    drop(file);
    assert_eq!(bench.turn(), 1);
    assert_eq!(bench.run(LONG), 0);
}

#[test]
fn a_new_file_is_a_change_only_once_it_is_closed() {
    let bench = Bench::new("lenscap.toml", |_| {});
    let file = fs::File::create(bench.path("lenscap.toml")).unwrap();
    assert_eq!(bench.turn(), 0);
    drop(file);
    assert_eq!(bench.turn(), 1);
}

#[test]
fn a_rename_over_the_file_is_one_change() {
    let bench = Bench::new("lenscap.toml", |dir| write(dir.join("lenscap.toml")));
    write(bench.path("new"));
    assert_eq!(bench.turn(), 0);
    fs::rename(bench.path("new"), bench.path("lenscap.toml")).unwrap();
    assert_eq!(bench.turn(), 1);
}

#[test]
fn changes_within_one_loop_iteration_are_reported_once() {
    let bench = Bench::new("lenscap.toml", |dir| write(dir.join("lenscap.toml")));
    for _ in 0..200 {
        write(bench.path("lenscap.toml"));
        write(bench.path("other"));
    }
    assert_eq!(bench.turn(), 1);
}

#[test]
fn a_save_that_moves_the_old_file_away_first_never_shows_a_missing_file() {
    let bench = Bench::new("lenscap.toml", |dir| write(dir.join("lenscap.toml")));
    fs::rename(bench.path("lenscap.toml"), bench.path("backup")).unwrap();
    assert_eq!(bench.turn(), 0);
    write(bench.path("lenscap.toml"));
    assert_eq!(bench.turn(), 1);
    assert_eq!(bench.run(LONG), 0);
}

#[test]
fn a_removed_file_is_a_change() {
    let bench = Bench::new("lenscap.toml", |dir| write(dir.join("lenscap.toml")));
    fs::remove_file(bench.path("lenscap.toml")).unwrap();
    assert_eq!(bench.turn(), 0);
    assert_eq!(bench.run(LONG), 1);
}

#[test]
fn directories_may_be_created_and_removed() {
    let bench = Bench::new("config/lenscap/lenscap.toml", |_| {});
    for _ in 0..2 {
        fs::create_dir_all(bench.path("config/lenscap")).unwrap();
        bench.turn();
        write(bench.path("config/lenscap/lenscap.toml"));
        assert_eq!(bench.turn(), 1);
        fs::remove_dir_all(bench.path("config")).unwrap();
        assert_eq!(bench.run(LONG), 1);
    }
    fs::create_dir_all(bench.path("config/lenscap")).unwrap();
    write(bench.path("config/lenscap/lenscap.toml"));
    assert_eq!(bench.turn(), 1);
    fs::rename(bench.path("config/lenscap"), bench.path("config/old")).unwrap();
    assert_eq!(bench.run(LONG), 1);
    fs::rename(bench.path("config/old"), bench.path("config/lenscap")).unwrap();
    assert_eq!(bench.turn(), 1);
}

#[test]
fn symlinks_are_followed_at_every_step() {
    let bench = Bench::new("config/lenscap.toml", |dir| {
        fs::create_dir_all(dir.join("dotfiles/a")).unwrap();
        fs::create_dir_all(dir.join("dotfiles/b")).unwrap();
        write(dir.join("dotfiles/a/real.toml"));
        write(dir.join("dotfiles/b/lenscap.toml"));
        symlink("real.toml", dir.join("dotfiles/a/lenscap.toml")).unwrap();
        symlink("dotfiles/a", dir.join("config")).unwrap();
    });
    write(bench.path("dotfiles/a/real.toml"));
    assert_eq!(bench.turn(), 1, "the file at the end of the links");
    symlink("dotfiles/b", bench.path("link")).unwrap();
    fs::rename(bench.path("link"), bench.path("config")).unwrap();
    assert_eq!(bench.turn(), 1, "a directory's link");
    write(bench.path("dotfiles/a/real.toml"));
    assert_eq!(bench.turn(), 0, "the old file");
    write(bench.path("dotfiles/b/lenscap.toml"));
    assert_eq!(bench.turn(), 1, "the new file");
}

#[test]
fn circular_links_are_handled() {
    let bench = Bench::new("lenscap.toml", |dir| {
        symlink("other", dir.join("lenscap.toml")).unwrap();
        symlink("lenscap.toml", dir.join("other")).unwrap();
    });
    write(bench.path("new"));
    fs::rename(bench.path("new"), bench.path("lenscap.toml")).unwrap();
    assert_eq!(bench.turn(), 1);
}

#[test]
fn a_dropped_watcher_is_silent() {
    let mut bench = Bench::new("lenscap.toml", |dir| write(dir.join("lenscap.toml")));
    fs::remove_file(bench.path("lenscap.toml")).unwrap();
    bench.turn();
    drop(bench.watcher.take());
    write(bench.path("lenscap.toml"));
    assert_eq!(bench.run(LONG), 0);
}
