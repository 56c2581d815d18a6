//! `grub-editenv` as RAUC calls it, safe against power cuts. See `ota::grubenv`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use ota::grubenv::{self, GrubEnv};

/// Shows and changes what GRUB remembers, in place.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The environment block.
    file: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make an empty one.
    Create,
    /// Show the variables.
    List,
    /// Set variables.
    Set {
        /// As NAME=VALUE.
        #[arg(required = true, value_parser = pair)]
        variables: Vec<(String, String)>,
    },
    /// Forget variables.
    Unset {
        /// Their names.
        #[arg(required = true)]
        names: Vec<String>,
    },
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    pair.ok_or_else(|| format!("{text:?} is not NAME=VALUE"))
}

fn main() -> anyhow::Result<()> {
    let Arguments { file, command } = Arguments::parse();
    let change = |change: &mut dyn FnMut(&mut GrubEnv)| -> anyhow::Result<()> {
        if !grubenv::change(&file, change)? {
            eprintln!("{} was no environment block; what it held is gone", file.display());
        }
        Ok(())
    };
    match command {
        Command::Create => grubenv::create(&file)?,
        Command::List => GrubEnv::read(&file)?.0.iter().for_each(|(name, value)| println!("{name}={value}")),
        Command::Set { variables } => change(&mut |env| env.0.extend(variables.iter().cloned()))?,
        Command::Unset { names } => change(&mut |env| env.0.retain(|name, _| !names.contains(name)))?,
    }
    Ok(())
}
