//! The user's own picture, small: as applications will see it.

use std::path::PathBuf;

use adw::gtk::{self, graphene};
use adw::prelude::*;
use adw::{gdk, gio, glib};
use lenscap::capture::card::photo;

/// Pixels of a thumbnail: sixteen to nine, and enough for a screen of triple density.
const WIDTH: u32 = 192;
const HEIGHT: u32 = 108;

/// Its size in the window, as the style sheet has it for every placeholder.
const SHOWN: (f32, f32) = (64.0, 36.0);

/// Loads a picture, off the main thread: a photo takes a moment. An error is one line.
pub async fn load(path: PathBuf) -> Result<gdk::Paintable, String> {
    let loading = gio::spawn_blocking(move || photo::load(&path, WIDTH, HEIGHT));
    let pixels = match loading.await {
        Ok(loaded) => loaded.map_err(|error| format!("{error:#}"))?,
        Err(_) => return Err("the decoder gave up".to_owned()),
    };
    let stride = pixels.len() / HEIGHT as usize;
    let texture = gdk::MemoryTexture::new(
        i32::try_from(WIDTH).unwrap_or_default(),
        i32::try_from(HEIGHT).unwrap_or_default(),
        gdk::MemoryFormat::R8g8b8a8,
        &glib::Bytes::from_owned(pixels),
        stride,
    );
    let (width, height) = SHOWN;
    let snapshot = gtk::Snapshot::new();
    snapshot.append_texture(&texture, &graphene::Rect::new(0.0, 0.0, width, height));
    let small = snapshot.to_paintable(Some(&graphene::Size::new(width, height)));
    small.ok_or_else(|| "it has no size".to_owned())
}
