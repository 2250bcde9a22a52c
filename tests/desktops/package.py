"""Lenscap's Debian package as a machine gets it, keeps it up to date and loses it, in somebody's session."""

import glob
import re

from applet import *

DEB, NEWER = "/root/lenscap.deb", "/root/newer.deb"
APPLICATION = ["io.github.lenscap.Lenscap", "/io/github/lenscap/Lenscap", "io.github.lenscap.Lenscap1"]

# Debian 12 knows a directory of ours by another name, below /lib, and that it is not empty.
COMPLAINT = re.compile("(warning|error|fail|cannot|can't)(?!.* not empty so not removed$)", re.IGNORECASE)

# What changes in a machine that runs, and what apt, dpkg and the service manager write down for themselves.
PASSING = ["/home", "/var/cache", "/var/lib/apt", "/var/lib/dpkg", "/var/lib/systemd/timers", "/var/log", "/var/tmp"]
# What lenscap-fix writes, and what of its actions does that.
FIXES = {
    "write-module-options": ["/etc/modprobe.d/zz-lenscap.conf", "/etc/modules-load.d/lenscap.conf"],
    "write-udev-rules": ["/etc/udev/rules.d/72-lenscap.rules"],
}


def package_is_upgraded():
    """What runs goes on, with the program's file gone; a restart brings the new one."""
    start_from_package()
    works(DEB)
    before = processes()
    with Client() as client:
        eventually("a live camera", is_in("live"))
        apt("install", NEWER)
        client.sees_movement()
        assert client.process.poll() is None, "the application lost its stream"
    camera_works()
    assert processes() == before
    assert program(before[0]) == "/usr/bin/lenscap (deleted)"
    systemctl("restart", "lenscap")
    camera_works()
    (after,) = processes()
    assert program(after) == "/usr/bin/lenscap"
    works(NEWER)


def package_is_removed():
    """What runs goes on, too, and nothing is left of the package but what is in a home directory."""
    for folder in {os.path.dirname(path) for paths in FIXES.values() for path in paths}:
        os.makedirs(folder, exist_ok=True)  # as on a machine with a kernel
    before = files()
    start_from_package()
    write_fixes()
    applet = processes()
    with Client() as client:
        eventually("a live camera", is_in("live"))
        apt("remove", "lenscap")
        client.sees_movement()
        assert client.process.poll() is None, "the application lost its stream"
    eventually("a camera that is off", lambda: state() == 's "idle"')
    assert processes() == applet
    assert all(os.path.exists(path) for paths in FIXES.values() for path in paths), "settings went before a purge"
    systemctl("stop", "lenscap")
    assert not processes()
    apt("purge", "lenscap")
    after = files()
    assert after == before, f"left behind: {after - before}, taken: {before - after}"


def start_from_package():
    """A session that was there before the package."""
    settings()
    Session("console")
    apt("install", DEB)
    systemctl("enable", "--now", "lenscap")
    eventually("an applet", is_in("idle"))


def apt(action, package):
    """As from a terminal. What maintainer scripts complain about is a failure, though it may not be one to dpkg."""
    options = ["--quiet", "--yes", "--no-install-recommends", "--option=Dpkg::Use-Pty=0"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    said = run("apt-get", *options, action, package, stderr=subprocess.STDOUT, env=environment)
    with open("/out/apt", "a") as log:
        log.write(said + "\n")
    complaints = [line for line in said.splitlines() if COMPLAINT.search(line)]
    assert not complaints, complaints


def works(package):
    """What somebody without rights would try first."""
    version = run("dpkg-deb", "--field", package, "Version")
    assert run("dpkg-query", "--show", "--showformat=${Version}", "lenscap") == version
    for program in "lenscap", "lenscap-preferences":
        assert users(program, "--version") == f"{program} {version.partition('-')[0]}"
    users("lenscap", "devices")
    assert glob.glob("/usr/lib/*/gstreamer-1.0/libgstpango.so"), "no clockoverlay for the test picture"
    # There is neither a module nor a camera: doctor has to find that, and to find its helper.
    rungs = [json.loads(line)["rung"] for line in users("lenscap", "doctor", "--json", check=False).splitlines()]
    assert len(set(rungs)) >= 14, rungs


def write_fixes():
    for action, paths in FIXES.items():
        # No udev runs in a container, which is said after the file is written.
        run("/usr/libexec/lenscap-fix", action, check=False)
        assert all(os.path.exists(path) for path in paths), action


def state():
    """As `lenscap status` would say, which is gone."""
    return users("busctl", "--user", "get-property", *APPLICATION, "State")


def program(process):
    return os.readlink(f"/proc/{process}/exe")


def files():
    """All that lasts."""
    prunes = [word for path in PASSING for word in ("-o", "-path", path)][1:]
    return set(run("find", "/", "-xdev", "(", *prunes, ")", "-prune", "-o", "-print").splitlines())


if __name__ == "__main__":
    play(globals())
