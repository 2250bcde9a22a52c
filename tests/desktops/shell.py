"""Lenscap in the shells of real desktops: its symbol in the tray, its menu, its notification and its window."""

from applet import *
from screen import *


def main(desktop):
    start_by_unit(desktop)
    eventually("a tray icon", tray_items, 60)
    place = follows(desktop, "idle")
    with Client():
        follows(desktop, "live")
        take(f"{desktop}-notification")
        press("Turn off")
        eventually("a paused camera", is_in("paused"))
        follows(desktop, "paused")
    users("lenscap", "resume")
    opens_preferences(desktop, place)
    settings(source="v4l2:/dev/nothing")
    with Client():
        follows(desktop, "failed")


def follows(desktop, state):
    """The tray shows this state, and how that looks is kept."""
    try:
        return eventually(f"the symbol for {state}", shows(desktop, state))
    finally:
        take(f"{desktop}-{state}")


def opens_preferences(desktop, place):
    """By the keyboard: not every shell's menu is known to screen readers. It is the third entry from below."""
    open_menu(*place)
    take(f"{desktop}-menu")
    keys("Up", "Up", "Up", "Return")
    eventually("preferences", lambda: pressed("Behaviour", "where"))
    take(f"{desktop}-preferences")


if __name__ == "__main__":
    play({desktop: lambda desktop=desktop: main(desktop) for desktop in TRAYS})
