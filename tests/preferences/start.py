#!/usr/bin/python3
"""start.py PREFERENCES EMPTY: how long the window takes to be seen, beside an empty one in the same run."""

import ctypes
import pathlib
import statistics
import sys
import time

import stage

# Starts of each program; the middle one of their times counts.
ROUNDS = 9
# The window may take this many times what an empty one takes.
BOUND = 2
# Wherever a window of this size is put on a screen of that, the middle is in it.
SCREEN, MIDDLE = "1280x960", (640, 480)
# The style's background is brighter than this, and nothing else on the screen is.
BRIGHT = 0xD0


class Screen:
    """The display, as far as one pixel tells whether a window has been drawn."""

    def __init__(self):
        self.x = ctypes.CDLL("libX11.so.6")
        self.x.XOpenDisplay.restype = self.x.XGetImage.restype = ctypes.c_void_p
        self.x.XDefaultRootWindow.restype = self.x.XGetPixel.restype = ctypes.c_ulong
        self.display = ctypes.c_void_p(self.x.XOpenDisplay(None))
        self.root = ctypes.c_ulong(self.x.XDefaultRootWindow(self.display))

    def is_bright(self):
        all_planes, z_pixmap = ctypes.c_ulong(0xFFFFFF), 2
        image = self.x.XGetImage(self.display, self.root, *MIDDLE, 1, 1, all_planes, z_pixmap)
        image = ctypes.c_void_p(image)
        pixel = self.x.XGetPixel(image, 0, 0)
        self.x.XDestroyImage(image)
        return min(pixel >> shift & 0xFF for shift in (0, 8, 16)) > BRIGHT

    def wait(self, bright):
        until = time.monotonic() + stage.PATIENCE
        while self.is_bright() != bright:
            stage.turn(0.001)
            if time.monotonic() > until:
                sys.exit("no window came" if bright else "the window does not go")


def main(preferences, empty):
    with stage.Stage(preferences, SCREEN) as here:
        here.start_applet()
        screen = Screen()

        def shown(program):
            screen.wait(False)
            began = time.monotonic()
            process = here.spawn(program)
            screen.wait(True)
            took = time.monotonic() - began
            stage.end(process)
            return took

        empty = pathlib.Path(empty).resolve()
        # The first of each finds no file in memory yet.
        times = [(shown(empty), shown(here.program)) for _ in range(ROUNDS + 1)][1:]
        least, own = (statistics.median(column) for column in zip(*times))
        verdict = "ok  " if own <= BOUND * least else "OVER"
        print(f"{verdict} preferences shown: {own / least:.2f} x an empty window, {own * 1000:.0f} ms (bound {BOUND})")


if __name__ == "__main__":
    main(*sys.argv[1:])
