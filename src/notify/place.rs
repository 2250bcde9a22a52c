//! The place of one notification: what it is to show, and what it is known to show.

use super::Note;

/// The place of one notification on a server's screen.
#[derive(Debug, Default)]
pub struct Place {
    /// What is to be shown, until the user takes it off the screen.
    wanted: Option<Note>,
    /// What the server was last sent of that.
    sent: Option<Note>,
    /// By what the server knows what it shows.
    id: Option<u32>,
    /// Whether the server is yet to answer: until then, nothing else is sent.
    is_sending: bool,
}

impl Place {
    /// This is to be shown.
    pub fn want(&mut self, note: Note) {
        self.wanted = Some(note);
    }

    /// Nothing is to be shown: what is to be closed for that now.
    pub fn withdraw(&mut self) -> Option<u32> {
        self.wanted = None;
        self.sent = None;
        self.id.take()
    }

    /// What is to be sent now, in place of the notification with this id; 0 is none.
    pub fn send(&mut self) -> Option<(Note, u32)> {
        if self.is_sending || self.wanted == self.sent {
            return None;
        }
        let note = self.wanted.clone()?;
        self.sent = Some(note.clone());
        self.is_sending = true;
        Some((note, self.id.unwrap_or(0)))
    }

    /// The server shows under this id what it was sent, or refused: what is to be closed now.
    pub fn sent(&mut self, id: Option<u32>) -> Option<u32> {
        self.is_sending = false;
        self.id = id;
        match self.wanted {
            Some(_) => None,
            None => self.withdraw(),
        }
    }

    /// Whether the server shows it under this id.
    pub fn has(&self, id: u32) -> bool {
        self.id == Some(id)
    }

    /// The server has taken this id off the screen. What was sent since is yet to be seen.
    pub fn closed(&mut self, id: u32) {
        if self.has(id) && self.is_sending {
            self.id = None;
        } else if self.has(id) {
            self.withdraw();
        }
    }

    /// The server has gone, with all that it showed.
    pub fn reset(&mut self) {
        self.sent = None;
        self.id = None;
        self.is_sending = false;
    }
}
