//! Why there is no picture.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::settings::{LONGEST_TEXT, Message};

/// What kind of thing went wrong; decides which card is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// No virtual camera to show a picture on.
    NoOutput,
    /// No real camera was found.
    NoCamera,
    /// The camera may not be opened by this user.
    NoPermission,
    /// Another program holds the camera.
    Busy,
    /// The camera does not give the wanted size or format.
    Unsupported,
    /// The camera was started and gave no picture in time.
    NoPicture,
    /// The camera stopped giving pictures, or its software ended or crashed.
    Stopped,
    /// Anything else.
    Other,
}

impl FaultKind {
    /// Every kind, in the order of the declaration.
    pub const ALL: [Self; 8] = [
        Self::NoOutput,
        Self::NoCamera,
        Self::NoPermission,
        Self::Busy,
        Self::Unsupported,
        Self::NoPicture,
        Self::Stopped,
        Self::Other,
    ];
}

/// Why there is no picture and what to do next, in one line. Its `Display` is English,
/// for the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fault {
    /// What kind of thing went wrong.
    pub kind: FaultKind,
    /// What is wrong and what to do. May hold paths and names; never shown to the other people in a
    /// meeting.
    #[serde(flatten)]
    pub message: Message,
}

impl Fault {
    /// A fault of a kind, with its line for the user.
    pub fn new(kind: FaultKind, message: impl Into<Message>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// The same with texts that are fit to be shown, as one from another process needs.
    #[must_use]
    pub fn one_line(self) -> Self {
        Self::new(self.kind, self.message.one_line(LONGEST_TEXT))
    }

    /// With a value that its sentence names.
    #[must_use]
    pub fn with(self, name: &'static str, value: impl ToString) -> Self {
        Self {
            message: self.message.with(name, value),
            ..self
        }
    }

    /// With a value that is a sentence of its own.
    #[must_use]
    pub fn with_message(self, name: &'static str, value: impl Into<Message>) -> Self {
        Self {
            message: self.message.with_message(name, value),
            ..self
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
    }
}
