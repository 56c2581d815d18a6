//! Makes the disk of a kiosk and boots it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use image::build::{self, Options};
use image::generate;
use image::layout::Layout;
use image::{run, slot, vm};

/// Makes the disk of a kiosk. Called by `./dev image` and `./dev vm`; see docs/image.md.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where the sources are.
    #[arg(long, value_name = "DIR", default_value = ".")]
    checkout: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A disk from Debian packages and our programs.
    Build(Options),
    /// Boots a disk in QEMU.
    Vm(vm::Options),
    /// The image of a root slot of a folder of files, with its hash tree.
    Root {
        /// The files.
        tree: PathBuf,
        /// The image.
        out: PathBuf,
        /// Where the boot slot's `slot.cfg` goes: what GRUB is to tell the kernel.
        #[arg(long, value_name = "FILE")]
        slot_cfg: PathBuf,
        /// The kernel's console.
        #[arg(long, default_value = slot::CONSOLE)]
        console: String,
    },
    /// The image of a boot slot.
    Boot {
        /// The folder of `vmlinuz`, `initrd` and `slot.cfg`.
        tree: PathBuf,
        /// The image.
        out: PathBuf,
    },
    /// Joins standard input and output to a port of this machine: how QEMU lets a guest out to it.
    #[command(hide = true)]
    Relay {
        /// The port.
        port: u16,
    },
    /// Only the files that are generated from layout.toml.
    Generate {
        /// Where they go.
        out: PathBuf,
    },
}

fn main() -> ExitCode {
    let Arguments { checkout, command } = Arguments::parse();
    let layout = || Layout::read(&checkout.join("image/layout.toml"));
    let result = match command {
        Command::Build(options) => build::build(&checkout, &options).map(|img| println!("{}", img.display())),
        Command::Vm(options) => vm::run(&options),
        Command::Relay { port } => relay(port),
        Command::Root { tree, out, slot_cfg, console } => layout()
            .and_then(|layout| slot::root(&layout, &tree, &out, &console))
            .and_then(|text| run::write(&slot_cfg, text)),
        Command::Boot { tree, out } => layout().and_then(|layout| slot::boot(&layout, &tree, &out)),
        Command::Generate { out } => layout().and_then(|layout| generate_into(&layout, &out)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kiosk-image: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn relay(port: u16) -> anyhow::Result<()> {
    let mut outside = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let mut back = outside.try_clone()?;
    let answers = std::thread::spawn(move || copy(&mut back, &mut io::stdout().lock()));
    copy(&mut io::stdin().lock(), &mut outside)?;
    outside.shutdown(Shutdown::Write)?;
    answers.join().map_err(|_| anyhow::anyhow!("the way back broke"))?
}

/// Hands on what comes at once, until there is no more.
fn copy(from: &mut impl Read, to: &mut impl Write) -> anyhow::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..count])?;
        to.flush()?;
    }
}

fn generate_into(layout: &Layout, out: &Path) -> anyhow::Result<()> {
    for (name, text) in generate::root_files(layout) {
        run::write(&out.join("root").join(name), text)?;
    }
    for (name, text) in generate::esp_files(layout) {
        run::write(&out.join("esp").join(name), text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_fit_together() {
        super::Arguments::command().debug_assert();
    }
}
