"""The installed applet and its clients."""

import json

from machine import *

ENTRY = f"{HOME}/.config/autostart/io.github.lenscap.Lenscap.desktop"

# Without a camera and without a kernel module.
SETTINGS = """[camera]
source = "{source}"
width = 640
height = 360
[delays]
cooldown_ms = 500
[output]
kind = "pipewire"
[desktop]
autostart = {autostart}
"""


def settings(autostart=False, source="test"):
    """Lenscap's configuration, before it starts or while it runs."""
    folder = f"{HOME}/.config/lenscap"
    users("mkdir", "-p", folder)
    users("tee", f"{folder}/lenscap.toml", input=SETTINGS.format(source=source, autostart=str(autostart).lower()))


def start_by_unit(desktop="plain"):
    """A session in which the service manager started Lenscap."""
    settings()
    session = Session(desktop)
    systemctl("enable", "--now", "lenscap")
    eventually("an applet", is_in("idle"))
    return session


def start_by_entry(desktop="plain"):
    """A session that started Lenscap by its autostart entry from an earlier session."""
    settings(autostart=True)
    session = Session(desktop)
    with subprocess.Popen(as_user(["lenscap"])) as first:
        eventually("an autostart entry", lambda: os.path.exists(ENTRY))
        eventually("an applet", is_in("idle"))
        users("lenscap", "quit")
        assert first.wait() == 0
    session.log_out()
    session.log_in()
    eventually("an applet", is_in("idle"))
    return session


class Client:
    """A client of the virtual camera that keeps the last frame."""

    PICTURE = "/tmp/picture.jpg"

    def __enter__(self):
        pipeline = ["pipewiresrc", "target-object=lenscap", "!", "videoconvert", "!", "jpegenc"]
        keep = ["!", "multifilesink", f"location={self.PICTURE}"]
        with open("/out/client", "a") as log:
            self.process = subprocess.Popen(as_user(["gst-launch-1.0", *pipeline, *keep]), stdout=log, stderr=log)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        run("rm", "-f", self.PICTURE)

    def sees_movement(self):
        """The picture changes within several frames."""
        seen = set()

        def pictures():
            if os.path.exists(self.PICTURE):
                with open(self.PICTURE, "rb") as file:
                    seen.add(file.read())
            return len(seen) > 5

        eventually("pictures that differ", pictures)


def status():
    """Lenscap's status, or None if it can't be reached."""
    answer = users("lenscap", "status", "--json", check=False)
    return json.loads(answer) if answer else None


def is_in(*states):
    """For `eventually`: the status, once it is one of these."""
    return lambda: (answer := status()) and answer["state"] in states and answer


def processes():
    """The running applets, without their child processes of the same name."""
    applets = run("pgrep", "--uid", USER, "--full", "^(/usr/bin/)?lenscap( run)?$", check=False)
    return [int(pid) for pid in applets.split()]


def camera_works():
    """While a client streams, the camera is on; afterwards it turns off."""
    eventually("an idle applet", is_in("idle"))
    with Client() as client:
        live = eventually("a live camera", is_in("live"))
        assert live["camera_open"] and live["clients"], live
        client.sees_movement()
    eventually("a camera that is off again", is_in("idle"))
