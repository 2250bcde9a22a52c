#!/usr/bin/python3
"""press.py NAME: presses a button of the open preferences window."""

import sys

from stage import wait_for
from tree import act, find, window


def main(name):
    shown = wait_for("the window", window)
    button = wait_for(f"the button '{name}'", lambda: find(shown, "push button", name))
    if not act(button, "click"):
        sys.exit(f"'{name}' cannot be pressed")


if __name__ == "__main__":
    main(*sys.argv[1:])
