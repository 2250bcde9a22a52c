"""The window's accessibility tree."""

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402


def window(title="Lenscap", program="lenscap-preferences"):
    """The window of this title, or None."""
    desktop = Atspi.get_desktop(0)
    # Caching is off.
    desktop.set_cache_mask(Atspi.Cache.NONE)
    for index in range(desktop.get_child_count()):
        application = desktop.get_child_at_index(index)
        if application and application.get_name() == program:
            # Nodes found before that may still be cached.
            application.set_cache_mask(Atspi.Cache.NONE)
            application.clear_cache()
            for frame in children(application):
                if frame.get_name() == title:
                    return frame
    return None


def children(node):
    """The current children, without those that vanish meanwhile."""
    try:
        count = node.get_child_count()
    except GLib.Error:
        return
    for index in range(count):
        try:
            child = node.get_child_at_index(index)
        except GLib.Error:
            continue
        if child:
            yield child


# Children of these are skipped, as every access is a call to another process.
LEAVES = {"page tab", "combo box", "check box", "push button", "scroll bar", "label", "image", "table"}


def walk(node, leaves=frozenset()):
    """The node and its descendants, except below these."""
    try:
        role = node.get_role_name()
        node.get_name()
    except GLib.Error:
        return
    yield node
    if role not in LEAVES | leaves:
        for child in children(node):
            yield from walk(child, leaves)


def has(node, state):
    return node.get_state_set().contains(getattr(Atspi.StateType, state))


def find(root, role, name, leaves=frozenset()):
    """The first node of this role and name, or None."""
    for node in walk(root, leaves):
        if node.get_role_name() == role and node.get_name() == name:
            return node
    return None


def act(node, name):
    """Performs one of the node's actions."""
    for index in range(node.get_n_actions()):
        if node.get_action_name(index) == name:
            return node.do_action(index)
    return False


def press(key):
    """Presses the key of this X keysym."""
    Atspi.generate_keyboard_event(key, None, Atspi.KeySynthType.SYM)
