"""Lenscap in the shells of real desktops: its symbol in the tray, its menu, its notification and its window."""

from applet import *
from screen import *


def main(desktop):
    start_by_unit(desktop)
    eventually("a tray icon", tray_items, 60)
    if desktop == "gnome":
        keys("Escape")  # out of the overview, in which it starts
        press("Close")  # what it says about a missing display manager
    place = follows(desktop, "idle")
    with Client():
        eventually("a live camera", is_in("live"))
        turn_off(desktop)
        eventually("a paused camera", is_in("paused"))
        follows(desktop, "paused")
        users("lenscap", "resume")
        follows(desktop, "live")
    opens_preferences(desktop, *place)
    settings(source="v4l2:/dev/nothing")
    with Client():
        follows(desktop, "failed")


def turn_off(desktop):
    """By the notification's button. Mako has none, and a command instead."""
    take(f"{desktop}-notification")
    if desktop == "sway":
        users("makoctl", "invoke", "app.turn-off")
    else:
        press("Turn off")


def follows(desktop, state):
    """The tray shows this state, and how that looks is kept."""
    place = eventually(f"the symbol for {state}", shows(desktop, state))
    take(f"{desktop}-{state}")
    return place


def opens_preferences(desktop, x, y):
    """The third entry from below, by the keyboard, since not every shell's menu is known to screen readers."""
    below = open_menu(x, y)
    take(f"{desktop}-menu")
    if desktop == "sway":
        click(x - 60, below - 66)  # waybar gets no keys
    else:
        keys("Up", "Up", "Up", "Return")
    eventually("preferences", lambda: pressed("Behaviour", "where"))
    take(f"{desktop}-preferences")


if __name__ == "__main__":
    play({desktop: lambda desktop=desktop: main(desktop) for desktop in TRAYS})
