//! The system image: Debian's packages, our programs and units, one description of the disk.
//!
//! `layout.toml` ─► [`generate`] ─► what systemd-repart, GRUB, RAUC, the slot writer and fstab need to know
//! `packages.list` ─► [`tree`] (kept) ─► [`install`] ─► [`slot`] + [`initrd`] + [`esp`] ─► [`disk`]

pub mod build;
pub mod check;
pub mod console;
mod debian;
pub mod disk;
pub mod esp;
pub mod generate;
pub mod grub;
pub mod initrd;
pub mod install;
pub mod layout;
pub mod modules;
pub mod pack;
pub mod qmp;
pub mod run;
mod sbom;
pub mod slot;
pub mod tree;
pub mod vm;

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
