//! How far each kind of source reaches beyond devices and the system's files.

use libc::{AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, c_int};

use crate::settings::SourceSpec;

/// What camera software may reach beyond devices and the system's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nothing. Also for what opens no camera.
    Devices,
    /// `PipeWire`'s socket, and with it every other socket in the file system.
    PipeWire,
    /// The network, and the sockets of services that resolve names.
    Network,
    /// The network and the desktop: the user's own pipeline may record the screen.
    Desktop,
}

impl Reach {
    /// What a source needs.
    pub fn of(source: &SourceSpec) -> Self {
        match source {
            SourceSpec::Icamerasrc(_)
            | SourceSpec::Libcamera(_)
            | SourceSpec::V4l2(_)
            | SourceSpec::Test => Self::Devices,
            // Finding any camera includes PipeWire's.
            SourceSpec::Auto | SourceSpec::Pipewire(_) => Self::PipeWire,
            SourceSpec::Network(_) => Self::Network,
            SourceSpec::Pipeline(_) => Self::Desktop,
        }
    }

    /// The socket families that remain. Without `AF_UNIX`, `socketpair` still makes pairs of them,
    /// which connect libcamera with its helper processes.
    pub fn families(self) -> &'static [c_int] {
        match self {
            // udev reports devices over netlink.
            Self::Devices => &[AF_NETLINK],
            Self::PipeWire => &[AF_NETLINK, AF_UNIX],
            Self::Network | Self::Desktop => &[AF_NETLINK, AF_UNIX, AF_INET, AF_INET6],
        }
    }

    /// Whether sockets may be connected.
    pub fn may_connect(self) -> bool {
        self != Self::Devices
    }

    /// Whether the display, the session bus and the like remain.
    pub fn has_desktop(self) -> bool {
        self == Self::Desktop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_reach_no_further_than_they_need() {
        use Reach::{Desktop, Devices, Network, PipeWire};
        for (source, reach) in [
            ("v4l2:/dev/video0", Devices),
            ("icamerasrc", Devices),
            ("libcamera:x", Devices),
            ("test", Devices),
            ("auto", PipeWire),
            ("pipewire:x", PipeWire),
            ("rtsp://camera", Network),
            ("rtp://[::1]:5?encoding=JPEG", Network),
            ("pipeline:rtspsrc", Desktop),
        ] {
            assert_eq!(Reach::of(&source.parse().unwrap()), reach, "{source}");
        }
    }
}
