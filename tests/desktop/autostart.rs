//! The real applet's autostart entry.

use std::fs;

use super::applet::Home;
use lenscap_support::bus::Bus;

const ENTRY: &str = "config/autostart/io.github.lenscap.Lenscap.desktop";
const ON: &str = "[desktop]\nautostart = true\n";
const OFF: &str = "[desktop]\nautostart = false\n";

#[test]
fn the_setting_takes_effect_when_saved() {
    let bus = Bus::new();
    let home = Home::new(&bus.address);
    home.configure(OFF);
    let applet = home.start();
    applet.wait(|_| true);
    home.configure(ON);
    home.wait_for(ENTRY, true);
    let text = fs::read_to_string(home.path(ENTRY)).unwrap();
    let program = fs::canonicalize(env!("CARGO_BIN_EXE_lenscap")).unwrap();
    let exec = format!("\nExec={}\n", program.display());
    assert!(text.contains(&exec), "{text}");
    home.configure(OFF);
    home.wait_for(ENTRY, false);
}

#[test]
fn the_start_restores_a_missing_entry_but_not_with_another_file() {
    let bus = Bus::new();
    let home = Home::new(&bus.address);
    home.configure(ON);
    let applet = home.start();
    home.wait_for(ENTRY, true);
    drop(applet);
    let other = home.path("other.toml");
    fs::write(&other, OFF).unwrap();
    let line = ["--config", other.to_str().unwrap(), "--source", "test"];
    let applet = home.start_with(&line);
    // It answers after its start is complete.
    applet.wait(|_| true);
    assert!(home.path(ENTRY).exists());
    drop(applet);
    home.configure(OFF);
    let _applet = home.start();
    home.wait_for(ENTRY, false);
}
