//! Our `grub-editenv` beside GRUB's (Debian: grub-common).

#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not recognise as tests")]

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Output};

const OURS: &str = env!("CARGO_BIN_EXE_grub-editenv");
const THEIRS: &str = "/usr/bin/grub-editenv";

fn call(program: &str, file: &Path, words: &[&str]) -> Output {
    Command::new(program)
        .arg(file)
        .args(words)
        .output()
        .expect("grub-editenv is installed: apt install grub-common")
}

fn done(program: &str, file: &Path, words: &[&str]) -> String {
    let output = call(program, file, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_one_writes_the_other_reads() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("grubenv");
    done(THEIRS, &file, &["create"]);
    done(THEIRS, &file, &["set", "ORDER=A B", "A_OK=1", "odd=a\\b=c"]);
    assert_eq!(done(OURS, &file, &["list"]), "A_OK=1\nORDER=A B\nodd=a\\b=c\n");
    let before = std::fs::metadata(&file).unwrap().ino();
    done(OURS, &file, &["set", "ORDER=B A", "B_TRY=0", "odd=two\nlines\\"]);
    done(OURS, &file, &["unset", "A_OK"]);
    let meta = std::fs::metadata(&file).unwrap();
    assert_eq!((meta.ino(), meta.len()), (before, 1024));
    assert_eq!(done(THEIRS, &file, &["list"]), "B_TRY=0\nORDER=B A\nodd=two\nlines\\\n");
}

#[test]
fn a_block_that_a_power_cut_left_in_pieces_becomes_one_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("grubenv");
    for left in [&b""[..], &[0; 1024], &[b'#'; 4096], b"# GRUB Environment Block\nA=1\n"] {
        std::fs::write(&file, left).unwrap();
        assert!(!call(OURS, &file, &["list"]).status.success(), "it is none");
        let told = call(OURS, &file, &["set", "ORDER=A B"]);
        assert!(told.status.success() && !told.stderr.is_empty(), "it is said that something is gone");
        assert_eq!(done(THEIRS, &file, &["list"]), "ORDER=A B\n");
    }
    assert!(!call(OURS, &dir.path().join("none"), &["set", "A=1"]).status.success());
}

#[test]
fn what_would_not_be_written_in_one_piece_is_refused_and_nothing_changes() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("grubenv");
    done(OURS, &file, &["create"]);
    done(OURS, &file, &["set", "A=1"]);
    let long = format!("B={}", "x".repeat(500));
    for words in [["set", long.as_str()], ["set", "=1"], ["set", "nothing"], ["create", "x"]] {
        assert!(!call(OURS, &file, &words).status.success(), "{words:?}");
    }
    assert!(!call(OURS, &file, &["create"]).status.success(), "there is one");
    assert_eq!(done(THEIRS, &file, &["list"]), "A=1\n");
}
