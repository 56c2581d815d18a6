//! Whole bundles of RAUC, from a file of this machine. RAUC proves and writes them; what it has written is read back
//! here, as everything else that is activated.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Kept, Refused, Reply, Result, Session, Target, chain, refused};
use crate::agent::Reason;
use crate::apply;
use crate::boot::{Bundle, BundleError, Written};
use crate::chooser::Slot;
use crate::writer::kept::Content;

impl From<BundleError> for Refused {
    fn from(error: BundleError) -> Self {
        let reason = match &error {
            BundleError::Unbelieved(_) | BundleError::Unnumbered(_) => Reason::Signature,
            BundleError::Foreign { .. } | BundleError::NoInstaller => Reason::WrongModel,
            BundleError::Rauc(_) | BundleError::Failed(_) | BundleError::Untold(_) => Reason::Io,
        };
        refused(reason, chain(&error))
    }
}

impl Session<'_> {
    pub(super) fn bundle(&self, kept: &Kept, path: &Path) -> Result<Reply> {
        let Bundle { release, version } = self.believed_bundle(kept, path)?;
        Ok(Reply::Bundle { release, version })
    }

    fn believed_bundle(&self, kept: &Kept, path: &Path) -> Result<Bundle> {
        let floor = self.settle_floor(kept)?;
        // A pipe would hold RAUC up for ever.
        let is_file = path.is_absolute() && path.metadata().is_ok_and(|it| it.is_file());
        if !is_file {
            return Err(refused(Reason::Source, format!("{} is no file", path.display())));
        }
        let bundle = self.config.chooser()?.bundle(path)?;
        if bundle.release < floor {
            let why = format!("release {}: {floor} is the lowest that is allowed here", bundle.release);
            return Err(refused(Reason::Floor, why));
        }
        Ok(bundle)
    }

    pub(super) fn install_bundle(&self, kept: &Kept, slot: Slot, release: u64, path: &Path) -> Result<Reply> {
        let running = self.not_running(slot)?;
        let bundle = self.believed_bundle(kept, path)?;
        if bundle.release != release {
            return Err(refused(Reason::Signature, format!("it is release {} now", bundle.release)));
        }
        let mut chooser = self.config.chooser()?;
        chooser.mark_bad(slot)?;
        kept.set_content(slot, &Content { release, ..Content::default() })?;
        // A client that is gone is noticed at the end.
        chooser.install(path, &mut |percent| drop(self.wire.tell(Reply::Working { percent })))?;
        if chooser.booted()?.primary == slot {
            // When the kiosk restarts, and into what, is not RAUC's to say.
            chooser.activate(running)?;
            chooser.mark_good(running)?;
        }
        let images = &self.config.slots[&slot];
        let written = images.iter().map(|(name, path)| Ok((name.clone(), chooser.written(path, &bundle)?)));
        let written = written.collect::<Result<BTreeMap<_, _>>>()?;
        kept.set_content(slot, &Content { release, bundle: Some(written), ..Content::default() })?;
        Ok(Reply::Done)
    }

    /// Whether the slot holds what RAUC says that it has written.
    pub(super) fn read_bundle_back(&self, slot: Slot, images: &BTreeMap<String, Written>) -> Result<()> {
        for (name, path) in &self.config.slots[&slot] {
            let written = images.get(name).ok_or_else(|| refused(Reason::Io, "an image was not written"))?;
            let target = Target::open(path)?;
            target.forget_cached()?;
            let sha256 = apply::read_back(written.size, &target, &mut self.progress(written.size))?;
            if sha256 != written.sha256.0 {
                let why = format!("{} does not keep what is written", path.display());
                return Err(refused(Reason::Io, why));
            }
        }
        Ok(())
    }
}
