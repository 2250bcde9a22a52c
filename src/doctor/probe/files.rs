//! Reading files below a root directory.

use std::fs;
use std::path::{Path, PathBuf};

use crate::small_file;

/// A file's trimmed text; empty if it can't be read.
pub fn text(path: impl AsRef<Path>) -> String {
    let text = small_file::text(path.as_ref()).unwrap_or_default();
    text.trim().to_owned()
}

/// The entries of a directory, sorted by name; none if it can't be read.
pub fn entries(dir: impl AsRef<Path>) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut entries: Vec<_> = entries.map(|entry| entry.path()).collect();
    entries.sort();
    entries
}

pub fn name(path: &Path) -> &str {
    let name = path.file_name().and_then(|name| name.to_str());
    name.unwrap_or_default()
}

/// The absolute path of a file below the root.
pub fn absolute(root: &Path, path: &Path) -> PathBuf {
    let inside = path.strip_prefix(root).unwrap_or(path);
    Path::new("/").join(inside)
}

/// The value of the first line `KEY=value`, without quotes.
pub fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
    Some(value.trim().trim_matches('"'))
}

/// The links in systemd's `*.wants` directories, some possibly dangling.
pub fn wanted_units(dir: impl AsRef<Path>) -> Vec<PathBuf> {
    let targets = entries(dir).into_iter();
    let wants = targets.filter(|dir| dir.extension().is_some_and(|end| end == "wants"));
    wants.flat_map(entries).collect()
}
