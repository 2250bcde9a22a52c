//! Lenscap: a virtual camera that is always ready, a real one that is on only while somebody looks.
//!
//! # Bird's eye
//!
//! Three processes, two of them of this package:
//!
//! ```text
//!                      ┌───────────────── applet: lenscap ─────────────────┐
//!   session bus ◀────▶ │ shells        relay (pure)        clients         │ ◀── events of the driver,
//!   config file ─────▶ │ cli, dbus,  event ─▶ step ─▶      who looks?      │     opens, /proc
//!                      │ config      commands   │                          │
//!                      │               │        └─▶ status ─▶ shells       │
//!                      │               ▼                                   │
//!                      │            worker, outputs ─── one memcpy each ───┼──▶ /dev/videoN ──▶ clients
//!                      │                                                   │    PipeWire
//!                      └───────────────┬───────────────────────────────────┘
//!                        socket, slots │ (memfd)
//!                      ┌───────────────▼────────────── one child per activation ──┐
//!                      │ worker: lenscap capture      source ─▶ convert ─▶ slot   │ ◀── the real camera
//!                      └───────────────────────────────────────────────────────────┘
//! ```
//!
//! The **applet** owns the virtual camera and never opens a real one. The **capture worker** opens
//! the real camera, is fresh for every activation, and may crash, hang and leak as it likes: it is a
//! child that can be killed. The **preferences** window (`src/preferences`) is a package of its
//! own: GTK weighs more than all the rest and ends with its display. It writes the config file, reads
//! the status over D-Bus, and can come and go at any time. Short-lived children of the applet's own
//! binary do what must not happen in it: look for cameras, and draw the placeholder.
//!
//! The relay decides about frames like about all else. Since it would decide about the next one as about
//! this one, a thread then shows those that follow on a v4l2loopback device, and the main loop sleeps
//! until anything else happens.
//!
//! # Code map
//!
//! Folders are rooms; a room uses only rooms above it in this list (`tests/layering.rs` holds that).
//!
//! - [`settings`]: what the user wants, as types that can only hold what makes sense.
//! - [`i18n`]: words in the user's language.
//! - [`relay`]: when the camera is open. Pure: events in, commands out, time as data.
//! - [`placeholder`]: pictures for when the camera is off, in a file that is never mapped.
//! - [`descriptor`]: main loop sources for file descriptors.
//! - [`program`]: the running program, of which every child process is one more.
//! - `name_watch`: who owns a name on a bus.
//! - [`mapping`]: memory shared with a driver or another process.
//! - [`v4l2`]: what V4L2 devices say of themselves.
//! - [`config`]: the file, the command line's values over it, and a watch over changes.
//! - [`report`]: the status, as JSON and in plain words.
//! - [`source`]: real cameras: finding them, and building what opens them.
//! - [`capture`]: the children: worker, probe, cards.
//! - [`output`]: virtual cameras.
//! - [`preview`]: what clients see, shown to preferences.
//! - [`clients`]: signs of who is looking.
//! - [`instance`], [`dbus`]: being the only one, and being reachable.
//! - [`autostart`], [`session`]: coming with the session, stepping aside for another's, and knowing of
//!   locks and sleep.
//! - [`applications`]: what a person calls the programs that look.
//! - [`tray`], [`notify`]: what the desktop shows.
//! - [`doctor`]: what is wrong with the set-up, and what mends it.
//! - [`app`]: the applet: one queue, one pump, and the adapters around the relay.
//! - [`cli`]: the command line.
//!
//! # Invariants
//!
//! - A camera is open only while a client streams (is believed to, where only opens are seen), or for
//!   at most debounce + cooldown + the stop limit after the last one left.
//! - Paused means: no camera frame after the next frame time, and the worker's stop is ordered at
//!   once, whoever streams.
//! - The machine sleeps without a worker, and waits for that no longer than a worker's stop takes.
//! - When the camera's picture gives way to the placeholder, every buffer of the virtual camera is
//!   overwritten, and the memory of the activation goes with its worker.
//! - Frames that go past the main loop only follow a frame: what comes after a placeholder, or after
//!   anything else that happens, the relay decides.
//! - A slot has one owner at every moment; it is free only when the applet says so.
//! - The virtual camera is opened once and kept: no fault of a camera closes it under a call.
//! - All virtual cameras show the same picture; one that nobody looks at gets none of the camera's.
//! - Idle means idle: no frame, no timer, no wake-up.
//!
//! # Deliberately absent
//!
//! Threads of ours in the applet that live on (but for one that starts processes, and two that sleep in
//! the vcam driver's calls, which nothing can poll), polling where there is an event, GTK in the applet, shared
//! memory with a name, `write()` on the virtual camera, `keep_format` (it would serve the last camera
//! frame after our death), and a second GStreamer pipeline in one process.

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
mod program;
pub mod relay;
pub mod report;
mod session;
pub mod settings;
pub mod source;
pub mod tray;
mod v4l2;
