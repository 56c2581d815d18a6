SUMMARY = "Everything of a kiosk"
DESCRIPTION = "The daemon with its units, updates, and what the machine needs around it."

PACKAGE_ARCH = "${MACHINE_ARCH}"

inherit packagegroup features_check

REQUIRED_DISTRO_FEATURES = "polkit rauc systemd"

RDEPENDS:${PN} = " \
    ca-certificates \
    kernel-modules \
    kiosk-board \
    kiosk-catalog \
    kiosk-config \
    kioskctl \
    kioskd \
    polkit \
    rauc \
    tzdata-core \
"
RRECOMMENDS:${PN} = "${@bb.utils.contains('KIOSK_SPEECH', 'pocketsphinx', 'pocketsphinx pocketsphinx-model-en-us', '', d)}"
