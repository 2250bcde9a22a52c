//! What the main loop owns and the frame pump may use.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A value that two threads use in turn, and that goes when its owner goes: handles keep no device open.
pub struct Owned<T>(Handle<T>);

/// Access to an [`Owned`] value for as long as it is there.
pub struct Handle<T>(Arc<Mutex<Option<T>>>);

impl<T> Owned<T> {
    /// Takes a value.
    pub fn new(value: T) -> Self {
        Self(Handle(Arc::new(Mutex::new(Some(value)))))
    }

    /// Another way to the value.
    pub fn handle(&self) -> Handle<T> {
        Handle(self.0.0.clone())
    }

    /// The value again, which handles don't reach any more.
    pub fn into_inner(self) -> T {
        self.0.lock().take().expect("the owner is there")
    }

    /// Uses the value, once no other thread does.
    pub fn with<R>(&self, act: impl FnOnce(&mut T) -> R) -> R {
        // Only `drop` and `into_inner` take it out.
        self.0.with(act).expect("the owner is there")
    }
}

impl<T> Handle<T> {
    /// Uses the value; `None` once its owner is gone.
    pub fn with<R>(&self, act: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.lock().as_mut().map(act)
    }

    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        // A panic within would end the program.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        let value = self.0.lock().take();
        drop(value); // on the owner's thread, and after the lock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_goes_with_its_owner_whatever_handles_there_are() {
        let value = Arc::new(());
        let owned = Owned::new(value.clone());
        let handle = owned.handle();
        assert_eq!(handle.with(|_| 7), Some(7));
        drop(owned);
        assert_eq!(Arc::strong_count(&value), 1);
        assert_eq!(handle.with(|_| 7), None);
    }
}
