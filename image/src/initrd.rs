//! The initrd: `initramfs/init`, the modules it loads, and two programs with their libraries.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::modules::Modules;
use crate::run;

/// What `init` calls; the rest is busybox.
const PROGRAMS: &[&str] = &["usr/bin/busybox", "usr/sbin/dmsetup"];

/// What `init` calls of busybox.
const APPLETS: &[&str] =
    &["cat", "echo", "grep", "head", "insmod", "mount", "reboot", "sleep", "switch_root", "tail", "umount"];

enum Entry {
    Folder,
    Link(String),
    File(Vec<u8>, u32),
}

/// Makes an initrd of a root.
///
/// # Errors
/// Something that it needs is not in the root.
pub fn make(root: &Path, init: &Path, modules: &str, out: &Path) -> anyhow::Result<()> {
    let mut entries = BTreeMap::new();
    for folder in ["bin", "dev", "proc", "root", "run", "sys"] {
        entries.insert(folder.to_owned(), Entry::Folder);
    }
    entries.insert("init".to_owned(), Entry::File(read(init)?, 0o755));
    for name in APPLETS {
        entries.insert(format!("bin/{name}"), Entry::Link("busybox".to_owned()));
    }
    let mut list = String::new();
    for file in Modules::of(root)?.of_initrd(modules)? {
        let name = format!("modules.d/{}", file.file_name().context("a module is a file")?.to_string_lossy());
        list.push_str(&format!("/{name}\n"));
        entries.insert(name, Entry::File(read(&file)?, 0o644));
    }
    entries.insert("modules".to_owned(), Entry::File(list.into_bytes(), 0o644));
    for program in PROGRAMS {
        let path = root.join(program);
        let name = path.file_name().context("a program is a file")?.to_string_lossy().into_owned();
        entries.insert(format!("bin/{name}"), Entry::File(read(&path)?, 0o755));
        for library in libraries(root, &path)? {
            let file = Entry::File(read(&root.join(&library))?, 0o755);
            entries.insert(library, file);
        }
    }
    compress(&archive(with_folders(entries))?, out)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| path.display().to_string())
}

/// The shared libraries of a program and the loader, by the paths at which it looks for them.
fn libraries(root: &Path, program: &Path) -> anyhow::Result<BTreeSet<String>> {
    let folder = root.join("usr/lib/x86_64-linux-gnu");
    let loader = root.join("usr/lib64/ld-linux-x86-64.so.2");
    let loader = if loader.exists() { loader } else { folder.join("ld-linux-x86-64.so.2") };
    let said =
        run::output(Command::new(loader).arg("--list").arg("--library-path").arg(&folder).arg(program))?;
    let mut found = BTreeSet::from(["lib64/ld-linux-x86-64.so.2".to_owned()]);
    for line in said.lines().filter_map(|line| line.split_once(" => ")) {
        let name = line.0.trim();
        if !name.contains("ld-linux") {
            found.insert(format!("lib/x86_64-linux-gnu/{name}"));
        }
    }
    Ok(found)
}

/// The folders above all entries, too; a name sorts after that of its folder.
fn with_folders(mut entries: BTreeMap<String, Entry>) -> BTreeMap<String, Entry> {
    let names: Vec<PathBuf> = entries.keys().map(PathBuf::from).collect();
    for folder in names.iter().flat_map(|name| name.ancestors().skip(1)) {
        let folder = folder.to_string_lossy().into_owned();
        if !folder.is_empty() {
            entries.entry(folder).or_insert(Entry::Folder);
        }
    }
    entries
}

/// The kernel's "newc" format (Documentation/driver-api/early-userspace/buffer-format.rst).
fn archive(entries: BTreeMap<String, Entry>) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for (index, (name, entry)) in entries.iter().enumerate() {
        let (mode, data) = match entry {
            Entry::Folder => (0o040_755, &[][..]),
            Entry::Link(target) => (0o120_777, target.as_bytes()),
            Entry::File(data, mode) => (0o100_000 | mode, &data[..]),
        };
        one(&mut bytes, index + 1, name, mode, data)?;
    }
    one(&mut bytes, 0, "TRAILER!!!", 0, &[])?;
    Ok(bytes)
}

fn one(bytes: &mut Vec<u8>, inode: usize, name: &str, mode: u32, data: &[u8]) -> anyhow::Result<()> {
    let (size, name_size) = (data.len(), name.len() + 1);
    // Magic, inode, mode, uid, gid, links, time, size, device and its node in two numbers each, name's size, check.
    write!(
        bytes,
        "070701{inode:08x}{mode:08x}{z}{z}{:08x}{z}{size:08x}{z}{z}{z}{z}{name_size:08x}{z}{name}\0",
        1,
        z = "00000000",
    )?;
    pad(bytes);
    bytes.extend_from_slice(data);
    pad(bytes);
    Ok(())
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

fn compress(archive: &[u8], out: &Path) -> anyhow::Result<()> {
    let mut zstd = Command::new("zstd");
    zstd.args(["-q", "-12", "-f", "-o"]).arg(out).stdin(Stdio::piped());
    let mut child = zstd.spawn().context("cannot start zstd")?;
    let mut pipe = child.stdin.take().context("it was given a pipe")?;
    pipe.write_all(archive)?;
    drop(pipe);
    let status = child.wait()?;
    anyhow::ensure!(status.success(), "zstd: {status}");
    Ok(())
}
