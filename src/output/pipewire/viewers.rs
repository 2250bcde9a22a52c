//! Who is linked to our camera, by PipeWire's registry of everything there is.
//!
//! The registry is watched only while a client streams: it reports every application on the desktop
//! that plays a sound, which would wake up an idle applet.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use ::pipewire as pw;
use pw::client::{Client, ClientListener};
use pw::core::CoreRc;
use pw::properties::PropertiesBox;
use pw::registry::{GlobalObject, Listener, RegistryRc};
use pw::spa::utils::dict::DictRef;
use pw::types::ObjectType;

use crate::clients;
use crate::relay::Holder;

/// A watch over the registry.
pub struct Viewers {
    // Dropped in this order.
    _listener: Listener,
    details: RefCell<BTreeMap<u32, (ClientListener, Client)>>,
    registry: RegistryRc,
    graph: Rc<RefCell<Graph>>,
}

impl Viewers {
    /// Watches for links to the node of this number.
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
            details: RefCell::default(),
            registry,
            graph,
        })
    }

    /// Who is linked, if that changed since the last call.
    pub fn changed(&self) -> Option<Vec<Holder>> {
        self.request_details();
        let mut graph = self.graph.borrow_mut();
        let holders = graph.holders();
        if graph.reported.as_ref() == Some(&holders) {
            return None;
        }
        graph.reported = Some(holders.clone());
        Some(holders)
    }

    /// Requests the details of clients that came through the portal.
    fn request_details(&self) {
        let mut details = self.details.borrow_mut();
        let unidentified = std::mem::take(&mut self.graph.borrow_mut().unidentified);
        details.extend(unidentified.iter().filter_map(|global| self.bind(global)));
        let graph = self.graph.borrow();
        details.retain(|id, _| graph.objects.contains_key(id));
    }

    fn bind(
        &self,
        global: &GlobalObject<PropertiesBox>,
    ) -> Option<(u32, (ClientListener, Client))> {
        let client: Client = self.registry.bind(global).ok()?;
        let (graph, id) = (self.graph.clone(), global.id);
        let listener = client.add_listener_local().info(move |info| {
            if let Some(props) = info.props() {
                graph.borrow_mut().identify(id, |key| props.get(key));
            }
        });
        Some((id, (listener.register(), client)))
    }
}

/// What is known of the objects that matter, by their numbers.
struct Graph {
    /// Our node.
    node: u32,
    objects: BTreeMap<u32, Object>,
    /// Clients whose details are yet to be requested.
    unidentified: Vec<GlobalObject<PropertiesBox>>,
    /// Who was linked at the last call of `changed`.
    reported: Option<Vec<Holder>>,
}

enum Object {
    /// A link from our node to this one.
    Link(u32),
    /// A node of this client, and what the application calls itself there.
    Node(Option<u32>, Option<String>),
    /// A client for which the desktop portal opened the socket: the registry takes it for the portal.
    Unidentified,
    Client {
        /// The process at the other end of the socket; 0 for one in a sandbox, which doesn't know.
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
            unidentified: Vec::new(),
            reported: None,
        }
    }

    fn take_global(&mut self, global: &GlobalObject<&DictRef>) {
        let Some(props) = global.props else { return };
        self.add(global.id, &global.type_, |key| props.get(key));
        if let Some(Object::Unidentified) = self.objects.get(&global.id) {
            self.unidentified.push(global.to_owned());
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
            ObjectType::Client if prop("pipewire.access") == Some("portal") => {
                Some(Object::Unidentified)
            }
            ObjectType::Client => Some(Object::Client {
                pid: number("pipewire.sec.pid").unwrap_or(0),
                name: text("application.name"),
            }),
            _ => None,
        };
        self.objects.extend(object.map(|object| (id, object)));
    }

    /// A client's details have arrived. The process id is what it reports of itself, and another one
    /// within a sandbox.
    fn identify<'a>(&mut self, id: u32, prop: impl Fn(&str) -> Option<&'a str>) {
        let program = prop("application.process.binary").unwrap_or_default();
        let pid = prop("application.process.id").and_then(|pid| pid.parse().ok());
        let sandbox = prop("pipewire.access.portal.app_id").filter(|id| !id.is_empty());
        let client = Object::Client {
            pid: pid.filter(|pid| clients::runs(*pid, program)).unwrap_or(0),
            name: sandbox.or(prop("application.name")).map(str::to_owned),
        };
        self.objects.insert(id, client);
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
        holders.sort_by(|one, other| (one.pid, &one.name).cmp(&(other.pid, &other.name)));
        holders.dedup();
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
        let name = name.as_deref().or(called.as_deref());
        Some(Holder {
            pid: *pid,
            name: clients::believed_name(*pid, name),
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

    fn identify(graph: &mut Graph, id: u32, props: &[(&str, &'static str)]) {
        let prop = |key: &str| {
            props
                .iter()
                .find(|(name, _)| *name == key)
                .map(|prop| prop.1)
        };
        graph.identify(id, prop);
    }

    #[test]
    fn who_comes_through_the_portal_is_asked_for_its_name() {
        let mut graph = graph();
        let portal = [
            ("pipewire.access", "portal"),
            ("pipewire.sec.pid", "77"),
            ("application.name", "xdg-desktop-portal"),
        ];
        add(&mut graph, 10, &ObjectType::Client, &portal);
        assert_eq!(names(&graph), []);
        let own = std::process::id();
        let program = clients::name(own);
        let (pid, program) = (own.to_string().leak(), program.leak());
        let browser = [
            ("pipewire.access.portal.app_id", ""),
            ("application.name", program),
            ("application.process.id", pid),
            ("application.process.binary", program),
        ];
        identify(&mut graph, 10, &browser);
        assert_eq!(names(&graph), [(own, program.to_owned())]);
    }

    #[test]
    fn an_application_in_a_sandbox_goes_by_its_own_id() {
        let mut graph = graph();
        // The number is that of another process outside.
        let pid = std::process::id().to_string().leak();
        let sandboxed = [
            ("application.name", "Camera"),
            ("application.process.id", pid),
            ("application.process.binary", "snapshot"),
            ("pipewire.access.portal.app_id", "org.gnome.Snapshot"),
        ];
        identify(&mut graph, 10, &sandboxed);
        assert_eq!(names(&graph), [(0, "org.gnome.Snapshot".to_owned())]);
    }
}
