SUMMARY = "A stick that makes kiosks of machines"
DESCRIPTION = "Starts by UEFI, asks for a disk, writes kiosk-image to it and reads it back."
LICENSE = "GPL-3.0-only"

inherit core-image kiosk_layout features_check

REQUIRED_DISTRO_FEATURES = "kiosk"

KIOSK_INSTALLER_IMAGE ?= "kiosk-image"
KIOSK_INSTALLER_INITRAMFS ?= "kiosk-installer-initramfs"

# All of it is on one partition that any machine can write to, for a file autoinstall.
PACKAGE_INSTALL = ""
IMAGE_FEATURES = ""
IMAGE_LINGUAS = ""
IMAGE_FSTYPES = "wic.zst wic.bmap"
WKS_FILES = "kiosk-installer.wks.in"
WKS_FILE_DEPENDS = "dosfstools-native mtools-native zstd-native"
WIC_CREATE_EXTRA_ARGS = "--no-fstab-update"
# nooelint: oelint.file.requirenotfound - of openembedded-core
require conf/image-uefi.conf
IMAGE_BOOT_FILES = " \
    grub-efi-${EFI_BOOT_IMAGE};EFI/BOOT/${EFI_BOOT_IMAGE} \
    kiosk-installer-${MACHINE}/grub.cfg;EFI/BOOT/grub.cfg \
    kiosk-installer-${MACHINE}/kiosk.img.zst;kiosk.img.zst \
    kiosk-installer-${MACHINE}/kiosk.img.sha256;kiosk.img.sha256 \
    kiosk-installer-${MACHINE}/kiosk.img.size;kiosk.img.size \
    ${KERNEL_IMAGETYPE};vmlinuz \
    ${KIOSK_INSTALLER_INITRAMFS}-${MACHINE}.cpio.zst;initrd \
"

do_kiosk_stick() {
    out=${DEPLOY_DIR_IMAGE}/kiosk-installer-${MACHINE}
    disk=${DEPLOY_DIR_IMAGE}/${KIOSK_INSTALLER_IMAGE}-${MACHINE}.wic.zst
    install -d $out
    install -m 0644 $disk $out/kiosk.img.zst
    zstd -dc $disk | sha256sum > $out/kiosk.img.sha256
    zstd -dc $disk | wc -c > $out/kiosk.img.size
    printf 'set timeout=0\nlinux ($root)/vmlinuz %s\ninitrd ($root)/initrd\nboot\n' \
        "console=${KERNEL_CONSOLE} console=tty0 quiet panic=60" > $out/grub.cfg
}
do_kiosk_stick[doc] = "What the installer needs to know of the disk that it writes"
addtask kiosk_stick after do_image before do_image_wic
do_kiosk_stick[depends] += " \
    ${KIOSK_INSTALLER_IMAGE}:do_image_complete \
    zstd-native:do_populate_sysroot \
"
do_image_wic[depends] += " \
    grub-efi:do_deploy \
    virtual/kernel:do_deploy \
    ${KIOSK_INSTALLER_INITRAMFS}:do_image_complete \
"
