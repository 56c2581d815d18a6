SUMMARY = "The disk of a kiosk"
DESCRIPTION = "Two slots with dm-verity, GRUB, and the daemon. Nobody can log in."

require kiosk-image.inc
