"""The screen: finding Lenscap's symbol in the panel, and pressing controls."""

import collections
import glob

import gi

gi.require_version("GdkPixbuf", "2.0")
from gi.repository import GdkPixbuf  # noqa: E402

from applet import *

STATES = ["idle", "live", "paused", "failed"]

# The panel's tray area: left, top, width, height.
TRAYS = {
    "xfce": (1136, 0, 140, 26),
    "sway": (1184, 0, 39, 27),
    "plasma": (760, 729, 110, 30),
    "gnome": (1100, 0, 116, 32),
}

# waybar's background of a symbol that needs attention, on which a red symbol isn't visible.
WAYBAR_ATTENTION = (235, 77, 75)

# Sizes at which panels show a symbol.
SIZES = [16, 18, 20, 21, 22, 24]

# Pixels at which a symbol is compared, of the few hundred that it has.
ALIKE = 0.8


def take(name):
    """Saves a screenshot for manual inspection."""
    users("import", "-window", "root", f"/tmp/{name}.png")
    run("mv", f"/tmp/{name}.png", "/out")


def part(left, top, width, height):
    """A part of the screen: three bytes for each pixel."""
    crop = ["-crop", f"{width}x{height}+{left}+{top}", "-depth", "8", "rgb:-"]
    command = as_user(["import", "-silent", "-window", "root", *crop])
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=30).stdout


def pixels(left, top, width, height):
    """A part of the screen, as rows of colours."""
    data = part(left, top, width, height)
    colors = list(zip(data[0::3], data[1::3], data[2::3]))
    return [colors[y * width : (y + 1) * width] for y in range(height)]


def marks(rows):
    """The difference of each pixel from the background, the most common colour."""
    colors = [color for row in rows for color in row]
    [(ground, _)] = collections.Counter(colors).most_common(1)
    return [[max(abs(a - b) for a, b in zip(color, ground)) for color in row] for row in rows]


def symbol(state, size, known={}):
    """The opacity of each pixel of an installed symbol at this size."""
    if (state, size) not in known:
        path, *_ = glob.glob(f"/usr/share/icons/hicolor/*/*/io.github.lenscap.Lenscap-{state}-symbolic.svg")
        picture = GdkPixbuf.Pixbuf.new_from_file_at_size(path, size, size)
        data, stride = picture.get_pixels(), picture.get_rowstride()
        known[state, size] = [[data[y * stride + 4 * x + 3] for x in range(size)] for y in range(size)]
    return known[state, size]


def likeness(seen, wanted):
    """The correlation of two lists of numbers, from -1 to 1."""
    a, b = sum(seen) / len(seen), sum(wanted) / len(wanted)
    together = sum((x - a) * (y - b) for x, y in zip(seen, wanted))
    alone = sum((x - a) ** 2 for x in seen) * sum((y - b) ** 2 for y in wanted)
    return together / alone**0.5 if alone else 0


def icons(seen):
    """The boxes of objects in the panel, separated by at least two columns of background."""
    columns = [any(row[x] > 40 for row in seen) for x in range(len(seen[0]))] + [False, False]
    rows = [y for y, row in enumerate(seen) if any(value > 40 for value in row)]
    left = None
    for x, marked in enumerate(columns):
        if marked and left is None:
            left = x
        elif left is not None and not any(columns[x : x + 2]):
            yield left, rows[0], x, rows[-1] + 1
            left = None


def squares(seen, size):
    """Possible positions of an object that is smaller than its square."""
    for left, top, right, bottom in icons(seen):
        if size - 6 <= right - left <= size + 1:
            for x in range(max(right - size - 1, 0), min(left + 2, len(seen[0]) - size + 1)):
                for y in range(len(seen) - size + 1):
                    yield x, y


def best(seen, state):
    """The best correlation of a square with a symbol, and its centre."""
    found = (0, (0, 0))
    for size in SIZES:
        wanted = [value for row in symbol(state, size) for value in row]
        for x, y in squares(seen, size):
            window = [value for row in seen[y : y + size] for value in row[x : x + size]]
            found = max(found, (likeness(window, wanted), (x + size // 2, y + size // 2)))
    return found


def shows(desktop, state):
    """For `eventually`: the position of this state's symbol, once it matches better than all others."""

    def look():
        left, top, width, height = TRAYS[desktop]
        rows = pixels(left, top, width, height)
        if desktop == "sway" and state == "failed":
            return sum(row.count(WAYBAR_ATTENTION) for row in rows) > 100
        seen = marks(rows)
        found = {each: best(seen, each) for each in STATES}
        likest = max(found, key=lambda each: found[each][0])
        value, place = found[state]
        return likest == state and value > ALIKE and (left + place[0], top + place[1])

    return look


def press(name, seconds=20):
    """Presses the control of this name, or clicks on it."""
    done = eventually(f"a control '{name}'", lambda: pressed(name), seconds)
    if place := done.split():
        click(*place)


def pressed(name, *how):
    command = as_user(["python3", "/tests/desktops/press.py", name, *how])
    done = subprocess.run(command, text=True, capture_output=True, timeout=30)
    return done.returncode == 0 and (done.stdout or " ")


def click(x, y, button=1):
    users("xdotool", "mousemove", str(x), str(y), "click", str(button))


def open_menu(x, y):
    """Clicks, waits for an object of a menu's size, and returns its bottom edge."""
    wide, high = map(int, users("xdotool", "getdisplaygeometry").split())
    left, top = max(min(x - 200, wide - 400), 0), max(min(y - 150, high - 300), 0)
    before = pixels(left, top, 400, 300)
    click(x, y, button=3)

    def changed():
        after = pixels(left, top, 400, 300)
        rows = [sum(map(tuple.__ne__, *each)) for each in zip(before, after)]
        return sum(rows) > 15000 and top + max(y for y, count in enumerate(rows) if count > 100)

    return eventually("a menu", changed)


def keys(*names):
    users("xdotool", "key", "--delay", "100", *names)


def tray_items():
    """The applet's registered tray item."""
    watcher = ["org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher", "org.kde.StatusNotifierWatcher"]
    query = ["get-property", *watcher, "RegisteredStatusNotifierItems"]
    items = users("busctl", "--user", *query, check=False).split()[2:]
    return [item for item in items if owner(item.strip('"').split("/")[0]) in processes()]


def owner(name):
    bus = ["org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus"]
    answer = users("busctl", "--user", "call", *bus, "GetConnectionUnixProcessID", "s", name, check=False)
    return int(answer.split()[1]) if answer else None
