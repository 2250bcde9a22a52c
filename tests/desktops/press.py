#!/usr/bin/python3
"""press.py NAME [where]: presses the control of this name in any program, through the accessibility interface.

Where the control can only be clicked, or with `where`, its centre on the screen is printed instead. Status 1: there is
no such control. This asks the bus itself: libatspi waits for ever for a program that does not answer.
"""

import sys

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

# In milliseconds.
PATIENCE = 1000

# Of org.a11y.atspi: the state of what is on the screen, and positions from its corner.
SHOWING = 25
SCREEN = 0


class Node:
    """An accessible object."""

    def __init__(self, bus, name, path):
        self.bus, self.name, self.path = bus, name, path

    def call(self, interface, method, signature="()", *arguments):
        parameters = GLib.Variant(signature, arguments)
        where = [self.name, self.path, interface, method]
        answer = self.bus.call_sync(*where, parameters, None, Gio.DBusCallFlags.NONE, PATIENCE, None)
        return answer.unpack()[0]

    def get(self, interface, name):
        parameters = GLib.Variant("(ss)", (interface, name))
        where = [self.name, self.path, "org.freedesktop.DBus.Properties", "Get"]
        return self.bus.call_sync(*where, parameters, None, Gio.DBusCallFlags.NONE, PATIENCE, None).unpack()[0]

    def is_showing(self):
        return bool(self.call("org.a11y.atspi.Accessible", "GetState")[0] >> SHOWING & 1)

    def children(self):
        return [Node(self.bus, *child) for child in self.call("org.a11y.atspi.Accessible", "GetChildren")]

    def find(self, label):
        """The first labelled object among this and its descendants. Objects that do not answer count as unlabelled."""
        try:
            if self.get("org.a11y.atspi.Accessible", "Name") == label and self.is_showing():
                return self
            below = self.children()
        except GLib.Error:
            return None
        return next(filter(None, (child.find(label) for child in below)), None)

    def centre(self):
        x, y, width, height = self.call("org.a11y.atspi.Component", "GetExtents", "(u)", SCREEN)
        return x + width // 2, y + height // 2


def main(label, how=""):
    session = Gio.bus_get_sync(Gio.BusType.SESSION)
    address = Node(session, "org.a11y.Bus", "/org/a11y/bus").call("org.a11y.Bus", "GetAddress")
    flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
    bus = Gio.DBusConnection.new_for_address_sync(address, flags)
    node = Node(bus, "org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root").find(label)
    if not node:
        sys.exit(1)
    try:
        if how != "where" and node.get("org.a11y.atspi.Action", "NActions"):
            sys.exit(not node.call("org.a11y.atspi.Action", "DoAction", "(i)", 0))
    except GLib.Error:
        pass  # it has no actions
    print(*node.centre())


if __name__ == "__main__":
    main(*sys.argv[1:])
