SUMMARY = "What the installer's stick starts"
DESCRIPTION = "An initramfs that writes the disk of a kiosk."
LICENSE = "MIT"

require kiosk-initramfs.inc

PACKAGE_INSTALL = "kiosk-install"
