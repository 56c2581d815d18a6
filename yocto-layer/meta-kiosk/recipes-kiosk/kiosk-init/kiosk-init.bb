SUMMARY = "From the kernel to the root of a kiosk, with dm-verity"
DESCRIPTION = "The first program of the initramfs, the same as in the Debian image. The kernel has what it needs built in."
SECTION = "base"
LICENSE = "GPL-3.0-only"
LIC_FILES_CHKSUM = "file://LICENSE;md5=cc16d69d7c236123871ab412b0be0232"

# nooelint: oelint.vars.fileextrapaths,oelint.vars.outofcontext - sources are the workspace around the layer
FILESEXTRAPATHS:prepend := "${KIOSK_WORKSPACE}:"
SRC_URI = "file://LICENSE;subdir=${BP} file://image/initramfs/init;subdir=${BP}"

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -d ${D}/dev ${D}/proc ${D}/sys ${D}/root
    install -m 0755 ${S}/image/initramfs/init ${D}/init
    # Modules to load, one a line.
    : > ${D}/modules
}

FILES:${PN} = "/dev /proc /sys /root /init /modules"
# dmsetup is in libdevmapper.
RDEPENDS:${PN} = "busybox libdevmapper"
