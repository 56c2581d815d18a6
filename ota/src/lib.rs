//! Releases: how they are made, and how they come into a slot.
//!
//! ```text
//!  old image ─┐                                    seed slot ─┐
//!             ├─► build ─► head │ payload  ══════►  apply ────┴─► target slot ─► read back
//!  new image ─┘            (.kot file)
//! ```
//! A `.kot` file says for every block of an image where it comes from: zero, a copy of a block of the old image,
//! or a run that is in the payload, as a patch of pieces of the old image. Its head is pinned by its
//! hash; the head pins every piece of the payload and every MiB of the result. The format: `docs/kot-format.md`.

pub mod agent;
pub mod apply;
pub mod block;
pub mod boot;
pub mod build;
pub mod chooser;
mod files;
pub mod grubenv;
pub mod kot;
pub mod orders;
pub mod record;
pub mod release;
pub mod repository;
pub mod trust;
pub mod verity;
pub mod writer;

/// SHA-256.
pub type Hash = [u8; 32];

/// SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> Hash {
    finish(digest_of(bytes))
}

fn digest_of(bytes: &[u8]) -> ring::digest::Context {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    context.update(bytes);
    context
}

pub(crate) fn finish(context: ring::digest::Context) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// SHA-256 of all that can be read.
///
/// # Errors
/// It cannot be read.
pub fn sha256_of(from: &mut dyn std::io::Read) -> std::io::Result<Hash> {
    let mut context = digest_of(&[]);
    let mut piece = vec![0; 1 << 16];
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(finish(context)),
            length => context.update(&piece[..length]),
        }
    }
}
