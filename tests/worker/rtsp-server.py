"""An RTSP camera for tests: blue H.264 for the user "me" only. Prints its port.

With the argument "--sound", there is an audio stream as well, which the client must ignore."""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer

PICTURE = (
    "videotestsrc is-live=true pattern=solid-color foreground-color=0xff0000ff "
    "! video/x-raw,width=320,height=240,framerate=30/1 "
    "! openh264enc gop-size=30 ! rtph264pay name=pay0 pt=96 config-interval=1"
)
SOUND = " audiotestsrc is-live=true ! mulawenc ! rtppcmupay name=pay1 pt=0"

Gst.init(None)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch("( " + PICTURE + (SOUND if "--sound" in sys.argv else "") + " )")
permissions = GstRtspServer.RTSPPermissions()
permissions.add_permission_for_role("viewer", "media.factory.access", True)
permissions.add_permission_for_role("viewer", "media.factory.construct", True)
factory.set_permissions(permissions)

token = GstRtspServer.RTSPToken()
token.set_string("media.factory.role", "viewer")
auth = GstRtspServer.RTSPAuth()
auth.add_basic(GstRtspServer.RTSPAuth.make_basic("me", "s@crt"), token)

server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")
server.set_auth(auth)
server.get_mount_points().add_factory("/camera", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
