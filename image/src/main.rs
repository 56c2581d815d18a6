//! Makes the disk of a kiosk and boots it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use image::build::{self, Options};
use image::generate;
use image::layout::Layout;
use image::{run, vm};

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
    /// Only the files that are generated from layout.toml.
    Generate {
        /// Where they go.
        out: PathBuf,
    },
}

fn main() -> ExitCode {
    let Arguments { checkout, command } = Arguments::parse();
    let result = match command {
        Command::Build(options) => build::build(&checkout, &options).map(|img| println!("{}", img.display())),
        Command::Vm(options) => vm::run(&options),
        Command::Generate { out } => generate_into(&checkout, &out),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kiosk-image: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn generate_into(checkout: &Path, out: &Path) -> anyhow::Result<()> {
    let layout = Layout::read(&checkout.join("image/layout.toml"))?;
    for (name, text) in generate::root_files(&layout) {
        run::write(&out.join("root").join(name), text)?;
    }
    for (name, text) in generate::esp_files(&layout) {
        run::write(&out.join("esp").join(name), text)?;
    }
    Ok(())
}
