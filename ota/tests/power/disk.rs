//! Disks that write down what is done to them, and what a power cut may leave of it.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use ota::block::{BlockDev, ReadAt};
use proptest::test_runner::TestRng;

/// A disk writes at least so much at once: a longer write may be torn between two of them.
const SECTOR: usize = 512;

/// What was done to all disks, in order.
pub(crate) type Log = Rc<RefCell<Vec<Entry>>>;

/// One thing that was done to a disk.
#[derive(Clone)]
pub(crate) enum Entry {
    Write { disk: usize, at: u64, bytes: Vec<u8> },
    Flush { disk: usize },
}

pub(crate) struct Disk {
    pub(crate) number: usize,
    pub(crate) bytes: Vec<u8>,
    pub(crate) log: Log,
}

impl ReadAt for Disk {
    fn len(&self) -> io::Result<u64> {
        ReadAt::len(&self.bytes)
    }

    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.bytes.read_at(position, buffer)
    }
}

impl BlockDev for Disk {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.bytes.write_at(at, bytes)?;
        self.log.borrow_mut().push(Entry::Write { disk: self.number, at, bytes: bytes.to_vec() });
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.log.borrow_mut().push(Entry::Flush { disk: self.number });
        Ok(())
    }
}

/// A write that is not flushed when the power goes.
type Unflushed<'a> = (usize, u64, &'a [u8]);

/// Every way in which the disks may be found after a power cut behind the first `cut` entries: all that was not
/// flushed is kept, or nothing of it, or all but one, each of them, or one is torn, or a part of it in any order.
pub(crate) fn after_cut(
    disks: &[Vec<u8>],
    log: &[Entry],
    cut: usize,
    rng: &mut TestRng,
) -> Vec<Vec<Vec<u8>>> {
    let mut flushed = disks.to_vec();
    let mut open: Vec<Unflushed<'_>> = Vec::new();
    for entry in &log[..cut] {
        match entry {
            Entry::Write { disk, at, bytes } => open.push((*disk, *at, bytes)),
            Entry::Flush { disk } => {
                for write in open.extract_if(.., |(of, ..)| of == disk) {
                    put(&mut flushed, &write);
                }
            }
        }
    }
    let with = |kept: &[Unflushed<'_>]| {
        let mut disks = flushed.clone();
        kept.iter().for_each(|write| put(&mut disks, write));
        disks
    };
    let mut found = vec![with(&[])];
    if open.is_empty() {
        return found;
    }
    found.push(with(&open));
    for (at, (disk, place, bytes)) in open.iter().enumerate() {
        let (before, after) = (&open[..at], &open[at + 1..]);
        found.push(with(&[before, after].concat()));
        let sectors = bytes.len().div_ceil(SECTOR);
        if sectors > 1 {
            let whole = (1 + random(rng, sectors - 1)) * SECTOR;
            found.push(with(&[before, &[(*disk, *place, &bytes[..whole])], after].concat()));
        }
    }
    if open.len() > 1 {
        let mut some: Vec<_> = open.iter().filter(|_| random(rng, 2) == 0).copied().collect();
        for at in (1..some.len()).rev() {
            some.swap(at, random(rng, at + 1));
        }
        found.push(with(&some));
    }
    found
}

fn put(disks: &mut [Vec<u8>], (disk, at, bytes): &Unflushed<'_>) {
    disks[*disk].write_at(*at, bytes).expect("it was written once");
}

/// A number below `end`.
pub(crate) fn random(rng: &mut TestRng, end: usize) -> usize {
    use proptest::prelude::Rng as _;
    usize::try_from(rng.next_u32()).expect("it fits") % end
}
