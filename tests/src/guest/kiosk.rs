//! A guest that is started again and again, and a shell in it.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use image::console::Console;
use image::vm::{Guest, Options};

/// For an answer of the guest's shell; copying a slot takes the longest.
const ANSWER_WITHIN: Duration = Duration::from_secs(240);

/// How long a proof may take after the start.
const PROOF_WITHIN: Duration = Duration::from_secs(120);

/// Starts of a release on trial, as `image/layout.toml` has it.
pub(super) const TRIES: u32 = 3;

/// One shell line that lists what GRUB remembers.
const GRUB_MEMORY: &str = "grub-editenv /efi/EFI/BOOT/grubenv list";

/// A kiosk that has come up.
pub(super) struct Kiosk<'a> {
    options: &'a Options,
    guest: Guest,
    pub(super) console: Console,
    /// Starts that ended with another one before this.
    pub(super) failed: u32,
}

impl<'a> Kiosk<'a> {
    pub(super) fn start(options: &'a Options) -> anyhow::Result<Self> {
        let guest = Guest::start(options)?;
        Self::up(options, guest)
    }

    /// Waits until one of the starts leads to a shell.
    fn up(options: &'a Options, mut guest: Guest) -> anyhow::Result<Self> {
        let mut failed = 0;
        loop {
            let started = Instant::now();
            if let Some(console) = guest.comes_up(Duration::from_secs(options.limit_s))? {
                println!("  up after {:.0} s", started.elapsed().as_secs_f32());
                return Ok(Self { options, guest, console, failed });
            }
            failed += 1;
            println!("  a start failed after {:.0} s", started.elapsed().as_secs_f32());
            anyhow::ensure!(failed <= 2 * TRIES, "no start leads anywhere");
            guest.again(options)?;
        }
    }

    pub(super) fn restart_into_the_other_slot(mut self) -> anyhow::Result<Self> {
        self.says("rauc status mark-active other")?;
        self.console.send("systemctl reboot")?;
        self.guest.wait(ANSWER_WITHIN)?;
        self.again()
    }

    /// Whether it has powered off, or wants to start again.
    pub(super) fn is_down(&mut self) -> anyhow::Result<bool> {
        Ok(!self.guest.is_running()?)
    }

    /// Starts it again, with the disk as it is.
    pub(super) fn again(mut self) -> anyhow::Result<Self> {
        self.guest.again(self.options)?;
        Self::up(self.options, self.guest)
    }

    pub(super) fn runs(&mut self, slot: &str) -> anyhow::Result<()> {
        let line = self.says("tr ' ' '\\n' </proc/cmdline | sed -n 's/^rauc.slot=//p'")?;
        anyhow::ensure!(line == slot, "slot {line} runs instead of {slot}");
        Ok(())
    }

    pub(super) fn runs_release(&mut self, number: u64) -> anyhow::Result<()> {
        let release = self.says("cat /usr/lib/kiosk/release")?;
        anyhow::ensure!(release.starts_with(&format!("{number} ")), "release {release:?} runs, not {number}");
        Ok(())
    }

    pub(super) fn is_proven(&mut self, slot: &str) -> anyhow::Result<()> {
        let proven = format!("{slot}_OK=1");
        let until = Instant::now() + PROOF_WITHIN;
        loop {
            let memory = self.says(GRUB_MEMORY)?;
            let on_trial = memory.lines().any(|line| line == format!("{slot}_TRY=0"));
            if memory.lines().any(|line| line == proven) && on_trial {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < until, "slot {slot} is not marked good: {memory}");
            std::thread::sleep(Duration::from_secs(2));
        }
    }

    pub(super) fn says(&mut self, command: &str) -> anyhow::Result<String> {
        self.console.run(command, ANSWER_WITHIN).with_context(|| command.to_owned())
    }

    pub(super) fn end(mut self) -> anyhow::Result<()> {
        self.console.send("systemctl poweroff")?;
        self.guest.wait(ANSWER_WITHIN)
    }
}
