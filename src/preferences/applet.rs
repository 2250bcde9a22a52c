//! The running applet, as the window shows it.

use lenscap::dbus::Client;
use lenscap::report::Report;

use crate::model::Presence;

/// Calls `changed` with the state of the applet, now and after every change. Fails without a bus.
pub async fn follow(
    changed: impl Fn(Presence) + Clone + 'static,
) -> Result<Client, adw::glib::Error> {
    let client = Client::connect().await?;
    changed(presence(&client));
    client.on_change(move |client| changed(presence(client)));
    Ok(client)
}

fn presence(client: &Client) -> Presence {
    if !client.is_running() {
        return Presence::Absent;
    }
    match client.status() {
        None => Presence::Unknown,
        Some(status) => Report::from_json(&status).map_or(Presence::Foreign, |report| {
            Presence::Running(Box::new(report))
        }),
    }
}
