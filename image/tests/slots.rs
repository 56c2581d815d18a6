//! Images of slots, made of a tiny tree: the same bytes twice, and proven.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not recognise as tests")]

use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, symlink};
use std::path::Path;
use std::process::Command;

use image::slot::{Ext4, Verity, add_verity};

const SIZE_MIB: u64 = 8;

/// A tree that is written in some order; when and how is what must not be seen.
fn tree(at: &Path, names: &[&str]) {
    for name in names {
        let path = at.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, name.repeat(3000)).unwrap();
    }
    symlink("b/two", at.join("link")).unwrap();
}

fn image(dir: &Path, name: &str, names: &[&str]) -> (Vec<u8>, Verity) {
    let (folder, out) = (dir.join(name), dir.join(format!("{name}.img")));
    tree(&folder, names);
    let uuid = "5a4a9ac5-4b4b-4c1c-8a5d-0d7c1e6f0004";
    Ext4 { tree: &folder, out: &out, size_mib: SIZE_MIB, uuid, epoch: 1_767_225_600 }.make().unwrap();
    let verity = add_verity(&out, SIZE_MIB, "alder").unwrap();
    (fs::read(&out).unwrap(), verity)
}

#[test]
fn the_same_files_give_the_same_slot() {
    let dir = tempfile::tempdir().unwrap();
    let (first, _) = image(dir.path(), "first", &["a/one", "b/two", "c"]);
    // Files have times in whole seconds and below.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let (second, _) = image(dir.path(), "second", &["c", "b/two", "a/one"]);
    assert!(first == second, "the images differ");
}

#[test]
fn a_bit_that_has_changed_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let (_, verity) = image(dir.path(), "slot", &["a/one", "b/two"]);
    let img = dir.path().join("slot.img");
    assert!(verifies(&img, &verity));
    let file = File::options().write(true).open(&img).unwrap();
    file.write_all_at(&[1], 5 * 1024 * 1024).unwrap();
    assert!(!verifies(&img, &verity));
}

fn verifies(img: &Path, verity: &Verity) -> bool {
    let offset = verity.data_blocks * 4096;
    let status = Command::new("veritysetup")
        .args([
            "verify",
            "--no-superblock",
            "--hash=sha256",
            "--data-block-size=4096",
            "--hash-block-size=4096",
        ])
        .arg(format!("--data-blocks={}", verity.data_blocks))
        .arg(format!("--hash-offset={offset}"))
        .arg(format!("--salt={}", verity.salt))
        .args([img, img])
        .arg(&verity.root_hash)
        .output()
        .unwrap()
        .status;
    status.success()
}
