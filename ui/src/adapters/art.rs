//! Gives the pages their pictures.

use slint::{Color, Global, Image};

use crate::pages::{Art, MainWindow};
use crate::pictures::{PictureStore, Raster, Rgba};

/// Answers the pages' requests for pictures from the store.
pub(super) fn connect(window: &MainWindow, pictures: &PictureStore) {
    let art = Art::get(window);
    let store = pictures.clone();
    art.on_icon(move |name, size| image(store.icon(&name, pixels(size))));
    let store = pictures.clone();
    art.on_dish(move |name, width, height, plate| {
        image(store.dish(&name, pixels(width), pixels(height), rgba(plate)))
    });
    let store = pictures.clone();
    art.on_qr(move |payload, size, ink| image(store.qr(&payload, pixels(size), rgba(ink))));
}

fn image(raster: Raster) -> Image {
    // An image of no size makes the renderer divide by zero; no image at all is fine.
    if raster.width() == 0 { Image::default() } else { Image::from_rgba8_premultiplied(raster) }
}

fn rgba(color: Color) -> Rgba {
    [color.red(), color.green(), color.blue(), color.alpha()]
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a layout's length; `as` saturates"
)]
fn pixels(length: f32) -> u32 {
    length.round() as u32
}
