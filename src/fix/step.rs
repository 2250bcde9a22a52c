//! One step of an action: it can be printed, and it can be taken.

use std::fmt;
use std::io;
use std::path::Path;

use crate::control;
use crate::tool::Tool;
use crate::write::Place;

/// A step.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Write a file.
    Write(Place, &'static str),
    /// Run a program.
    Run(Tool, Vec<String>),
    /// Add a v4l2loopback device.
    AddDevice,
}

impl Step {
    /// Runs a program with these words.
    pub fn run(tool: Tool, words: &[&str]) -> Self {
        Self::Run(tool, words.iter().map(ToString::to_string).collect())
    }

    /// Takes the step. Its result, where its description does not contain that.
    pub fn take(&self, root: &Path) -> io::Result<Option<String>> {
        match self {
            Self::Write(place, text) => place.write(root, text).map(|()| None),
            Self::Run(tool, words) => tool.run(words).map(|()| None),
            Self::AddDevice => {
                let node = control::add_device(root)?;
                Ok(Some(format!("added {node}")))
            }
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(place, _) => write!(f, "write {}", place.path()),
            Self::Run(tool, words) => {
                write!(f, "run {}", tool.name)?;
                words.iter().try_for_each(|word| {
                    let quote = if word.contains(' ') { "'" } else { "" };
                    write!(f, " {quote}{word}{quote}")
                })
            }
            Self::AddDevice => write!(f, "add a device through {}", control::NODE),
        }
    }
}
