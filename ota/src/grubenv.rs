//! GRUB's environment block: what the boot loader remembers, and RAUC writes
//! (<https://www.gnu.org/software/grub/manual/grub/html_node/Environment-block.html>).
//!
//! GRUB's own `grub-editenv` truncates the file and writes it anew. On FAT that frees its cluster and takes another, in
//! several writes that a power cut parts: what is left is a file of no bytes, or a chain that leads nowhere. Here the block
//! is written where it is, and what matters of it in one sector, which a disk writes whole or not at all.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Bytes of a block; GRUB knows no other length.
pub const BLOCK_LEN: usize = 1024;

/// Bytes that a disk writes whole or not at all.
const SECTOR: usize = 512;

const HEAD: &str = "# GRUB Environment Block\n";

/// Why a block cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum GrubEnvError {
    /// The file.
    #[error("{0}")]
    File(#[from] io::Error),
    /// It is none.
    #[error("this is no environment block of GRUB")]
    NoBlock,
    /// A name that GRUB would not read.
    #[error("{0:?} is no name of a variable")]
    Name(String),
    /// More than one sector.
    #[error("the variables have {0} bytes; more than {SECTOR} are not written in one piece")]
    TooLong(usize),
}

/// The variables of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrubEnv(pub BTreeMap<String, String>);

impl GrubEnv {
    /// Reads a block.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(block: &[u8]) -> Result<Self, GrubEnvError> {
        let text = block.strip_prefix(HEAD.as_bytes()).filter(|_| block.len() == BLOCK_LEN);
        let text =
            std::str::from_utf8(text.ok_or(GrubEnvError::NoBlock)?).map_err(|_| GrubEnvError::NoBlock)?;
        let mut variables = BTreeMap::new();
        let mut line = String::new();
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => line.extend(letters.next()),
                '\n' => {
                    if let Some((name, value)) =
                        line.split_once('=').filter(|(name, _)| !name.starts_with('#'))
                    {
                        variables.insert(name.to_owned(), value.to_owned());
                    }
                    line.clear();
                }
                _ => line.push(letter),
            }
        }
        Ok(Self(variables))
    }

    /// The block, filled up as GRUB does it.
    ///
    /// # Errors
    /// A name cannot be one, or they are too long.
    pub fn block(&self) -> Result<[u8; BLOCK_LEN], GrubEnvError> {
        let mut text = HEAD.to_owned();
        for (name, value) in &self.0 {
            if name.is_empty() || name.contains(['=', '\\', '\n', '#']) {
                return Err(GrubEnvError::Name(name.clone()));
            }
            let value = value.replace('\\', "\\\\").replace('\n', "\\\n");
            text.push_str(&format!("{name}={value}\n"));
        }
        if text.len() > SECTOR {
            return Err(GrubEnvError::TooLong(text.len()));
        }
        let mut block = [b'#'; BLOCK_LEN];
        block[..text.len()].copy_from_slice(text.as_bytes());
        Ok(block)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn read(path: &Path) -> Result<Self, GrubEnvError> {
        Self::parse(&bytes(&mut File::open(path)?)?)
    }
}

/// Changes the block in a file, where it is; durable when this returns. One that is none becomes one: a boot loader that
/// has forgotten everything is no reason not to tell it anything. Returns whether it was one.
///
/// # Errors
/// The file refuses, or the variables do not fit.
pub fn change(path: &Path, change: impl FnOnce(&mut GrubEnv)) -> Result<bool, GrubEnvError> {
    let mut file = File::options().read(true).write(true).open(path)?;
    let before = bytes(&mut file)?;
    let read = GrubEnv::parse(&before);
    let was_one = read.is_ok();
    let mut env = read.unwrap_or_default();
    change(&mut env);
    let block = env.block()?;
    if before != block {
        file.set_len(BLOCK_LEN as u64)?;
        file.write_all_at(&block, 0)?;
        file.sync_all()?;
    }
    Ok(was_one)
}

/// Makes a file with an empty block.
///
/// # Errors
/// There is one, or the disk refuses.
pub fn create(path: &Path) -> Result<(), GrubEnvError> {
    let file = File::create_new(path)?;
    file.write_all_at(&GrubEnv::default().block()?, 0)?;
    Ok(file.sync_all()?)
}

/// A little more than a block has, so that a longer file is known.
fn bytes(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(BLOCK_LEN);
    file.take(BLOCK_LEN as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
