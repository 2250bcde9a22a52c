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

/// Environment variables with the path of GStreamer's registry of plugins; the first one takes precedence.
pub const REGISTRIES: [&str; 2] = ["GST_REGISTRY_1_0", "GST_REGISTRY"];

/// The environment variable with the directory where Mesa keeps compiled shaders, with which libcamera
/// processes pictures.
pub const SHADERS: &str = "MESA_SHADER_CACHE_DIR";

/// World-writable directories. Tests and some containers have home directories there.
const SHARED: [&str; 4] = ["/tmp", "/var/tmp", "/run", "/dev/shm"];

/// Access beyond the system's own files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What else remains.
    pub reach: Reach,
    /// The directory to hide; `None` hides nothing.
    pub home: Option<PathBuf>,
    /// The session's directory of sockets and more, to hide as well. Sockets in it can be connected.
    pub runtime: Option<PathBuf>,
    /// Files and directories to read and execute, wherever they are.
    pub readable: Vec<PathBuf>,
    /// Directories to read and write, wherever they are; created if missing.
    pub writable: Vec<PathBuf>,
    /// Directories in which files may be created next to the home directory.
    pub shared: Vec<PathBuf>,
}

impl Rules {
    /// The rules for GStreamer with this process's environment.
    pub fn from_environment(reach: Reach) -> Self {
        Self::from_variables(reach, |name| env::var_os(name))
    }

    /// The rules for looking for new plugins. No other process writes the registry: those that read it
    /// load what it names, and some of them reach further.
    pub fn for_plugins() -> Self {
        Self::for_plugins_from(|name| env::var_os(name))
    }

    fn for_plugins_from(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let registries = REGISTRIES.iter().filter_map(|name| variable(name));
        // A registry is replaced by a new file, which needs access to the directory.
        let writable = registries
            .filter_map(|file| Path::new(&file).parent().map(Path::to_owned))
            .filter(|path| path.is_absolute())
            .collect();
        Self {
            writable,
            ..Self::from_variables(Reach::Devices, variable)
        }
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
            .chain(REGISTRIES.iter().filter_map(|name| path(name)))
            .chain(cache.map(|cache| cache.join("gstreamer-1.0")))
            .chain(data.map(|data| data.join("gstreamer-1.0")))
            .chain(config.into_iter().flat_map(configuration))
            .filter(|path| path.is_absolute())
            .collect();
        let shaders = path(SHADERS).filter(|path| path.is_absolute());
        let shaders = shaders.filter(|_| reach == Reach::Devices);
        Self {
            reach,
            home,
            runtime: path("XDG_RUNTIME_DIR").filter(|_| !reach.has_desktop()),
            readable,
            writable: shaders.into_iter().collect(),
            shared: SHARED.map(PathBuf::from).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(variables: &[(&str, &str)], wanted: &str) -> Option<OsString> {
        let found = variables.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value.into())
    }

    fn rules(variables: &[(&str, &str)]) -> Rules {
        Rules::from_variables(Reach::Devices, |wanted| value(variables, wanted))
    }

    #[test]
    fn gstreamers_files_are_readable() {
        let rules = rules(&[
            ("HOME", "/home/u"),
            ("GST_PLUGIN_PATH", "/home/u/a:/opt/b:relative"),
            ("LD_LIBRARY_PATH", "/home/u/lib:"),
            ("GST_REGISTRY", "/home/u/reg/file.bin"),
        ]);
        let paths = |list: &[&str]| list.iter().map(PathBuf::from).collect::<Vec<_>>();
        let readable = [
            "/home/u/a",
            "/opt/b",
            "/home/u/lib",
            "/home/u/reg/file.bin",
            "/home/u/.cache/gstreamer-1.0",
            "/home/u/.local/share/gstreamer-1.0",
            "/home/u/.config/pipewire",
            "/home/u/.config/libcamera",
        ];
        assert_eq!(rules.readable, paths(&readable));
        assert_eq!(rules.writable, paths(&[]));
    }

    #[test]
    fn only_the_search_for_plugins_writes_the_registry() {
        let variables = [("GST_REGISTRY_1_0", "/home/u/reg/file.bin")];
        let rules = Rules::for_plugins_from(|wanted| value(&variables, wanted));
        assert_eq!(rules.writable, [PathBuf::from("/home/u/reg")]);
        assert_eq!(rules.reach, Reach::Devices);
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
    fn only_local_cameras_write_shaders() {
        let variables = [("MESA_SHADER_CACHE_DIR", "/home/u/shaders")];
        for (reach, written) in [
            (Reach::Devices, 1),
            (Reach::PipeWire, 0),
            (Reach::Desktop, 0),
        ] {
            let rules = Rules::from_variables(reach, |wanted| value(&variables, wanted));
            assert_eq!(rules.writable.len(), written, "{reach:?}");
        }
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
        let readable = [
            "/c/gstreamer-1.0",
            "/d/gstreamer-1.0",
            "/e/pipewire",
            "/e/libcamera",
        ];
        assert_eq!(rules.readable, readable.map(PathBuf::from));
    }
}
