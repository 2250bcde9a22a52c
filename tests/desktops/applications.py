"""Real applications that use the virtual camera through a desktop's own portal."""

import http.server
import json
import queue
import threading

from applet import *
from screen import *

# The labels of the portal dialogs' buttons that grant access.
ALLOW = {"sway": "Grant Access", "plasma": "OK", "gnome": "Allow"}

FIREFOX = """user_pref("media.webrtc.camera.allow-pipewire", true);
user_pref("media.navigator.permission.disabled", true);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("gfx.webrender.software", true);
"""

OBS_ITEM = {"id": 1, "name": "Camera", "visible": True, "scale": {"x": 1.0, "y": 1.0}, "pos": {"x": 0.0, "y": 0.0}}
OBS = {
    "global.ini": "[General]\nFirstRun=true\nLastVersion=503316480\n[Basic]\nProfile=Test\nProfileDir=Test\n"
    "SceneCollection=Test\nSceneCollectionFile=Test\n",
    "basic/profiles/Test/basic.ini": "[General]\nName=Test\n",
    "basic/scenes/Test.json": json.dumps({
        "name": "Test", "current_scene": "Scene", "current_program_scene": "Scene", "scene_order": [{"name": "Scene"}],
        "sources": [
            {"id": "pipewire-camera-source", "name": "Camera", "settings": {"device_id": "lenscap"}},
            {"id": "scene", "name": "Scene", "settings": {"id_counter": 1, "items": [OBS_ITEM]}},
        ],
    }),
}


class Page:
    """The page of tests/browser and its reports."""

    def __init__(self):
        page, self.events, self.order = self, queue.Queue(), b"go on"

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(open("/tests/browser/page.html", "rb").read())

            def do_POST(self):
                page.events.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.answer(page.order)

            def answer(self, body):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def wait_for(self, wanted):
        while True:
            event = self.events.get(timeout=60)
            assert "error" not in event, event
            if wanted in event:
                return event[wanted]


def start(name, *command):
    """Starts an application as desktops do, in a unit named after its launcher."""
    output = [f"--property=StandardOutput=append:/tmp/{name}", f"--property=StandardError=append:/tmp/{name}"]
    users("systemd-run", "--user", "--collect", f"--unit=app-{name}", *output, *command)


def is_used_by(name):
    """Lenscap names the application that uses the camera."""
    live = eventually("a live camera", is_in("live"), 60)
    assert live["camera_open"], live
    eventually(f"{name} as the client", lambda: [each["name"] for each in status()["clients"]] == [name])


def is_off():
    idle = eventually("a camera that is off", is_in("idle"))
    assert not idle["camera_open"] and not idle["clients"], idle


def browse(desktop, name, *options):
    start_by_unit(desktop)
    page = Page()
    start("browser", name, *options, page.address)
    press(ALLOW[desktop], 60)
    assert page.wait_for("label") == "Lenscap"
    digests = set()
    while len(digests) < 30:
        digests.add(page.wait_for("digest"))
    is_used_by(name)
    take(f"{desktop}-{name}")
    page.order = b"stop"
    page.wait_for("stopped")
    is_off()


def firefox(desktop):
    users("mkdir", "-p", "/tmp/firefox")
    users("tee", "/tmp/firefox/user.js", input=FIREFOX)
    browse(desktop, "firefox-esr", "--no-remote", "--profile", "/tmp/firefox")


def chromium(desktop):
    flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--password-store=basic", "--ozone-platform=wayland"]
    camera = ["--use-fake-ui-for-media-stream", "--enable-features=WebRtcPipeWireCamera"]
    browse(desktop, "chromium", *flags, *camera, "--user-data-dir=/tmp/chromium")


def snapshot(desktop):
    """GNOME's camera application."""
    start_by_unit(desktop)
    start("org.gnome.Snapshot", "snapshot")
    shows_camera(desktop, "snapshot")
    systemctl("stop", "app-org.gnome.Snapshot")
    is_off()


def obs(desktop):
    """On the compositor's host display, because the compositor's renderer is too limited."""
    start_by_unit(desktop)
    for name, text in OBS.items():
        users("mkdir", "-p", os.path.dirname(f"{HOME}/.config/obs-studio/{name}"))
        users("tee", f"{HOME}/.config/obs-studio/{name}", input=text)
    start("obs", "env", "QT_QPA_PLATFORM=xcb", "DISPLAY=:10", "obs", "--disable-shutdown-check", "--multi")
    shows_camera(desktop, "obs")
    systemctl("stop", "app-obs")
    is_off()


def shows_camera(desktop, name):
    """The picture below the panel changes."""
    press(ALLOW[desktop], 60)
    is_used_by(name)
    seen = set()
    eventually("a picture that moves", lambda: seen.add(part(0, 60, 1100, 700)) or len(seen) > 5)
    take(f"{desktop}-{name}")


if __name__ == "__main__":
    play(globals())
