# Only for machines of this layer: for others nothing changes, nor do signatures.

FILESEXTRAPATHS:prepend:kiosk-x86 := "${THISDIR}/files:"

COMPATIBLE_MACHINE:kiosk-x86 = "^kiosk-"
KMACHINE:kiosk-genericx86-64 = "intel-corei7-64"

SRC_URI:append:kiosk-x86 = " file://kiosk.cfg file://kiosk-x86.cfg"
