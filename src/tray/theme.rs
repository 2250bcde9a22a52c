//! Icon names that hosts can find: those in `hicolor`, the fallback of all themes.

use std::path::{Path, PathBuf};

use glib::{KeyFile, KeyFileFlags};

use crate::small_file;

/// Name and directory of the theme.
const THEME: &str = "hicolor";

/// The theme's directories below all base directories.
pub struct Theme(Vec<PathBuf>);

impl Theme {
    pub fn new() -> Self {
        let data = std::iter::once(glib::user_data_dir()).chain(glib::system_data_dirs());
        let bases = data.map(|dir| dir.join("icons"));
        Self::within(
            &bases
                .chain([glib::home_dir().join(".icons")])
                .collect::<Vec<_>>(),
        )
    }

    /// Only directories that the first index lists belong to the theme, as the icon theme specification
    /// demands.
    fn within(bases: &[PathBuf]) -> Self {
        let themes: Vec<_> = bases.iter().map(|base| base.join(THEME)).collect();
        let listed = themes.iter().find_map(|theme| listed_dirs(theme));
        let listed = listed.unwrap_or_default();
        let all = themes
            .iter()
            .flat_map(|theme| listed.iter().map(|directory| theme.join(directory)));
        Self(all.filter(|directory| directory.is_dir()).collect())
    }

    /// Whether there is a scalable icon of this name.
    pub fn has(&self, name: &str) -> bool {
        let file = format!("{name}.svg");
        self.0
            .iter()
            .any(|directory| directory.join(&file).exists())
    }
}

/// The directories that a theme's index lists; `None` without an index.
fn listed_dirs(theme: &Path) -> Option<Vec<String>> {
    let index = KeyFile::new();
    index.set_list_separator(b','.into());
    let text = small_file::text(&theme.join("index.theme")).ok()?;
    index.load_from_data(&text, KeyFileFlags::NONE).ok()?;
    let directories = index.string_list("Icon Theme", "Directories").ok()?;
    Some(directories.iter().map(ToString::to_string).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::dbus;
    use crate::tray::Symbol;

    fn icons() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("data/icons")
    }

    /// With the system's index and our icons.
    #[test]
    fn the_real_theme_has_every_icon() {
        let theme = Theme::within(&[icons(), "/usr/share/icons".into()]);
        let application = [dbus::NAME.to_owned(), format!("{}-symbolic", dbus::NAME)];
        for name in Symbol::ALL
            .map(Symbol::icon_name)
            .iter()
            .chain(&application)
        {
            assert!(theme.has(name), "{name}");
        }
        assert!(!theme.has("io.github.lenscap.Lenscap-none-symbolic"));
    }

    #[test]
    fn a_directory_that_the_first_index_does_not_list_is_ignored() {
        let other = tempfile::tempdir().unwrap();
        let index = other.path().join("hicolor");
        fs::create_dir(&index).unwrap();
        let text = "[Icon Theme]\nName=Hicolor\nDirectories=16x16/apps,scalable/apps\n";
        fs::write(index.join("index.theme"), text).unwrap();
        let name = Symbol::Live.icon_name();
        let bases = [other.path().to_owned(), icons(), "/usr/share/icons".into()];
        let theme = Theme::within(&bases);
        assert!(theme.has(dbus::NAME) && !theme.has(&name));
        assert!(!Theme::within(&[icons()]).has(&name), "there is no index");
    }
}
