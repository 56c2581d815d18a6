# Only for machines of this layer: for others nothing changes, nor do signatures.

FILESEXTRAPATHS:prepend:kiosk-machine := "${@os.path.normpath('${THISDIR}/../../../../recipes-kernel/linux/files')}:"

SRC_URI:append:kiosk-machine = " file://kiosk.cfg"
