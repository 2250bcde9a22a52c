"""Lenscap with a user's service manager and session bus, without a desktop."""

import signal

from applet import *


def session_bus_restarts():
    start_by_unit()
    systemctl("restart", "dbus.service")
    eventually("an applet on the new bus", is_in("idle"))
    camera_works()
    assert len(processes()) == 1


def session_bus_restarts_while_streaming():
    """The picture continues as long as PipeWire runs, and the applet restarts when no client streams."""
    start_by_unit()
    # Debian's units would end it with the bus.
    systemctl("stop", "pipewire.socket", "pipewire.service", "wireplumber.service")
    for program in "pipewire", "wireplumber":
        users("systemd-run", "--user", program)
    eventually("an applet", is_in("idle"))
    before = processes()
    with Client() as client:
        eventually("a live camera", is_in("live"))
        systemctl("restart", "dbus.service")
        client.sees_movement()
        assert processes() == before, "the applet ended under its client"
    eventually("an applet on the new bus", is_in("idle"))
    camera_works()
    assert len(processes()) == 1 and processes() != before


def log_in_again():
    """An applet that the session started is in the session's scope, which outlives the session's leader."""
    session = start_by_entry()
    before = processes()
    session.log_out()
    session.log_in()
    answers_in_new_session(before)


def log_in_again_while_streaming():
    session = start_by_entry()
    before = processes()
    with Client():
        eventually("a live camera", is_in("live"))
        session.log_out()
        session.log_in()
    answers_in_new_session(before)


def answers_in_new_session(before):
    eventually("the old applet's end", lambda: not set(before) & set(processes()))
    answer = eventually("an applet that answers", is_in("idle", "failed"))
    assert answer["state"] == "idle", answer
    camera_works()
    assert len(processes()) == 1


def unit_is_killed():
    start_by_unit()
    before = processes()
    with Client():
        eventually("a live camera", is_in("live"))
        os.kill(before[0], signal.SIGKILL)
    eventually("another applet", is_in("idle"))
    assert processes() != before
    camera_works()


def bus_activates_unit():
    settings()
    Session("plain")
    assert not status() and not processes(), "asking for the status starts nothing"
    application = ["io.github.lenscap.Lenscap", "/io/github/lenscap/Lenscap", "org.freedesktop.Application"]
    users("busctl", "--user", "call", *application, "Activate", "a{sv}", "0")
    eventually("an applet", is_in("idle"))
    assert systemctl("is-active", "lenscap") == "active"
    camera_works()


def display_comes_later():
    """The unit starts with the user's manager; a display for the preferences exists only after a log-in."""
    settings()
    run("loginctl", "enable-linger", USER)
    eventually("a user manager", lambda: succeeds("systemctl", "--user", "list-units", user=USER))
    systemctl("enable", "--now", "lenscap")
    eventually("an applet", is_in("idle"))
    Session("plain")
    eventually("a display that is known", lambda: "DISPLAY=" in systemctl("show-environment"))
    users("lenscap", "preferences")
    eventually("preferences", lambda: users("xdotool", "search", "--onlyvisible", "--name", "Lenscap", check=False))


if __name__ == "__main__":
    play(globals())
