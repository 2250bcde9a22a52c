//! Packs the window's symbols into a resource, for icon themes that lack them.

use std::env;
use std::error::Error;
use std::path::Path;
use std::process::Command;

/// Where the symbols are, with the list of them.
const ICONS: &str = "icons";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={ICONS}");
    let out = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    // The compiler comes with GLib's headers.
    let status = Command::new("glib-compile-resources")
        .args(["--sourcedir", ICONS, "--target"])
        .arg(Path::new(&out).join("icons.gresource"))
        .arg(format!("{ICONS}/icons.gresource.xml"))
        .status()
        .map_err(|error| format!("glib-compile-resources: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("glib-compile-resources: {status}").into())
    }
}
