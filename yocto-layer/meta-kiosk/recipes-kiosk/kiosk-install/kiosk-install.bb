SUMMARY = "Writes the disk of a kiosk from a stick to a machine"
DESCRIPTION = "The first program of the installer's initramfs: asks for a disk, writes it, reads it back, switches off."
SECTION = "base"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COREBASE}/meta/COPYING.MIT;md5=3da9cfbcb788c80a0384361b4de20420"

SRC_URI = "file://kiosk-install.sh"

S = "${UNPACKDIR}"

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -d ${D}/dev ${D}/proc ${D}/sys
    install -m 0755 ${UNPACKDIR}/kiosk-install.sh ${D}/init
}

FILES:${PN} = "/dev /proc /sys /init"
# Of busybox's own dd, head and poweroff openembedded-core leaves out what this needs.
RDEPENDS:${PN} = "busybox coreutils zstd"
