//! Commands that mend things, as they are typed on each distribution.

use crate::doctor::Action;
use crate::doctor::facts::{Distro, Facts};
use crate::doctor::permissions::{DELETE, ID, NAME, PATH, TABLE};
use crate::output::ADD;
pub use crate::output::LOAD;

/// The applet's program, as it is started where it is installed.
pub fn lenscap(facts: &Facts) -> &'static str {
    if facts.system.flatpak {
        "flatpak run io.github.lenscap.Lenscap"
    } else {
        "lenscap"
    }
}

/// Loads the module anew. Its devices have to be closed for that, so the applet ends first.
pub fn reload(facts: &Facts) -> String {
    let lenscap = lenscap(facts);
    format!("{lenscap} quit; sudo modprobe -r v4l2loopback && {LOAD}")
}

/// Our file of options: behind those of other products, because the last one counts.
pub const OPTIONS: &str = "zz-lenscap.conf";

/// Has it loaded at every start, as it is to be.
pub fn load_at_boot() -> String {
    "echo 'options v4l2loopback exclusive_caps=1 max_buffers=8 card_label=\"Intel MIPI Camera\"' | \
     sudo tee /etc/modprobe.d/zz-lenscap.conf && \
     echo v4l2loopback | sudo tee /etc/modules-load.d/lenscap.conf"
        .to_owned()
}

/// Adds a device to the module that is loaded: by our helper, or by the driver's own tool, which is
/// in a package of its own.
pub fn add_device(facts: &Facts) -> String {
    if let Some(helper) = &facts.system.helper {
        return by_hand(helper, Action::AddDevice);
    }
    match install("v4l2loopback-utils", facts.system.distro) {
        Some(install) => format!("{install} && {ADD}"),
        None => ADD.to_owned(),
    }
}

/// Has the helper do something without polkit.
pub fn by_hand(helper: &std::path::Path, action: Action) -> String {
    format!("sudo {} {}", quoted(helper), action.name())
}

/// Enables an extension of GNOME's.
pub fn enable_extension(name: &str) -> String {
    format!("gnome-extensions enable {name}")
}

/// The extension for tray icons as the distribution has it, and what installs it.
pub fn tray_extension(distro: Distro) -> (&'static str, String) {
    let name = match distro {
        Distro::Ubuntu | Distro::Debian => "ubuntu-appindicators@ubuntu.com",
        _ => "appindicatorsupport@rgcjonas.gmail.com",
    };
    let package = "gnome-shell-extension-appindicator";
    let install = match distro {
        Distro::Fedora => Some(format!("sudo dnf install {package}")),
        Distro::Suse => None, // it has no such package
        _ => install(package, distro),
    };
    let page = "xdg-open https://extensions.gnome.org/extension/615/appindicator-support/";
    (name, install.unwrap_or_else(|| page.to_owned()))
}

/// Installs a package that has the same name everywhere.
fn install(package: &str, distro: Distro) -> Option<String> {
    let install = match distro {
        Distro::Ubuntu | Distro::Debian => "apt install",
        // There the tool is in the package of the module.
        Distro::Fedora | Distro::Other => return None,
        Distro::Arch => "pacman -S",
        Distro::Suse => "zypper install",
    };
    Some(format!("sudo {install} {package}"))
}

/// Loads the vcam driver.
pub const LOAD_VCAM: &str = "sudo modprobe vcam";

/// Takes a virtual camera that can't be had out of the settings.
pub const ANY_OUTPUT: &str = "sed -i '/^kind *=/d' ~/.config/lenscap/lenscap.toml";

/// Opens the nodes of the cameras, real and virtual, to who sits at the machine, and to the group.
pub const WRITE_RULES: &str = "printf '%s\\n' 'KERNEL==\"ipu*psys*|vcam\", MODE=\"0660\", \
     GROUP=\"video\", TAG+=\"uaccess\"' 'KERNEL==\"udmabuf\", TAG+=\"uaccess\"' | \
     sudo tee /etc/udev/rules.d/72-lenscap.rules && \
     sudo udevadm control --reload && sudo udevadm trigger --action=change";

/// Installs the module, with what it takes to build it.
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

/// Installs the running kernel's headers.
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

/// Builds the module for the running kernel.
pub fn build_module(facts: &Facts) -> String {
    let kernel = &facts.system.kernel;
    match facts.system.distro {
        Distro::Fedora => format!("sudo akmods --force --kernels {kernel}"),
        _ => format!("sudo dkms autoinstall -k {kernel}"),
    }
}

/// Installs the plugin for the camera that is built in, or else libcamera's.
pub fn install_plugin(facts: &Facts) -> Option<&'static str> {
    match facts.system.distro {
        Distro::Ubuntu => Some("sudo apt install gstreamer1.0-icamera"),
        Distro::Fedora => Some("sudo dnf install gstreamer1-plugins-icamerasrc"),
        _ => install_libcamera(facts),
    }
}

/// Installs libcamera's plugin, which drives some of these cameras without the maker's software.
pub fn install_libcamera(facts: &Facts) -> Option<&'static str> {
    match facts.system.distro {
        Distro::Ubuntu | Distro::Debian => Some("sudo apt install gstreamer1.0-libcamera"),
        Distro::Fedora => Some("sudo dnf install libcamera-gstreamer"),
        Distro::Arch => Some("sudo pacman -S gst-plugin-libcamera"),
        Distro::Suse => Some("sudo zypper install gstreamer-plugins-libcamera"),
        Distro::Other => None,
    }
}

/// Has the camera portal forget its answer about an application.
pub fn delete_permission(application: &str) -> String {
    let application = quoted(std::path::Path::new(application));
    format!("busctl --user call {NAME} {PATH} {NAME} {DELETE} sss {TABLE} {ID} {application}")
}

/// A path as a shell takes it for one word.
pub fn quoted(path: &std::path::Path) -> String {
    let text = path.display().to_string();
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+@".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
