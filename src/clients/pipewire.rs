//! Who is linked to our camera, by PipeWire's registry of everything there is.
//!
//! The registry is listened to only while somebody streams: it tells of every application on the
//! desktop that plays a sound, and a camera that is off wants to hear of none.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use ::pipewire as pw;
use pw::core::CoreRc;
use pw::registry::{GlobalObject, Listener, RegistryRc};
use pw::spa::utils::dict::DictRef;
use pw::types::ObjectType;

use super::holders;
use crate::relay::Holder;

/// Listens to the registry.
pub struct Viewers {
    // Dropped in this order.
    _listener: Listener,
    _registry: RegistryRc,
    graph: Rc<RefCell<Graph>>,
}

impl Viewers {
    /// Listens for links to the node of this number.
    pub fn new(core: &CoreRc, node: u32) -> io::Result<Self> {
        let registry = core.get_registry_rc().map_err(io::Error::other)?;
        let graph = Rc::new(RefCell::new(Graph::new(node)));
        let (seen, gone) = (graph.clone(), graph.clone());
        let listener = registry
            .add_listener_local()
            .global(move |global| seen.borrow_mut().take_global(global))
            .global_remove(move |id| gone.borrow_mut().remove(id))
            .register();
        Ok(Self {
            _listener: listener,
            _registry: registry,
            graph,
        })
    }

    /// Who is linked, if that changed since the last call.
    pub fn changed(&self) -> Option<Vec<Holder>> {
        let mut graph = self.graph.borrow_mut();
        let holders = graph.holders();
        if graph.told.as_ref() == Some(&holders) {
            return None;
        }
        graph.told = Some(holders.clone());
        Some(holders)
    }
}

/// What is known of the objects that matter, by their numbers.
struct Graph {
    /// Our node.
    node: u32,
    objects: BTreeMap<u32, Object>,
    /// Who was linked when somebody last asked.
    told: Option<Vec<Holder>>,
}

enum Object {
    /// A link from our node to this one.
    Link(u32),
    /// A node of this client, and what the application calls itself there.
    Node(Option<u32>, Option<String>),
    Client {
        /// The process at the other end of the socket.
        pid: u32,
        /// The application's name; for one in a sandbox, its id.
        name: Option<String>,
    },
}

impl Graph {
    fn new(node: u32) -> Self {
        Self {
            node,
            objects: BTreeMap::new(),
            told: None,
        }
    }

    fn take_global(&mut self, global: &GlobalObject<&DictRef>) {
        if let Some(props) = global.props {
            self.add(global.id, &global.type_, |key| props.get(key));
        }
    }

    fn add<'a>(&mut self, id: u32, kind: &ObjectType, prop: impl Fn(&str) -> Option<&'a str>) {
        let number = |key: &str| prop(key)?.parse().ok();
        let text = |key: &str| prop(key).map(str::to_owned);
        let object = match kind {
            ObjectType::Link if number("link.output.node") == Some(self.node) => {
                number("link.input.node").map(Object::Link)
            }
            ObjectType::Node => Some(Object::Node(number("client.id"), text("application.name"))),
            ObjectType::Client => Some(Object::Client {
                pid: number("pipewire.sec.pid").unwrap_or(0),
                name: text("pipewire.access.portal.app_id")
                    .filter(|name| !name.is_empty())
                    .or_else(|| text("application.name")),
            }),
            _ => None,
        };
        self.objects.extend(object.map(|object| (id, object)));
    }

    fn remove(&mut self, id: u32) {
        self.objects.remove(&id);
    }

    /// The applications that are linked. One that went has taken its node and client with it.
    fn holders(&self) -> Vec<Holder> {
        let mut holders: Vec<_> = self
            .objects
            .values()
            .filter_map(|o| self.holder(o))
            .collect();
        holders.sort_by_key(|holder| holder.pid);
        holders.dedup_by_key(|holder| holder.pid);
        holders
    }

    fn holder(&self, link: &Object) -> Option<Holder> {
        let Object::Link(node) = link else {
            return None;
        };
        let Object::Node(client, called) = self.objects.get(node)? else {
            return None;
        };
        let Object::Client { pid, name } = self.objects.get(client.as_ref()?)? else {
            return None;
        };
        let name = name.clone().or_else(|| called.clone());
        Some(Holder {
            pid: *pid,
            name: name.unwrap_or_else(|| holders::name(*pid)),
            ours: false,
            mapped: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(graph: &mut Graph, id: u32, kind: &ObjectType, props: &[(&str, &'static str)]) {
        let prop = |key: &str| {
            props
                .iter()
                .find(|(name, _)| *name == key)
                .map(|(_, value)| *value)
        };
        graph.add(id, kind, prop);
    }

    /// Our node is 40; a browser's node 50 is linked to it, a music player's 60 is not.
    fn graph() -> Graph {
        let mut graph = Graph::new(40);
        add(
            &mut graph,
            10,
            &ObjectType::Client,
            &[("pipewire.sec.pid", "123"), ("application.name", "Firefox")],
        );
        add(
            &mut graph,
            11,
            &ObjectType::Client,
            &[("pipewire.sec.pid", "456"), ("application.name", "mpv")],
        );
        add(&mut graph, 50, &ObjectType::Node, &[("client.id", "10")]);
        add(&mut graph, 60, &ObjectType::Node, &[("client.id", "11")]);
        add(
            &mut graph,
            70,
            &ObjectType::Link,
            &[("link.output.node", "40"), ("link.input.node", "50")],
        );
        add(
            &mut graph,
            71,
            &ObjectType::Link,
            &[("link.output.node", "41"), ("link.input.node", "60")],
        );
        graph
    }

    fn names(graph: &Graph) -> Vec<(u32, String)> {
        graph
            .holders()
            .into_iter()
            .map(|holder| (holder.pid, holder.name))
            .collect()
    }

    #[test]
    fn who_is_linked_to_our_node_is_named() {
        assert_eq!(names(&graph()), [(123, "Firefox".to_owned())]);
    }

    #[test]
    fn who_is_gone_is_forgotten() {
        for id in [10, 50, 70] {
            let mut graph = graph();
            graph.remove(id);
            assert_eq!(names(&graph), [], "{id}");
        }
    }

    #[test]
    fn an_application_in_a_sandbox_goes_by_its_own_id() {
        let mut graph = graph();
        let portal = [
            ("application.name", "xdg-desktop-portal"),
            ("pipewire.access.portal.app_id", "org.gnome.Snapshot"),
        ];
        add(&mut graph, 10, &ObjectType::Client, &portal);
        assert_eq!(names(&graph), [(0, "org.gnome.Snapshot".to_owned())]);
    }
}
