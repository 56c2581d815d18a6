# Only for machines of this layer: for others nothing changes, nor do signatures.

FILESEXTRAPATHS:prepend:kiosk-x86 := "${THISDIR}/files:"

COMPATIBLE_MACHINE:kiosk-x86 = "^kiosk-"
KMACHINE:kiosk-qemux86-64 = "qemux86-64"
KMACHINE:kiosk-genericx86-64 = "common-pc-64"

SRC_URI:append:kiosk-x86 = " file://kiosk.cfg file://kiosk-x86.cfg"
