SUMMARY = "From the kernel to the root of a kiosk"
DESCRIPTION = "Opens the root slot with dm-verity and hands over to systemd."
LICENSE = "GPL-3.0-only"

require kiosk-initramfs.inc

PACKAGE_INSTALL = "kiosk-init"
