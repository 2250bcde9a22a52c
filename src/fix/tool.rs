//! Programs of the system, by absolute paths.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// A program, and where distributions keep it.
#[derive(Debug, PartialEq, Eq)]
pub struct Tool {
    pub name: &'static str,
    places: &'static [&'static str],
}

pub const MODPROBE: Tool = Tool {
    name: "modprobe",
    places: &["/usr/sbin/modprobe", "/sbin/modprobe", "/usr/bin/modprobe"],
};

pub const UDEVADM: Tool = Tool {
    name: "udevadm",
    places: &["/usr/bin/udevadm", "/bin/udevadm", "/usr/sbin/udevadm"],
};

pub const SYSTEMCTL: Tool = Tool {
    name: "systemctl",
    places: &["/usr/bin/systemctl", "/bin/systemctl"],
};

/// All that a tool gets to know of the world. Nothing of the caller's: `MODPROBE_OPTIONS`,
/// `SYSTEMCTL_FORCE_BUS` and `LD_PRELOAD` are only some of the ways to lead a tool astray.
const ENVIRONMENT: [(&str, &str); 2] = [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C")];

impl Tool {
    /// Runs it, with what it has to say for us to repeat.
    pub fn run(&self, args: &[String]) -> io::Result<()> {
        let output = self.command(args)?.output()?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim();
        let said = if said.is_empty() {
            "no reason given"
        } else {
            said
        };
        let status = output.status;
        Err(io::Error::other(format!(
            "{}: {said} ({status})",
            self.name
        )))
    }

    fn command(&self, args: &[String]) -> io::Result<Command> {
        let place = self.places.iter().find(|place| Path::new(place).exists());
        let place = place.ok_or_else(|| io::Error::other(format!("{} is missing", self.name)))?;
        let mut command = Command::new(place);
        command
            .args(args)
            .env_clear()
            .envs(ENVIRONMENT)
            .current_dir("/")
            .stdin(Stdio::null());
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENV: Tool = Tool {
        name: "env",
        places: &["/nowhere/env", "/usr/bin/env", "/bin/env"],
    };

    #[test]
    fn a_tool_sees_our_environment_and_no_other() {
        assert!(std::env::vars_os().count() > 0);
        let output = ENV.command(&[]).unwrap().output().unwrap();
        let seen = String::from_utf8(output.stdout).unwrap();
        let mut seen: Vec<_> = seen.lines().collect();
        seen.sort_unstable();
        assert_eq!(seen, ["LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]);
    }

    #[test]
    fn every_place_is_absolute_and_a_failure_is_told_in_the_tools_words() {
        for tool in [MODPROBE, UDEVADM, SYSTEMCTL] {
            assert!(tool.places.iter().all(|place| place.starts_with('/')));
        }
        let error = ENV.run(&["/nowhere/at-all".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("No such file"), "{error}");
        let nowhere = Tool {
            name: "none",
            places: &["/nowhere/none"],
        };
        let error = nowhere.run(&[]).unwrap_err();
        assert_eq!(error.to_string(), "none is missing");
    }
}
