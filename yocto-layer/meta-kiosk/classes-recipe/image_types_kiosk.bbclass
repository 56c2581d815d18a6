# Two types of images: kioskroot, a root slot with its hash tree, and kioskboot, the boot slot that names its root hash.
# kiosk-image makes both, as it does for the Debian image.

inherit kiosk_layout

IMAGE_TYPES += "kioskroot kioskboot"

KIOSK_INITRAMFS ?= "kiosk-initramfs"
KIOSK_IMAGE_TOOL = "kiosk-image --checkout ${STAGING_DATADIR_NATIVE}/kiosk-image"
# The kernel's console, as it takes it on its command line.
KIOSK_CONSOLE ?= "${KERNEL_CONSOLE}"

do_image_kioskroot[depends] += "kiosk-image-tools-native:do_populate_sysroot"
IMAGE_CMD:kioskroot () {
    ${KIOSK_IMAGE_TOOL} root ${IMAGE_ROOTFS} ${IMGDEPLOYDIR}/${IMAGE_NAME}.kioskroot \
        --slot-cfg ${WORKDIR}/slot.cfg --console ${KIOSK_CONSOLE}
}

# nooelint: oelint.vars.specific - a type of images
IMAGE_TYPEDEP:kioskboot = "kioskroot"
do_image_kioskboot[depends] += "virtual/kernel:do_deploy ${KIOSK_INITRAMFS}:do_image_complete"
do_image_kioskboot[cleandirs] = "${WORKDIR}/kiosk-boot"
IMAGE_CMD:kioskboot () {
    boot=${WORKDIR}/kiosk-boot
    install -m 0644 ${DEPLOY_DIR_IMAGE}/${KERNEL_IMAGETYPE} $boot/vmlinuz
    install -m 0644 ${DEPLOY_DIR_IMAGE}/${KIOSK_INITRAMFS}-${MACHINE}.cpio.zst $boot/initrd
    install -m 0644 ${WORKDIR}/slot.cfg $boot/slot.cfg
    ${KIOSK_IMAGE_TOOL} boot $boot ${IMGDEPLOYDIR}/${IMAGE_NAME}.kioskboot
}

# The whole disk. GRUB is the board's, what it reads is kiosk-esp's.
# nooelint: oelint.vars.specific - a type of images
IMAGE_TYPEDEP:wic = "kioskboot"
WKS_FILES = "kiosk.wks.in"
WIC_CREATE_EXTRA_ARGS = "--no-fstab-update"
KIOSK_WKS_BOOTLOADER ?= ""
KIOSK_SLOT_IMAGES = "${IMGDEPLOYDIR}/${IMAGE_LINK_NAME}"
KIOSK_ESP_FILES ?= " \
    grub-efi-${EFI_BOOT_IMAGE};EFI/BOOT/${EFI_BOOT_IMAGE} \
    kiosk-esp/grub.cfg;EFI/BOOT/grub.cfg \
    kiosk-esp/grubenv;EFI/BOOT/grubenv \
    kiosk-esp/README.txt;kiosk/README.txt \
"
IMAGE_BOOT_FILES:append = " ${KIOSK_ESP_FILES}"
# nooelint: oelint.file.requirenotfound - of openembedded-core
require conf/image-uefi.conf
# What makes the files that KIOSK_WKS_BOOTLOADER names.
KIOSK_WKS_DEPENDS ?= ""
WKS_FILE_DEPENDS = "dosfstools-native mtools-native ${KIOSK_WKS_DEPENDS}"
do_image_wic[depends] += "grub-efi:do_deploy kiosk-esp:do_deploy"
