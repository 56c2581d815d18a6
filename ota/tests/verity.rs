//! Our hash tree beside the one of cryptsetup. Needs `veritysetup` (Debian: cryptsetup-bin).
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not recognise as tests")]

use std::path::Path;
use std::process::Command;

use ota::verity;

const SALT: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn salt() -> Vec<u8> {
    (0..SALT.len()).step_by(2).map(|at| u8::from_str_radix(&SALT[at..at + 2], 16).unwrap()).collect()
}

fn image(blocks: usize) -> Vec<u8> {
    let byte = |at: usize| u8::try_from((at * 31 + at / 4096 * 7) % 251).unwrap();
    (0..blocks * 4096).map(byte).collect()
}

/// Cryptsetup, on a plain file.
fn veritysetup(verb: &str, path: &Path, blocks: usize, more: &[&str]) -> std::process::Output {
    let (size, count) = (blocks * 4096, blocks);
    let mut command = Command::new("veritysetup");
    command.args([
        verb,
        "--no-superblock",
        &format!("--hash-offset={size}"),
        &format!("--data-blocks={count}"),
    ]);
    command.args([&format!("--salt={SALT}"), "--data-block-size=4096", "--hash-block-size=4096"]);
    let output = command.args([path, path]).args(more).output();
    output.expect("veritysetup is installed: apt install cryptsetup-bin")
}

#[test]
fn our_tree_is_the_one_of_cryptsetup_and_is_accepted_by_it() {
    let dir = tempfile::tempdir().unwrap();
    // Around the edges at which a level grows full: 128 blocks, and 128 times as many.
    for blocks in [2, 127, 128, 129, 1000, 16_384, 16_385] {
        let bytes = image(blocks);
        let count = u64::try_from(blocks).unwrap();
        let mut slot = bytes.clone();
        slot.resize(bytes.len() + usize::try_from(verity::tree_length(count)).unwrap(), 0xee);
        let mut read = 0;
        let root = verity::build(&mut slot, count, bytes.len() as u64, &salt(), &mut |to| read = to).unwrap();
        assert_eq!(read, bytes.len() as u64, "how far it is is told to the end");
        assert_eq!(verity::root_hash(&bytes, &salt()).unwrap(), root, "the tree need not be kept");
        let root: String = root.iter().map(|byte| format!("{byte:02x}")).collect();

        let theirs = dir.path().join(format!("{blocks}.theirs"));
        std::fs::write(&theirs, &bytes).unwrap();
        let output = veritysetup("format", &theirs, blocks, &[]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && text.contains(&root), "{blocks} blocks, ours is {root}: {text}");
        assert!(std::fs::read(&theirs).unwrap() == slot, "{blocks} blocks: the trees differ");

        let ours = dir.path().join(format!("{blocks}.ours"));
        std::fs::write(&ours, &slot).unwrap();
        assert!(veritysetup("verify", &ours, blocks, &[&root]).status.success());
        slot[bytes.len() / 2] ^= 1;
        std::fs::write(&ours, &slot).unwrap();
        assert!(!veritysetup("verify", &ours, blocks, &[&root]).status.success(), "a changed block");
    }
}
