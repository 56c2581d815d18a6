SUMMARY = "Units and settings of a kiosk"
SUMMARY:kiosk-bench = "Root without a password on the consoles: never for a customer"
SUMMARY:kiosk-catalog = "The demo catalog, to begin with"
DESCRIPTION = "The tree systemd/ of the workspace, and what is generated from the layout of the disk."
SECTION = "base"
LICENSE = "GPL-3.0-only"
LIC_FILES_CHKSUM = "file://LICENSE;md5=cc16d69d7c236123871ab412b0be0232"
DEPENDS = "kiosk-image-tools-native"

# nooelint: oelint.vars.fileextrapaths,oelint.vars.outofcontext - sources are the workspace around the layer
FILESEXTRAPATHS:prepend := "${KIOSK_WORKSPACE}:"
SRC_URI = " \
    file://LICENSE;subdir=${BP} \
    file://catalog;subdir=${BP} \
    file://image;subdir=${BP} \
"
# nooelint: oelint.task.noanonpython - the tree is read once; a new file in it is seen at once
python () {
    workspace = d.getVar("KIOSK_WORKSPACE")
    folders, files, links = kiosk.tree.read(workspace, "systemd")
    for path in [*(os.path.join(workspace, it) for it in folders), d.getVar("KIOSK_PRESET")]:
        bb.parse.mark_dependency(d, path)
    d.appendVar("SRC_URI", " " + " ".join(f"file://{name};subdir=${{BP}}" for name in files))
    d.setVar("KIOSK_LINKS", " ".join(f"{name}={target}" for name, target in links.items()))
}

inherit systemd useradd features_check

REQUIRED_DISTRO_FEATURES = "systemd"

# Numbers are those of files/kiosk-passwd and kiosk-group: both slots share one state.
USERADD_PACKAGES = "${PN}"
USERADD_PARAM:${PN} = " \
    --system --no-create-home --home-dir ${localstatedir}/lib/kioskd --shell /sbin/nologin --user-group --comment Kiosk kioskd; \
    --system --no-create-home --home-dir / --shell /sbin/nologin --user-group kiosk-asr \
"
GROUPADD_PARAM:${PN} = "--system gpio; --system i2c; --system spi"

KIOSK_PRESET = "${KIOSK_WORKSPACE}/systemd/usr/lib/systemd/system-preset/10-kiosk.preset"
SYSTEMD_SERVICE:${PN} = "${@kiosk.tree.enabled(d.getVar('KIOSK_PRESET'), 'kiosk')}"

# Files that packages of the distribution have, too, and masks of units that others enable: kiosk_rootfs.bbclass puts
# them in their place when all packages are installed.
KIOSK_REPLACED = " \
    etc/fstab \
    etc/hostname \
    etc/hosts \
    etc/localtime \
    etc/resolv.conf \
    etc/systemd/system \
    usr/lib/systemd/system/default.target \
    usr/share/dbus-1/system.d/de.pengutronix.rauc.conf \
"

do_compile() {
    kiosk-image --checkout ${S} generate ${B}/generated
}

do_install() {
    for link in ${KIOSK_LINKS}; do
        install -d ${S}/$(dirname ${link%%=*})
        ln -sfn ${link#*=} ${S}/${link%%=*}
    done
    for tree in ${S}/systemd ${B}/generated/root; do
        cp -R --no-dereference --preserve=mode,links $tree/. ${D}/
    done
    # Users are made when the image is built, with the same numbers.
    rm -r ${D}${nonarch_libdir}/sysusers.d
    for name in ${KIOSK_REPLACED}; do
        install -d ${D}${datadir}/kiosk/root/$(dirname $name)
        mv ${D}/$name ${D}${datadir}/kiosk/root/$name
    done
    install -d ${D}/efi
    install -d ${D}${datadir}/kiosk/catalog
    cp -R --no-dereference --preserve=mode,links ${S}/catalog/alder-and-rye/. ${D}${datadir}/kiosk/catalog/

    # A bench: root on the serial console, and a way to the mirror. Never for a customer.
    cp -R --no-dereference --preserve=mode,links ${S}/image/dev/. ${D}/
    printf 'enable sshd.socket\n' > ${D}${nonarch_libdir}/systemd/system-preset/06-kiosk-bench.preset
    chown -R root:root ${D}
    chmod -R go-w,a+rX ${D}
}

PACKAGES = "kiosk-catalog kiosk-bench ${PN}"

FILES:kiosk-catalog = "${datadir}/kiosk/catalog"
FILES:kiosk-bench = " \
    ${nonarch_libdir}/systemd/system-preset/05-kiosk-dev.preset \
    ${nonarch_libdir}/systemd/system-preset/06-kiosk-bench.preset \
    ${systemd_system_unitdir}/kiosk-console@.service \
    ${systemd_system_unitdir}/kiosk-mirror-door.service \
    ${systemd_system_unitdir}/kiosk-mirror-door.socket \
    ${nonarch_libdir}/udev/rules.d/61-kiosk-dev.rules \
"
FILES:${PN} = "/efi ${sysconfdir} ${nonarch_libdir} ${datadir}"
CONFFILES:${PN} = ""

RDEPENDS:kiosk-bench = "${PN}"
# What units and systemd-repart call.
RDEPENDS:${PN} = " \
    dosfstools \
    e2fsprogs-e2fsck \
    e2fsprogs-mke2fs \
    kiosk-asr \
    kiosk-grub-editenv \
    kiosk-release \
    kiosk-slot-writer \
    rauc-service \
"
# /etc/rauc/system.conf is RAUC's.
# In other distributions RAUC keeps the configuration that it has.
RPROVIDES:${PN} = "${@bb.utils.contains('DISTRO_FEATURES', 'kiosk', 'virtual-rauc-conf', '', d)}"
