//! Commands that fix problems, for each distribution.

use lenscap_actions::module::{ADD, LOAD, OPTIONS, OPTIONS_FILE};

use crate::doctor::RootAction;
use crate::doctor::facts::{Distro, Facts};
use crate::doctor::permissions::{DELETE, ID, NAME, PATH, TABLE};

/// The command that starts the applet.
pub fn lenscap(facts: &Facts) -> &'static str {
    if facts.system.flatpak {
        "flatpak run io.github.lenscap.Lenscap"
    } else {
        "lenscap"
    }
}

/// Reloads the module. Its devices must be closed for that, so the applet ends first.
pub fn reload(facts: &Facts) -> String {
    let lenscap = lenscap(facts);
    format!("{lenscap} quit; sudo modprobe -r v4l2loopback && {LOAD}")
}

pub fn load_at_boot() -> String {
    format!(
        "echo 'options v4l2loopback {OPTIONS}' | sudo tee /etc/modprobe.d/{OPTIONS_FILE} && \
         echo v4l2loopback | sudo tee /etc/modules-load.d/lenscap.conf"
    )
}

/// Adds a device to the loaded module: with our helper, or with the driver's own tool, which comes in
/// a separate package.
pub fn add_device(facts: &Facts) -> String {
    if let Some(helper) = &facts.system.helper {
        return with_sudo(helper, RootAction::AddDevice);
    }
    match install("v4l2loopback-utils", facts.system.distro) {
        Some(install) => format!("{install} && {ADD}"),
        None => ADD.to_owned(),
    }
}

/// Runs the helper without polkit.
pub fn with_sudo(helper: &std::path::Path, action: RootAction) -> String {
    format!("sudo {} {}", quoted(helper), action.name())
}

pub fn enable_extension(name: &str) -> String {
    format!("gnome-extensions enable {name}")
}

/// The name of the distribution's extension for tray icons, and the command that installs it.
pub fn tray_extension(distro: Distro) -> (&'static str, String) {
    let name = match distro {
        Distro::Ubuntu | Distro::Debian => "ubuntu-appindicators@ubuntu.com",
        _ => "appindicatorsupport@rgcjonas.gmail.com",
    };
    let package = "gnome-shell-extension-appindicator";
    let install = match distro {
        Distro::Fedora => Some(format!("sudo dnf install {package}")),
        Distro::Suse => None, // no such package
        _ => install(package, distro),
    };
    let page = "xdg-open https://extensions.gnome.org/extension/615/appindicator-support/";
    (name, install.unwrap_or_else(|| page.to_owned()))
}

fn install(package: &str, distro: Distro) -> Option<String> {
    let install = match distro {
        Distro::Ubuntu | Distro::Debian => "apt install",
        // The tool is part of the module's package.
        Distro::Fedora | Distro::Other => return None,
        Distro::Arch => "pacman -S",
        Distro::Suse => "zypper install",
    };
    Some(format!("sudo {install} {package}"))
}

pub const LOAD_VCAM: &str = "sudo modprobe vcam";

/// Removes an unavailable kind of virtual camera from the settings.
pub const ANY_OUTPUT: &str = "sed -i '/^kind *=/d' ~/.config/lenscap/lenscap.toml";

/// Gives the logged-in user and the group access to the nodes of cameras, real and virtual.
pub const WRITE_RULES: &str = "printf '%s\\n' 'KERNEL==\"ipu*psys*|vcam\", MODE=\"0660\", \
     GROUP=\"video\", TAG+=\"uaccess\"' 'KERNEL==\"udmabuf\", TAG+=\"uaccess\"' | \
     sudo tee /etc/udev/rules.d/72-lenscap.rules && \
     sudo udevadm control --reload && sudo udevadm trigger --action=change";

/// Installs the module and what is needed to build it.
pub fn install_module(facts: &Facts) -> Option<String> {
    let kernel = &facts.system.kernel;
    match facts.system.distro {
        Distro::Ubuntu | Distro::Debian => Some(format!(
            "sudo apt install v4l2loopback-dkms linux-headers-{kernel}"
        )),
        Distro::Fedora => Some("sudo dnf install akmod-v4l2loopback".to_owned()),
        Distro::Arch => Some("sudo pacman -S v4l2loopback-dkms linux-headers".to_owned()),
        Distro::Suse => Some("sudo zypper install v4l2loopback-kmp-default".to_owned()),
        Distro::Other => None,
    }
}

pub fn install_headers(facts: &Facts) -> Option<String> {
    let kernel = &facts.system.kernel;
    match facts.system.distro {
        Distro::Ubuntu | Distro::Debian => Some(format!("sudo apt install linux-headers-{kernel}")),
        Distro::Fedora => Some(format!("sudo dnf install kernel-devel-{kernel}")),
        Distro::Arch => Some("sudo pacman -S linux-headers".to_owned()),
        Distro::Suse => Some("sudo zypper install kernel-default-devel".to_owned()),
        Distro::Other => None,
    }
}

pub fn build_module(facts: &Facts) -> String {
    let kernel = &facts.system.kernel;
    match facts.system.distro {
        Distro::Fedora => format!("sudo akmods --force --kernels {kernel}"),
        _ => format!("sudo dkms autoinstall -k {kernel}"),
    }
}

/// Installs the vendor's plugin, or libcamera's where there is none.
pub fn install_plugin(facts: &Facts) -> Option<&'static str> {
    match facts.system.distro {
        Distro::Ubuntu => Some("sudo apt install gstreamer1.0-icamera"),
        Distro::Fedora => Some("sudo dnf install gstreamer1-plugins-icamerasrc"),
        _ => install_libcamera(facts),
    }
}

pub fn install_libcamera(facts: &Facts) -> Option<&'static str> {
    match facts.system.distro {
        Distro::Ubuntu | Distro::Debian => Some("sudo apt install gstreamer1.0-libcamera"),
        Distro::Fedora => Some("sudo dnf install libcamera-gstreamer"),
        Distro::Arch => Some("sudo pacman -S gst-plugin-libcamera"),
        Distro::Suse => Some("sudo zypper install gstreamer-plugins-libcamera"),
        Distro::Other => None,
    }
}

/// Deletes the camera portal's stored answer for an application.
pub fn delete_permission(application: &str) -> String {
    let application = quoted(std::path::Path::new(application));
    format!("busctl --user call {NAME} {PATH} {NAME} {DELETE} sss {TABLE} {ID} {application}")
}

/// Quotes a path for the shell.
pub fn quoted(path: &std::path::Path) -> String {
    let text = path.display().to_string();
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+@".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
