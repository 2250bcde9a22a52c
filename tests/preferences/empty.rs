//! The least that can be shown with libadwaita, for start times to be compared with.

use adw::gtk;
use adw::prelude::*;

fn main() -> adw::glib::ExitCode {
    let application = adw::Application::builder()
        .application_id("io.github.lenscap.Lenscap.Empty")
        .build();
    application.connect_activate(|application| {
        let window = adw::ApplicationWindow::builder()
            .application(application)
            .default_width(780)
            .default_height(800)
            .build();
        gtk::prelude::GtkWindowExt::present(&window);
    });
    application.run()
}
