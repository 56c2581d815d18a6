//! The hash of every MiB of what is made, as it is made.

use std::collections::BTreeSet;

use ring::digest::Context;

use crate::Hash;
use crate::kot::SEGMENT;

pub(super) struct Segments<'a> {
    wanted: &'a [Hash],
    position: u64,
    /// `None`: something of this segment is not known, or its beginning was not seen.
    context: Option<Context>,
    bad: BTreeSet<u64>,
}

impl<'a> Segments<'a> {
    pub(super) fn new(wanted: &'a [Hash]) -> Self {
        Self { wanted, position: 0, context: Some(crate::digest_of(&[])), bad: BTreeSet::new() }
    }

    /// Goes on elsewhere. What was begun and not finished stays unproven, unless it goes on right there.
    pub(super) fn go_to(&mut self, position: u64) {
        if position != self.position {
            self.position = position;
            self.context = position.is_multiple_of(SEGMENT).then(|| crate::digest_of(&[]));
        }
    }

    /// The next bytes.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let left = SEGMENT - self.position % SEGMENT;
            let now = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
            if let Some(context) = &mut self.context {
                context.update(&bytes[..now]);
            }
            self.position += now as u64;
            bytes = &bytes[now..];
            if self.position.is_multiple_of(SEGMENT) {
                self.close();
            }
        }
    }

    /// The next bytes are not what they should be.
    pub(super) fn skip(&mut self, length: u64) {
        let end = self.position + length;
        self.bad.extend(self.position / SEGMENT..end.div_ceil(SEGMENT));
        self.position = end;
        self.context = end.is_multiple_of(SEGMENT).then(|| crate::digest_of(&[]));
    }

    /// At the end of a segment, or of the image.
    fn close(&mut self) {
        let segment = (self.position - 1) / SEGMENT;
        if let Some(context) = self.context.replace(crate::digest_of(&[])) {
            let wanted = usize::try_from(segment).ok().and_then(|segment| self.wanted.get(segment));
            if wanted != Some(&crate::finish(context)) {
                self.bad.insert(segment);
            }
        }
    }

    /// The segments that are not what they should be.
    pub(super) fn finish(mut self) -> BTreeSet<u64> {
        if !self.position.is_multiple_of(SEGMENT) {
            self.close();
        }
        self.bad
    }
}
