//! Where PipeWire listens, and whether it does.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use crate::settings::{Message, n_};

/// The socket's name where the environment gives none.
const NAME: &str = "pipewire-0";

/// What to do where it doesn't.
pub const START: &str = "systemctl --user start pipewire wireplumber";

/// Where PipeWire listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// The directory, which is there before PipeWire is.
    pub dir: PathBuf,
    /// The name in it.
    pub name: OsString,
}

impl Socket {
    /// As libpipewire finds it; `None` without a session.
    pub fn find() -> Option<Self> {
        Self::resolve(|key| env::var_os(key).filter(|value| !value.is_empty()))
    }

    fn resolve(var: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let name = var("PIPEWIRE_REMOTE").unwrap_or_else(|| NAME.into());
        let dir = var("PIPEWIRE_RUNTIME_DIR").or_else(|| var("XDG_RUNTIME_DIR"));
        let path = PathBuf::from(dir.unwrap_or_default()).join(name);
        let socket = Self {
            dir: path.parent()?.to_owned(),
            name: path.file_name()?.to_owned(),
        };
        path.is_absolute().then_some(socket)
    }

    /// The path.
    pub fn path(&self) -> PathBuf {
        self.dir.join(&self.name)
    }
}

/// Whether PipeWire answers, without loading its library; the reason if it doesn't.
pub fn check() -> io::Result<()> {
    let Some(socket) = Socket::find() else {
        let text = Message::new(n_("PipeWire needs a session: XDG_RUNTIME_DIR is not set"));
        return Err(io::Error::other(text));
    };
    let path = socket.path();
    UnixStream::connect(&path).map(drop).map_err(|error| {
        io::Error::other(
            Message::new(n_(
                "PipeWire is not running ({path}: {error}); start it with: {command}",
            ))
            .with("path", path.display())
            .with("error", error)
            .with("command", START),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(vars: &[(&str, &str)]) -> Option<PathBuf> {
        let var = |key: &str| {
            vars.iter()
                .find(|(name, _)| *name == key)
                .map(|(_, value)| value.into())
        };
        Socket::resolve(var).map(|socket| socket.path())
    }

    #[test]
    fn the_socket_is_where_the_library_looks_for_it() {
        let dir = ("XDG_RUNTIME_DIR", "/run/user/1000");
        for (vars, wanted) in [
            (vec![dir], Some("/run/user/1000/pipewire-0")),
            (
                vec![dir, ("PIPEWIRE_RUNTIME_DIR", "/pw")],
                Some("/pw/pipewire-0"),
            ),
            (
                vec![dir, ("PIPEWIRE_REMOTE", "other")],
                Some("/run/user/1000/other"),
            ),
            (
                vec![dir, ("PIPEWIRE_REMOTE", "/tmp/other")],
                Some("/tmp/other"),
            ),
            (vec![], None),
        ] {
            assert_eq!(resolve(&vars), wanted.map(PathBuf::from), "{vars:?}");
        }
    }
}
