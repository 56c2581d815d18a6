SUMMARY = "What is on the EFI system partition besides GRUB itself"
DESCRIPTION = "grub.cfg, which decides which slot is booted, and the environment block in which it remembers."
SECTION = "bootloaders"
LICENSE = "GPL-3.0-only"
LIC_FILES_CHKSUM = "file://LICENSE;md5=cc16d69d7c236123871ab412b0be0232"
DEPENDS = "kiosk-image-tools-native"

# nooelint: oelint.vars.fileextrapaths,oelint.vars.outofcontext - sources are the workspace around the layer
FILESEXTRAPATHS:prepend := "${KIOSK_WORKSPACE}:"
SRC_URI = "file://LICENSE;subdir=${BP} file://image/layout.toml;subdir=${BP}"

inherit deploy nopackages

do_configure[noexec] = "1"
do_install[noexec] = "1"

do_compile() {
    kiosk-image --checkout ${S} generate ${B}/generated
}

do_deploy() {
    install -d ${DEPLOYDIR}/kiosk-esp
    install -m 0644 ${B}/generated/esp/EFI/BOOT/grub.cfg ${B}/generated/esp/EFI/BOOT/grubenv ${DEPLOYDIR}/kiosk-esp/
    printf 'Settings of this kiosk: kiosk/provision.toml\r\n' > ${DEPLOYDIR}/kiosk-esp/README.txt
}
addtask deploy after do_compile before do_build
