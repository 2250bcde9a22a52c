#!/usr/bin/python3
"""icons.py RESOURCE: looks up the icons of the tray and the window as GTK does.

The tray's are looked up in the theme that all others fall back to, as it is installed here. The window's are looked up
where no theme has any icon: in what GTK brings itself, and in RESOURCE, which the window brings.
"""

import pathlib
import re
import sys
import tempfile

import gi

gi.require_version("Gtk", "4.0")
from gi.repository import Gio, Gtk  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
WINDOW = ROOT / "src/preferences"


def main(resource):
    installed = theme("hicolor", str(ROOT / "data/icons"), "/usr/share/icons")
    ours = [path.stem for path in (ROOT / "data/icons").rglob("*.svg")]
    look_up(installed, ours, least=6)
    Gio.Resource.load(resource)._register()
    with tempfile.TemporaryDirectory() as nothing:
        bare = theme("none", nothing)
        bare.add_resource_path(resource_path())
        look_up(bare, sorted(set(used())), least=12)


def theme(name, *search_path):
    made = Gtk.IconTheme()
    made.set_search_path(search_path)
    made.set_theme_name(name)
    return made


def resource_path():
    """The resource path for an application's icons, which GTK derives from its id."""
    (name,) = re.findall(r'const ID: &str = "(.*)"', (WINDOW / "application.rs").read_text())
    return "/" + name.replace(".", "/") + "/icons"


def used():
    """The icon names in the window's sources."""
    for path in WINDOW.rglob("*"):
        if path.suffix in (".rs", ".ui"):
            yield from re.findall(r'[">]([a-z-]+-symbolic)["<]', path.read_text())


def look_up(icons, names, least):
    if len(names) < least:
        sys.exit(f"the icons were not found in the sources: {names}")
    lost = [name for name in names if not icons.has_icon(name)]
    if lost:
        sys.exit(f"not found: {' '.join(lost)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
