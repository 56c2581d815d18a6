//! What a kiosk that has just started must be, seen from inside.

use std::time::Duration;

use crate::console::Console;

/// For one question. Under software emulation a guest is slow.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// A question to the guest: what is looked at, a command, and what it must print.
const QUESTIONS: &[(&str, &str, &str)] = &[
    ("units that failed", "systemctl list-units --failed --plain --no-legend", ""),
    ("kioskd", "systemctl show -P ActiveState kioskd", "active"),
    ("starts of kioskd beyond the first", "systemctl show -P NRestarts kioskd", "0"),
    ("the recogniser's socket", "systemctl show -P ActiveState kiosk-asr.socket", "active"),
    ("first frame", "journalctl -b -u kioskd -o cat --no-pager | grep -c '^first frame shown$'", "1"),
    ("proof of health", "systemctl show -P ActiveState kiosk-health", "active"),
    ("boot-complete.target", "systemctl show -P ActiveState boot-complete.target", "active"),
    (
        "the running slot",
        "rauc status --output-format=shell | sed -n 's/^RAUC_SYSTEM_BOOTED_BOOTNAME=//p'",
        "'A'",
    ),
    ("the root's proof", "dmsetup status root | cut -d' ' -f4", "V"),
    ("writing to the root", "touch /usr/x 2>/dev/null && echo possible", ""),
    ("the state", "findmnt -no SOURCE,FSTYPE /var | tr -s ' '", "/dev/vda6 ext4"),
    (
        "the machine's id at the boot loader",
        "[ \"$(grub-editenv /efi/EFI/BOOT/grubenv list | sed -n 's/^MACHINE_ID=//p')\" = \"$(cat /etc/machine-id)\" ] && echo kept",
        "kept",
    ),
    ("a login on the screen", "systemctl list-units --plain --no-legend 'getty@*' 'autovt@*'", ""),
    ("the system request key", "cat /proc/sys/kernel/sysrq", "0"),
    (
        "who may drive RAUC",
        "setpriv --reuid kioskd --regid kioskd --clear-groups busctl get-property de.pengutronix.rauc / de.pengutronix.rauc.Installer BootSlot 2>/dev/null && echo kioskd",
        "",
    ),
];

/// Figures that are worth knowing. They are of this machine, and no measure of a kiosk under software emulation.
const FIGURES: &[(&str, &str)] = &[
    ("start", "systemd-analyze | head -n 1"),
    (
        "kioskd, from its start to its first frame, ms",
        "eval $(systemctl show -p InactiveExitTimestampMonotonic -p ActiveEnterTimestampMonotonic kioskd); \
         echo $(( (ActiveEnterTimestampMonotonic - InactiveExitTimestampMonotonic) / 1000 ))",
    ),
    (
        "memory in use, MiB",
        "awk '/^MemTotal/ {t = $2} /^MemAvailable/ {a = $2} END {print int((t - a) / 1024)}' /proc/meminfo",
    ),
    ("memory of kioskd, MiB", "echo $(( $(systemctl show -P MemoryCurrent kioskd) / 1048576 ))"),
    ("processor time of kioskd, ms", "echo $(( $(systemctl show -P CPUUsageNSec kioskd) / 1000000 ))"),
    ("kernel modules", "wc -l </proc/modules"),
];

/// Asks everything; returns what is not as it must be.
///
/// # Errors
/// The guest does not answer.
pub fn look(console: &mut Console, state: &str, limit: Duration) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    if state != "running" {
        found.push(format!("the system is {state}, not running"));
    }
    let limit = limit.min(ANSWER_WITHIN).max(Duration::from_secs(20));
    for (what, command, wanted) in QUESTIONS {
        let said = console.run(command, limit)?;
        if said == *wanted {
            eprintln!("✓ {what}");
        } else {
            found.push(format!("{what}: {said:?} instead of {wanted:?}"));
        }
    }
    for (what, command) in FIGURES {
        eprintln!("  {what}: {}", console.run(command, limit)?);
    }
    Ok(found)
}
