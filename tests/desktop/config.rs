//! Config files that aren't there, or aren't files.

use std::fs;

use lenscap_support::bus::Bus;

use super::applet::Home;

#[test]
fn a_missing_file_is_one_warning_and_is_used_once_it_appears() {
    let bus = Bus::new();
    let home = Home::new(&bus.address);
    let file = home.path("other/my.toml");
    let name = file.to_str().unwrap();
    let applet = home.start_with(&["--config", name, "--source", "test"]);
    let is_about = |error: &Option<String>, key: &str| {
        error
            .as_ref()
            .is_some_and(|error| error.contains(name) && error.contains(key))
    };
    applet.wait(|report| !is_about(&report.error, ""));
    let warnings = home.log().matches("there is no such file").count();
    assert_eq!(warnings, 1, "{}", home.log());
    fs::create_dir(home.path("other")).unwrap();
    fs::write(&file, "[camera]\nwidth = 641\n").unwrap();
    applet.wait(|report| is_about(&report.error, "camera.width"));
    fs::write(&file, "[camera]\nwidth = 640\n").unwrap();
    applet.wait(|report| !is_about(&report.error, ""));
}

#[test]
fn what_is_no_file_is_an_error_in_the_status() {
    let bus = Bus::new();
    let home = Home::new(&bus.address);
    let applet = home.start_with(&["--config", "/dev/full", "--source", "test"]);
    let wanted = "/dev/full: this is not a regular file";
    applet.wait(|report| {
        report
            .error
            .as_ref()
            .is_some_and(|error| error.contains(wanted))
    });
}
