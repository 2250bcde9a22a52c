//! Which backend an output is opened with.

use super::{Backend, Notify, Output};
use crate::relay::{Fault, FaultKind};
use crate::settings::{Message, OutputKind, OutputSpec, Settings, n_};

/// Opens a virtual camera, showing black. `auto` is the first backend that works; with a device, it is
/// v4l2loopback's.
pub fn open(
    backends: &[Box<dyn Backend>],
    spec: &OutputSpec,
    settings: &Settings,
    notify: &Notify,
) -> Result<Box<dyn Output>, Fault> {
    let device = spec.device.as_deref();
    let kind = match spec.kind {
        OutputKind::Auto if device.is_none() => return open_best(backends, settings, notify),
        OutputKind::Auto => OutputKind::V4l2loopback,
        kind => kind,
    };
    let backend = backends.iter().find(|backend| backend.kind() == kind);
    let open = |backend: &dyn Backend| backend.open(device, settings, notify.clone());
    backend.map_or_else(
        || {
            Err(Fault::new(
                FaultKind::NoOutput,
                Message::verbatim(kind.name()),
            ))
        },
        |backend| open(&**backend),
    )
}

fn open_best(
    backends: &[Box<dyn Backend>],
    settings: &Settings,
    notify: &Notify,
) -> Result<Box<dyn Output>, Fault> {
    let mut skipped: Vec<(&dyn Backend, Fault)> = Vec::new();
    for backend in backends {
        match backend.open(None, settings, notify.clone()) {
            Ok(output) => {
                for (backend, fault) in skipped {
                    tracing::info!("skipped {}: {fault}", backend.kind().name());
                }
                return Ok(output);
            }
            Err(fault) if backend.forbids_fallback() => return Err(fault),
            Err(fault) => skipped.push((&**backend, fault)),
        }
    }
    Err(why_none(&skipped))
}

/// Whether a backend that `auto` prefers to this kind could open an output now.
pub fn has_better(backends: &[Box<dyn Backend>], than: OutputKind, settings: &Settings) -> bool {
    backends
        .iter()
        .take_while(|backend| backend.kind() != than)
        .any(|backend| backend.can_open(settings))
}

/// Why nothing could be opened. A driver that few kernels have is not what a user lacks.
fn why_none(skipped: &[(&dyn Backend, Fault)]) -> Fault {
    let reasons = skipped.iter().filter_map(|(backend, fault)| {
        let counts = backend.is_common();
        if !counts {
            tracing::debug!("skipped {}: {fault}", backend.kind().name());
        }
        counts.then(|| fault.message.clone())
    });
    let joined = reasons.reduce(|reason, other| {
        // Translators: two ways to get a virtual camera, and why neither works.
        Message::new(n_("{reason}; or: {other}"))
            .with_message("reason", reason)
            .with_message("other", other)
    });
    Fault::new(FaultKind::NoOutput, joined.unwrap_or(Message::verbatim("")))
}
