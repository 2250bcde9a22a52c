//! Network cameras, as their URLs name them.

use std::fmt;
use std::str::FromStr;

use super::{Message, MessageId, SpecError, masked, n_};

/// How a network camera sends its picture.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// A session over RTSP, which says itself what it carries.
    Rtsp,
    /// JPEG pictures over HTTP, one after the other.
    Http,
    /// Bare RTP, without anything that announces it.
    Rtp(Rtp),
}

/// Where bare RTP comes from, and what it carries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rtp {
    /// Which way the packets come.
    pub way: RtpWay,
    /// An address or name: for datagrams of this machine or a group, else of the camera.
    pub host: String,
    /// The port at that address.
    pub port: u16,
    /// What the packets carry.
    pub encoding: Encoding,
}

/// The ways that RTP packets come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RtpWay {
    /// A packet a datagram; the camera sends them to us.
    Datagrams,
    /// Datagrams of packets with their length before each, as `rtpstreampay` writes them.
    FramedDatagrams,
    /// The same over a TCP connection to the camera (RFC 4571).
    Stream,
}

/// What RTP packets carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// A JPEG picture a frame.
    Jpeg,
    /// H.264 video.
    H264,
}

impl Encoding {
    /// The name in RTP and in URLs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::H264 => "H264",
        }
    }
}

/// Who to log in as.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Login {
    /// The user's name, decoded.
    pub user: String,
    /// The password, decoded; may be empty.
    pub password: String,
}

/// A network camera. Shown, even in debugging, without its password: see [`masked`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NetworkCamera {
    /// As the user wrote it.
    text: String,
    /// How it sends.
    pub protocol: Protocol,
    /// The URL without user and password.
    pub location: String,
    /// Who to log in as.
    pub login: Option<Login>,
    /// What a person would call it: the host, and the port where one is named.
    pub name: String,
}

/// The schemes, as messages list them.
pub const SCHEMES: &str = "rtsp://, rtsps://, http://, https://, rtp:// or rtp+tcp://";

impl NetworkCamera {
    /// The URL as the user wrote it, with the password: for the worker alone, never to be shown.
    pub fn revealed(&self) -> &str {
        &self.text
    }

    /// The kind of source, as status and logs name it.
    pub fn kind(&self) -> &'static str {
        match self.protocol {
            Protocol::Rtsp => "rtsp",
            Protocol::Http => "http",
            Protocol::Rtp(_) => "rtp",
        }
    }
}

impl fmt::Display for NetworkCamera {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.text))
    }
}

impl fmt::Debug for NetworkCamera {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NetworkCamera({self})")
    }
}

impl FromStr for NetworkCamera {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let (scheme, rest) = text.split_once("://").unwrap_or((text, ""));
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return wrong(text, n_("a space in a URL is written %20"));
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let (login, place) = match authority.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, authority),
        };
        let Some((host, port)) = host_and_port(place) else {
            let help = n_(
                "after // comes a host, and a port from 1 to 65535 (in a password, write %40 for \
                 @, %3A for : and %2F for /)",
            );
            return wrong(text, help);
        };
        let login = match login.map(parse_login) {
            Some(None) => return wrong(text, n_("user or password are not URL-encoded text")),
            login => login.flatten(),
        };
        let protocol = match scheme {
            "rtsp" | "rtsps" => Protocol::Rtsp,
            "http" | "https" => Protocol::Http,
            "rtp" | "rtp+tcp" if login.is_some() => {
                return wrong(text, n_("RTP knows no password"));
            }
            "rtp" | "rtp+tcp" => Protocol::Rtp(parse_rtp(text, scheme, host, port, tail)?),
            _ => {
                return wrong(
                    text,
                    Message::new(n_("use {schemes}")).with("schemes", SCHEMES),
                );
            }
        };
        Ok(Self {
            text: text.to_owned(),
            protocol,
            location: format!("{scheme}://{place}{tail}"),
            login,
            name: place.to_owned(),
        })
    }
}

/// An error about a URL, which is quoted without its password.
fn wrong<T>(text: &str, help: impl Into<Message>) -> Result<T, SpecError> {
    let text = masked(text);
    let message = Message::new(n_("source '{text}' makes no sense: {help}"));
    let message = message.with("text", text).with_message("help", help);
    Err(message.into())
}

/// The two parts of `host:port`, an address of IPv6 without its brackets.
fn host_and_port(place: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            match port {
                "" => (host, None),
                port => (host, Some(port.strip_prefix(':')?)),
            }
        }
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let port = match port {
        Some(port) => Some(port.parse().ok().filter(|port| *port != 0)?),
        None => None,
    };
    (!host.is_empty()).then_some((host, port))
}

fn parse_login(login: &str) -> Option<Login> {
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    Some(Login {
        user: decoded(user)?,
        password: decoded(password)?,
    })
}

/// Text with its `%XX` resolved.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        bytes.push(match first {
            b'%' => {
                let digits = after.get(..2)?;
                rest = &after[2..];
                u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?
            }
            byte => *byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn parse_rtp(
    text: &str,
    scheme: &str,
    host: &str,
    port: Option<u16>,
    tail: &str,
) -> Result<Rtp, SpecError> {
    const HELP: MessageId = n_("write rtp://ADDRESS:PORT?encoding=JPEG or ?encoding=H264");
    let Some(port) = port else {
        return wrong(text, HELP);
    };
    let Some(query) = tail.trim_start_matches('/').strip_prefix('?') else {
        return wrong(text, HELP);
    };
    let mut encoding = None;
    let mut way = match scheme {
        "rtp" => RtpWay::Datagrams,
        _ => RtpWay::Stream,
    };
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("encoding", "JPEG" | "jpeg")) => encoding = Some(Encoding::Jpeg),
            Some(("encoding", "H264" | "h264")) => encoding = Some(Encoding::H264),
            Some(("framing", "stream")) if way == RtpWay::Datagrams => {
                way = RtpWay::FramedDatagrams;
            }
            Some(("framing", "stream")) => {}
            _ => {
                let unknown = Message::new(n_("'{pair}' is not known; {help}"));
                return wrong(text, unknown.with("pair", pair).with_message("help", HELP));
            }
        }
    }
    match encoding {
        None => wrong(text, HELP),
        Some(encoding) => Ok(Rtp {
            way,
            host: host.to_owned(),
            port,
            encoding,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> NetworkCamera {
        text.parse().expect(text)
    }

    #[test]
    fn urls_come_apart() {
        let camera = parse("rtsp://me:p%40ss%3A@[fe80::1]:8554/stream?a=b");
        assert_eq!(camera.protocol, Protocol::Rtsp);
        assert_eq!(camera.location, "rtsp://[fe80::1]:8554/stream?a=b");
        assert_eq!(camera.name, "[fe80::1]:8554");
        let login = camera.login.expect("a login");
        assert_eq!((&*login.user, &*login.password), ("me", "p@ss:"));

        let camera = parse("https://camera.local/video");
        assert_eq!(camera.protocol, Protocol::Http);
        assert!(camera.login.is_none());
        assert_eq!(camera.name, "camera.local");
    }

    #[test]
    fn rtp_comes_in_three_ways() {
        let check = |text: &str, way, host: &str, encoding| {
            let rtp = Rtp {
                way,
                host: host.to_owned(),
                port: 5004,
                encoding,
            };
            assert_eq!(parse(text).protocol, Protocol::Rtp(rtp), "{text}");
        };
        let (jpeg, h264) = (Encoding::Jpeg, Encoding::H264);
        let every = "rtp://0.0.0.0:5004?encoding=JPEG";
        check(every, RtpWay::Datagrams, "0.0.0.0", jpeg);
        check(
            "rtp://[::]:5004/?framing=stream&encoding=h264",
            RtpWay::FramedDatagrams,
            "::",
            h264,
        );
        check(
            "rtp+tcp://camera:5004?encoding=H264",
            RtpWay::Stream,
            "camera",
            h264,
        );
    }

    #[test]
    fn what_makes_no_sense_says_what_would() {
        for (text, help) in [
            ("rtsp://", "after // comes a host"),
            ("rtsp:///stream", "after // comes a host"),
            ("http://camera:0/", "a port from 1 to 65535"),
            ("http://camera:99999/", "a port from 1 to 65535"),
            ("rtsp://me:se:cr/et@camera/", "write %40 for @"),
            ("rtsp://[fe80::1/", "after // comes a host"),
            ("rtsp://me%zz@camera", "not URL-encoded"),
            ("rtsp://camera/a b", "%20"),
            ("ftp://camera/video", "use rtsp://"),
            ("rtp://0.0.0.0?encoding=JPEG", "write rtp://ADDRESS:PORT"),
            ("rtp://0.0.0.0:5004", "write rtp://ADDRESS:PORT"),
            ("rtp://0.0.0.0:5004?framing=stream", "write rtp://"),
            ("rtp://0.0.0.0:5004?encoding=VP8", "'encoding=VP8'"),
            ("rtp://me:x@0.0.0.0:5004?encoding=JPEG", "no password"),
        ] {
            let error = text.parse::<NetworkCamera>().expect_err(text);
            let error = error.to_string();
            assert!(error.contains(help), "{text}: {error}");
        }
    }

    #[test]
    fn no_password_is_shown() {
        let camera = parse("rtsp://me:secret@camera/a?token=secret");
        for shown in [camera.to_string(), format!("{camera:?}")] {
            assert!(!shown.contains("secret"), "{shown}");
        }
        assert!(camera.revealed().contains("secret"));
    }
}
