//! The kernel module v4l2loopback: on disk, in the kernel, and what can prevent loading it.

use std::fs;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use lenscap_actions::module::{NAME, is_before_0_13};
use rustix::fs::OFlags;

use super::{files, modprobe};
use crate::doctor::facts::{LoadedModule, ModuleFacts};
use crate::small_file::{self, USUAL};

/// The firmware's Secure Boot variable: four bytes of attributes, then 1 if it is on.
const SECURE_BOOT: &str =
    "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

/// Bytes of a module's file: the largest have a few megabytes.
const MOST_MODULE: u64 = 64 << 20;

/// The end of a signed module's file (`MODULE_SIG_STRING` in `linux/module_signature.h`).
const SIGNATURE: &[u8] = b"~Module signature appended~\n";

/// The public keys of locally signed modules, by distribution.
const KEYS: [&str; 3] = [
    "var/lib/shim-signed/mok/MOK.der",
    "var/lib/dkms/mok.pub",
    "etc/pki/akmods/certs/public_key.der",
];

/// The kernel's messages about a module that it rejected for lack of a known key.
const REFUSALS: [&str; 3] = [
    "unsigned module loading is restricted",
    "module with unavailable key is rejected",
    "unsigned module is rejected",
];

/// The most that is read of the kernel's log, in bytes; distributions' ring buffers are smaller.
const LOG_LIMIT: usize = 4 << 20;

pub fn gather(root: &Path, kernel: &str) -> ModuleFacts {
    let tree = root.join("lib/modules").join(kernel);
    let is_tree = !kernel.is_empty() && tree.join("modules.dep").exists();
    let file = is_tree.then(|| find(&tree)).flatten();
    let config = modprobe::module_config(root, NAME, "exclusive_caps");
    let key = KEYS.iter().find(|key| root.join(key).exists());
    ModuleFacts {
        kernel_gone: !tree.exists() && !files::entries(root.join("lib/modules")).is_empty(),
        installed: file.is_some(),
        source: has_source(root),
        failed_build: failed_build(root, kernel),
        headers: tree.join("build").exists(),
        loaded: loaded(root),
        signed_only: takes_signed_only(root),
        signed: file.as_deref().and_then(is_signed),
        refused: has_refused(&root.join("dev/kmsg")),
        key: key.map(|key| Path::new("/").join(key)),
        forbidden: config.forbidden,
        exclusive_caps: config.option,
        at_boot: modprobe::at_boot(root, NAME),
        control: root.join("dev/v4l2loopback").exists() && !is_before_0_13(root),
    }
}

fn find(tree: &Path) -> Option<PathBuf> {
    find_any(tree, &[NAME]).map(|(_, file)| file)
}

/// The first of these modules that the kernel has, and its file.
pub fn find_any(tree: &Path, names: &[&str]) -> Option<(String, PathBuf)> {
    let list = files::text(tree.join("modules.dep"));
    let mut paths = list.lines().filter_map(|line| line.split(':').next());
    paths.find_map(|path| {
        let name = files::name(Path::new(path)).split(".ko").next()?;
        let is_it = |wanted: &&&str| wanted.replace('-', "_") == name.replace('-', "_");
        let found = names.iter().find(is_it)?;
        Some(((*found).to_owned(), tree.join(path)))
    })
}

/// Whether its source is installed for DKMS or akmods.
fn has_source(root: &Path) -> bool {
    let is_ours = |path: &PathBuf| files::name(path).starts_with("v4l2loopback");
    let dkms = files::entries(root.join("usr/src")).into_iter();
    let dkms = dkms.filter(|dir| dir.join("dkms.conf").exists());
    let akmods = files::entries(root.join("usr/src/akmods"));
    dkms.chain(akmods).any(|path| is_ours(&path))
}

/// The log of a failed DKMS build: DKMS moves the log away after a successful one. Its first line
/// names the kernel.
fn failed_build(root: &Path, kernel: &str) -> Option<PathBuf> {
    let versions = files::entries(root.join("var/lib/dkms").join(NAME));
    let mut logs = versions.iter().map(|dir| dir.join("build/make.log"));
    let is_it = |log: &PathBuf| {
        let text = files::text(log);
        let first = text.lines().next().unwrap_or_default();
        first.contains(&format!(" for kernel {kernel} "))
    };
    let log = logs.rfind(is_it)?;
    Some(files::absolute(root, &log))
}

fn loaded(root: &Path) -> Option<LoadedModule> {
    let module = root.join("sys/module").join(NAME);
    let parameter = |name| files::text(module.join("parameters").join(name));
    module.exists().then(|| LoadedModule {
        version: files::text(module.join("version")),
        exclusive_caps: parameter("exclusive_caps").starts_with(['Y', '1']),
        max_buffers: parameter("max_buffers").parse().unwrap_or_default(),
    })
}

/// Secure Boot by itself rejects nothing; the kernel's lockdown does.
fn takes_signed_only(root: &Path) -> bool {
    let lockdown = files::text(root.join("sys/kernel/security/lockdown"));
    let locked = lockdown.contains("[integrity]") || lockdown.contains("[confidentiality]");
    let enforced = files::text(root.join("sys/module/module/parameters/sig_enforce")) == "Y";
    // For kernels that hide their lockdown state from users.
    let secure = small_file::read(&root.join(SECURE_BOOT), USUAL)
        .is_ok_and(|value| value.last() == Some(&1));
    locked || enforced || (lockdown.is_empty() && secure)
}

/// Whether a module is signed; `None` if it is compressed or can't be read.
fn is_signed(file: &Path) -> Option<bool> {
    if file.extension()? != "ko" {
        return None;
    }
    Some(
        small_file::read(file, MOST_MODULE)
            .ok()?
            .ends_with(SIGNATURE),
    )
}

/// Whether the kernel has rejected a module since boot, if this user may read its log.
fn has_refused(log: &Path) -> bool {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(log);
    let Ok(mut file) = file else { return false };
    // One record per read. The end of the log is EAGAIN, an overwritten record EPIPE.
    let mut record = [0; 8192];
    let mut total = 0;
    while let Ok(len @ 1..) = file.read(&mut record) {
        let text = String::from_utf8_lossy(&record[..len]);
        if REFUSALS.iter().any(|message| text.contains(message)) {
            return true;
        }
        total += len;
        if total > LOG_LIMIT {
            break;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::probe::tests::machine;

    const KERNEL: &str = "6.12.1-amd64";
    const DEP: &str = "lib/modules/6.12.1-amd64/modules.dep";

    fn module(files: &[(&str, &str)]) -> ModuleFacts {
        gather(machine(files).path(), KERNEL)
    }

    #[test]
    fn an_empty_machine_has_no_module() {
        assert_eq!(module(&[]), ModuleFacts::default());
    }

    #[test]
    fn a_module_is_installed_for_one_kernel() {
        let other = (
            "lib/modules/6.11.0-amd64/modules.dep",
            "updates/dkms/v4l2loopback.ko:\n",
        );
        let none = (
            DEP,
            "kernel/drivers/media/v4l2-core/videodev.ko.xz: kernel/x.ko.xz\n",
        );
        let built = module(&[other, none]);
        assert!(!built.installed && !built.kernel_gone);
        assert!(module(&[other]).kernel_gone);
        for path in ["updates/dkms/v4l2loopback.ko", "extra/v4l2loopback.ko.zst"] {
            let dep = format!("{path}: kernel/drivers/media/v4l2-core/videodev.ko.xz\n");
            let built = module(&[(DEP, &dep)]);
            assert!(built.installed, "{path}");
            assert_eq!(built.signed, None, "{path}");
        }
        // Listed as a dependency of another module only.
        let needs = module(&[(DEP, "extra/other.ko: extra/v4l2loopback.ko\n")]);
        assert!(!needs.installed);
    }

    #[test]
    fn source_and_headers_are_found() {
        let conf = ("usr/src/v4l2loopback-0.12.7/dkms.conf", "");
        let headers = ("lib/modules/6.12.1-amd64/build/Makefile", "");
        assert!(module(&[conf]).source && !module(&[conf]).headers);
        assert!(module(&[conf, headers]).headers);
        let akmod = ("usr/src/akmods/v4l2loopback-kmod-0.13.2.src.rpm", "");
        assert!(module(&[akmod]).source);
        assert!(!module(&[("usr/src/v4l2loopback-0.12.7/README", "")]).source);
    }

    #[test]
    fn a_failed_build_is_found_by_its_log() {
        let log = "var/lib/dkms/v4l2loopback/0.12.7/build/make.log";
        let failed = |kernel| {
            let text = format!(
                "DKMS make.log for v4l2loopback-0.12.7 for kernel {kernel} (x86_64)\nerror: x\n"
            );
            module(&[(log, &text)]).failed_build
        };
        assert_eq!(failed(KERNEL), Some(Path::new("/").join(log)));
        assert_eq!(failed("6.1.0-9-amd64"), None);
    }

    #[test]
    fn signatures_are_found_at_the_end_of_the_file() {
        let path = "lib/modules/6.12.1-amd64/updates/dkms/v4l2loopback.ko";
        let dep = (DEP, "updates/dkms/v4l2loopback.ko:\n");
        let signed = "code~Module signature appended~\n";
        assert_eq!(module(&[dep, (path, signed)]).signed, Some(true));
        assert_eq!(module(&[dep, (path, "code")]).signed, Some(false));
    }

    #[test]
    fn a_kernel_in_lockdown_accepts_signed_modules_only() {
        let lockdown = |text| ("sys/kernel/security/lockdown", text);
        let secure = (SECURE_BOOT, "\u{6}\0\0\0\u{1}");
        assert!(module(&[lockdown("none [integrity] confidentiality\n")]).signed_only);
        assert!(!module(&[lockdown("[none] integrity confidentiality\n"), secure]).signed_only);
        assert!(module(&[secure]).signed_only);
        assert!(!module(&[(SECURE_BOOT, "\u{6}\0\0\0\0")]).signed_only);
        assert!(module(&[("sys/module/module/parameters/sig_enforce", "Y\n")]).signed_only);
    }

    #[test]
    fn rejected_modules_are_found_in_the_log() {
        let log = |text| module(&[("dev/kmsg", text)]).refused;
        assert!(log(
            "6,1,1,-;Lockdown: modprobe: unsigned module loading is restricted; see man\n"
        ));
        assert!(log(
            "6,1,1,-;Loading of module with unavailable key is rejected\n"
        ));
        assert!(!log(
            "6,1,1,-;v4l2loopback: module verification failed: signature missing\n"
        ));
    }

    #[test]
    fn the_loaded_modules_parameters_are_read() {
        let parameters = "sys/module/v4l2loopback/parameters";
        let loaded = module(&[
            ("sys/module/v4l2loopback/version", "0.13.2\n"),
            (&format!("{parameters}/exclusive_caps"), "Y,N,N,N\n"),
            (&format!("{parameters}/max_buffers"), "8\n"),
            ("dev/v4l2loopback", ""),
        ]);
        let expected = LoadedModule {
            version: "0.13.2".to_owned(),
            exclusive_caps: true,
            max_buffers: 8,
        };
        assert_eq!(loaded.loaded, Some(expected));
        assert!(loaded.control);
        let old = [
            ("sys/module/v4l2loopback/version", "0.12.7\n"),
            ("dev/v4l2loopback", ""),
        ];
        assert!(!module(&old).control);
    }
}
