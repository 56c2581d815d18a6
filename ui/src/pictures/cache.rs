//! The drawn pictures, least recently used out first.

use std::collections::HashMap;

use super::{Raster, Rgba};

/// A menu page at three sizes plus heroes is below 8 MB; the rest is for going back and forth without drawing.
const BYTES_MAX: usize = 24 * 1024 * 1024;

/// What was drawn.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum What {
    Icon,
    Dish,
    Qr,
}

/// Everything a raster depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub name: Box<str>,
    pub what: What,
    pub width: u32,
    pub height: u32,
    pub color: Rgba,
}

struct Entry {
    raster: Raster,
    used: u64,
}

/// Rasters up to [`BYTES_MAX`].
#[derive(Default)]
pub(super) struct Cache {
    entries: HashMap<Key, Entry>,
    bytes: usize,
    turn: u64,
}

impl Cache {
    pub fn get(&mut self, key: &Key) -> Option<Raster> {
        self.turn += 1;
        let entry = self.entries.get_mut(key)?;
        entry.used = self.turn;
        Some(entry.raster.clone())
    }

    pub fn put(&mut self, key: Key, raster: Raster) {
        self.turn += 1;
        self.bytes += size(&raster);
        if let Some(old) = self.entries.insert(key, Entry { raster, used: self.turn }) {
            self.bytes -= size(&old.raster);
        }
        while self.bytes > BYTES_MAX && self.entries.len() > 1 {
            let Some(oldest) = self.entries.iter().min_by_key(|(_, e)| e.used).map(|(key, _)| key.clone())
            else {
                return;
            };
            if let Some(gone) = self.entries.remove(&oldest) {
                self.bytes -= size(&gone.raster);
            }
        }
    }
}

fn size(raster: &Raster) -> usize {
    raster.as_bytes().len()
}
