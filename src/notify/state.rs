//! One notification: what it should show, and what the server shows.

use super::Note;

/// A notification on the server's screen.
#[derive(Debug, Default)]
pub struct NotificationState {
    /// What should be shown, until the user closes it.
    wanted: Option<Note>,
    /// What was last sent to the server.
    sent: Option<Note>,
    /// The server's id for it.
    id: Option<u32>,
    /// Whether a reply is pending: until then, nothing else is sent.
    is_sending: bool,
}

impl NotificationState {
    pub fn want(&mut self, note: Note) {
        self.wanted = Some(note);
    }

    /// Returns the id to close.
    pub fn withdraw(&mut self) -> Option<u32> {
        self.wanted = None;
        self.sent = None;
        self.id.take()
    }

    /// The note to send now, and the id of the notification that it replaces (0 for none).
    pub fn send(&mut self) -> Option<(Note, u32)> {
        if self.is_sending || self.wanted == self.sent {
            return None;
        }
        let note = self.wanted.clone()?;
        self.sent = Some(note.clone());
        self.is_sending = true;
        Some((note, self.id.unwrap_or(0)))
    }

    /// The server's reply: the id, or `None` for an error. Returns an id to close.
    pub fn sent(&mut self, id: Option<u32>) -> Option<u32> {
        self.is_sending = false;
        self.id = id;
        match self.wanted {
            Some(_) => None,
            None => self.withdraw(),
        }
    }

    pub fn has(&self, id: u32) -> bool {
        self.id == Some(id)
    }

    /// The server closed this id. A pending note will be shown all the same.
    pub fn closed(&mut self, id: u32) {
        if self.has(id) && self.is_sending {
            self.id = None;
        } else if self.has(id) {
            self.withdraw();
        }
    }

    /// The server has vanished, with everything that it showed.
    pub fn reset(&mut self) {
        self.sent = None;
        self.id = None;
        self.is_sending = false;
    }
}
