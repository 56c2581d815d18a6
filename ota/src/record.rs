//! A small thing that is rewritten in place and survives a power cut: two copies, the newer whole one counts.
//!
//! ```text
//!  0 ┌───────────────────────────────────────────────────┐
//!    │ generation u64 │ length u32 │ SHA-256 │ content    │  one copy
//!  N ├───────────────────────────────────────────────────┤
//!    │ the same, one generation apart                     │  the other
//!    └───────────────────────────────────────────────────┘
//! ```
//! A write goes to the older copy; a torn one is found by its hash and the copy before it counts.

use std::io;

use crate::Hash;
use crate::block::BlockDev;

/// Bytes before the content of a copy.
const PREAMBLE: usize = 8 + 4 + 32;

/// Two copies of something on a device.
pub struct Record<'a> {
    device: &'a mut dyn BlockDev,
    /// Bytes of a copy.
    size: usize,
}

impl<'a> Record<'a> {
    /// On this device, half of it for each copy.
    ///
    /// # Errors
    /// The device does not tell its length.
    pub fn on(device: &'a mut dyn BlockDev) -> io::Result<Self> {
        let size = usize::try_from(device.len()? / 2).map_err(io::Error::other)?;
        Ok(Self { device, size })
    }

    /// What was written last and survived; `None`: nothing did.
    ///
    /// # Errors
    /// The device cannot be read.
    pub fn read(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.newest()?.map(|(_, _, content)| content))
    }

    /// Writes it, and returns when it survives a power cut.
    ///
    /// # Errors
    /// It is too long, or the device fails. What was there before counts then.
    pub fn write(&mut self, content: &[u8]) -> io::Result<()> {
        let (place, generation) = match self.newest()? {
            Some((place, generation, _)) => (1 - place, generation + 1),
            None => (0, 1),
        };
        let length = u32::try_from(content.len()).map_err(io::Error::other)?;
        let mut copy = [&generation.to_le_bytes()[..], &length.to_le_bytes()].concat();
        copy.extend(hash(generation, content));
        copy.extend(content);
        if copy.len() > self.size {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.device.write_at((place * self.size) as u64, &copy)?;
        self.device.flush()
    }

    fn newest(&self) -> io::Result<Option<(usize, u64, Vec<u8>)>> {
        let copies = [self.copy(0)?, self.copy(1)?];
        let whole =
            (0..).zip(copies).filter_map(|(at, copy)| copy.map(|(number, content)| (at, number, content)));
        Ok(whole.max_by_key(|(_, generation, _)| *generation))
    }

    fn copy(&self, place: usize) -> io::Result<Option<(u64, Vec<u8>)>> {
        let mut copy = vec![0; self.size];
        self.device.read_at((place * self.size) as u64, &mut copy)?;
        Ok(whole(&copy))
    }
}

fn whole(copy: &[u8]) -> Option<(u64, Vec<u8>)> {
    let (preamble, rest) = copy.split_at_checked(PREAMBLE)?;
    let generation = u64::from_le_bytes(preamble[..8].try_into().ok()?);
    let length = u32::from_le_bytes(preamble[8..12].try_into().ok()?);
    let content = rest.get(..usize::try_from(length).ok()?)?;
    (generation > 0 && preamble[12..] == hash(generation, content)).then(|| (generation, content.to_vec()))
}

fn hash(generation: u64, content: &[u8]) -> Hash {
    crate::sha256(&[&generation.to_le_bytes()[..], content].concat())
}
