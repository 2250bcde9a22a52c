"""Installing, upgrading and removing Lenscap's Debian package during a user's session."""

import glob
import re

from applet import *

DEB, NEWER = "/root/lenscap.deb", "/root/newer.deb"
APPLICATION = ["io.github.lenscap.Lenscap", "/io/github/lenscap/Lenscap", "io.github.lenscap.Lenscap1"]

# Debian 12 owns a directory of ours by another name, below /lib.
COMPLAINT = re.compile("(warning|error|fail|cannot|can't)(?!.* not empty so not removed$)", re.IGNORECASE)

# Files that change on any running machine, and state of apt, dpkg and the service manager.
PASSING = ["/home", "/var/cache", "/var/lib/apt", "/var/lib/dpkg", "/var/lib/systemd/timers", "/var/log", "/var/tmp"]
# The files that lenscap-fix writes, and the actions for that.
FIXES = {
    "write-module-options": ["/etc/modprobe.d/zz-lenscap.conf", "/etc/modules-load.d/lenscap.conf"],
    "write-udev-rules": ["/etc/udev/rules.d/72-lenscap.rules"],
}


def package_is_upgraded():
    """The running applet continues although its file was replaced; a restart starts the new one."""
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
    """The running applet continues, and nothing is left of the package outside home directories."""
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
    """A session that is older than the package."""
    settings()
    Session("console")
    apt("install", DEB)
    systemctl("enable", "--now", "lenscap")
    eventually("an applet", is_in("idle"))


def apt(action, package):
    """As from a terminal. Messages of maintainer scripts are failures, even if dpkg succeeds."""
    options = ["--quiet", "--yes", "--no-install-recommends", "--option=Dpkg::Use-Pty=0"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    said = run("apt-get", *options, action, package, stderr=subprocess.STDOUT, env=environment)
    with open("/out/apt", "a") as log:
        log.write(said + "\n")
    complaints = [line for line in said.splitlines() if COMPLAINT.search(line)]
    assert not complaints, complaints


def works(package):
    """As an unprivileged user."""
    version = run("dpkg-deb", "--field", package, "Version")
    assert run("dpkg-query", "--show", "--showformat=${Version}", "lenscap") == version
    for program in "lenscap", "lenscap-preferences":
        assert users(program, "--version") == f"{program} {version.partition('-')[0]}"
    users("lenscap", "devices")
    assert glob.glob("/usr/lib/*/gstreamer-1.0/libgstpango.so"), "no clockoverlay for the test picture"
    # There is neither a module nor a camera: the doctor must report that, and find its helper.
    rungs = [json.loads(line)["rung"] for line in users("lenscap", "doctor", "--json", check=False).splitlines()]
    assert len(set(rungs)) >= 14, rungs


def write_fixes():
    for action, paths in FIXES.items():
        # No udev is running in a container, which is reported after the file is written.
        run("/usr/libexec/lenscap-fix", action, check=False)
        assert all(os.path.exists(path) for path in paths), action


def state():
    """The status over D-Bus, because the `lenscap` command was removed."""
    return users("busctl", "--user", "get-property", *APPLICATION, "State")


def program(process):
    return os.readlink(f"/proc/{process}/exe")


def files():
    """All persistent files."""
    prunes = [word for path in PASSING for word in ("-o", "-path", path)][1:]
    return set(run("find", "/", "-xdev", "(", *prunes, ")", "-prune", "-o", "-print").splitlines())


if __name__ == "__main__":
    play(globals())
