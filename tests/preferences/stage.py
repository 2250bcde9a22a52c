"""The preferences window with a private display, session bus and home.

The applet is a stand-in in this process: it serves the documented interface and notes what it is asked for. The
`lenscap` beside the window is a script that lists made-up cameras, and notes when it is started.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = "io.github.lenscap.Lenscap"
OBJECT = "/io/github/lenscap/Lenscap"
INTERFACE = "io.github.lenscap.Lenscap1"

# Timeout in seconds, even on a busy machine.
WAIT_TIMEOUT = 60

STATUS = {
    "state": "idle", "paused": False, "camera_open": False, "since": "2026-11-20T12:00:00Z",
    "source": {"kind": "icamerasrc", "name": "OV02C10 (front)"},
    "outputs": [{"kind": "v4l2loopback", "device": "/dev/video10", "name": "Lenscap", "width": 1920, "height": 1080,
                 "framerate": 30, "format": "YUY2", "watch": "usage-event"}],
    "clients": [], "error": None, "overridden": [], "worker_pid": None,
}

MODES = [
    {"format": "NV12", "width": 1920, "height": 1080, "framerates": [30, 15]},
    {"format": "NV12", "width": 1280, "height": 720, "framerates": [60, 30]},
]

DEVICES = [
    {"type": "source", "kind": "icamerasrc", "spec": "icamerasrc:ov02c10-uf", "name": "OV02C10 (front)", "rank": 0,
     "problem": None, "id": "icamerasrc:ov02c10-uf", "modes": MODES},
    {"type": "source", "kind": "v4l2", "spec": "v4l2:/dev/video40", "name": "HP HD Camera", "rank": 1000,
     "problem": None, "id": "v4l2:/dev/v4l/by-id/usb-hp", "modes": MODES},
] + [
    {"type": "source", "kind": "v4l2", "spec": f"v4l2:/dev/video{number}", "name": f"Intel IPU6 ISYS Capture {number}",
     "rank": 1001 + number,
     "problem": {"kind": "unsupported", "text": "a sensor’s raw data, which the Intel camera stack makes a picture of"}}
    for number in range(8)
] + [
    {"type": "output", "kind": "v4l2loopback", "device": "/dev/video10", "name": "Lenscap", "problem": None},
]

RUNG = {"rung": "camera", "title": "Is there a camera that works?", "status": "ok", "code": None, "what": None, "why": None,
        "fix": None, "action": None}
PROBLEM = {**RUNG, "rung": "module_loaded", "title": "Is v4l2loopback loaded?", "status": "problem", "code": "not_loaded",
           "what": "v4l2loopback is not loaded.", "why": "Applications find the virtual camera only while it is loaded.",
           "fix": "sudo modprobe v4l2loopback exclusive_caps=1 max_buffers=8 'card_label=Intel MIPI Camera'",
           "action": "load-module"}
NOTE = {**RUNG, "rung": "desktop", "title": "Does the desktop show tray icons and notifications?", "status": "note",
        "code": "no_tray", "what": "The desktop shows no tray icons.",
        "why": "Lenscap works without them; use 'lenscap status' and 'lenscap pause' instead.",
        "fix": "gnome-extensions enable appindicatorsupport@rgcjonas.gmail.com"}


class Stage(contextlib.ExitStack):
    """Context manager for the environment of the window."""

    def __init__(self, program, screen="1280x960"):
        super().__init__()
        self.dir = pathlib.Path(self.enter_context(tempfile.TemporaryDirectory(prefix="lenscap-")))
        self.config = self.dir / "config/lenscap/lenscap.toml"
        self.status = dict(STATUS)
        self.asked = []
        self.logs = {}
        for name in ("config", "data", "cache", "state", "run", "bin"):
            (self.dir / name).mkdir(mode=0o700)
        self._set_environment()
        self._install(pathlib.Path(program))
        self._start_display(screen)
        self._start_bus()
        self._owner = None
        self._registration = None

    def _set_environment(self):
        # The tests compare English texts; only the cairo renderer works everywhere.
        os.environ.update(
            HOME=str(self.dir), XDG_CONFIG_HOME=str(self.dir / "config"), XDG_DATA_HOME=str(self.dir / "data"),
            XDG_CACHE_HOME=str(self.dir / "cache"), XDG_STATE_HOME=str(self.dir / "state"),
            XDG_RUNTIME_DIR=str(self.dir / "run"), GSETTINGS_BACKEND="memory", GSK_RENDERER="cairo",
            GDK_BACKEND="x11", GTK_A11Y="atspi", LC_ALL="C.UTF-8", LANGUAGE="C", NO_AT_BRIDGE="1",
            ADW_DISABLE_PORTAL="1")
        os.environ.pop("WAYLAND_DISPLAY", None)

    def _install(self, program):
        """The window starts the `lenscap` in its own directory."""
        self.program = self.dir / "bin/lenscap-preferences"
        try:
            os.link(program, self.program)
        except OSError:
            shutil.copy2(program, self.program)
        self.list_devices(DEVICES)

        self.find(RUNG)
        script = self.dir / "bin/lenscap"
        script.write_text(f"#!/bin/sh\ncd '{self.dir}'\necho \"$*\" >> called\ncase $* in\n"
                          "  'devices --json') cat devices ;;\n  'doctor --json') cat found ;;\n"
                          "  'doctor --json --fix='*) read -r how < fix; echo \"$how\" >&2; cat found ;;\n"
                          "  *) echo \"$*\" >> started ;;\nesac\n")
        script.chmod(0o755)
        os.mkfifo(self.dir / "fix")

    def list_devices(self, devices):
        (self.dir / "devices").write_text("".join(json.dumps(device) + "\n" for device in devices))

    def find(self, *findings):
        """Sets the findings of the doctor."""
        (self.dir / "found").write_text("".join(json.dumps(finding) + "\n" for finding in findings))

    def fix(self, what, *findings):
        """Ends a running fix, after which the doctor finds this."""
        self.find(*findings)
        (self.dir / "fix").write_text(what + "\n")

    def calls(self, line):
        """The number of starts with these arguments."""
        return (self.dir / "called").read_text().splitlines().count(line)

    def spawn(self, *command, **options):
        """Starts a child process that ends with the context."""
        log = open(self.dir / f"{pathlib.Path(command[0]).name}.log", "ab")
        options.setdefault("stdout", log)
        child = subprocess.Popen([str(part) for part in command], stderr=log, **options)
        self.callback(end, child)
        return child

    def _start_display(self, screen):
        read, write = os.pipe()
        self.spawn("Xvfb", "-displayfd", write, "-screen", "0", f"{screen}x24", "-nolisten", "tcp", pass_fds=[write])
        os.close(write)
        with os.fdopen(read) as number:
            os.environ["DISPLAY"] = ":" + number.readline().strip()
        self.spawn("openbox")

    def _start_bus(self):
        """Makes the applet activatable by the bus, which must never happen without a user's request."""
        services = self.dir / "data/dbus-1/services"
        services.mkdir(parents=True)
        trap = f"/usr/bin/touch {self.dir}/activated"
        (services / f"{NAME}.service").write_text(f"[D-BUS Service]\nName={NAME}\nExec={trap}\n")
        bus = self.spawn("dbus-daemon", "--session", "--print-address", "--nofork", "--nopidfile",
                         stdout=subprocess.PIPE, text=True)
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().strip()
        flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        self.bus = Gio.DBusConnection.new_for_address_sync(os.environ["DBUS_SESSION_BUS_ADDRESS"], flags, None, None)
        self.bus.set_exit_on_close(False)

    def start_applet(self):
        """Puts the fake applet on the bus."""
        xml = (ROOT / f"data/{INTERFACE}.xml").read_text()
        interface = Gio.DBusNodeInfo.new_for_xml(xml).lookup_interface(INTERFACE)
        self._registration = self.bus.register_object(OBJECT, interface, self._called, self._get, self._set)
        self._owner = Gio.bus_own_name_on_connection(self.bus, NAME, Gio.BusNameOwnerFlags.NONE, None, None)

    def stop_applet(self):
        Gio.bus_unown_name(self._owner)
        self.bus.unregister_object(self._registration)

    def tell(self, **changes):
        """Changes the status and signals it."""
        self.status.update(changes)
        changed = {name: self._value(name) for name in ("State", "Paused", "Clients", "Status")}
        values = GLib.Variant("(sa{sv}as)", (INTERFACE, changed, []))
        self.bus.emit_signal(None, OBJECT, "org.freedesktop.DBus.Properties", "PropertiesChanged", values)

    def _value(self, name):
        return {
            "State": lambda: GLib.Variant("s", self.status["state"]),
            "Paused": lambda: GLib.Variant("b", self.status["paused"]),
            "Clients": lambda: GLib.Variant("a(us)", [(c["pid"], c["name"]) for c in self.status["clients"]]),
            "Status": lambda: GLib.Variant("s", json.dumps(self.status)),
        }[name]()

    def _called(self, _bus, _sender, _path, _interface, method, _parameters, invocation):
        self.asked.append(method)
        invocation.return_value(None)

    def _get(self, _bus, _sender, _path, _interface, name):
        return self._value(name)

    def _set(self, _bus, _sender, _path, _interface, name, value):
        self.asked.append((name, value.unpack()))
        return True

    def start_window(self, *arguments, **environment):
        return self.spawn(self.program, *arguments, env={**os.environ, **environment})

    def log(self, name="lenscap-preferences"):
        return (self.dir / f"{name}.log").read_text(errors="replace")


def end(child):
    if child.poll() is None:
        child.send_signal(signal.SIGKILL)
    child.wait()


def turn(seconds=0.02):
    """Handles pending bus messages."""
    context = GLib.MainContext.default()
    until = time.monotonic() + seconds
    while True:
        while context.iteration(False):
            pass
        if time.monotonic() >= until:
            return
        time.sleep(0.005)


def wait_for(what, look):
    """The first true result of `look`. Errors are retried, as trees and files may change meanwhile."""
    until = time.monotonic() + WAIT_TIMEOUT
    trouble = "it was not there"
    while True:
        turn(0.05)
        try:
            answer = look()
        except (GLib.Error, ValueError, OSError) as error:
            answer, trouble = None, error
        if answer:
            return answer
        if time.monotonic() > until:
            sys.exit(f"waited in vain for {what}: {trouble}")
