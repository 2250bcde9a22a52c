"""A machine with users, displays and sessions, for tests that run in it as root."""

import os
import pwd
import subprocess
import sys
import time

USER = "ann"
HOME = f"/home/{USER}"
RUNTIME = f"/run/user/{pwd.getpwnam(USER).pw_uid}"

# What each desktop calls itself, its kind of display, the socket on which applications find it, and the size of a
# screen. A nested kwin has that size.
DESKTOPS = {
    "console": ("", "tty", None, None),
    "plain": ("plain", "x11", None, "1280x800"),
    "xfce": ("XFCE", "x11", None, "1280x800"),
    "sway": ("sway", "wayland", "wayland-1", "1280x800"),
    "plasma": ("KDE", "wayland", "wayland-0", "1024x768"),
    "gnome": ("GNOME", "wayland", "wayland-0", "1280x800"),
}


PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


def run(*command, user=None, check=True, **options):
    """The output of a command, as root or as a user."""
    if user:
        command = as_user(command)
    done = subprocess.run(command, text=True, timeout=30, **{**PIPES, **options})
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.returncode} {done.stdout}{done.stderr or ''}")
    return done.stdout.strip()


def succeeds(*command, user=None):
    return subprocess.run(as_user(command) if user else command, capture_output=True, timeout=30).returncode == 0


def as_user(command):
    """A command with the environment of the session."""
    values = {
        "HOME": HOME,
        "USER": USER,
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "XDG_RUNTIME_DIR": RUNTIME,
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={RUNTIME}/bus",
        "DISPLAY": ":10",
        "GSK_RENDERER": "cairo",
    }
    variables = [f"{name}={value}" for name, value in values.items()]
    identity = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups"]
    return [*identity, "env", "-i", "-C", HOME, *variables, *command]


def users(*command, **options):
    return run(*command, user=USER, **options)


def eventually(what, fact, seconds=20):
    """The first true result of `fact`."""
    end = time.monotonic() + seconds
    while True:
        answer = fact()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.1)


class Session:
    """A log-in on seat0 through PAM, with a display of its own unless it is on the console."""

    def __init__(self, desktop):
        self.desktop = desktop
        self.log_in()

    def log_in(self):
        name, kind, socket, screen = DESKTOPS[self.desktop]
        if screen:
            display = ["Xvfb", ":10", "-screen", "0", f"{screen}x24", "-nolisten", "tcp", "-noreset"]
            service("display", [f"User={USER}"], display)
            eventually("a display", lambda: os.path.exists("/tmp/.X11-unix/X10"))
        variables = ["XDG_SEAT=seat0", f"XDG_SESSION_TYPE={kind}", f"XDG_CURRENT_DESKTOP={name}", "LC_ALL=C.UTF-8"]
        properties = [f"User={USER}", "PAMName=login", f"WorkingDirectory={HOME}", f"Environment={' '.join(variables)}"]
        service("session", properties, ["/tests/desktops/session", self.desktop])
        self.name = eventually("an active session", active_session)
        eventually("a session bus", lambda: succeeds("busctl", "--user", "list", user=USER))
        if socket:
            eventually("a Wayland display", lambda: os.path.exists(f"{RUNTIME}/{socket}"), 60)

    def wait_until_ended(self):
        """The session's leader has ended; a display manager then ends the display."""
        eventually("the session's end", lambda: active_session() != self.name, 60)
        run("systemctl", "stop", "display")

    def log_out(self):
        """As by a display manager: the session's leader is terminated."""
        run("systemctl", "stop", "session")
        self.wait_until_ended()


def service(name, properties, command):
    output = [f"StandardOutput=append:/out/{name}", f"StandardError=append:/out/{name}"]
    options = [f"--property={each}" for each in ["TimeoutStopSec=10", *output, *properties]]
    run("systemd-run", "--quiet", "--collect", f"--unit={name}", *options, *command)


def active_session():
    """The seat's session, unless its leader has ended."""
    name = run("loginctl", "show-seat", "seat0", "--property=ActiveSession", "--value")
    state = name and run("loginctl", "show-session", name, "--property=State", "--value", check=False)
    return name if state == "active" else None


def systemctl(*arguments):
    return users("systemctl", "--user", *arguments)


def play(cases):
    """Runs the function named on the command line with the other arguments. Prints the journal on failure."""
    try:
        cases[sys.argv[1]](*sys.argv[2:])
    except BaseException:
        journal = run("journalctl", "--no-pager", "--output=short-monotonic", check=False)
        with open("/out/journal", "w") as file:
            file.write(journal)
        run(*as_user(["import", "-window", "root", "/tmp/failure.png"]), check=False)
        run("cp", "/tmp/failure.png", "/out", check=False)
        print(*[line for line in journal.splitlines() if "lenscap" in line][-40:], sep="\n")
        raise
