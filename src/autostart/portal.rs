//! The Background portal, which keeps the autostart entries of sandboxed applications.

use ashpd::desktop::background::Background;

use crate::i18n::gettext;

/// Requests or cancels the autostart. The result is only logged: the user may have refused, and
/// shouldn't be asked again.
pub async fn apply(wanted: bool) {
    match request(wanted).await {
        Ok(granted) if granted == wanted => tracing::info!("autostart: {granted}"),
        Ok(_) => tracing::warn!(
            "the desktop does not let lenscap start with the session: allow it in its settings"
        ),
        Err(error) => tracing::warn!("cannot ask the desktop for an autostart: {error}"),
    }
}

/// Returns whether the program will start with the session.
pub async fn request(wanted: bool) -> ashpd::Result<bool> {
    // Translators: why Lenscap wants to start with the session; the desktop shows it.
    let reason = gettext("Lenscap keeps the camera ready, and off while no application uses it.");
    let request = Background::request()
        .reason(reason.as_str())
        .auto_start(wanted)
        .command([env!("CARGO_PKG_NAME")])
        .dbus_activatable(false);
    Ok(request.send().await?.response()?.auto_start())
}
