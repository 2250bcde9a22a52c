#!/usr/bin/python3
"""walk.py PROGRAM: tests the preferences window through the accessibility interface."""

import contextlib
import sys
import tomllib

import stage
from gi.repository import GLib
from stage import wait_for

# X keysyms.
SPACE = 0x20
TAB = 0xFF09

CONTROLS = {
    "Camera": [
        ("check box", "Allow Camera"),
        ("push button", "Look for cameras again"),
        ("push button", "Show"),
        ("check box", "Automatic"),
        ("check box", "OV02C10 (front)"),
        ("check box", "HP HD Camera"),
        ("combo box", "Resolution"),
        ("combo box", "Frame Rate"),
        ("check box", "Mirror"),
        ("check box", "Turn by 180°"),
    ],
    "Behaviour": [
        ("combo box", "Turn On"),
        ("combo box", "Turn Off"),
        ("check box", "Cover When Locked"),
        ("check box", "Card"),
        ("check box", "Black"),
        ("check box", "Your Own Picture"),
        ("push button", "Choose…"),
    ],
    "Output": [("combo box", "Kind"), ("combo box", "Device"), ("combo box", "Format")],
    "General": [
        ("check box", "Icon in the Panel"),
        ("check box", "Notifications"),
        ("check box", "Start at Login"),
    ],
    "Set-Up": [("push button", "Check again"), ("push button", "Fix"), ("push button", "Copy the command")],
}


def main(program):
    with stage.Stage(program) as here:
        here.config.parent.mkdir()
        here.config.write_text("[desktop]\nnotifications = true\n[mine]\nkey = 1\n")
        here.find(stage.PROBLEM)
        here.start_applet()
        process = here.start_window()
        walker = Walker(here)
        walker.finds_every_control()
        walker.pauses()
        walker.tells_what_covers()
        walker.writes_what_is_toggled()
        walker.follows_the_file()
        walker.yields_to_the_command_line()
        walker.leaves_a_broken_file_alone()
        walker.mends_the_set_up()
        walker.is_one_window()
        walker.starts_the_applet_when_told()
        walker.closes(process)
        if (here.dir / "activated").exists():
            sys.exit("the applet was started by the bus")
        if "CRITICAL" in here.log() or "WARNING" in here.log():
            sys.exit(f"GTK complains:\n{here.log()}")


class Walker:
    """Actions of a user, and the expected results."""

    def __init__(self, here):
        import tree  # connects to the accessibility bus, so the session bus must be there

        self.here = here
        self.tree = tree
        self.known = {}
        self.window = wait_for("the window", tree.window)

    def control(self, role, name):
        known = self.known.get((role, name))
        if known:
            with contextlib.suppress(GLib.Error):
                if known.get_name() == name:
                    return known
        found = wait_for(f"{role} '{name}'", lambda: self.tree.find(self.window, role, name))
        self.known[role, name] = found
        return found

    def has(self, role, name, state, wanted=True):
        wait_for(
            f"{role} '{name}' to be {'' if wanted else 'not '}{state.lower()}",
            lambda: self.tree.has(self.control(role, name), state) == wanted,
        )

    def says(self, words):
        """Waits for a text above the pages."""
        wait_for(f"the words '{words}'", lambda: any(words in name for name in self.words()))

    def words(self):
        nodes = self.tree.walk(self.window, frozenset(["scroll pane"]))
        return [node.get_name() for node in nodes]

    def toggle(self, name):
        if not self.tree.act(self.control("check box", name), "toggle"):
            sys.exit(f"'{name}' cannot be toggled")

    def choose(self, page, name):
        """Selects an entry with the keyboard, as GTK has no accessible action for it."""
        self.open(page)
        row = self.control("list item", name)
        wait_for(f"the way to '{name}'", lambda: self.tree.has(row, "FOCUSED") or self.step())
        self.tree.press(SPACE)

    def step(self):
        """Moves the focus and waits for it; one step too many wraps around."""
        self.tree.press(TAB)
        stage.turn(0.3)

    def saved(self, section, key, value):
        wait_for(f"{section}.{key} = {value!r} in the file", lambda: self.file().get(section, {}).get(key) == value)

    def file(self):
        return tomllib.loads(self.here.config.read_text())

    def looks_around(self):
        """Reads the tree once, as every access is a call to another process."""
        for node in self.tree.walk(self.window):
            with contextlib.suppress(GLib.Error):
                self.known.setdefault((node.get_role_name(), node.get_name()), node)

    def finds_every_control(self):
        wait_for("the findings", lambda: self.tree.find(self.window, "push button", "Fix"))
        self.looks_around()
        for page, controls in CONTROLS.items():
            self.open(page)
            for role, name in controls:
                if not self.control(role, name).get_description():
                    sys.exit(f"{role} '{name}' has no description")

    def pauses(self):
        self.says("Camera is off")
        self.here.tell(state="live", camera_open=True, clients=[{"pid": 1, "name": "Firefox"}])
        self.says("Camera is on")
        self.toggle("Allow Camera")
        wait_for("the request to pause", lambda: ("Paused", True) in self.here.asked)
        # The switch shows the current state, not the requested one.
        self.has("check box", "Allow Camera", "CHECKED")
        self.here.tell(state="paused", paused=True)
        self.has("check box", "Allow Camera", "CHECKED", False)
        self.says("Camera is turning off…")
        self.here.tell(camera_open=False)
        self.says("Camera is paused")
        self.toggle("Allow Camera")
        wait_for("the request to resume", lambda: ("Paused", False) in self.here.asked)
        self.here.tell(state="idle", paused=False, clients=[])
        self.has("check box", "Allow Camera", "CHECKED")

    def tells_what_covers(self):
        self.here.tell(state="paused", covered_by="lock")
        self.says("Covered while the screen is locked")
        self.has("check box", "Allow Camera", "CHECKED")
        self.here.tell(state="idle", covered_by=None)
        self.says("No application is using it")

    def writes_what_is_toggled(self):
        self.toggle("Start at Login")
        self.saved("desktop", "autostart", True)
        self.toggle("Notifications")
        self.saved("desktop", "notifications", False)
        self.has("check box", "Notifications", "CHECKED", False)
        self.choose("Camera", "HP HD Camera")
        self.saved("camera", "source", "v4l2:/dev/v4l/by-id/usb-hp")
        self.toggle("Turn by 180°")
        self.saved("camera", "transform", "rotate-180")
        self.choose("Behaviour", "Black")
        self.saved("output", "placeholder", "black")
        self.toggle("Cover When Locked")
        self.saved("desktop", "cover_when_locked", True)
        if self.file() != {
            "desktop": {"notifications": False, "autostart": True, "cover_when_locked": True},
            "mine": {"key": 1},
            "camera": {"source": "v4l2:/dev/v4l/by-id/usb-hp", "transform": "rotate-180"},
            "output": {"placeholder": "black"},
        }:
            sys.exit(f"more was written than was changed:\n{self.here.config.read_text()}")

    def follows_the_file(self):
        self.here.config.write_text('[camera]\ntransform = "mirror"\n')
        self.has("check box", "Mirror", "CHECKED")
        self.has("check box", "Automatic", "CHECKED")
        self.has("check box", "Start at Login", "CHECKED", False)

    def yields_to_the_command_line(self):
        self.here.tell(overridden=["tray", "width"])
        self.has("check box", "Icon in the Panel", "SENSITIVE", False)
        self.has("combo box", "Resolution", "SENSITIVE", False)
        self.has("combo box", "Frame Rate", "SENSITIVE")
        self.here.tell(overridden=[])
        self.has("check box", "Icon in the Panel", "SENSITIVE")

    def leaves_a_broken_file_alone(self):
        self.here.config.write_text("[camera\n")
        self.says("line 1")
        self.has("check box", "Mirror", "CHECKED")
        self.toggle("Start at Login")
        self.says("Correct the config file first")
        self.has("check box", "Start at Login", "CHECKED", False)
        if self.here.config.read_text() != "[camera\n":
            sys.exit("the broken file is not as it was")
        self.here.config.write_text("# mine\n[camera]\n")
        self.toggle("Start at Login")
        self.saved("desktop", "autostart", True)
        if not self.here.config.read_text().startswith("# mine\n[camera]\n"):
            sys.exit("the comment is gone")

    def mends_the_set_up(self):
        self.here.tell(error="no v4l2loopback device")
        self.open("Camera")
        self.press("Check Set-Up")
        self.has("page tab", "Set-Up", "SELECTED")
        self.found("1 thing to fix")
        copy, fix = self.control("push button", "Copy the command"), self.control("push button", "Fix")
        if (copy.get_description(), fix.get_description()) != (stage.PROBLEM["fix"], stage.PROBLEM["what"]):
            sys.exit("the buttons do not say what they are about")
        self.press("Copy the command")
        self.says("Copied")
        # Without a password, nothing changes.
        self.press("Fix")
        self.has("push button", "Fix", "SENSITIVE", False)
        self.here.fix("load-module: not allowed: nothing was changed", stage.PROBLEM)
        self.says("Not allowed: nothing was changed")
        self.has("push button", "Fix", "SENSITIVE")
        # The applet is ended to reload the module, and restarts by itself.
        self.press("Fix")
        wait_for("the fix", lambda: self.here.calls("doctor --json --fix=load-module") == 2)
        self.here.stop_applet()
        self.says("Lenscap is not running")
        self.here.fix("loaded", stage.NOTE)
        wait_for("the start of the applet", (self.here.dir / "started").exists)
        self.found("All is well")
        self.found(stage.NOTE["what"])
        checks = self.here.calls("doctor --json")
        self.here.find(stage.RUNG)
        self.here.tell(error=None)
        self.here.start_applet()
        wait_for("another look", lambda: self.here.calls("doctor --json") > checks)
        wait_for("no findings", lambda: not self.tree.find(self.window, "push button", "Copy the command"))
        (self.here.dir / "started").unlink()

    def open(self, page):
        self.tree.act(self.control("page tab", page), "click")
        self.has("page tab", page, "SELECTED")

    def press(self, name):
        if not self.tree.act(self.control("push button", name), "click"):
            sys.exit(f"'{name}' cannot be pressed")

    def found(self, words):
        """Waits for a text on the page."""
        wait_for(f"the words '{words}'", lambda: any(words in node.get_name() for node in self.tree.walk(self.window)))

    def is_one_window(self):
        second = self.here.start_window("--about")
        wait_for("the window about Lenscap", lambda: self.tree.window("About"))
        if second.wait(stage.WAIT_TIMEOUT) != 0:
            sys.exit("a second start did not end well")

    def starts_the_applet_when_told(self):
        self.here.stop_applet()
        self.says("Lenscap is not running")
        self.has("check box", "Allow Camera", "SENSITIVE", False)
        self.tree.act(self.control("push button", "Start"), "click")
        wait_for("the start of the applet", (self.here.dir / "started").exists)
        self.here.start_applet()
        self.has("check box", "Allow Camera", "SENSITIVE")

    def closes(self, process):
        if process.poll() is not None:
            sys.exit(f"the window has ended: {self.here.log()}")
        self.tree.act(self.window, "window.close")
        if process.wait(stage.WAIT_TIMEOUT) != 0:
            sys.exit("the window did not end well")


if __name__ == "__main__":
    main(*sys.argv[1:])
