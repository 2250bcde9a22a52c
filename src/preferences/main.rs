//! `lenscap-preferences`: the window in which people set Lenscap up, and see what it does.
//!
//! It owns nothing. What it shows is one [`View`](model::View): the settings in the config file, what
//! the running applet tells over D-Bus, the devices that `lenscap devices` finds, and what
//! `lenscap doctor` has to say. The window
//! hands that snapshot down to its pages and rows. What a person changes comes back up as an action
//! (`win.set` with a key and a value), is written to the file, and shows when it is there: a switch
//! never shows what was asked for, but what is.

// A widget's inner module is the other half of its file, and uses what that uses.
#![allow(clippy::wildcard_imports)]

mod about;
mod accessible;
mod applet;
mod application;
mod bar;
mod behaviour_page;
mod camera_page;
mod choice_row;
mod finding_group;
mod general_page;
mod model;
mod output_page;
mod preview;
mod program;
mod radio_row;
mod row;
mod setup_page;
mod status_card;
mod switch_row;
mod thumbnail;
mod window;

fn main() -> std::process::ExitCode {
    lenscap::i18n::init();
    application::run()
}
