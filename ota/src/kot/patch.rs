//! A patch: how a run is made of pieces of the old image, wherever they are, of what is to be added to them byte by
//! byte, and of what is new.
//!
//! A program that was built again has the same instructions with other addresses: lined up with the old one most
//! bytes are equal, and the differences repeat. That is why the differences are stored, not the bytes.
//!
//! Three streams of LZMA, read at the same time: the steps, what is added, what is new. None depends on the old image, so
//! one that is not what it was makes wrong bytes, never a stream that cannot be read.

use std::io::{self, Read, Write as _};

use lzma_rust2::{LzmaOptions, LzmaReader, LzmaWriter};

/// One step. It reads the old image where the step before ended, moved by `seek`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Step {
    /// Bytes of the old image to skip; back if negative.
    pub seek: i64,
    /// Bytes that are those of the old image.
    pub copy: u32,
    /// Bytes that are those of the old image, after adding one of the second stream to each.
    pub add: u32,
    /// Bytes of the third stream.
    pub new: u32,
}

/// Numbers of a step in the first stream.
const COLUMNS: usize = 4;

/// Most bytes of the first stream: half a million steps of few bytes.
const STEPS_MAX: usize = 2 << 20;

/// Bytes that a stream may refer back by: each of the two long ones needs them in the decoder.
const DICTIONARY: u32 = 2 << 20;

/// Where it begins: lengths of the streams, decompressed and as stored (that of the last follows).
const LENGTHS: usize = 5 * 4;

/// Literals depend on the byte before, not on the place: code is not aligned.
const LC: u32 = 3;
const LP: u32 = 0;
const PB: u32 = 0;

/// A patch that is being read.
pub(crate) struct Patch<'a> {
    steps: Vec<u8>,
    /// Where the next number of each column is.
    next: [usize; COLUMNS],
    left: usize,
    added: Stream<'a>,
    new: Stream<'a>,
}

type Stream<'a> = Option<LzmaReader<&'a [u8]>>;

impl<'a> Patch<'a> {
    /// As it is in the payload.
    ///
    /// # Errors
    /// It is cut off, or says of itself what cannot be.
    pub(crate) fn read(stored: &'a [u8]) -> io::Result<Self> {
        let (lengths, rest) = stored.split_first_chunk::<LENGTHS>().ok_or(io::ErrorKind::UnexpectedEof)?;
        let length_at = |index: usize| -> usize {
            let bytes = lengths.as_chunks::<4>().0[index];
            usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX)
        };
        let cut = |bytes: &'a [u8], length: usize| {
            bytes.split_at_checked(length).ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))
        };
        let (steps_stored, rest) = cut(rest, length_at(3))?;
        let (added_stored, new_stored) = cut(rest, length_at(4))?;
        if length_at(0) > STEPS_MAX {
            return Err(invalid("too many steps"));
        }
        let mut steps = vec![0; length_at(0)];
        if let Some(mut stream) = decoder(steps_stored, length_at(0))? {
            stream.read_exact(&mut steps)?;
        }
        let (mut at, mut next) = (0, [0; COLUMNS]);
        let left = usize::try_from(number(&steps, &mut at)?).map_err(io::Error::other)?;
        if left > steps.len() {
            return Err(invalid("more steps than bytes of them"));
        }
        for column in &mut next {
            *column = at;
            for _ in 0..left {
                number(&steps, &mut at)?;
            }
        }
        let (added, new) = (decoder(added_stored, length_at(1))?, decoder(new_stored, length_at(2))?);
        Ok(Self { steps, next, left, added, new })
    }

    /// The next step; `None` after the last.
    pub(crate) fn step(&mut self) -> io::Result<Option<Step>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let mut column = |index: usize| number(&self.steps, &mut self.next[index]);
        let [seek, copy, add, new] = [column(0)?, column(1)?, column(2)?, column(3)?];
        let length = |value: u64| u32::try_from(value).map_err(io::Error::other);
        Ok(Some(Step { seek: unfolded(seek), copy: length(copy)?, add: length(add)?, new: length(new)? }))
    }

    /// The next bytes to add.
    pub(crate) fn added(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        fill(&mut self.added, bytes)
    }

    /// The next new bytes.
    pub(crate) fn new_bytes(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        fill(&mut self.new, bytes)
    }
}

fn fill(stream: &mut Stream<'_>, bytes: &mut [u8]) -> io::Result<()> {
    match stream {
        Some(stream) => stream.read_exact(bytes),
        None if bytes.is_empty() => Ok(()),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn dictionary(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX).clamp(4096, DICTIONARY)
}

/// `None`: nothing is in it.
fn decoder(stored: &[u8], length: usize) -> io::Result<Stream<'_>> {
    if length == 0 {
        return Ok(None);
    }
    Ok(Some(LzmaReader::new(stored, length as u64, LC, LP, PB, dictionary(length), None)?))
}

/// Stores a patch.
pub(crate) fn store(steps: &[Step], added: &[u8], new: &[u8]) -> Vec<u8> {
    let mut columns = Vec::new();
    put(&mut columns, steps.len() as u64);
    let fields: [fn(&Step) -> u64; COLUMNS] =
        [|it| folded(it.seek), |it| it.copy.into(), |it| it.add.into(), |it| it.new.into()];
    for field in fields {
        steps.iter().for_each(|step| put(&mut columns, field(step)));
    }
    let streams = [&columns[..], added, new].map(compress);
    let lengths = [columns.len(), added.len(), new.len(), streams[0].len(), streams[1].len()];
    let mut stored = Vec::new();
    for length in lengths {
        stored.extend(u32::try_from(length).expect("a patch makes 8 MiB at most").to_le_bytes());
    }
    stored.extend(streams.concat());
    stored
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let mut options = LzmaOptions::with_preset(9);
    options.dict_size = dictionary(bytes.len());
    (options.lc, options.lp, options.pb) = (LC, LP, PB);
    options.nice_len = LzmaOptions::NICE_LEN_MAX;
    let written = LzmaWriter::new_no_header(Vec::new(), &options, false).and_then(|mut writer| {
        writer.write_all(bytes)?;
        writer.finish()
    });
    written.expect("memory takes all that is written")
}

/// Numbers of seven bits a byte, the lowest first; the last has no top bit.
fn put(bytes: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            return bytes.push(low & 0x7f);
        }
        bytes.push(low | 0x80);
    }
}

fn number(bytes: &[u8], at: &mut usize) -> io::Result<u64> {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = *bytes.get(*at).ok_or(io::ErrorKind::UnexpectedEof)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
        if shift > 56 {
            return Err(invalid("a number is too long"));
        }
    }
}

/// Small numbers of both signs become small ones without.
fn folded(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

fn unfolded(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_is_read_and_what_was_cut_off_is_refused() {
        let steps = [
            Step { seek: -70_000_000_000, copy: 5, add: 300, new: 0 },
            Step { seek: 1, copy: 0, add: 0, new: 200_000 },
        ];
        let (added, new) = (vec![7; 300], vec![9; 200_000]);
        let stored = store(&steps, &added, &new);
        let mut patch = Patch::read(&stored).unwrap();
        let (mut a, mut b) = (vec![0; 300], vec![0; 200_000]);
        assert_eq!(patch.step().unwrap(), Some(steps[0]));
        patch.added(&mut a[..100]).unwrap();
        patch.added(&mut a[100..]).unwrap();
        assert_eq!(patch.step().unwrap(), Some(steps[1]));
        patch.new_bytes(&mut b).unwrap();
        assert_eq!((patch.step().unwrap(), a, b), (None, added, new));
        assert!(patch.added(&mut [0]).is_err());
        for length in 0..stored.len() {
            let read = Patch::read(&stored[..length]).and_then(|mut it| it.new_bytes(&mut [0; 200_000]));
            assert!(read.is_err(), "{length} of {}", stored.len());
        }
    }
}
