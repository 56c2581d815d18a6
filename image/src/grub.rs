//! grub.cfg: which slot is booted.
//!
//! RAUC writes `ORDER`, `X_OK` and `X_TRY`, and knows of no more. Two variables are this file's own:
//!
//! ```text
//!  PROVEN=X   slot X was marked good: its boots are not counted, so that quick power cycling never leaves it
//!  TRIAL=X    the last boot was one of X that was counted
//! ```
//! `FACTORY_RESET=1` (`kiosk-factory-reset.service`) lets `kiosk-state-reset.service` make the state partition anew. It is taken back
//! before that boot: a block that could not be written must not lose what is sold later.
//!
//! RAUC's `mark-good` and `mark-active` leave the same `X_OK=1 X_TRY=0`. What tells them apart is memory: if the boot
//! before counted X and its count is 0 again, X was marked good. Nothing can be installed into X in between, because X
//! was running. An environment that cannot be read boots the first slot that loads.

use std::fmt::Write as _;

use crate::layout::Layout;

/// Bytes of an environment block; GRUB and RAUC's `grub-editenv` know no other length.
const ENVIRONMENT_LEN: usize = 1024;

/// Seconds that the last word stays on the screen before the machine starts again.
const RESCUE_S: u32 = 60;

/// As a kiosk leaves the works: A has proven itself, nothing is in B.
pub fn environment() -> String {
    let mut text = "# GRUB Environment Block\n".to_owned();
    text.push_str("ORDER=A B\nA_OK=1\nA_TRY=0\nB_OK=0\nB_TRY=0\nPROVEN=A\n");
    let fill = ENVIRONMENT_LEN - text.len();
    text.push_str(&"#".repeat(fill));
    text
}

/// The whole grub.cfg.
pub fn config(layout: &Layout) -> String {
    let mut text = HEAD.to_owned();
    let slots = layout.slots();
    for (slot, images) in &slots {
        let boot = layout.number(&images["boot"].label).unwrap_or_default();
        let root = &images["root"].label;
        text.push_str(&functions(slot, boot, root, layout.tries));
    }
    for slot in slots.keys() {
        _ = write!(
            text,
            "\nif [ \"$TRIAL\" = \"{slot}\" -a \"${slot}_OK\" = \"1\" -a \"${slot}_TRY\" = \"0\" ]; then\n    \
             set PROVEN={slot}\n    set TRIAL=\n    save_env PROVEN TRIAL\nfi\n"
        );
    }
    for (comment, function) in [
        ("The first that may be booted.", "try"),
        ("None may: the counts begin anew, with whatever loads.", "retry"),
    ] {
        _ = write!(text, "\n# {comment}\nfor slot in $ORDER; do\n");
        for slot in slots.keys() {
            _ = writeln!(text, "    if [ \"$slot\" = \"{slot}\" ]; then {function}_{slot}; fi");
        }
        text.push_str("done\n");
    }
    _ = write!(
        text,
        "\necho \"This kiosk has no system that can be started. Please call service. (BOOT-01)\"\n\
         sleep {RESCUE_S}\nreboot\n"
    );
    text
}

const HEAD: &str = "\
# Generated from image/layout.toml; why it is so: image/src/grub.rs.
set timeout=0
regexp --set=1:disk '^([^,]+)' \"$root\"
load_env ORDER A_OK A_TRY B_OK B_TRY PROVEN TRIAL MACHINE_ID FACTORY_RESET
if [ -z \"$ORDER\" ]; then set ORDER=\"A B\"; fi
if [ \"$FACTORY_RESET\" = \"1\" ]; then
    set reset=systemd.factory_reset=1
    set FACTORY_RESET=
    save_env FACTORY_RESET
fi
";

/// `boot_X` loads and starts a slot, and comes back only if that fails. `try_X` does so if the slot may be booted.
fn functions(slot: &str, boot: usize, root: &str, tries: u8) -> String {
    let mut count =
        format!("        if [ -z \"${slot}_TRY\" -o \"${slot}_TRY\" = \"0\" ]; then set {slot}_TRY=1\n");
    for tried in 1..tries {
        _ = writeln!(
            count,
            "        elif [ \"${slot}_TRY\" = \"{tried}\" ]; then set {slot}_TRY={}",
            tried + 1
        );
    }
    format!(
        "
function boot_{slot} {{
    set args=
    source \"($disk,gpt{boot})/slot.cfg\"
    if [ -n \"$args\" ]; then
        if [ -n \"$MACHINE_ID\" ]; then set args=\"$args systemd.machine_id=$MACHINE_ID\"; fi
        if linux \"($disk,gpt{boot})/vmlinuz\" $args $reset kiosk.root={root} rauc.slot={slot}; then
            if initrd \"($disk,gpt{boot})/initrd\"; then boot; fi
        fi
    fi
}}

function try_{slot} {{
    if [ \"${slot}_OK\" = \"0\" ]; then return; fi
    if [ \"$PROVEN\" = \"{slot}\" ]; then
        if [ -n \"$TRIAL\" ]; then
            set TRIAL=
            save_env TRIAL
        fi
    else
{count}        else return; fi
        set TRIAL={slot}
        save_env {slot}_TRY TRIAL
    fi
    boot_{slot}
}}

function retry_{slot} {{
    set {slot}_OK=1
    set {slot}_TRY=1
    set TRIAL={slot}
    save_env {slot}_OK {slot}_TRY TRIAL
    boot_{slot}
}}
"
    )
}
