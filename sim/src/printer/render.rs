//! Raw ESC/POS bytes to pictures, without a wire and without time.

use std::time::Duration;

use super::config::Config;
use super::engine::Engine;
use super::receipt;

/// One receipt of a rendered file.
#[derive(Debug)]
pub struct Rendered {
    /// The picture.
    pub png: Vec<u8>,
    /// Lines with styles, codes with contents.
    pub dump: String,
}

/// Prints `bytes` on a printer of this kind; one result per cut, and one for what is left uncut.
#[must_use]
pub fn render(config: Config, bytes: &[u8]) -> Vec<Rendered> {
    let mut engine = Engine::new(config);
    let mut rest = bytes;
    while !rest.is_empty() {
        let room = engine.room(Duration::ZERO).clamp(1, rest.len());
        let (now, later) = rest.split_at(room);
        engine.receive(Duration::ZERO, now);
        engine.advance(Duration::MAX / 2);
        rest = later;
    }
    engine.tear_off(Duration::ZERO);
    let receipts = engine.take_receipts().into_iter();
    receipts
        .filter_map(|receipt| {
            Some(Rendered { png: receipt::png(receipt.strip.dots())?, dump: receipt.dump() })
        })
        .collect()
}
