//! What one client wishes, and what is done about it.

mod bundle;
mod remote;

use std::io;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::config::Config;
use super::kept::{Content, Kept};
use super::slots::{self, Target};
use super::wire::{Message, Reply, Request, State};
use crate::agent::Reason;
use crate::apply::{self, ApplyError, Source};
use crate::block::{BlockDev as _, ReadAt};
use crate::boot::{Booted, ChooserError};
use crate::chooser::Slot;
use crate::kot::{BLOCK, Head};
use crate::release::{Manifest, ReleaseFile, ReleaseImage};
use crate::trust::{Client, TrustError};
use crate::verity;
use remote::{Payload, Remote, Wire};

/// Bytes of the image after which they are flushed and told: what a power cut costs.
const FLUSH_BYTES: u64 = 4 << 20;
/// Time after which they are, on a slow line.
const FLUSH_AFTER: Duration = Duration::from_secs(5);
/// Bytes that are read back between two signs of life.
const TELL_BYTES: u64 = 16 << 20;

/// One client.
pub(super) struct Session<'a> {
    config: &'a Config,
    wire: Wire,
}

/// Why something is not done.
struct Refused {
    reason: Reason,
    why: String,
}

type Result<T> = std::result::Result<T, Refused>;

fn refused(reason: Reason, why: impl Into<String>) -> Refused {
    Refused { reason, why: why.into() }
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        refused(Reason::Io, error.to_string())
    }
}

impl From<ChooserError> for Refused {
    fn from(error: ChooserError) -> Self {
        refused(Reason::Io, chain(&error))
    }
}

impl From<ApplyError> for Refused {
    fn from(error: ApplyError) -> Self {
        let reason = match &error {
            ApplyError::Format(_) => Reason::Signature,
            ApplyError::Payload(_) | ApplyError::Chunk(_) => Reason::Source,
            ApplyError::NoSeed | ApplyError::Target(_) => Reason::Io,
            ApplyError::NoRoom { .. } => Reason::NoSpace,
        };
        refused(reason, chain(&error))
    }
}

impl From<TrustError> for Refused {
    fn from(error: TrustError) -> Self {
        let reason = match &error {
            TrustError::Expired { .. } => Reason::Expired,
            TrustError::Fetch { .. } | TrustError::Missing(_) => Reason::Source,
            TrustError::Keep { .. } => Reason::Io,
            TrustError::Malformed { .. }
            | TrustError::Signatures { .. }
            | TrustError::Rollback { .. }
            | TrustError::Other { .. }
            | TrustError::TooLarge { .. }
            | TrustError::NoTarget(_) => Reason::Signature,
        };
        refused(reason, chain(&error))
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// An image of a release, where it goes, and the file that it is made from.
struct Part<'a> {
    image: &'a ReleaseImage,
    file: &'a ReleaseFile,
    path: PathBuf,
    seed: PathBuf,
}

impl<'a> Session<'a> {
    pub(super) fn new(config: &'a Config, stream: UnixStream) -> Self {
        Self { config, wire: Wire::new(stream) }
    }

    /// Until the client goes.
    ///
    /// # Errors
    /// It goes in the middle of something, or says what cannot be understood.
    pub(super) fn run(&self) -> io::Result<()> {
        loop {
            let request = match self.wire.receive() {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                message => match message? {
                    Message::Words(request) => request,
                    Message::Bytes(_) => return Err(io::Error::other("bytes that nobody asked for")),
                },
            };
            let reply = self.obey(&request).unwrap_or_else(|Refused { reason, why }| {
                eprintln!("kiosk-slot-writer: {request:?}: {reason:?}: {why}");
                Reply::Failed { reason, why }
            });
            self.wire.tell(reply)?;
        }
    }

    fn obey(&self, request: &Request) -> Result<Reply> {
        let kept = Kept::open(&self.config.state)?;
        match request {
            Request::State => self.state(&kept).map(Reply::State),
            Request::Believe { release } => self.believe(&kept, *release),
            Request::Bundle { path } => self.bundle(&kept, path),
            Request::InstallBundle { slot, release, path } => {
                self.install_bundle(&kept, *slot, *release, path)
            }
            Request::Write { slot, release, from } => self.write(&kept, *slot, *release, *from),
            Request::ReadBack { slot, release } => self.read_back(&kept, *slot, *release),
            Request::Activate { slot, release } => self.activate(&kept, *slot, *release),
            Request::MarkGood => {
                let mut chooser = self.config.chooser()?;
                let running = chooser.booted()?.slot;
                chooser.mark_good(running)?;
                self.settle_floor(&kept)?;
                Ok(Reply::Done)
            }
            Request::MarkBad => {
                let mut chooser = self.config.chooser()?;
                let Booted { slot, good, .. } = chooser.booted()?;
                if good {
                    return Err(refused(Reason::Io, "the running slot has proven itself"));
                }
                chooser.mark_bad(slot)?;
                Ok(Reply::Done)
            }
            Request::Missing => Err(refused(Reason::Io, "nothing was asked for")),
        }
    }

    fn state(&self, kept: &Kept) -> Result<State> {
        let Booted { slot, good, primary } = self.config.chooser()?.booted()?;
        let (release, version) = self.config.running()?;
        let boot = std::fs::read_to_string(&self.config.boot_id)?.trim().to_owned();
        let built_s = kept.floor()?.built_s;
        let model = self.config.model.clone();
        Ok(State { model, slot, release, version, good, primary, boot, built_s })
    }

    /// The floor of a release counts from when it has proven itself.
    fn settle_floor(&self, kept: &Kept) -> Result<u64> {
        let (running, _) = self.config.running()?;
        if let Some(manifest) = kept.manifest(running).filter(|it| it.floor > 0)
            && self.config.chooser()?.booted()?.good
        {
            kept.raise(manifest.floor, 0)?;
        }
        Ok(kept.floor()?.release)
    }

    fn believe(&self, kept: &Kept, release: u64) -> Result<Reply> {
        self.allowed(kept, release)?;
        let (running, _) = self.config.running()?;
        let now_s = jiff::Timestamp::now().as_second().max(kept.floor()?.built_s);
        let mut metadata = Remote { wire: &self.wire, folder: "metadata" };
        let client = Client::refresh(&kept.trust(&self.config.root)?, &mut metadata, now_s)?;
        let manifest = self.signed(&client, release)?;
        self.check(&manifest, release, running)?;
        let before = match self.signed(&client, running) {
            // Deltas need what is said of the running release; without it the whole image will do.
            Err(Refused { reason: Reason::Signature, .. }) => kept.manifest(running),
            signed => Some(signed?),
        };
        // A maker whose clock was years ahead must not make all metadata old for good.
        let built_s = i64::try_from(manifest.built).unwrap_or(0).min(client.fresh_until_s());
        kept.raise(0, built_s)?;
        let reply = Reply::Believed { floor: manifest.floor, version: manifest.version.clone() };
        kept.keep_manifests(&before.into_iter().chain([manifest]).collect::<Vec<_>>())?;
        Ok(reply)
    }

    fn signed(&self, client: &Client, release: u64) -> Result<Manifest> {
        let name = Manifest::name_of(&self.config.model, release);
        let bytes = client.fetch(&name, &mut Remote { wire: &self.wire, folder: "targets" })?;
        Manifest::parse(&bytes).map_err(|error| refused(Reason::Signature, chain(&error)))
    }

    fn check(&self, manifest: &Manifest, release: u64, running: u64) -> Result<()> {
        let (model, arch) = (&self.config.model, &self.config.arch);
        if manifest.model != *model || manifest.arch != *arch {
            let (other, their) = (&manifest.model, &manifest.arch);
            let why = format!("it is for {other} on {their}, this is {model} on {arch}");
            return Err(refused(Reason::WrongModel, why));
        }
        if manifest.release != release {
            return Err(refused(Reason::Signature, "its manifest says another number"));
        }
        if running < manifest.min_from {
            let why = format!("only from {} on, this is {running}", manifest.min_from);
            return Err(refused(Reason::WrongModel, why));
        }
        let slots = self.config.slots[&Slot::A].keys();
        let images: Vec<&String> = manifest.images.iter().map(|image| &image.slot).collect();
        if slots.len() != images.len() || !slots.into_iter().all(|slot| images.contains(&slot)) {
            return Err(refused(Reason::WrongModel, "it has other images than a slot has here"));
        }
        Ok(())
    }

    /// What a release puts where. The file follows from what runs alone, so that an attempt that goes on reads the
    /// same one.
    fn parts<'m>(&self, kept: &Kept, manifest: &'m Manifest, slot: Slot) -> Result<Vec<Part<'m>>> {
        let (running, _) = self.config.running()?;
        let running = kept.manifest(running);
        let part = |image: &'m ReleaseImage| {
            let before = running.iter().flat_map(|it| &it.images).find(|it| it.slot == image.slot);
            let usable = |file: &&ReleaseFile| {
                file.seed_sha256.is_none_or(|seed| before.is_some_and(|image| image.sha256 == seed))
            };
            let file = image.files.iter().filter(usable).min_by_key(|file| file.length);
            let file = file.ok_or_else(|| refused(Reason::Signature, "there is no file to make it from"))?;
            let path = |slot: Slot| self.config.slots[&slot][&image.slot].clone();
            Ok(Part { image, file, path: path(slot), seed: path(slot.other()) })
        };
        manifest.images.iter().map(part).collect()
    }

    /// The floor may have risen since the release was believed.
    fn allowed(&self, kept: &Kept, release: u64) -> Result<()> {
        let floor = self.settle_floor(kept)?;
        if release < floor {
            return Err(refused(Reason::Floor, format!("{floor} is the lowest that is allowed here")));
        }
        Ok(())
    }

    /// The slot that may be written, and what is to be in it.
    fn inactive(&self, kept: &Kept, slot: Slot, release: u64) -> Result<Manifest> {
        self.not_running(slot)?;
        self.allowed(kept, release)?;
        let manifest = kept.manifest(release);
        manifest.ok_or_else(|| refused(Reason::Signature, "this release was not believed here"))
    }

    /// The slot that runs, unless it is this one.
    fn not_running(&self, slot: Slot) -> Result<Slot> {
        let running = self.config.chooser()?.booted()?.slot;
        if running == slot {
            return Err(refused(Reason::Io, format!("slot {slot:?} is running")));
        }
        Ok(running)
    }

    fn write(&self, kept: &Kept, slot: Slot, release: u64, from: usize) -> Result<Reply> {
        let manifest = self.inactive(kept, slot, release)?;
        let parts = self.parts(kept, &manifest, slot)?;
        let mut targets = Vec::new();
        for part in &parts {
            let target = Target::open(&part.path)
                .map_err(|error| refused(Reason::Io, format!("{}: {error}", part.path.display())))?;
            let (wanted, room) = (room(part.image), target.len()?);
            if room < wanted {
                return Err(ApplyError::NoRoom { wanted, room }.into());
            }
            targets.push(target);
        }
        self.config.chooser()?.mark_bad(slot)?;
        let heads = parts.iter().map(|part| part.file.head_sha256).collect();
        let content = Content { release, heads, bundle: None, proven: false };
        let before = kept.content(slot);
        let goes_on = before.release == release && before.heads == content.heads;
        kept.set_content(slot, &content)?;
        let from = if goes_on { from } else { 0 };
        let heads = parts.iter().map(|part| self.head(kept, part.file)).collect::<Result<Vec<_>>>()?;
        let of = heads.iter().map(|head| head.header.ops as usize).sum();
        let mut before = 0;
        for ((part, head), target) in parts.iter().zip(&heads).zip(&mut targets) {
            let ops = head.header.ops as usize;
            let first = from.saturating_sub(before).min(ops);
            self.apply(part, head, target, (first, before, of))?;
            before += ops;
            self.wire.tell(Reply::Flushed { done: before, of })?;
        }
        Ok(Reply::Done)
    }

    /// Applies one file from its operation `first` on; `before` operations of other files were before it.
    fn apply(
        &self,
        part: &Part<'_>,
        head: &Head,
        target: &mut Target,
        (first, before, of): (usize, usize, usize),
    ) -> Result<()> {
        let seed = match part.file.seed_sha256 {
            Some(_) => Some(slots::seed(&part.seed)?),
            None => None,
        };
        let payload = Payload::new(&self.wire, &part.file.path, head, head.header.payload);
        let source = Source { head, seed: seed.as_ref().map(|seed| seed as &dyn ReadAt), payload: &payload };
        let mut sizes = head.ops.iter().skip(first).map(|placed| u64::from(placed.blocks) * BLOCK);
        let (mut unflushed, mut flushed_at) = (0, Instant::now());
        apply::apply(&source, target, first, &mut |done, device| {
            unflushed += sizes.next().unwrap_or(0);
            if unflushed >= FLUSH_BYTES || flushed_at.elapsed() >= FLUSH_AFTER {
                device.flush()?;
                (unflushed, flushed_at) = (0, Instant::now());
                self.wire.tell(Reply::Flushed { done: before + done, of })?;
            }
            Ok(())
        })?;
        Ok(())
    }

    fn head(&self, kept: &Kept, file: &ReleaseFile) -> Result<Head> {
        let bytes = match kept.head(file.head_sha256) {
            Some(bytes) => bytes,
            None => {
                let bytes = self.wire.head(file)?;
                kept.keep_head(file.head_sha256, &bytes)?;
                bytes
            }
        };
        Ok(Head::parse(&bytes).map_err(ApplyError::from)?)
    }

    fn read_back(&self, kept: &Kept, slot: Slot, release: u64) -> Result<Reply> {
        self.not_running(slot)?;
        self.allowed(kept, release)?;
        let mut content = kept.content(slot);
        if content.release != release {
            return Err(refused(Reason::Io, "this release was not written there"));
        }
        content.proven = false;
        kept.set_content(slot, &content)?;
        match &content.bundle {
            Some(images) => self.read_bundle_back(slot, images)?,
            None => self.read_files_back(kept, slot, release)?,
        }
        content.proven = true;
        kept.set_content(slot, &content)?;
        Ok(Reply::Done)
    }

    fn read_files_back(&self, kept: &Kept, slot: Slot, release: u64) -> Result<()> {
        let manifest = self.inactive(kept, slot, release)?;
        for part in self.parts(kept, &manifest, slot)? {
            let mut target = Target::open(&part.path)?;
            let head = self.head(kept, part.file)?;
            if self.prove(&part, &head, &mut target)? {
                continue;
            }
            let full = part.image.files.iter().find(|file| file.seed_sha256.is_none());
            let full = full.ok_or_else(|| refused(Reason::Io, "it cannot be repaired"))?;
            self.repair(kept, &part, full, &mut target)?;
        }
        Ok(())
    }

    fn repair(&self, kept: &Kept, part: &Part<'_>, full: &ReleaseFile, target: &mut Target) -> Result<()> {
        let head = self.head(kept, full)?;
        let wrong = apply::wrong(&head, target)?;
        let payload = Payload::new(&self.wire, &full.path, &head, crate::kot::RUN_MAX);
        apply::repair(&Source { head: &head, seed: None, payload: &payload }, target, &wrong)?;
        if self.prove(part, &head, target)? {
            return Ok(());
        }
        Err(refused(Reason::Io, format!("{} does not keep what is written", part.path.display())))
    }

    /// Whether an image is what was signed, as the device gives it back; makes its hash tree on the way.
    fn prove(&self, part: &Part<'_>, head: &Head, target: &mut Target) -> Result<bool> {
        target.flush()?;
        target.forget_cached()?;
        let image = part.image;
        if head.header.target_sha256 != image.sha256.0 || head.header.target_size != image.size {
            return Err(refused(Reason::Signature, "the file is of another image"));
        }
        let progress = &mut self.progress(image.size);
        let Some(verity) = image.verity else {
            return Ok(apply::read_back(image.size, target, progress)? == image.sha256.0);
        };
        let blocks = image.size / BLOCK;
        let root = verity::build(target, blocks, image.size, &verity.salt.0, progress)?;
        target.flush()?;
        Ok(root == verity.root_hash.0)
    }

    /// Tells the client now and then how many of so many bytes were read back.
    fn progress(&self, size: u64) -> impl FnMut(u64) {
        let mut told = 0;
        move |read| {
            if read - told >= TELL_BYTES {
                told = read;
                let percent = u8::try_from(read * 100 / size).unwrap_or(100);
                // A client that is gone is noticed at the end.
                self.wire.tell(Reply::Working { percent }).ok();
            }
        }
    }

    fn activate(&self, kept: &Kept, slot: Slot, release: u64) -> Result<Reply> {
        self.not_running(slot)?;
        self.allowed(kept, release)?;
        let content = kept.content(slot);
        if content.release != release || !content.proven {
            return Err(refused(Reason::Io, "what is in this slot was not read back"));
        }
        let mut chooser = self.config.chooser()?;
        chooser.activate(slot)?;
        if chooser.booted()?.primary == slot {
            Ok(Reply::Done)
        } else {
            Err(refused(Reason::Io, "the boot chooser does not keep it"))
        }
    }
}

/// Bytes of an image with its hash tree.
fn room(image: &ReleaseImage) -> u64 {
    image.size + image.verity.map_or(0, |_| verity::tree_length(image.size / BLOCK))
}
