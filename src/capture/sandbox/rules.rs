//! The sandbox's rules, from the worker's environment.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::Reach;

/// Environment variables with lists of directories to read: plugins, libraries, tuning.
const LISTS: [&str; 10] = [
    "GST_PLUGIN_PATH",
    "GST_PLUGIN_PATH_1_0",
    "GST_PLUGIN_SYSTEM_PATH",
    "GST_PLUGIN_SYSTEM_PATH_1_0",
    "LD_LIBRARY_PATH",
    "LIBCAMERA_IPA_CONFIG_PATH",
    "LIBCAMERA_IPA_MODULE_PATH",
    "LIBCAMERA_IPA_PROXY_PATH",
    "PIPEWIRE_MODULE_DIR",
    "SPA_PLUGIN_DIR",
];

/// Environment variables with the path of a file or directory to read.
const PATHS: [&str; 7] = [
    "GST_PLUGIN_SCANNER",
    "GST_PLUGIN_SCANNER_1_0",
    "LIBCAMERA_CONFIG_FILE",
    "LIBCAMERA_RPI_CONFIG_FILE",
    "LIBCAMERA_RPI_TUNING_FILE",
    "LIBCAMERA_SIMPLE_TUNING_FILE",
    "PIPEWIRE_CONFIG_DIR",
];

/// Directories to read in the user's configuration. `PipeWire`'s client library fails if it can't read
/// its own.
const CONFIGURATION: [&str; 2] = ["pipewire", "libcamera"];

/// Mesa's caches of compiled shaders, in the user's cache: libcamera processes pictures with them.
const SHADER_CACHES: [&str; 3] = [
    "mesa_shader_cache",
    "mesa_shader_cache_db",
    "mesa_shader_cache_sf",
];

/// Environment variables with the path of GStreamer's registry.
const REGISTRIES: [&str; 2] = ["GST_REGISTRY", "GST_REGISTRY_1_0"];

/// World-writable directories. Tests and some containers have home directories there.
const SHARED: [&str; 4] = ["/tmp", "/var/tmp", "/run", "/dev/shm"];

/// Access beyond the system's own files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What else remains.
    pub reach: Reach,
    /// The directory to hide; `None` hides nothing.
    pub home: Option<PathBuf>,
    /// Files and directories to read and execute, wherever they are.
    pub readable: Vec<PathBuf>,
    /// Directories to read and write, wherever they are; created if missing.
    pub writable: Vec<PathBuf>,
    /// The same, but only those that exist.
    pub caches: Vec<PathBuf>,
    /// Directories in which files may be created next to the home directory.
    pub shared: Vec<PathBuf>,
}

impl Rules {
    /// The rules for GStreamer with this process's environment.
    pub fn from_environment(reach: Reach) -> Self {
        Self::from_variables(reach, |name| env::var_os(name))
    }

    fn from_variables(reach: Reach, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let path = |name: &str| {
            variable(name)
                .filter(|text| !text.is_empty())
                .map(PathBuf::from)
        };
        let home = path("HOME");
        let below_home = |below: &str| home.as_ref().map(|home| home.join(below));
        let data = path("XDG_DATA_HOME").or_else(|| below_home(".local/share"));
        let config = path("XDG_CONFIG_HOME").or_else(|| below_home(".config"));
        let cache = path("XDG_CACHE_HOME").or_else(|| below_home(".cache"));
        let lists = LISTS.iter().filter_map(|name| variable(name));
        let configuration = |config: PathBuf| CONFIGURATION.map(|name| config.join(name));
        let readable = lists
            .flat_map(|list| env::split_paths(&list).collect::<Vec<_>>())
            .chain(PATHS.iter().filter_map(|name| path(name)))
            .chain(data.map(|data| data.join("gstreamer-1.0")))
            .chain(config.into_iter().flat_map(configuration))
            .filter(|path| path.is_absolute())
            .collect();
        // A registry is replaced by a new file, which needs access to the directory.
        let registries = REGISTRIES.iter().filter_map(|name| path(name));
        let writable = registries
            .filter_map(|file| file.parent().map(Path::to_owned))
            .chain(cache.as_ref().map(|cache| cache.join("gstreamer-1.0")))
            .filter(|path| path.is_absolute())
            .collect();
        let elsewhere = path("MESA_SHADER_CACHE_DIR");
        let caches = [elsewhere, cache].into_iter().flatten();
        let caches = caches
            .flat_map(|cache| SHADER_CACHES.map(|name| cache.join(name)))
            .filter(|path| path.is_absolute())
            .collect();
        Self {
            reach,
            home,
            readable,
            writable,
            caches,
            shared: SHARED.map(PathBuf::from).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(variables: &[(&str, &str)]) -> Rules {
        Rules::from_variables(Reach::Devices, |wanted| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| value.into())
        })
    }

    #[test]
    fn gstreamers_directories_are_accessible() {
        let rules = rules(&[
            ("HOME", "/home/u"),
            ("GST_PLUGIN_PATH", "/home/u/a:/opt/b:relative"),
            ("LD_LIBRARY_PATH", "/home/u/lib:"),
            ("GST_REGISTRY", "/home/u/reg/file.bin"),
        ]);
        let paths = |list: &[&str]| list.iter().map(PathBuf::from).collect::<Vec<_>>();
        let code = [
            "/home/u/a",
            "/opt/b",
            "/home/u/lib",
            "/home/u/.local/share/gstreamer-1.0",
            "/home/u/.config/pipewire",
            "/home/u/.config/libcamera",
        ];
        assert_eq!(rules.readable, paths(&code));
        let registries = ["/home/u/reg", "/home/u/.cache/gstreamer-1.0"];
        assert_eq!(rules.writable, paths(&registries));
    }

    #[test]
    fn what_camera_stacks_are_pointed_to_is_readable() {
        for name in [
            "LIBCAMERA_IPA_CONFIG_PATH",
            "LIBCAMERA_IPA_MODULE_PATH",
            "LIBCAMERA_IPA_PROXY_PATH",
            "SPA_PLUGIN_DIR",
        ] {
            let readable = rules(&[(name, "/home/u/a:/home/u/b")]).readable;
            let expected = ["/home/u/a", "/home/u/b"].map(PathBuf::from);
            assert_eq!(readable, expected, "{name}");
        }
        for name in [
            "LIBCAMERA_CONFIG_FILE",
            "LIBCAMERA_RPI_TUNING_FILE",
            "LIBCAMERA_SIMPLE_TUNING_FILE",
            "PIPEWIRE_CONFIG_DIR",
        ] {
            let readable = rules(&[(name, "/home/u/a:b")]).readable;
            assert_eq!(readable, [PathBuf::from("/home/u/a:b")], "{name}");
        }
    }

    #[test]
    fn shader_caches_are_writable() {
        let rules = rules(&[("HOME", "/home/u"), ("MESA_SHADER_CACHE_DIR", "/m")]);
        assert_eq!(
            rules.caches,
            [
                "/m/mesa_shader_cache",
                "/m/mesa_shader_cache_db",
                "/m/mesa_shader_cache_sf",
                "/home/u/.cache/mesa_shader_cache",
                "/home/u/.cache/mesa_shader_cache_db",
                "/home/u/.cache/mesa_shader_cache_sf",
            ]
            .map(PathBuf::from)
        );
    }

    #[test]
    fn xdg_variables_override_directories() {
        let rules = rules(&[
            ("HOME", ""),
            ("XDG_CACHE_HOME", "/c"),
            ("XDG_DATA_HOME", "/d"),
            ("XDG_CONFIG_HOME", "/e"),
        ]);
        assert_eq!(rules.home, None);
        let readable = ["/d/gstreamer-1.0", "/e/pipewire", "/e/libcamera"];
        assert_eq!(rules.readable, readable.map(PathBuf::from));
        assert_eq!(rules.writable, [PathBuf::from("/c/gstreamer-1.0")]);
    }
}
