//! The application: one window, its keys, and the command line.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

use adw::prelude::*;
use adw::{gdk, gio, glib, gtk};
use gio::{ActionEntry, ApplicationCommandLine, ApplicationFlags};
use glib::{OptionArg, OptionFlags, VariantDict, VariantTy};
use lenscap::config;
use lenscap::stderr::say;

use crate::window::Window;

/// Not the applet's: this window may be open without it, and the other way round.
const ID: &str = "io.github.lenscap.Lenscap.Preferences";

/// Runs until the window is closed.
pub fn run() -> ExitCode {
    glib::set_prgname(Some("lenscap-preferences"));
    // GTK looks there by itself, since they lie below the application's id. Without them, some symbols
    // are missing, which is no reason to have no window.
    if let Err(error) = gio::resources_register_include!("icons.gresource") {
        say(format_args!("lenscap-preferences: no symbols: {error}"));
    }
    let application = adw::Application::builder()
        .application_id(ID)
        .flags(ApplicationFlags::HANDLES_COMMAND_LINE)
        .build();
    application.set_option_context_summary(Some("Set Lenscap up, and see what it does."));
    let option = |name, kind, text, value| {
        let no_letter = glib::Char::from(0);
        application.add_main_option(name, no_letter, OptionFlags::NONE, kind, text, value);
    };
    option("about", OptionArg::None, "Show who made this", None);
    option(
        "config",
        OptionArg::Filename,
        "Edit this config file instead of the user's own",
        Some("FILE"),
    );
    option("version", OptionArg::None, "Show the version", None);
    application.connect_handle_local_options(|_, options| answer_alone(options));
    application.connect_startup(|application| {
        load_style();
        bind_keys(application);
    });
    let window = Rc::new(OnceCell::new());
    application.connect_command_line(move |application, line| {
        let options = line.options_dict();
        let named = named_config(line, &options);
        let is_named = named.is_some();
        let path = match named.map_or_else(config::default_path, Ok) {
            Ok(path) => path,
            Err(error) => {
                say(format_args!("lenscap-preferences: {error:#}"));
                return glib::ExitCode::FAILURE;
            }
        };
        let window = window.get_or_init(|| Window::new(application, path, is_named));
        gtk::prelude::GtkWindowExt::present(window);
        if options.contains("about") {
            window.show_about();
        }
        glib::ExitCode::SUCCESS
    });
    application.run().into()
}

/// What needs no window: the version, and the one line that there can be none. GTK would end the
/// process with less of an explanation.
fn answer_alone(options: &VariantDict) -> ControlFlow<glib::ExitCode> {
    if options.contains("version") {
        // A closed pipe is not an error.
        let _ = writeln!(
            io::stdout(),
            "lenscap-preferences {}",
            env!("CARGO_PKG_VERSION")
        );
        return ControlFlow::Break(glib::ExitCode::SUCCESS);
    }
    if gtk::init().is_err() || gdk::Display::default().is_none() {
        say("lenscap-preferences: no display to open a window on; \
             run this inside the desktop session");
        return ControlFlow::Break(glib::ExitCode::FAILURE);
    }
    ControlFlow::Continue(())
}

/// The config file that the command line names, as seen from where it was typed.
fn named_config(line: &ApplicationCommandLine, options: &VariantDict) -> Option<PathBuf> {
    let name = options.lookup_value("config", Some(VariantTy::BYTE_STRING))?;
    let name = OsString::from_vec(
        name.get::<Vec<u8>>()?
            .into_iter()
            .take_while(|byte| *byte != 0)
            .collect(),
    );
    line.create_file_for_arg(name).path()
}

fn load_style() {
    let Some(display) = gdk::Display::default() else {
        return;
    };
    let provider = gtk::CssProvider::new();
    provider.load_from_data(include_str!("style.css"));
    let priority = gtk::STYLE_PROVIDER_PRIORITY_APPLICATION;
    gtk::style_context_add_provider_for_display(&display, &provider, priority);
}

fn bind_keys(application: &adw::Application) {
    let quit = ActionEntry::builder("quit")
        .activate(|application: &adw::Application, _, _| application.quit())
        .build();
    application.add_action_entries([quit]);
    for (action, keys) in [
        ("app.quit", &["<Control>q"][..]),
        ("window.close", &["<Control>w"]),
        ("win.keys", &["<Control>question", "F1"]),
        ("win.search", &["<Control>r", "F5"]),
        ("win.page(0)", &["<Alt>1"]),
        ("win.page(1)", &["<Alt>2"]),
        ("win.page(2)", &["<Alt>3"]),
        ("win.page(3)", &["<Alt>4"]),
        ("win.page(4)", &["<Alt>5"]),
    ] {
        application.set_accels_for_action(action, keys);
    }
}
