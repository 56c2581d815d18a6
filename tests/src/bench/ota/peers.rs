//! Ours and the others, each the way its makers would use it for the smallest download.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::child::{self, Child, Limits};
use super::{COPY, MEMORY_MAX, Numbers, OURS, Report, Subject, Task};

/// In the order of the columns; the ratio is to the second.
pub(super) const ALL: [Subject; 9] = [
    Subject { name: OURS, run: ours },
    Subject { name: "xdelta3", run: xdelta3 },
    Subject { name: "zstd --patch-from", run: patch_from },
    Subject { name: "bsdiff", run: bsdiff },
    Subject { name: "casync", run: casync },
    Subject { name: "zchunk", run: zchunk },
    Subject { name: "rauc block index", run: block_index },
    Subject { name: "zstd full", run: zstd_full },
    Subject { name: COPY, run: super::copy },
];

/// bsdiff takes longer for an image than everything else together.
const BSDIFF_PATIENCE: Duration = Duration::from_secs(240);

/// bsdiff needs so many bytes of memory for one of the old image.
const BSDIFF_MEMORY: u64 = 17;

type Outcome = anyhow::Result<Option<Numbers>>;

fn ours(task: &Task<'_>, _: &mut Report) -> Outcome {
    let (tool, file) = (task.programs.join("kiosk-ota"), task.dir.join("delta.kot"));
    let mut build = Command::new(&tool);
    build.arg("build").arg(&task.pair.new).arg("--from").arg(&task.pair.old).arg("--out").arg(&file);
    let mut apply = child::within(MEMORY_MAX, &tool);
    apply.arg("apply").arg(&file).arg("--seed").arg(&task.pair.old).arg("--to").arg(task.out());
    let encode = child::run(&mut build, Limits::default())?;
    let apply_empty = child::run(&mut apply, Limits::default())?;
    std::fs::copy(&task.pair.old, task.out())?;
    std::fs::File::open(task.out())?.sync_all()?;
    let apply = child::run(&mut apply, Limits::default())?;
    Ok(Some(Numbers { bytes: length(&file)?, encode, apply, apply_empty }))
}

fn xdelta3(task: &Task<'_>, report: &mut Report) -> Outcome {
    let file = task.dir.join("delta.xdelta");
    let window = length(&task.pair.old)?.to_string();
    let program = || {
        let mut command = Command::new("xdelta3");
        command.arg("-f").args(["-B", &window]);
        command
    };
    let mut make = program();
    make.args(["-e", "-9", "-S", "lzma", "-s"]).arg(&task.pair.old).arg(&task.pair.new).arg(&file);
    let mut apply = program();
    apply.args(["-d", "-s"]).arg(&task.pair.old).arg(&file).arg(task.out());
    one_file(report, "xdelta3", &file, &mut make, &mut apply)
}

fn patch_from(task: &Task<'_>, report: &mut Report) -> Outcome {
    let file = task.dir.join("delta.zst");
    let reference = format!("--patch-from={}", task.pair.old.display());
    let mut make = Command::new("zstd");
    make.args(["-q", "-19", "--long=31", &reference]).arg(&task.pair.new).arg("-o").arg(&file);
    let mut apply = Command::new("zstd");
    apply.args(["-q", "-d", "--long=31", &reference]).arg(&file).arg("-o").arg(task.out());
    one_file(report, "zstd", &file, &mut make, &mut apply)
}

fn zstd_full(task: &Task<'_>, report: &mut Report) -> Outcome {
    let file = task.dir.join("full.zst");
    let mut make = Command::new("zstd");
    make.args(["-q", "-12", "--long=27", "-T0"]).arg(&task.pair.new).arg("-o").arg(&file);
    let mut apply = Command::new("zstd");
    apply.args(["-q", "-d", "--long=27"]).arg(&file).arg("-o").arg(task.out());
    one_file(report, "zstd", &file, &mut make, &mut apply)
}

fn bsdiff(task: &Task<'_>, report: &mut Report) -> Outcome {
    if !is_installed("bsdiff", report) {
        return Ok(None);
    }
    let needed = BSDIFF_MEMORY * length(&task.pair.old)?;
    let memory = std::fs::read_to_string("/proc/meminfo")?;
    let free = super::super::machine::kilobytes(&memory, "MemAvailable:") * 1024;
    if needed > free {
        report.note(format!("bsdiff would need {} MB for {}: left out", needed / 1_000_000, task.pair.name));
        return Ok(None);
    }
    let file = task.dir.join("delta.bsdiff");
    let limits = Limits { time: if task.patient { Limits::default().time } else { BSDIFF_PATIENCE } };
    let encode =
        child::run(Command::new("bsdiff").arg(&task.pair.old).arg(&task.pair.new).arg(&file), limits)?;
    if encode.is_none() {
        let seconds = limits.time.as_secs();
        report.note(format!("bsdiff was stopped after {seconds} s with {}: --patient waits", task.pair.name));
        return Ok(None);
    }
    let apply = child::run(
        Command::new("bspatch").arg(&task.pair.old).arg(task.out()).arg(&file),
        Limits::default(),
    )?;
    Ok(Some(Numbers { bytes: length(&file)?, encode, apply, ..Numbers::default() }))
}

/// A store with the chunks of both; sent are the index and the chunks that only the new image has.
fn casync(task: &Task<'_>, report: &mut Report) -> Outcome {
    if !is_installed("casync", report) {
        return Ok(None);
    }
    let (store, index) = (task.dir.join("store"), task.dir.join("new.caibx"));
    let make = |index: &Path, image: &Path| {
        let mut command = Command::new("casync");
        command.arg("make").arg("--store").arg(&store).arg(index).arg(image);
        child::run(&mut command, Limits::default())
    };
    make(&task.dir.join("old.caibx"), &task.pair.old)?;
    let before = files(&store)?;
    let encode = make(&index, &task.pair.new)?;
    let sent: u64 = files(&store)?.difference(&before).map(|(_, length)| length).sum();
    let mut extract = Command::new("casync");
    extract
        .arg("extract")
        .arg("--store")
        .arg(&store)
        .arg("--seed")
        .arg(&task.pair.old)
        .arg(&index)
        .arg(task.out());
    let apply = child::run(&mut extract, Limits::default())?;
    Ok(Some(Numbers { bytes: sent + length(&index)?, encode, apply, ..Numbers::default() }))
}

/// Its download needs a web server; what it would fetch its own tool counts, and the file is unpacked.
fn zchunk(task: &Task<'_>, report: &mut Report) -> Outcome {
    if !is_installed("zck", report) {
        return Ok(None);
    }
    let (old, new) = (task.dir.join("old.zck"), task.dir.join("out.img.zck"));
    let make = |image: &Path, file: &Path| {
        child::run(Command::new("zck").arg("-o").arg(file).arg(image), Limits::default())
    };
    make(&task.pair.old, &old)?;
    let encode = make(&task.pair.new, &new)?;
    let output = Command::new("zck_delta_size").arg(&old).arg(&new).output()?;
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let bytes = zchunk_bytes(&text);
    let bytes = bytes.ok_or_else(|| anyhow::anyhow!("zck_delta_size says {text:?}"))?;
    report.note(
        "zchunk: bytes as zck_delta_size counts them; its own download was not run, so nothing is applied",
    );
    Ok(Some(Numbers { bytes, encode, ..Numbers::default() }))
}

/// Of "Would download X of Y bytes": X.
fn zchunk_bytes(text: &str) -> Option<u64> {
    let words = text.split_whitespace().skip_while(|word| *word != "download");
    words.filter_map(|word| word.parse().ok()).next()
}

/// RAUC's adaptive update as its documentation describes it: 32 bytes of index for every 4 KiB of the image; a block
/// that the old slot has is taken from there. The others lie in a squashfs whose blocks of 64 KiB come whole.
fn block_index(task: &Task<'_>, report: &mut Report) -> Outcome {
    const BLOCK: usize = 4096;
    const GROUP: usize = 65_536;
    let begun = Instant::now();
    let cpu = child::own_cpu_s()?;
    let (old, new) = (std::fs::read(&task.pair.old)?, std::fs::read(&task.pair.new)?);
    let known: HashSet<ota::Hash> = old.chunks(BLOCK).map(ota::sha256).collect();
    let mut bytes = 32 * new.len().div_ceil(BLOCK);
    let mut frame = Vec::with_capacity(zstd_safe::compress_bound(GROUP));
    for group in new.chunks(GROUP) {
        let is_missing =
            |block: &[u8]| !known.contains(&ota::sha256(block)) && block.iter().any(|byte| *byte != 0);
        if group.chunks(BLOCK).any(is_missing) {
            frame.clear();
            let length = zstd_safe::compress(&mut frame, group, 19);
            bytes += length.map_err(|_| anyhow::anyhow!("zstd does not compress"))?.min(group.len());
        }
    }
    let encode = Child { wall_s: begun.elapsed().as_secs_f64(), cpu_s: child::own_cpu_s()? - cpu, peak: 0 };
    report
        .note("rauc block index: computed from RAUC's rules, not fetched by it: Debian's rauc cannot stream");
    Ok(Some(Numbers { bytes: u64::try_from(bytes)?, encode: Some(encode), ..Numbers::default() }))
}

fn one_file(
    report: &mut Report,
    program: &str,
    file: &Path,
    make: &mut Command,
    apply: &mut Command,
) -> Outcome {
    if !is_installed(program, report) {
        return Ok(None);
    }
    let encode = child::run(make, Limits::default())?;
    let apply = child::run(apply, Limits::default())?;
    Ok(Some(Numbers { bytes: length(file)?, encode, apply, ..Numbers::default() }))
}

fn is_installed(program: &str, report: &mut Report) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !found {
        report.note(format!("{program} is not installed"));
    }
    found
}

fn length(path: &Path) -> anyhow::Result<u64> {
    Ok(std::fs::metadata(path)?.len())
}

/// All files below a folder, with their lengths.
fn files(folder: &Path) -> anyhow::Result<HashSet<(std::path::PathBuf, u64)>> {
    let mut found = HashSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                found.insert((entry.path(), entry.metadata()?.len()));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_zchunk_would_download_is_read() {
        assert_eq!(
            super::zchunk_bytes("Would download 1234 of 99999 bytes\nMatched 1 of 2 chunks"),
            Some(1234)
        );
        assert_eq!(super::zchunk_bytes("nothing"), None);
    }
}
