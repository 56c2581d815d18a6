SUMMARY = "What is particular to a board: its screen and what is plugged into it"
DESCRIPTION = "Settings for kioskd and rules for udev. A board's own are in files/MACHINE/ of an append in its layer."
SECTION = "base"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COREBASE}/meta/COPYING.MIT;md5=3da9cfbcb788c80a0384361b4de20420"

SRC_URI = "file://board.toml file://70-kiosk-board.rules"

S = "${UNPACKDIR}"

PACKAGE_ARCH = "${MACHINE_ARCH}"

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -D -m 0644 ${UNPACKDIR}/board.toml ${D}${nonarch_libdir}/kioskd/kioskd.toml.d/20-board.toml
    install -D -m 0644 ${UNPACKDIR}/70-kiosk-board.rules ${D}${nonarch_libdir}/udev/rules.d/70-kiosk-board.rules
}

FILES:${PN} = "${nonarch_libdir}"
