//! The applications behind the clients, as far as they were looked up.

use crate::applications::{self, Application as User};
use crate::report::Client;

/// Applications by their clients.
#[derive(Default)]
pub struct Users {
    known: Vec<(Client, User)>,
    search: Search,
}

/// There is one search at a time: each reads all desktop entries.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Search {
    #[default]
    Ended,
    Running,
    /// It takes so long that nothing waits for it any more.
    TimedOut,
}

impl Users {
    /// Forgets clients that are gone. Begins a search, unless one goes on, for those that are new and
    /// returned.
    pub fn begin(&mut self, clients: &[Client]) -> Vec<Client> {
        self.known.retain(|(client, _)| clients.contains(client));
        if self.search != Search::Ended {
            return Vec::new();
        }
        let unknown = clients.iter().filter(|client| self.user(client).is_none());
        let unknown: Vec<_> = unknown.cloned().collect();
        if !unknown.is_empty() {
            self.search = Search::Running;
        }
        unknown
    }

    /// The search takes too long.
    pub fn time_out(&mut self) {
        self.search = Search::TimedOut;
    }

    /// The search has found these.
    pub fn end(&mut self, found: Vec<(Client, User)>) {
        self.known.extend(found);
        self.search = Search::Ended;
    }

    /// Whether one of these clients may get a better name soon.
    pub fn is_awaited(&self, clients: &[Client]) -> bool {
        self.search == Search::Running && clients.iter().any(|client| self.user(client).is_none())
    }

    /// The applications of these clients; those that aren't found go by their processes.
    pub fn of(&self, clients: &[Client]) -> Vec<User> {
        applications::distinct(clients.iter().map(|client| {
            let user = self.user(client);
            user.map_or_else(|| User::unknown(client), User::clone)
        }))
    }

    fn user(&self, client: &Client) -> Option<&User> {
        let mut known = self.known.iter();
        let found = known.find(|(one, _)| one == client);
        found.map(|(_, user)| user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(pid: u32) -> Client {
        let name = format!("process{pid}");
        Client { pid, name }
    }

    /// What a search finds for a client.
    fn found(client: &Client) -> (Client, User) {
        let better = Client {
            name: client.name.to_uppercase(),
            ..client.clone()
        };
        (client.clone(), User::unknown(&better))
    }

    fn names(users: &Users, clients: &[Client]) -> Vec<String> {
        let users = users.of(clients);
        users.into_iter().map(|user| user.name).collect()
    }

    #[test]
    fn names_are_awaited_until_they_are_found() {
        let mut users = Users::default();
        let clients = [client(1), client(2)];
        assert!(!users.is_awaited(&clients));
        assert_eq!(users.begin(&clients), clients);
        assert!(users.is_awaited(&clients));
        assert!(!users.is_awaited(&[]));
        users.end(clients.iter().map(found).collect());
        assert!(!users.is_awaited(&clients));
        assert_eq!(names(&users, &clients), ["PROCESS1", "PROCESS2"]);
        assert_eq!(users.begin(&clients), []);
    }

    #[test]
    fn a_search_that_takes_too_long_is_awaited_no_more_and_still_counts() {
        let mut users = Users::default();
        let (first, second) = ([client(1)], [client(1), client(2)]);
        users.begin(&first);
        users.time_out();
        assert!(!users.is_awaited(&first));
        assert_eq!(names(&users, &first), ["process1"]);
        // Another search would be as slow.
        assert_eq!(users.begin(&second), []);
        assert!(!users.is_awaited(&second));
        users.end(first.iter().map(found).collect());
        assert_eq!(users.begin(&second), [client(2)]);
        assert!(users.is_awaited(&second));
        assert_eq!(names(&users, &second), ["PROCESS1", "process2"]);
    }

    #[test]
    fn clients_that_are_gone_are_forgotten() {
        let mut users = Users::default();
        users.begin(&[client(1)]);
        users.end(vec![found(&client(1))]);
        assert_eq!(users.begin(&[]), []);
        assert_eq!(users.begin(&[client(1)]), [client(1)]);
    }
}
