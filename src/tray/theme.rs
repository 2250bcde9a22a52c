//! What hosts find by name: icons in the theme that every other one falls back to.

use std::path::{Path, PathBuf};

use glib::{KeyFile, KeyFileFlags};

/// The theme's name, and that of its directory.
const THEME: &str = "hicolor";

/// The theme's directories, in all places where parts of it may lie.
pub struct Theme(Vec<PathBuf>);

impl Theme {
    /// The theme that this user's programs have.
    pub fn new() -> Self {
        let data = std::iter::once(glib::user_data_dir()).chain(glib::system_data_dirs());
        let bases = data.map(|dir| dir.join("icons"));
        Self::within(
            &bases
                .chain([glib::home_dir().join(".icons")])
                .collect::<Vec<_>>(),
        )
    }

    /// The theme in these places. What its index doesn't list is not in it, whatever lies there; the
    /// index is the first one found, as for every program.
    fn within(bases: &[PathBuf]) -> Self {
        let themes: Vec<_> = bases.iter().map(|base| base.join(THEME)).collect();
        let listed = themes.iter().find_map(|theme| listed(theme));
        let listed = listed.unwrap_or_default();
        let all = themes
            .iter()
            .flat_map(|theme| listed.iter().map(|directory| theme.join(directory)));
        Self(all.filter(|directory| directory.is_dir()).collect())
    }

    /// Whether an icon that can be drawn in any size goes by this name.
    pub fn has(&self, name: &str) -> bool {
        let file = format!("{name}.svg");
        self.0
            .iter()
            .any(|directory| directory.join(&file).exists())
    }
}

/// The directories that a theme's index lists; none where there is no index.
fn listed(theme: &Path) -> Option<Vec<String>> {
    let index = KeyFile::new();
    index.set_list_separator(b','.into());
    index
        .load_from_file(theme.join("index.theme"), KeyFileFlags::NONE)
        .ok()?;
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

    /// The real theme's index, and our icons: what is looked up here is what panels find.
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
    fn what_the_first_index_does_not_list_is_not_in_the_theme() {
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
