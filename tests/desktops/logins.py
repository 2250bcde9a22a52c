"""Repeated log-outs and log-ins in sessions of real desktops."""

import contextlib

from applet import *
from screen import tray_items

# How to end the session of each desktop; Xfce's own command needs a terminal of the session.
LOG_OUT = {
    "plasma": ["org.kde.Shutdown", "/Shutdown", "org.kde.Shutdown", "logout"],
    "gnome": ["org.gnome.SessionManager", "/org/gnome/SessionManager", "org.gnome.SessionManager", "Logout", "u", "2"],
}


def log_out(session):
    if call := LOG_OUT.get(session.desktop):
        # Before the start is complete, GNOME refuses and Plasma ends partially. Prevents GNOME from waiting for others.
        eventually("a session that has started", lambda: "No jobs" in systemctl("list-jobs"), 60)
        eventually("a log-out", lambda: succeeds("busctl", "--user", "call", *call, user=USER), 60)
        session.wait_until_ended()
    else:
        session.log_out()


def main(desktop, how, count="10"):
    session = start_by_unit(desktop) if how == "unit" else start_by_entry(desktop)
    eventually("a tray icon", tray_items, 60)
    for turn in range(int(count)):
        # Half of the log-outs happen during a call.
        with Client() if turn % 2 else contextlib.nullcontext():
            if turn % 2:
                eventually("a live camera", is_in("live"))
            log_out(session)
            session.log_in()
        answer = eventually(f"an applet after log-in {turn + 1}", is_in("idle", "failed"), 60)
        assert answer["state"] == "idle", answer
        eventually("a tray icon", tray_items, 60)
        assert len(tray_items()) == 1, tray_items()
        camera_works()
        assert len(processes()) == 1, processes()


if __name__ == "__main__":
    play({desktop: lambda *rest, desktop=desktop: main(desktop, *rest) for desktop in DESKTOPS})
