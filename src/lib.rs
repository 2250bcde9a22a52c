//! Lenscap: a virtual camera that is always ready, a real one that is on only while a client streams.
//!
//! # Processes
//!
//! ```text
//!                      ┌───────────────── applet: lenscap ─────────────────┐
//!   session bus ◀────▶ │ shells        relay (pure)        outputs         │ ◀── events of the driver,
//!   config file ─────▶ │ cli, dbus,  event ─▶ step ─▶      watch clients   │     opens, /proc
//!                      │ config      commands   │               ▲          │
//!                      │               │        └─▶ status ─▶ shells       │
//!                      │               ▼  route         │                  │
//!                      │           frame pump ───────▶ outputs ────────────┼──▶ /dev/videoN ──▶ clients
//!                      └───────────────┬───────────────────────────────────┘    PipeWire
//!                        socket, slots │ (memfd)
//!                      ┌───────────────▼────────────── one child per activation ──┐
//!                      │ worker: lenscap capture      source ─▶ convert ─▶ slot   │ ◀── the real camera
//!                      └───────────────────────────────────────────────────────────┘
//! ```
//!
//! The **applet** owns the virtual camera and never opens a real one. The **capture worker** opens
//! the real camera, is fresh for every activation, and may crash, hang and leak: it is a child that can
//! be killed. The **preferences** window (`src/preferences`) is a package of its own: GTK weighs more
//! than all the rest and ends with its display. It writes the config file, reads the status over D-Bus,
//! and can come and go at any time. Short-lived children of the applet's own binary do what must not
//! happen in it: search for cameras and GStreamer elements, and draw the placeholder.
//!
//! # Control plane and data plane
//!
//! The [`relay`] decides about changes, not about frames. It orders a *route*: the outputs that show the
//! camera; every other output shows a card. The frame pump (`app/worker/pump.rs`), one thread for each
//! worker, carries frames along the route and reports the first one, silence and faults. It is the only
//! way of a new frame, for every backend and for previews; what is shown already is repeated by a timer
//! of the main loop, or by vcam's feeder. It holds the route's lock while it shows a frame, so
//! when setting a route returns, no frame of the old route will be shown. (The vcam driver may have some
//! queued: those are overwritten where they lie.) The relay takes an output off the route before it
//! orders a card there.
//!
//! The life of a slot, a part of the memfd that applet and worker share:
//!
//! ```text
//!            worker leases it (capture/slots.rs)        worker: send Filled(slot)
//!   free ─────────────────────────────────▶ leased ────────────────────────────▶ handed over
//!    ▲                                  worker writes                      not written; the pump
//!    │                                                                     reads it (output/lease.rs)
//!    │  worker reclaims it                          last lease dropped           │
//!    └──────────────────────── released ◀────────────────────────────────────────┘
//!                       a bit in the ledger           on any thread of the applet
//!                     (capture/ledger.rs); a message only if the worker waits for one
//! ```
//!
//! Threads of the applet:
//!
//! | name | lives as long as | may block on |
//! |---|---|---|
//! | main | the process | its poll, one frame of the pump, a check of known holders in /proc, the disk that stores a pause |
//! | `frame-pump` | a worker | its worker's socket; one copy per output and frame |
//! | `spawner` | the process | starting a process |
//! | `reaper` | the end of a worker that can't be watched | that |
//! | `holders` | a scan of /proc | /proc |
//! | `log` | the process | whatever reads standard error |
//! | `applications` | a look-up of names | reading desktop entries |
//! | `vcam-feeder` | the vcam camera | the driver, which may wait for a client |
//! | `vcam-wait` | the vcam camera | the driver's wait for a stream to begin or end |
//! | libpipewire's data loop | a PipeWire output | consumers' wake-ups |
//! | zbus and GIO workers | the bus connection | the bus |
//!
//! # Glossary
//!
//! - **client**: a program that streams from an output, or shows a preview.
//! - **output**: a virtual camera of ours. **backend**: what makes one: v4l2loopback, vcam, PipeWire.
//! - **camera**: a real one. **source**: how the settings name it.
//! - **worker**: the process that opens the camera. **generation**: the number of its start.
//! - **frame**: a picture of the camera. **slot**: the memory that a worker fills with one. **lease**: the
//!   right to use a slot. **buffer**: memory of a driver or of PipeWire that clients can map.
//! - **placeholder**: what clients see instead of frames. **card**: one of its pictures.
//! - **cover**: overwrite every buffer that may hold a frame with a card.
//! - **route**: the outputs that show the camera. **sink**: what shows frames on one of them.
//! - **holder**: a process that has a device node open. **demand**: whether an output has clients.
//! - **event**: what goes into the relay. **command**: what comes out. **fault**: why there is no picture.
//! - **shell**: what shows the status and takes requests: D-Bus, tray, notifications, command line.
//!
//! # Code map
//!
//! Folders are rooms; a room uses only rooms above it in this list (`tests/layering.rs` holds that).
//!
//! - `small_file`: reading what another program put somewhere, without waiting and up to a limit.
//! - [`settings`]: what the user wants, as types that can only hold what makes sense.
//! - [`i18n`]: texts in the user's language.
//! - [`relay`]: when the camera is open and where its frames go. Pure: events in, commands out, time as
//!   data.
//! - [`placeholder`]: the cards, in a file that is never mapped.
//! - [`descriptor`]: main loop sources for file descriptors.
//! - [`stderr`]: the log's way out, which never waits for a reader.
//! - `program`: the running program, of which every child process is one more.
//! - `process`: what the kernel and systemd say about another process.
//! - `name_watch`: who owns a name on a bus.
//! - `mapping`: memory shared with a driver or another process.
//! - `v4l2`: what V4L2 devices report of themselves.
//! - [`config`]: the file, the command line's values over it, and a watch over changes.
//! - [`report`]: the status, as JSON and in plain words.
//! - [`source`]: real cameras: finding them, and building what opens them.
//! - [`capture`]: the children: worker, probe, cards.
//! - `clients`: which processes have a device open.
//! - [`output`]: virtual cameras: the interface of a backend, and a folder for each.
//! - [`preview`]: what clients see, shown to preferences.
//! - `instance`, [`dbus`]: one applet at a time, and how to reach it.
//! - [`autostart`], `session`: the start with the session, another user's session, locks and sleep.
//! - [`applications`]: the names of clients' applications.
//! - [`tray`], [`notify`]: what the desktop shows.
//! - [`doctor`]: what is wrong with the set-up, and what repairs it.
//! - `app`: the applet: one queue of events, and what carries out the relay's commands.
//! - [`cli`]: the command line.
//!
//! # Invariants
//!
//! - A camera is open only while a client streams (is believed to, where only opens are seen), or for
//!   at most debounce + cooldown + the stop limit after the last one left.
//! - Paused means: no camera frame after the next frame time, and the worker's stop is ordered at
//!   once, whatever clients stream.
//! - The machine sleeps without a worker, and waits for that no longer than a worker's stop takes.
//! - When the camera's picture gives way to the placeholder, every buffer that may hold a frame is
//!   overwritten, and the memory of the activation goes with its worker.
//! - When a route is set, no frame of the route before is shown any more.
//! - A slot has one owner at every moment; it is free only once the applet has released it.
//! - No fault of a camera closes the virtual camera under a call.
//! - Every child is the same version as its applet, whatever was installed meanwhile.
//! - All virtual cameras show the same picture; one without clients gets none of the camera's,
//!   but for the cooldown after its last client.
//! - Idle means idle: no frame, no timer, no wake-up.
//!
//! # Deliberately absent
//!
//! Polling where there is an event, GTK in the applet, shared memory with a name, `write()` on the virtual
//! camera, `keep_format` (it would serve the last camera frame after our death), and a second GStreamer
//! pipeline in one process.

mod app;
pub mod applications;
pub mod autostart;
pub mod capture;
pub mod cli;
mod clients;
pub mod config;
pub mod dbus;
pub mod descriptor;
pub mod doctor;
pub mod i18n;
mod instance;
mod mapping;
mod name_watch;
pub mod notify;
pub mod output;
pub mod placeholder;
pub mod preview;
mod process;
mod program;
pub mod relay;
pub mod report;
mod session;
pub mod settings;
mod small_file;
pub mod source;
pub mod stderr;
pub mod tray;
mod v4l2;
