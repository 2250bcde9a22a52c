//! The Background portal, which keeps the autostart entries of sandboxed applications.

use ashpd::desktop::background::Background;

use crate::i18n::gettext;

/// Tells the portal whether to start us with the session. What it says to that is logged: the user
/// may have refused, and is not to be asked again for it.
pub async fn tell(wanted: bool) {
    match ask(wanted).await {
        Ok(granted) if granted == wanted => tracing::info!("autostart: {granted}"),
        Ok(_) => tracing::warn!(
            "the desktop does not let lenscap start with the session: allow it in its settings"
        ),
        Err(error) => tracing::warn!("cannot ask the desktop for an autostart: {error}"),
    }
}

/// Asks the portal; answers with whether the program will start with the session.
pub async fn ask(wanted: bool) -> ashpd::Result<bool> {
    // Translators: why Lenscap wants to start with the session; the desktop shows it.
    let reason = gettext("Lenscap keeps the camera ready and off while nobody looks.");
    let request = Background::request()
        .reason(reason.as_str())
        .auto_start(wanted)
        .command([env!("CARGO_PKG_NAME")])
        .dbus_activatable(false);
    Ok(request.send().await?.response()?.auto_start())
}
