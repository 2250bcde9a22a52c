//! The objects in `PipeWire`.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use pipewire as pw;
use pw::types::ObjectType;

use crate::doctor::facts::{PipewireFacts, PipewireObjects};

/// An answer takes milliseconds.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Session managers by `application.name`.
const MANAGERS: [&str; 2] = ["WirePlumber", "pipewire-media-session"];

/// `None` outside a desktop session.
pub fn gather(root: &Path) -> Option<PipewireFacts> {
    let own = ["PIPEWIRE_RUNTIME_DIR", "XDG_RUNTIME_DIR"];
    let runtime = own.iter().find_map(std::env::var_os)?;
    let installed = root.join("usr/bin/pipewire").exists();
    // A sandbox may have the socket only. With neither, the library would just log its missing files.
    let is_there = installed || Path::new(&runtime).join("pipewire-0").exists();
    Some(PipewireFacts {
        installed,
        objects: is_there.then(query).and_then(|reply| reply.ok().flatten()),
    })
}

/// `None` if the server didn't answer in time.
fn query() -> Result<Option<PipewireObjects>, pw::Error> {
    pw::init();
    let main_loop = pw::main_loop::MainLoopRc::new(None)?;
    let context = pw::context::ContextRc::new(&main_loop, None)?;
    let core = context.connect_rc(None)?;
    let registry = core.get_registry_rc()?;
    let graph = Rc::new(RefCell::new(PipewireObjects::default()));
    let seen = graph.clone();
    let _objects = registry
        .add_listener_local()
        .global(move |object| {
            if let Some(properties) = object.props {
                note(&mut seen.borrow_mut(), &object.type_, properties);
            }
        })
        .register();
    let is_done = Rc::new(Cell::new(false));
    let (done, quit, fail) = (is_done.clone(), main_loop.clone(), main_loop.clone());
    let pending = core.sync(0)?;
    let _answers = core
        .add_listener_local()
        .done(move |id, sequence| {
            if id == pw::core::PW_ID_CORE && sequence == pending {
                done.set(true);
                quit.quit();
            }
        })
        .error(move |_, _, _, _| fail.quit())
        .register();
    let late = main_loop.clone();
    let timer = main_loop.loop_().add_timer(move |_| late.quit());
    // Without the timer, this could wait for ever.
    timer
        .update_timer(Some(PROBE_TIMEOUT), None)
        .into_result()?;
    main_loop.run();
    Ok(is_done.get().then(|| graph.take()))
}

fn note(
    graph: &mut PipewireObjects,
    kind: &ObjectType,
    properties: &pw::spa::utils::dict::DictRef,
) {
    let get = |key| properties.get(key).unwrap_or_default();
    if *kind == ObjectType::Client && MANAGERS.contains(&get("application.name")) {
        graph.manager = true;
    }
    if *kind == ObjectType::Node && get("media.class") == "Video/Source" {
        let camera = (get("object.path").to_owned(), get("node.name").to_owned());
        graph.cameras.push(camera);
    }
}
