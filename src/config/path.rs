//! Where the config file lives.

use std::path::PathBuf;

use anyhow::Context;

/// The config file's path: `lenscap/lenscap.toml` in the user's config directory.
///
/// confy's own `load` would create the file, and its `store` truncates in place, so neither is used.
pub fn default_path() -> anyhow::Result<PathBuf> {
    confy::get_configuration_file_path("lenscap", "lenscap")
        .context("no place for the config file: set HOME, or name a file with --config")
}
