#!/usr/bin/python3
"""screenshots.py PROGRAM DIRECTORY: pictures of every page of the preferences window, light and dark.

The README and the metainfo show them. Needs what the tests need, and for GNOME's own look its font, Cantarell.
"""

import datetime
import os
import pathlib
import subprocess
import sys

import stage

PAGES = ["Camera", "Behaviour", "Output", "General", "Set-Up"]


def main(program, directory, *styles):
    """Each style needs its own process, as the accessibility bus of a process never changes."""
    if styles:
        directory = pathlib.Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        take(program, directory, *styles)
        return
    for style in ("light", "dark"):
        subprocess.run([sys.executable, "-W", "ignore", __file__, program, directory, style], check=True)


def take(program, directory, style):
    with stage.Stage(program) as here:
        settings = here.dir / "config/gtk-4.0/settings.ini"
        settings.parent.mkdir()
        settings.write_text("[Settings]\ngtk-font-name=Cantarell 11\ngtk-enable-animations=false\n"
                            "gtk-decoration-layout=:close\n")
        began = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5, seconds=20)
        here.status.update(state="live", camera_open=False, since=began.strftime("%Y-%m-%dT%H:%M:%SZ"),
                           clients=[{"pid": 123, "name": "Firefox"}])
        picture = here.dir / "Mountains.png"
        subprocess.run(["convert", "-size", "640x360", "gradient:#62a0ea-#e5a50a", str(picture)], check=True)
        here.config.parent.mkdir()
        here.config.write_text(f'[output]\nplaceholder = "{picture}"\n')
        here.find(stage.PROBLEM, stage.NOTE)
        here.start_applet()
        here.start_window(ADW_DEBUG_COLOR_SCHEME=f"prefer-{style}", **extra())
        import tree  # connects to the accessibility bus, so the session bus must be there

        window = stage.wait_for("the window", tree.window)
        stage.wait_for("the cameras", lambda: tree.find(window, "check box", "HP HD Camera"))
        for page in PAGES:
            tab = stage.wait_for(f"the page {page}", lambda page=page: tree.find(window, "page tab", page))
            tree.act(tab, "click")
            stage.wait_for(f"the page {page} in front", lambda tab=tab: tree.has(tab, "SELECTED"))
            shoot(directory / f"{page.lower()}-{style}.png")


def extra():
    """For manual checks: EXTRA="GDK_DPI_SCALE=1.5 LANG=de_DE.UTF-8"."""
    return dict(pair.split("=", 1) for pair in os.environ.get("EXTRA", "").split())


def shoot(path):
    """A picture of the window once it has stopped changing."""
    before = None
    while True:
        stage.turn(0.5)
        picture = subprocess.run(["import", "-window", "Lenscap", "png:-"], stdout=subprocess.PIPE, check=True).stdout
        raw = subprocess.run(["convert", "png:-", "rgb:-"], input=picture, stdout=subprocess.PIPE, check=True).stdout
        if raw == before:
            break
        before = raw
    subprocess.run(["convert", "png:-", "-strip", "-define", "png:compression-level=9", "+dither", "-colors", "256",
                    f"png8:{path}"], input=picture, check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
