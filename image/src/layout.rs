//! `layout.toml`: the disk as it is for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

/// Bytes of a MiB.
pub const MIB: u64 = 1024 * 1024;

/// Bytes of a block of dm-verity and of the file systems.
pub const BLOCK: u64 = 4096;

/// The whole description.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Which releases are for this kiosk.
    pub model: String,
    /// The Debian suite that the root is made of.
    pub debian: String,
    /// Time of every file, in seconds since 1970.
    pub epoch: u64,
    /// What systemd-repart derives the disk's own id from.
    pub disk_seed: String,
    /// Boots of a release on trial.
    pub tries: u8,
    /// The size of a boot's file system, in MiB; a hash tree comes after it.
    pub boot_data_mib: u64,
    /// The size of a root's file system, in MiB; its hash tree comes after it.
    pub root_data_mib: u64,
    /// How full that file system may be.
    pub root_fill_max_percent: u64,
    /// In the order of the disk.
    #[serde(rename = "partition")]
    pub partitions: Vec<Partition>,
}

/// A partition.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// Its label in the partition table, under which `/dev/disk/by-partlabel` has it.
    pub label: String,
    /// Its type, as systemd-repart names it.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its size, or the least if it grows.
    pub size_mib: u64,
    /// Takes what is left of the disk.
    #[serde(default)]
    pub grow: bool,
    /// Its id in the partition table.
    pub uuid: String,
    /// The slot that it is a part of: `A` or `B`.
    pub slot: Option<String>,
    /// What it holds of the slot: `boot` or `root`.
    pub image: Option<String>,
    /// Where it is mounted.
    pub mount: Option<String>,
}

impl Layout {
    /// Reads and checks a description.
    ///
    /// # Errors
    /// It cannot be read, or the disk would not work.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    /// Checks a description.
    ///
    /// # Errors
    /// The disk would not work.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let layout: Self = toml::from_str(text)?;
        layout.check()?;
        Ok(layout)
    }

    fn check(&self) -> anyhow::Result<()> {
        let labels: BTreeSet<_> = self.partitions.iter().map(|it| &it.label).collect();
        let uuids: BTreeSet<_> = self.partitions.iter().map(|it| &it.uuid).collect();
        let count = self.partitions.len();
        anyhow::ensure!(labels.len() == count && uuids.len() == count, "a label or a uuid is there twice");
        let slots = self.slots();
        anyhow::ensure!(slots.keys().eq(["A", "B"].iter()), "there must be slots A and B");
        let [a, b] = ["A", "B"].map(|slot| &slots[slot]);
        anyhow::ensure!(
            a.keys().eq(["boot", "root"].iter()) && a.keys().eq(b.keys()),
            "a slot has a boot and a root"
        );
        for (image, one) in a {
            anyhow::ensure!(one.size_mib == b[image].size_mib, "the {image} partitions differ in size");
        }
        for (image, data_mib) in [("boot", self.boot_data_mib), ("root", self.root_data_mib)] {
            let data = data_mib * MIB;
            let needed = data + tree_bytes(data / BLOCK);
            anyhow::ensure!(
                needed <= a[image].size_mib * MIB,
                "a {image} with its hash tree has {needed} bytes, more than its partition"
            );
        }
        let growing = self.partitions.iter().position(|it| it.grow);
        anyhow::ensure!(growing == Some(count - 1), "the last partition, and no other, grows");
        anyhow::ensure!((1..=9).contains(&self.tries), "tries must be 1 to 9");
        self.number("esp").context("there is no partition labelled esp")?;
        Ok(())
    }

    /// The partitions of each slot, by what they hold.
    pub fn slots(&self) -> BTreeMap<&str, BTreeMap<&str, &Partition>> {
        let mut slots: BTreeMap<&str, BTreeMap<&str, &Partition>> = BTreeMap::new();
        for partition in &self.partitions {
            if let (Some(slot), Some(image)) = (&partition.slot, &partition.image) {
                slots.entry(slot).or_default().insert(image, partition);
            }
        }
        slots
    }

    /// The number of a partition on the disk, from 1.
    pub fn number(&self, label: &str) -> Option<usize> {
        self.partitions.iter().position(|it| it.label == label).map(|index| index + 1)
    }

    /// A partition by its label.
    ///
    /// # Errors
    /// There is none.
    pub fn partition(&self, label: &str) -> anyhow::Result<&Partition> {
        self.partitions
            .iter()
            .find(|it| it.label == label)
            .with_context(|| format!("the layout has no partition {label}"))
    }
}

/// Bytes of dm-verity's tree over so many blocks (SHA-256, blocks of 4 KiB, no superblock).
pub fn tree_bytes(data_blocks: u64) -> u64 {
    let mut blocks = data_blocks;
    let mut tree = 0;
    while blocks > 1 {
        blocks = blocks.div_ceil(BLOCK / 32);
        tree += blocks;
    }
    tree * BLOCK
}
