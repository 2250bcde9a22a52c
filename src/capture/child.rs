//! The processes that run camera software: how each starts and ends.

use std::env;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command};

use rustix::process::{Pid, Signal, kill_process_group, set_parent_process_death_signal};

use super::sandbox::{REGISTRIES, Reach, SHADERS};
use crate::program;

/// Libraries that use the network read the desktop's proxy settings. They are kept in the home
/// directory, which is hidden, and a camera nearby needs no proxy.
const SETTINGS_BACKEND: &str = "GSETTINGS_BACKEND";

/// Whether GStreamer looks for new plugins.
const REGISTRY_UPDATE: &str = "GST_REGISTRY_UPDATE";

/// In the user's cache. Other programs load the plugins and shaders that their own ones name, and the
/// sandbox may have made these incomplete.
const OWN_REGISTRY: &str = "lenscap/gstreamer/registry.bin";
const OWN_SHADERS: &str = "lenscap/shaders";

/// Where programs find the desktop, the session's services and keys.
const DESKTOP: [&str; 24] = [
    "AT_SPI_BUS_ADDRESS",
    "DBUS_SESSION_BUS_ADDRESS",
    "DBUS_STARTER_ADDRESS",
    "DBUS_STARTER_BUS_TYPE",
    "DESKTOP_STARTUP_ID",
    "DISPLAY",
    "GNOME_KEYRING_CONTROL",
    "GPG_AGENT_INFO",
    "HYPRLAND_INSTANCE_SIGNATURE",
    "I3SOCK",
    "ICEAUTHORITY",
    "KRB5CCNAME",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "NOTIFY_SOCKET",
    "SESSION_MANAGER",
    "SSH_AGENT_PID",
    "SSH_AUTH_SOCK",
    "SWAYSOCK",
    "WAYLAND_DISPLAY",
    "WAYLAND_SOCKET",
    "XAUTHORITY",
    "XDG_ACTIVATION_TOKEN",
];

/// `lenscap capture` with an environment for `reach`, in a process group of its own: what it starts is
/// in this group as well, and a terminal's signals don't arrive there.
pub fn command(reach: Reach) -> Command {
    let mut command = with_environment(reach);
    // GStreamer would look for new plugins at every start. Searches for cameras begin with that, in a
    // process of its own.
    if env::var_os(REGISTRY_UPDATE).is_none() {
        command.env(REGISTRY_UPDATE, "no");
    }
    command
}

/// The same for a process that looks for new plugins.
pub fn for_plugins() -> Command {
    with_environment(Reach::Devices)
}

fn with_environment(reach: Reach) -> Command {
    let mut command = program::command();
    command
        .arg("capture")
        .process_group(0)
        .env(SETTINGS_BACKEND, "memory")
        .env(REGISTRIES[0], registry());
    if reach == Reach::Devices {
        command.env(SHADERS, glib::user_cache_dir().join(OWN_SHADERS));
    }
    if !reach.has_desktop() {
        for name in DESKTOP {
            command.env_remove(name);
        }
    }
    command
}

/// The registry of all these processes: the one that the environment names, or one of our own.
pub fn registry() -> PathBuf {
    let mut named = REGISTRIES.iter().filter_map(env::var_os);
    let named = named.find(|file| !file.is_empty());
    let own = || glib::user_cache_dir().join(OWN_REGISTRY);
    named.map_or_else(own, PathBuf::from)
}

/// Kills a child with all that it started. It may have ended, but must not have been reaped: its
/// number could be another process's by then.
pub fn kill_group(child: &Child) {
    // Fails if the child is the only one and has ended.
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
}

/// What a child does first: it ends with the thread that started it.
pub fn set_up() {
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        tracing::warn!("no signal at the end of the parent: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pipelines_keep_the_desktops_environment() {
        let removed = |reach| {
            let command = command(reach);
            let changes = command.get_envs();
            changes.filter(|(_, value)| value.is_none()).count()
        };
        for reach in [Reach::Devices, Reach::PipeWire, Reach::Network] {
            assert_eq!(removed(reach), DESKTOP.len(), "{reach:?}");
        }
        assert_eq!(removed(Reach::Desktop), 0);
    }
}
