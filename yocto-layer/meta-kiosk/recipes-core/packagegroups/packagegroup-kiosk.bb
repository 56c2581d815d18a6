SUMMARY = "Everything of a kiosk"
DESCRIPTION = "The daemon with its units, updates, and what the machine needs around it."

PACKAGE_ARCH = "${MACHINE_ARCH}"

inherit packagegroup features_check

REQUIRED_DISTRO_FEATURES = "polkit rauc systemd"

# Not packagegroup-core-boot: it would put GRUB and the kernel into the root as well.
RDEPENDS:${PN} = " \
    ${MACHINE_ESSENTIAL_EXTRA_RDEPENDS} \
    ${VIRTUAL-RUNTIME_base-utils} \
    ${VIRTUAL-RUNTIME_dev_manager} \
    ${VIRTUAL-RUNTIME_init_manager} \
    ${VIRTUAL-RUNTIME_login_manager} \
    base-files \
    base-passwd \
    ca-certificates \
    kernel-modules \
    kiosk-board \
    kiosk-catalog \
    kiosk-config \
    kioskctl \
    kioskd \
    netbase \
    polkit \
    rauc \
    tzdata-core \
"
RRECOMMENDS:${PN} = "${MACHINE_ESSENTIAL_EXTRA_RRECOMMENDS} ${MACHINE_EXTRA_RRECOMMENDS}"
