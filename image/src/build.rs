//! From a checkout and our programs to a disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use clap::Args;

use crate::disk::{self, Parts};
use crate::esp;
use crate::generate;
use crate::initrd;
use crate::install::{Install, Variant};
use crate::layout::{Layout, MIB};
use crate::pack::{self, Packing};
use crate::run::{self, step};
use crate::slot;
use crate::tree::{self, Base, Recipe};

/// What of a disk may be chosen.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The folder of our programs, built for the suite of the layout.
    #[arg(long, value_name = "DIR")]
    pub programs: PathBuf,
    /// Where the disk goes.
    #[arg(long, value_name = "DIR", default_value = "target/image")]
    pub out: PathBuf,
    /// With root on the serial consoles.
    #[arg(long)]
    pub dev: bool,
    /// The number of the release.
    #[arg(long, default_value_t = 1)]
    pub number: u64,
    /// Its name, for people.
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
    pub name: String,
    /// The first TUF root, from `kiosk-ota root`.
    #[arg(long, value_name = "FILE")]
    pub tuf_root: Option<PathBuf>,
    /// Certificates of those who may sign RAUC's bundles.
    #[arg(long, value_name = "FILE")]
    pub keyring: Option<PathBuf>,
    /// A folder of files that are laid over ours, by their places in the root; may be given more than once.
    #[arg(long, value_name = "DIR")]
    pub overlay: Vec<PathBuf>,
    /// The newest Debian packages, not those of the last build.
    #[arg(long)]
    pub fresh: bool,
    /// Where the images of the slots go, boot.img and root.img, of which `kiosk-ota release` makes a release.
    #[arg(long, value_name = "DIR")]
    pub slots: Option<PathBuf>,
    /// For handing out.
    #[command(flatten)]
    pub pack: Packing,
}

/// Where things are kept between builds.
///
/// # Errors
/// There is no home.
pub fn cache() -> anyhow::Result<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or(home);
    Ok(cache.context("neither XDG_CACHE_HOME nor HOME is set")?.join("kioskd/image"))
}

/// Makes a disk; returns its file.
///
/// # Errors
/// What is missing or does not fit.
pub fn build(checkout: &Path, options: &Options) -> anyhow::Result<PathBuf> {
    let root = nix::unistd::geteuid().is_root();
    anyhow::ensure!(root, "files of the root belong to root: run it as root, or in a container");
    let layout = Layout::read(&checkout.join("image/layout.toml"))?;
    let recipe = Recipe::read(checkout, &layout)?;
    let base = Base::get(&recipe, &cache()?, options.fresh)?;
    fs::create_dir_all(&options.out).with_context(|| options.out.display().to_string())?;
    let work = fs::canonicalize(&options.out)?.join("work");
    tree::remove(&work)?;
    fs::create_dir_all(&work)?;

    let tree = work.join("root");
    step("files", || {
        run::quietly(Command::new("cp").args(["-a", "--reflink=auto"]).arg(base.root()).arg(&tree))?;
        install(checkout, options).apply(&layout, &tree)
    })?;
    let parts = parts(checkout, &layout, &base, &work)?;
    let kind = if options.dev { "-dev" } else { "" };
    let img = options.out.join(format!("kiosk-{}-{}-amd64{kind}.img", options.name, layout.model));
    step("disk", || disk::make(&layout, &parts, &work, &img))?;
    if let Some(slots) = &options.slots {
        hand_out(&layout, &parts, slots)?;
    }
    fs::copy(base.packages(), img.with_extension("packages.tsv"))?;
    if options.pack.pack {
        let packages = img.with_extension("packages.tsv");
        let disk = pack::Disk {
            img: &img,
            tree: &tree,
            packages: &packages,
            checkout,
            suite: &layout.debian,
            name: &options.name,
        };
        disk.pack(&options.pack)?;
    }
    tree::remove(&work)?;
    Ok(img)
}

/// Puts the file systems of a slot into a folder; their hash trees belong to no release, kiosks make them.
fn hand_out(layout: &Layout, parts: &Parts, slots: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(slots).with_context(|| slots.display().to_string())?;
    for (image, name, data_mib) in
        [(&parts.boot, "boot.img", layout.boot_data_mib), (&parts.root, "root.img", layout.root_data_mib)]
    {
        let to = slots.join(name);
        run::quietly(Command::new("cp").args(["--sparse=always", "--reflink=auto"]).arg(image).arg(&to))?;
        fs::File::options().write(true).open(&to)?.set_len(data_mib * MIB)?;
    }
    Ok(())
}

fn install<'a>(checkout: &'a Path, options: &'a Options) -> Install<'a> {
    let trust =
        [(&options.tuf_root, "usr/share/kiosk/root.json"), (&options.keyring, "etc/rauc/keyring.pem")];
    Install {
        checkout,
        programs: &options.programs,
        variant: if options.dev { Variant::Dev } else { Variant::Production },
        release: format!("{} {}", options.number, options.name),
        overlays: &options.overlay,
        trust: trust.into_iter().filter_map(|(from, to)| Some((from.clone()?, to))).collect(),
    }
}

fn parts(checkout: &Path, layout: &Layout, base: &Base, work: &Path) -> anyhow::Result<Parts> {
    let parts = Parts { esp: work.join("esp.img"), boot: work.join("boot.img"), root: work.join("root.img") };
    let slot_cfg = step("root slot", || slot::root(layout, &work.join("root"), &parts.root, slot::CONSOLE))?;
    step("boot slot", || {
        let tree = work.join("boot");
        fs::create_dir_all(&tree)?;
        let list = fs::read_to_string(checkout.join("image/modules.list"))?;
        let init = checkout.join("image/initramfs/init");
        initrd::make(&work.join("root"), &init, &list, &tree.join("initrd"))?;
        eprintln!("  initrd: {} KiB", fs::metadata(tree.join("initrd"))?.len() / 1024);
        fs::copy(base.kernel(), tree.join("vmlinuz"))?;
        run::write(&tree.join("slot.cfg"), slot_cfg)?;
        slot::boot(layout, &tree, &parts.boot)
    })?;
    step("EFI system partition", || esp::make(layout, &generate::esp_files(layout), work, &parts.esp))?;
    Ok(parts)
}
