//! The `.kot` file: a head, then the payload. Everything is little-endian. `docs/kot-format.md` has the tables.

mod head;
mod header;
mod ops;
mod patch;

pub use head::Head;
pub use header::Header;
pub(crate) use header::chunk_size_for;
pub use ops::{Image, Op, OpTable, Placed};
pub(crate) use patch::{Patch, Step, store};

/// Bytes of a block: the unit of copies. That of ext4, of dm-verity and of a memory page.
pub const BLOCK: u64 = 4096;

/// The same, for lengths in memory.
pub(crate) const BLOCK_LEN: usize = 4096;

/// Bytes of the result that one hash of a file from nothing proves: what a bad block costs when it is fetched again.
pub const SEGMENT: u64 = 1 << 20;

/// Most bytes of one run, before it is compressed: the decoder holds one.
pub const RUN_MAX: u64 = 1 << 20;

/// Most bytes that one patch makes: what is done again after a power cut.
pub(crate) const PATCH_MAX: u64 = 8 << 20;

/// Most bytes of a patch in the payload: the decoder holds one.
pub(crate) const STORED_MAX: u64 = 2 << 20;

/// The same in blocks.
pub(crate) const SEGMENT_BLOCKS: u32 = 256;
pub(crate) const PATCH_BLOCKS: u32 = 2048;
const _: () = assert!(
    SEGMENT == SEGMENT_BLOCKS as u64 * BLOCK
        && RUN_MAX == SEGMENT
        && PATCH_MAX == PATCH_BLOCKS as u64 * BLOCK
);

/// Largest image. Slots of kiosks have a few GB; the tables of a larger one would not fit a small device.
pub const IMAGE_MAX: u64 = 8 << 30;

/// Why a head is refused. Nothing of it was used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FormatError {
    /// It is something else.
    #[error("this is no .kot file")]
    Magic,
    /// Of a later version of the format.
    #[error("version {0} of the format is not known here")]
    Version(u16),
    /// A flag or reserved byte that has no meaning here.
    #[error("the header has {0} set, which is not known here")]
    Unknown(&'static str),
    /// A number beyond its limit.
    #[error("the {what} of {found} is not allowed: {allowed}")]
    Limit {
        /// Which number.
        what: &'static str,
        /// What it is.
        found: u64,
        /// What would be allowed.
        allowed: String,
    },
    /// It ends too early, or goes on.
    #[error("{found} bytes, the header announces {wanted}")]
    Length {
        /// As announced.
        wanted: u64,
        /// As there.
        found: u64,
    },
    /// The table of operations cannot be decompressed to its length.
    #[error("the table of operations is damaged")]
    Ops,
    /// An operation that must not be.
    #[error("operation {index}: {why}")]
    Op {
        /// Which, from 0.
        index: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// The operations do not add up to what the header says.
    #[error("the operations make {found} {what}, the header says {wanted}")]
    Sum {
        /// Of what.
        what: &'static str,
        /// By the header.
        wanted: u64,
        /// By the operations.
        found: u64,
    },
}

fn limit(what: &'static str, found: u64, allowed: impl Into<String>) -> FormatError {
    FormatError::Limit { what, found, allowed: allowed.into() }
}
