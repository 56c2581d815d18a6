SUMMARY = "A release of a kiosk as a RAUC bundle"
DESCRIPTION = "Both images of a slot, signed. RAUC_KEY_FILE and RAUC_CERT_FILE name by whom."
LICENSE = "GPL-3.0-only"

SRC_URI = ""

inherit bundle kiosk_layout features_check

REQUIRED_DISTRO_FEATURES = "kiosk rauc"

KIOSK_BUNDLE_IMAGE ?= "kiosk-image"

RAUC_BUNDLE_COMPATIBLE = "kiosk-${KIOSK_MODEL}"
RAUC_BUNDLE_VERSION = "${DISTRO_VERSION}"
# Others leave most of a large bundle unsigned (CVE-2026-34155), and kiosks take none of them.
RAUC_BUNDLE_FORMAT = "verity"
RAUC_BUNDLE_SLOTS = "boot root"

RAUC_SLOT_boot = "${KIOSK_BUNDLE_IMAGE}"
RAUC_SLOT_boot[fstype] = "kioskboot"
RAUC_SLOT_boot[rename] = "boot.img"
RAUC_SLOT_root = "${KIOSK_BUNDLE_IMAGE}"
RAUC_SLOT_root[fstype] = "kioskroot"
RAUC_SLOT_root[rename] = "root.img"
RAUC_SLOT_root[adaptive] = "block-hash-index"

# Small chunks suit the adaptive method, which fetches single blocks.
BUNDLE_ARGS += '--mksquashfs-args="-no-exports -b 128k -comp zstd -Xcompression-level 18"'
