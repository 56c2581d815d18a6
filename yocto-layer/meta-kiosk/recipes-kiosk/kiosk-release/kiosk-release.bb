SUMMARY = "Which release this is, and whose releases it believes"
DESCRIPTION = "Number and name of the release, the first TUF root and the certificates of those who may sign RAUC's bundles."
SECTION = "base"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COREBASE}/meta/COPYING.MIT;md5=3da9cfbcb788c80a0384361b4de20420"

# The number decides which release is newer; the name is for people.
KIOSK_RELEASE_NUMBER ?= "1"
KIOSK_RELEASE_NAME ?= "${DISTRO_VERSION}"
# `kiosk-ota root` makes it: repo/metadata/1.root.json. Without it a kiosk takes no updates from its fleet.
KIOSK_TUF_ROOT ?= ""
# Certificates in PEM. Without them a kiosk takes no bundles.
RAUC_KEYRING_FILE ??= ""

SRC_URI = "${@' '.join('file://' + d.getVar(it) for it in ('KIOSK_TUF_ROOT', 'RAUC_KEYRING_FILE') if d.getVar(it))}"

inherit allarch

S = "${UNPACKDIR}"

# nooelint: oelint.task.noanonpython - a wrong number is found before anything is built
python () {
    number = d.getVar("KIOSK_RELEASE_NUMBER")
    if not number.isdigit() or int(number) == 0:
        bb.fatal(f"KIOSK_RELEASE_NUMBER = {number!r}: it has to be a number from 1 on")
}

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -d ${D}${nonarch_libdir}/kiosk ${D}${datadir}/kiosk ${D}${sysconfdir}/rauc
    printf '%s %s\n' "${KIOSK_RELEASE_NUMBER}" "${KIOSK_RELEASE_NAME}" > ${D}${nonarch_libdir}/kiosk/release
    if [ -n "${KIOSK_TUF_ROOT}" ]; then
        install -m 0644 ${UNPACKDIR}/${KIOSK_TUF_ROOT} ${D}${datadir}/kiosk/root.json
    fi
    if [ -n "${RAUC_KEYRING_FILE}" ]; then
        install -m 0644 ${UNPACKDIR}/${RAUC_KEYRING_FILE} ${D}${sysconfdir}/rauc/keyring.pem
    fi
}

FILES:${PN} = "${nonarch_libdir}/kiosk ${datadir}/kiosk ${sysconfdir}/rauc"
CONFFILES:${PN} = ""
