#!/usr/bin/python3
"""start.py PREFERENCES EMPTY: compares the start-up time of the window with that of an empty one."""

import ctypes
import pathlib
import statistics
import sys
import time

import stage

# Starts of each program; the median counts.
ROUNDS = 9
# The limit for the window, relative to an empty one.
BOUND = 2
# A window of this size always covers the centre of the screen.
SCREEN, MIDDLE = "1280x960", (640, 480)
# Only the style's background is brighter than this.
BRIGHT = 0xD0


class Screen:
    """Reads the pixel that shows whether a window has been drawn."""

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
        until = time.monotonic() + stage.WAIT_TIMEOUT
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
        # The first start of each loads files from disk.
        times = [(shown(empty), shown(here.program)) for _ in range(ROUNDS + 1)][1:]
        least, own = (statistics.median(column) for column in zip(*times))
        verdict = "ok  " if own <= BOUND * least else "OVER"
        print(f"{verdict} preferences shown: {own / least:.2f} x an empty window, {own * 1000:.0f} ms (bound {BOUND})")


if __name__ == "__main__":
    main(*sys.argv[1:])
