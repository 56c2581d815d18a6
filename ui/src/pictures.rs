//! Pictures, icons and QR codes as pixels of exactly the size the screen needs.
//!
//! Slint's software renderer scales nearest-neighbour and parses an SVG anew whenever it repaints it, so nothing
//! but finished pixels reaches it. A picture is drawn on first use and kept in a cache with a byte limit;
//! [`PictureStore::warm`] draws ahead on another thread. A dish costs 1 to 10 ms, so a file cache of rasters
//! would save nothing that reading it back does not cost.
//!
//! Names resolve to `NAME.svg` or `NAME.png` in the catalog's picture folder, else to the drawings that are part
//! of the product.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use slint::{Rgba8Pixel, SharedPixelBuffer};

use cache::{Cache, Key, What};

mod cache;
mod draw;
mod embedded;

/// Pixels with premultiplied alpha. Empty (0 × 0) if there is no such picture.
pub type Raster = SharedPixelBuffer<Rgba8Pixel>;

/// Longest side of anything drawn: two 4K panels. Sizes come from layouts, a mistake there must not take the memory.
const SIDE_MAX: u32 = 8192;

/// A picture file larger than this is not read: a shop's drawing or photo at screen size stays far below.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// A colour with straight alpha: red, green, blue, alpha.
pub type Rgba = [u8; 4];

/// One thing to draw ahead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DishRequest {
    /// Picture name.
    pub name: String,
    /// Box in physical pixels.
    pub width: u32,
    /// Box in physical pixels.
    pub height: u32,
    /// Colour of the flat ellipse below; fully transparent: none.
    pub plate: Rgba,
}

/// Draws and keeps pictures. Cloning shares the cache; every method may be called from any thread.
#[derive(Clone)]
pub struct PictureStore {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    folder: Option<PathBuf>,
    cache: Cache,
    missing_icons: BTreeSet<String>,
}

impl PictureStore {
    /// A store over a folder of catalog pictures; without one only the built-in drawings are known.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self {
            shared: Arc::new(Mutex::new(Shared {
                folder,
                cache: Cache::default(),
                missing_icons: BTreeSet::new(),
            })),
        }
    }

    /// Reads catalog pictures from another folder from now on and forgets every drawn dish: a new catalog was
    /// activated.
    pub fn set_folder(&self, folder: Option<PathBuf>) {
        let mut shared = self.lock();
        shared.folder = folder;
        shared.cache = Cache::default();
    }

    /// A square line icon: its alpha is the mask, its colour is meaningless.
    pub fn icon(&self, name: &str, size: u32) -> Raster {
        self.get(name, What::Icon, (size, size), [0; 4], || {
            let svg = embedded::icon(name);
            if svg.is_none() {
                tracing::error!(icon = name, "there is no such icon");
                self.lock().missing_icons.insert(name.to_owned());
            }
            svg.and_then(|svg| draw::icon(svg, size))
        })
    }

    /// A dish that fits the box, cropped to what it needs, standing on the lower edge.
    ///
    /// With a `plate` colour the raster is as wide as the box and shows the flat ellipse that the dish stands on,
    /// which reaches a little below the dish.
    pub fn dish(&self, name: &str, width: u32, height: u32, plate: Rgba) -> Raster {
        self.get(name, What::Dish, (width, height), plate, || {
            let bytes = self.bytes_of(name)?;
            draw::dish(&bytes, width, height, plate)
        })
    }

    /// Whether there is a picture of this name that can be drawn.
    pub fn has_dish(&self, name: &str) -> bool {
        self.dish(name, 16, 16, [0; 4]).width() > 0
    }

    /// A QR code at the largest whole module size that fits into `size` together with its quiet zone of four modules
    /// on each side. The raster holds the modules only: centred on a light square of `size`, it has that zone.
    pub fn qr(&self, payload: &str, size: u32, ink: Rgba) -> Raster {
        self.get(payload, What::Qr, (size, size), ink, || draw::qr(payload, size, ink))
    }

    /// The icons that were asked for and do not exist: mistakes of the pages.
    pub fn missing_icons(&self) -> Vec<String> {
        self.lock().missing_icons.iter().cloned().collect()
    }

    /// Draws what will be needed soon. Blocks for milliseconds per picture: not for the UI thread.
    pub fn warm(&self, requests: &[DishRequest]) {
        for request in requests {
            self.dish(&request.name, request.width, request.height, request.plate);
        }
    }

    fn get(
        &self,
        name: &str,
        what: What,
        (width, height): (u32, u32),
        color: Rgba,
        draw: impl FnOnce() -> Option<Raster>,
    ) -> Raster {
        if name.is_empty() || width == 0 || height == 0 || width > SIDE_MAX || height > SIDE_MAX {
            return Raster::new(0, 0);
        }
        let key = Key { name: name.into(), what, width, height, color };
        if let Some(raster) = self.lock().cache.get(&key) {
            return raster;
        }
        // Not under the lock: the screen must not wait for whatever is being drawn ahead.
        let raster = draw().unwrap_or_else(|| Raster::new(0, 0));
        self.lock().cache.put(key, raster.clone());
        raster
    }

    /// The file's bytes, or the built-in drawing's.
    fn bytes_of(&self, name: &str) -> Option<Vec<u8>> {
        let folder = self.lock().folder.clone();
        folder
            .filter(|_| is_plain_name(name))
            .and_then(|folder| read(&folder, name))
            .or_else(|| embedded::art(name).map(<[u8]>::to_vec))
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // A panic while drawing leaves the cache whole: nothing is half done under the lock.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Catalogs name pictures; a name must not leave the folder.
fn is_plain_name(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn read(folder: &Path, name: &str) -> Option<Vec<u8>> {
    ["svg", "png"].iter().find_map(|extension| {
        let path = folder.join(format!("{name}.{extension}"));
        let length = std::fs::metadata(&path).ok()?.len();
        if length > FILE_BYTES_MAX {
            tracing::warn!(path = %path.display(), length, limit = FILE_BYTES_MAX, "the picture file is too large");
            return None;
        }
        std::fs::read(&path)
            .inspect_err(|error| tracing::warn!(path = %path.display(), %error, "cannot read the picture"))
            .ok()
    })
}

#[cfg(test)]
mod tests;
