"""Lenscap in the shells of real desktops: its symbol in the tray, its menu, its notification and its window."""

from applet import *
from screen import *


def main(desktop):
    start_by_unit(desktop)
    eventually("a tray icon", tray_items, 60)
    if desktop == "gnome":
        clear_gnome()
    follows(desktop, "idle")
    with Client():
        eventually("a live camera", is_in("live"))
        turn_off(desktop)
        eventually("a paused camera", is_in("paused"))
        follows(desktop, "paused")
        users("lenscap", "resume")
        follows(desktop, "live")
    opens_preferences(desktop, *follows(desktop, "idle"))
    settings(source="v4l2:/dev/nothing")
    with Client():
        follows(desktop, "failed")


def clear_gnome():
    """Closes the message about a missing display manager, and the overview."""
    eventually("a banner", lambda: pressed("Screen Lock disabled", "where"))
    click(873, 58)
    users("xdotool", "mousemove", "640", "90")  # a banner below the pointer stays
    keys("Escape")


def turn_off(desktop):
    """By the notification's button; mako has a command instead. GNOME's banner closes before a busy machine finds the
    button, so the action is called directly."""
    if desktop == "gnome":
        eventually("a notification", lambda: pressed("Camera is on", "where"))
    take(f"{desktop}-notification")
    if desktop == "sway":
        users("makoctl", "invoke", "turn-off")
    elif desktop == "gnome":
        application = ["io.github.lenscap.Lenscap", "/io/github/lenscap/Lenscap", "org.freedesktop.Application"]
        users("busctl", "--user", "call", *application, "ActivateAction", "sava{sv}", "turn-off", "0", "0")
    else:
        press("Turn off")


def follows(desktop, state):
    """Waits until the tray shows this state, and saves a screenshot."""
    place = eventually(f"the symbol for {state}", shows(desktop, state))
    take(f"{desktop}-{state}")
    return place


def opens_preferences(desktop, x, y):
    """By position, the third entry from below, since not every shell's menu is accessible or receives keys."""
    below = open_menu(x, y)
    if desktop == "gnome":
        eventually("an entry", lambda: pressed("Preferences…", "where"))
    take(f"{desktop}-menu")
    if desktop == "gnome":
        press("Preferences…")
    elif desktop == "sway":
        click(x - 60, below - 66)
    else:
        keys("Up", "Up", "Up", "Return")
    eventually("preferences", lambda: pressed("Behaviour", "where"))
    take(f"{desktop}-preferences")
    if desktop == "xfce":
        has_symbols()


def has_symbols():
    """Each page has a symbol; if the icon theme lacked them, all would have the same broken picture.

    GTK 4 tells no place on the screen, but the window is in the corner, and a page's button is 103 pixels wide.
    """
    symbols = {shape(pixels(116 + 103 * page, 33, 20, 18)) for page in range(5)}
    assert len(symbols) == 5, f"{len(symbols)} symbols for 5 pages"


def shape(rows):
    """The object in the picture, cropped."""
    spots = {(x, y) for y, row in enumerate(marks(rows)) for x, value in enumerate(row) if value > 40}
    left = min(x for x, _ in spots)
    top = min(y for _, y in spots)
    return frozenset((x - left, y - top) for x, y in spots)


if __name__ == "__main__":
    play({desktop: lambda desktop=desktop: main(desktop) for desktop in TRAYS})
