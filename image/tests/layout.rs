//! The one description of the disk, and what is generated from it or written beside it.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not recognise as tests")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use image::generate;
use image::layout::{BLOCK, Layout, MIB, tree_bytes};

/// Asked at run time: checkouts on a machine share what was built.
fn checkout() -> PathBuf {
    PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).parent().unwrap().to_owned()
}

fn text() -> String {
    fs::read_to_string(checkout().join("image/layout.toml")).unwrap()
}

fn layout() -> Layout {
    Layout::parse(&text()).unwrap()
}

#[test]
fn the_sizes_that_kiosks_in_the_field_have_never_change() {
    let sizes: Vec<_> = layout().partitions.iter().map(|it| (it.label.clone(), it.size_mib)).collect();
    let fixed =
        [("esp", 128), ("boot-a", 96), ("boot-b", 96), ("root-a", 768), ("root-b", 768), ("state", 256)];
    assert_eq!(sizes, fixed.map(|(label, size)| (label.to_owned(), size)));
    let data = (layout().boot_data_mib, layout().root_data_mib);
    assert_eq!(data, (94, 760), "releases of before could not be updated to this one");
}

#[test]
fn a_disk_that_would_not_work_is_refused() {
    for (from, to) in [
        ("root_data_mib = 760", "root_data_mib = 766"),
        ("boot_data_mib = 94", "boot_data_mib = 96"),
        ("label = \"boot-b\"", "label = \"boot-a\""),
        (
            "uuid = \"5a4a9ac5-4b4b-4c1c-8a5d-0d7c1e6f0005\"",
            "uuid = \"5a4a9ac5-4b4b-4c1c-8a5d-0d7c1e6f0004\"",
        ),
        ("label = \"esp\"", "label = \"efi\""),
        ("grow = true\n", ""),
        ("tries = 3", "tries = 0"),
    ] {
        assert!(text().contains(from), "{from}");
        assert!(Layout::parse(&text().replace(from, to)).is_err(), "{from} -> {to}");
    }
}

#[test]
fn the_tree_of_a_root_fits_behind_it() {
    // 194560 blocks: 1520 blocks of leaves, 12 above them, the root.
    assert_eq!(tree_bytes(760 * MIB / BLOCK), 1533 * BLOCK);
    assert_eq!(tree_bytes(1), 0);
    assert_eq!(tree_bytes(129), 3 * BLOCK);
}

#[test]
fn everything_that_names_a_partition_names_one_of_the_layout() {
    let layout = layout();
    let labels: BTreeSet<&str> = layout.partitions.iter().map(|it| it.label.as_str()).collect();
    let mut texts: Vec<(String, String)> = generate::root_files(&layout).into_iter().collect();
    let unit = "systemd/usr/lib/systemd/system/kiosk-slot-writer.service";
    texts.push((unit.to_owned(), fs::read_to_string(checkout().join(unit)).unwrap()));
    let mut named = BTreeSet::new();
    for (file, text) in &texts {
        for mark in ["/dev/disk/by-partlabel/", "PARTLABEL="] {
            for rest in text.split(mark).skip(1) {
                let label = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap();
                assert!(labels.contains(label), "{file} names {label}");
                named.insert(label.to_owned());
            }
        }
    }
    assert_eq!(named.len(), labels.len(), "somebody knows every partition: {named:?}");
}

#[test]
fn the_slot_writer_may_open_the_slots_and_nothing_else() {
    let unit = checkout().join("systemd/usr/lib/systemd/system/kiosk-slot-writer.service");
    let unit = fs::read_to_string(unit).unwrap();
    let allowed: BTreeSet<&str> = unit.lines().filter_map(|line| line.strip_prefix("DeviceAllow=")).collect();
    let layout = layout();
    let slots = layout.partitions.iter().filter(|it| it.slot.is_some());
    let wanted: BTreeSet<String> =
        slots.map(|it| format!("/dev/disk/by-partlabel/{} rw", it.label)).collect();
    assert_eq!(allowed, wanted.iter().map(String::as_str).collect());
}

#[test]
fn systemd_repart_makes_the_same_disk_twice_and_with_the_ids_of_the_layout() {
    let layout = layout();
    let dir = tempfile::tempdir().unwrap();
    let definitions = dir.path().join("repart.d");
    fs::create_dir(&definitions).unwrap();
    for (name, text) in generate::disk_definitions(&layout, |_| None) {
        fs::write(definitions.join(name), text).unwrap();
    }
    let disk = |name: &str| {
        let disk = dir.path().join(name);
        let made = Command::new("systemd-repart")
            .args(["--empty=create", "--size=auto", "--dry-run=no", "--no-pager", "--json=short"])
            .arg(format!("--definitions={}", definitions.display()))
            .arg(format!("--seed={}", layout.disk_seed))
            .arg(&disk)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        (String::from_utf8(made.stdout).unwrap(), tables(&disk))
    };
    let ((said, first), (_, second)) = (disk("one"), disk("two"));
    assert_eq!(first, second);
    for partition in layout.partitions.iter().filter(|it| !it.grow) {
        assert!(said.contains(&partition.uuid) && said.contains(&partition.label), "{}", partition.label);
    }
}

/// Both copies of the partition table: without images there is nothing else on the disk.
fn tables(disk: &Path) -> Vec<u8> {
    let file = fs::File::open(disk).unwrap();
    let length = file.metadata().unwrap().len();
    let mut bytes = vec![0; 2 * 1024 * 1024];
    let (first, last) = bytes.split_at_mut(1024 * 1024);
    file.read_exact_at(first, 0).unwrap();
    file.read_exact_at(last, length - MIB).unwrap();
    bytes
}
