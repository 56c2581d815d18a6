//! Whole files: made, damaged, applied, resumed, repaired.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not recognise as tests")]

use std::collections::BTreeSet;
use std::path::Path;

use ota::apply::{self, ApplyError, Source};
use ota::block::{BlockDev, ReadAt, Tail};
use ota::build::{self, Effort, Image};
use ota::kot::{BLOCK, Head, Header, Op, SEGMENT};
use proptest::prelude::*;
use proptest::test_runner::TestRng;

const EFFORT: Effort = Effort { level: 3, threads: 2 };

/// A device that counts, and can lose power.
#[derive(Clone)]
struct Slot {
    bytes: Vec<u8>,
    written: u64,
    unreadable: Option<std::ops::Range<u64>>,
}

impl Slot {
    fn of(bytes: Vec<u8>) -> Self {
        Self { bytes, written: 0, unreadable: None }
    }
}

impl ReadAt for Slot {
    fn len(&self) -> std::io::Result<u64> {
        ReadAt::len(&self.bytes)
    }

    fn read_at(&self, position: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        let end = position + buffer.len() as u64;
        if self.unreadable.as_ref().is_some_and(|bad| bad.start < end && position < bad.end) {
            return Err(std::io::Error::other("a sector that cannot be read"));
        }
        self.bytes.read_at(position, buffer)
    }
}

impl BlockDev for Slot {
    fn write_at(&mut self, position: u64, bytes: &[u8]) -> std::io::Result<()> {
        self.written += bytes.len() as u64;
        self.bytes.write_at(position, bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A made file in memory.
struct File {
    head: Head,
    bytes: Vec<u8>,
}

impl File {
    fn make(seed: Option<&Vec<u8>>, target: &impl Image) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.kot");
        let seed = seed.map(|seed| seed as &dyn Image);
        let report = build::build(seed, target, &path, EFFORT).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(report.length, bytes.len() as u64);
        let head = apply::read_head(&bytes).unwrap();
        Self { head, bytes }
    }

    fn apply(&self, seed: Option<&dyn ReadAt>, slot: &mut Slot) -> Result<apply::Applied, ApplyError> {
        self.resume(seed, slot, 0, usize::MAX)
    }

    /// From one operation to another.
    fn resume(
        &self,
        seed: Option<&dyn ReadAt>,
        slot: &mut Slot,
        first: usize,
        last: usize,
    ) -> Result<apply::Applied, ApplyError> {
        let payload = Tail { whole: &self.bytes, start: self.head.header.head_length() };
        let source = Source { head: &self.head, seed, payload: &payload };
        apply::apply(&source, slot, first, &mut |done, _| {
            if done >= last { Err(std::io::Error::other("power cut")) } else { Ok(()) }
        })
    }

    fn repair(&self, slot: &mut Slot, bad: &BTreeSet<u64>) {
        let payload = Tail { whole: &self.bytes, start: self.head.header.head_length() };
        apply::repair(&Source { head: &self.head, seed: None, payload: &payload }, slot, bad).unwrap();
    }

    fn is_made(&self, slot: &Slot) -> bool {
        let header = &self.head.header;
        apply::read_back(header.target_size, &slot.bytes, &mut |_| {}).unwrap() == header.target_sha256
    }
}

fn noise(rng: &mut TestRng, blocks: usize) -> Vec<u8> {
    let mut bytes = vec![0; blocks * 4096];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// What happens to an image from one release to the next.
#[derive(Clone, Debug)]
enum Edit {
    /// Bytes change in place.
    Change {
        at: usize,
        length: usize,
    },
    /// Bytes come in between: all behind moves, by whole blocks or not.
    Insert {
        at: usize,
        length: usize,
    },
    Remove {
        at: usize,
        length: usize,
    },
    Zero {
        at: usize,
        length: usize,
    },
    /// A part is there twice.
    Repeat {
        from: usize,
        to: usize,
        length: usize,
    },
}

fn edit() -> impl Strategy<Value = Edit> {
    let (at, length) = (0..600_usize * 4096, 1..200_000_usize);
    prop_oneof![
        (at.clone(), length.clone()).prop_map(|(at, length)| Edit::Change { at, length }),
        (at.clone(), length.clone()).prop_map(|(at, length)| Edit::Insert { at, length }),
        (at.clone(), length.clone())
            .prop_map(|(at, length)| Edit::Insert { at: at / 4096 * 4096, length: length / 4096 * 4096 }),
        (at.clone(), length.clone()).prop_map(|(at, length)| Edit::Remove { at, length }),
        (at.clone(), length.clone()).prop_map(|(at, length)| Edit::Zero { at, length }),
        (at.clone(), at, length).prop_map(|(from, to, length)| Edit::Repeat { from, to, length }),
    ]
}

fn edited(old: &[u8], edits: &[Edit], rng: &mut TestRng) -> Vec<u8> {
    let mut new = old.to_vec();
    for edit in edits {
        let part = |at: usize, length: usize| at.min(new.len())..(at + length).min(new.len());
        match *edit {
            Edit::Change { at, length } => {
                let range = part(at, length);
                rng.fill_bytes(&mut new[range]);
            }
            Edit::Insert { at, length } => {
                let mut bytes = vec![0; length];
                rng.fill_bytes(&mut bytes);
                let at = at.min(new.len());
                new.splice(at..at, bytes);
            }
            Edit::Remove { at, length } => drop(new.drain(part(at, length))),
            Edit::Zero { at, length } => {
                let range = part(at, length);
                new[range].fill(0);
            }
            Edit::Repeat { from, to, length } => {
                let bytes = new[part(from, length)].to_vec();
                let to = to.min(new.len());
                new.splice(to..to, bytes);
            }
        }
    }
    new.resize(new.len().next_multiple_of(4096).max(4096), 0);
    new
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_image_comes_out_of_any_other_wherever_the_power_was_cut(
        blocks in 1..700_usize,
        edits in prop::collection::vec(edit(), 0..6),
        cut in any::<prop::sample::Index>(),
        mut rng in any::<u64>().prop_map(rng_of),
    ) {
        let old = noise(&mut rng, blocks);
        let new = edited(&old, &edits, &mut rng);
        let file = File::make(Some(&old), &new);
        let mut slot = Slot::of(noise(&mut rng, new.len() / 4096 + 1));
        let cut = cut.index(file.head.ops.len()) + 1;
        if cut < file.head.ops.len() {
            prop_assert!(file.resume(Some(&old), &mut slot, 0, cut).is_err());
        }
        let applied = file.resume(Some(&old), &mut slot, if cut < file.head.ops.len() { cut } else { 0 }, usize::MAX).unwrap();
        prop_assert_eq!(applied.spoilt, 0);
        prop_assert!(file.is_made(&slot));
        prop_assert_eq!(&slot.bytes[..new.len()], &new[..]);
        // What is there is not written again.
        let written = slot.written;
        let applied = file.apply(Some(&old), &mut slot).unwrap();
        prop_assert_eq!((applied.written, slot.written), (0, written));
    }

    #[test]
    fn an_old_image_that_changed_spoils_no_more_than_what_is_made_of_it_and_is_repaired(
        edits in prop::collection::vec(edit(), 1..4),
        spoilt in prop::collection::vec(any::<prop::sample::Index>(), 1..5),
        unreadable in any::<bool>(),
        mut rng in any::<u64>().prop_map(rng_of),
    ) {
        let old = noise(&mut rng, 1000);
        let new = edited(&old, &edits, &mut rng);
        let (delta, full) = (File::make(Some(&old), &new), File::make(None, &new));
        let mut seed = Slot::of(old);
        for index in &spoilt {
            let at = index.index(seed.bytes.len());
            seed.bytes[at] ^= 1;
        }
        if unreadable {
            let at = spoilt[0].index(seed.bytes.len()) as u64 / 512 * 512;
            seed.unreadable = Some(at..at + 512);
        }
        let mut slot = Slot::of(vec![0xa5; new.len()]);
        delta.apply(Some(&seed), &mut slot).unwrap();
        let found = apply::wrong(&full.head, &slot.bytes).unwrap();
        prop_assert_eq!(found.is_empty(), delta.is_made(&slot));
        let wrong = |slot: &Slot| {
            let segments = slot.bytes.chunks(1 << 20).zip(new.chunks(1 << 20)).enumerate();
            segments.filter(|(_, (a, b))| a != b).map(|(at, _)| at as u64).collect::<BTreeSet<u64>>()
        };
        prop_assert_eq!(&wrong(&slot), &found);
        full.repair(&mut slot, &found);
        prop_assert!(delta.is_made(&slot));
    }

    #[test]
    fn any_head_is_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        length in prop::option::of(any::<prop::sample::Index>()),
        mut rng in any::<u64>().prop_map(rng_of),
    ) {
        let old = noise(&mut rng, 20);
        let new = edited(&old, &[Edit::Insert { at: 5000, length: 9000 }, Edit::Zero { at: 40_000, length: 20_000 }], &mut rng);
        let file = File::make(Some(&old), &new);
        let mut head = file.bytes[..usize::try_from(file.head.header.head_length()).unwrap()].to_vec();
        for (index, value) in &changes {
            // Most of it is hashes; the numbers are what breaks.
            let at = index.index(head.len() + 400);
            let at = if at < head.len() { at } else { (at - head.len()) % Header::LENGTH };
            head[at] = *value;
        }
        if let Some(length) = length {
            head.truncate(length.index(head.len()));
        }
        if let Ok(head) = Head::parse(&head) {
            let payload = Tail { whole: &file.bytes, start: file.head.header.head_length() };
            let source = Source { head: &head, seed: Some(&old), payload: &payload };
            let mut slot = vec![0; usize::try_from(head.header.target_size.min(1 << 24)).unwrap()];
            drop(apply::apply(&source, &mut slot, 0, &mut |_, _| Ok(())));
        }
    }
}

fn rng_of(seed: u64) -> TestRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRng::from_seed(prop::test_runner::RngAlgorithm::ChaCha, &bytes)
}

fn some(blocks: usize) -> Vec<u8> {
    noise(&mut rng_of(7), blocks)
}

#[test]
fn a_file_is_the_same_whoever_makes_it() {
    let (old, new) =
        (some(900), edited(&some(900), &[Edit::Insert { at: 70_000, length: 300_000 }], &mut rng_of(1)));
    let dir = tempfile::tempdir().unwrap();
    let made = |name: &str, threads| {
        let path = dir.path().join(name);
        build::build(Some(&old), &new, &path, Effort { level: 3, threads }).unwrap();
        std::fs::read(path).unwrap()
    };
    assert_eq!(made("one", 1), made("three", 3));
}

#[test]
fn what_did_not_change_is_only_copied_and_the_head_is_all_there_is() {
    let image = some(2000);
    let file = File::make(Some(&image), &image);
    assert_eq!((file.head.ops.len(), file.head.header.payload), (1, 0));
    assert!(matches!(file.head.ops.iter().next().unwrap().op, Op::Copy(..)));
    assert!(file.bytes.len() < 128 + 64, "{}", file.bytes.len());
}

#[test]
fn bytes_that_moved_by_less_than_a_block_cost_next_to_nothing() {
    let old = some(4000);
    // Far from where it was, and not on a block's edge.
    let mut new = some(1);
    new.extend(&old[3_000_000..5_000_123]);
    new.extend(vec![1; 5]);
    new.resize(new.len().next_multiple_of(4096), 0);
    let file = File::make(Some(&old), &new);
    assert!(file.head.header.payload < 10_000, "{}", file.head.header.payload);
}

#[test]
fn a_damaged_chunk_is_refused_before_anything_of_it_is_used() {
    let (old, new) = (some(300), some(1).into_iter().chain(noise(&mut rng_of(3), 40)).collect::<Vec<u8>>());
    let mut file = File::make(Some(&old), &new);
    let at = usize::try_from(file.head.header.head_length()).unwrap() + 70_000;
    file.bytes[at] ^= 0x10;
    let mut slot = Slot::of(vec![0; new.len()]);
    assert!(matches!(file.apply(Some(&old), &mut slot), Err(ApplyError::Chunk(1))));
    assert_eq!(slot.written, 4096, "only the copy before it");
}

#[test]
fn a_slot_that_is_too_small_and_a_missing_old_image_are_told() {
    let (old, new) = (some(30), some(31));
    let file = File::make(Some(&old), &new);
    let mut small = Slot::of(vec![0; new.len() - 1]);
    assert!(matches!(file.apply(Some(&old), &mut small), Err(ApplyError::NoRoom { .. })));
    let mut slot = Slot::of(vec![0; new.len()]);
    assert!(matches!(file.apply(None, &mut slot), Err(ApplyError::NoSeed)));
    assert_eq!(slot.written, 0);
}

#[test]
fn images_that_fit_no_slot_and_places_that_cannot_be_written_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.kot");
    let make =
        |image: &Vec<u8>, path: &Path| build::build(None, image, path, EFFORT).unwrap_err().to_string();
    assert!(make(&vec![1; 4097], &path).contains("multiple of 4096"));
    assert!(make(&Vec::new(), &path).contains("0 bytes"));
    assert!(make(&some(1), &dir.path().join("none/a.kot")).contains("cannot be written"));
    assert!(!path.exists());
}

#[test]
fn an_image_of_which_a_segment_is_not_whole_is_made_and_proven() {
    let new = some(usize::try_from(SEGMENT / BLOCK).unwrap() * 2 + 3);
    let file = File::make(None, &new);
    let mut slot = Slot::of(vec![0; new.len()]);
    assert_eq!(file.apply(None, &mut slot).unwrap().spoilt, 0);
    assert!(file.is_made(&slot));
    slot.bytes[new.len() - 1] ^= 1;
    let wrong = apply::wrong(&file.head, &slot.bytes).unwrap();
    assert_eq!(wrong, BTreeSet::from([2]));
    file.repair(&mut slot, &wrong);
    assert!(file.is_made(&slot));
}
