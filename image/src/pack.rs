//! What a disk is handed out as: compressed, for virtual machines, with what is in it, and signed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use clap::Args;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;

use crate::run::{self, step};
use crate::sbom;

/// Before the 32 bytes of an Ed25519 key in a `SubjectPublicKeyInfo` (RFC 8410, 4).
const PUBLIC_KEY_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// What may be chosen of handing out.
#[derive(Args, Clone, Debug, Default)]
pub struct Packing {
    /// Also what is handed out: the disk compressed with its block map, a qcow2, SPDX, licences, checksums.
    #[arg(long)]
    pub pack: bool,
    /// The private key, as `kiosk-ota keys new` makes it, that signs the checksums.
    #[arg(long, value_name = "FILE", requires = "pack")]
    pub sign: Option<PathBuf>,
    /// Also a list for Raspberry Pi Imager; the compressed disk will be below this address.
    #[arg(long, value_name = "URL", requires = "pack")]
    pub imager: Option<String>,
}

/// What is packed.
pub struct Disk<'a> {
    /// The whole disk.
    pub img: &'a Path,
    /// The files of its root.
    pub tree: &'a Path,
    /// Debian's packages: name, version, source and its version a line.
    pub packages: &'a Path,
    /// Where the sources are.
    pub checkout: &'a Path,
    /// Which Debian.
    pub suite: &'a str,
    /// Name of the release.
    pub name: &'a str,
}

impl Disk<'_> {
    fn with(&self, end: &str) -> PathBuf {
        PathBuf::from(format!("{}.{end}", self.img.display()))
    }

    /// Makes everything beside the disk.
    ///
    /// # Errors
    /// A tool is missing, or the key is none.
    pub fn pack(&self, options: &Packing) -> anyhow::Result<()> {
        // A key that is none is not found out about after minutes of compressing.
        let key = options.sign.as_deref().map(read_key).transpose()?;
        let (zst, bmap) = (self.with("zst"), self.with("bmap"));
        let qcow2 = self.img.with_extension("qcow2");
        step("what is in it", || sbom::write(self))?;
        step("compressed", || {
            run::quietly(
                Command::new("zstd").args(["-q", "-T0", "-19", "-f", "-o"]).arg(&zst).arg(self.img),
            )?;
            run::quietly(Command::new("bmaptool").args(["-q", "create", "-o"]).arg(&bmap).arg(self.img))
        })?;
        step("for virtual machines", || {
            let mut convert = Command::new("qemu-img");
            convert.args(["convert", "-q", "-c", "-f", "raw", "-O", "qcow2"]);
            run::quietly(convert.arg(self.img).arg(&qcow2))
        })?;
        let mut made = vec![self.img.to_owned(), zst, bmap, qcow2, self.spdx(), self.licences()];
        if let Some(url) = &options.imager {
            made.push(self.imager(url, &made[0], &made[1])?);
        }
        let mut sums = String::new();
        for path in &made {
            sums.push_str(&format!("{}  {}\n", sha256(path)?, name_of(path)));
        }
        run::write(&self.with("sha256"), &sums)?;
        if let Some(key) = key {
            run::write(&self.with("sha256.sig"), key.sign(sums.as_bytes()))?;
            run::write(&self.with("signer.pem"), public_pem(&key))?;
        }
        Ok(())
    }

    /// Where the list of what is in it goes.
    pub(crate) fn spdx(&self) -> PathBuf {
        self.img.with_extension("spdx.json")
    }

    /// Where the texts of licences go.
    pub(crate) fn licences(&self) -> PathBuf {
        self.img.with_extension("licences.txt")
    }

    /// A list of one system, as Raspberry Pi Imager takes it for a repository
    /// (<https://github.com/raspberrypi/rpi-imager>, `doc/json-schema/os-list-schema.json`).
    fn imager(&self, url: &str, img: &Path, zst: &Path) -> anyhow::Result<PathBuf> {
        let system = json!({
            "name": format!("kioskd {}", self.name),
            "description": "Self-service kiosk for x86-64",
            "url": format!("{}/{}", url.trim_end_matches('/'), name_of(zst)),
            "extract_size": fs::metadata(img)?.len(),
            "extract_sha256": sha256(img)?,
            "image_download_size": fs::metadata(zst)?.len(),
            "image_download_sha256": sha256(zst)?,
            "release_date": sbom::time()?.strftime("%Y-%m-%d").to_string(),
        });
        let path = self.img.with_extension("imager.json");
        run::write(&path, format!("{:#}\n", json!({ "os_list": [system] })))?;
        Ok(path)
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn sha256(path: &Path) -> anyhow::Result<String> {
    let sum = run::output(Command::new("sha256sum").arg("--").arg(path))?;
    Ok(sum.split(' ').next().unwrap_or_default().to_owned())
}

fn read_key(path: &Path) -> anyhow::Result<Ed25519KeyPair> {
    let text = fs::read(path).with_context(|| path.display().to_string())?;
    let none = || format!("{} is no private key of kiosk-ota", path.display());
    let pem = pem::parse(text).with_context(none)?;
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(pem.contents()).ok().with_context(none)
}

/// As OpenSSL reads it.
fn public_pem(key: &Ed25519KeyPair) -> String {
    let spki = [&PUBLIC_KEY_HEAD, key.public_key().as_ref()].concat();
    pem::encode_config(
        &pem::Pem::new("PUBLIC KEY", spki),
        pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF),
    )
}
