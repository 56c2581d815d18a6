# Variables from image/layout.toml, the one description of the disk:
#
#   KIOSK_MODEL            which releases are for a kiosk
#   KIOSK_EPOCH            the time of every file of an image
#   KIOSK_WKS_PARTITIONS   lines of a wks file
#   KIOSK_GRUB_MODULES     what has to be in GRUB's image

KIOSK_LAYOUT ?= "${KIOSK_WORKSPACE}/image/layout.toml"
KIOSK_LAYOUT[doc] = "The description of the disk. Sizes and ids of kiosks in the field never change."

# The disk of a wks file, as wic names it.
KIOSK_DISK ?= "sda"

# nooelint: oelint.task.noanonpython - variables of a file that is read once
python () {
    path = d.getVar("KIOSK_LAYOUT")
    bb.parse.mark_dependency(d, path)
    layout = kiosk.layout.read(path)
    d.setVar("KIOSK_MODEL", layout["model"])
    d.setVar("KIOSK_EPOCH", str(layout["epoch"]))
    d.setVar("KIOSK_WKS_PARTITIONS", kiosk.layout.wks(layout, d.getVar("KIOSK_DISK")))
}
