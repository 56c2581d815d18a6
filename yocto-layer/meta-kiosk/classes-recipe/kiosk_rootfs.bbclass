# An image whose root is a slot of a kiosk: read-only, without a kernel, with the files that replace those of others.

inherit kiosk_layout

# nooelint: oelint.vars.outofcontext - this class is for images
IMAGE_FEATURES += "read-only-rootfs"
# The kernel is in the boot slot; sysvinit's syslog and RAUC's own mark-good are done otherwise.
PACKAGE_EXCLUDE += "kernel-image-*"
BAD_RECOMMENDATIONS += "rauc-mark-good busybox-syslog"

REPRODUCIBLE_TIMESTAMP_ROOTFS = "${KIOSK_EPOCH}"

kiosk_replace_files() {
    replaced=${IMAGE_ROOTFS}${datadir}/kiosk/root
    if [ -d $replaced ]; then
        cp -R --no-dereference --preserve=mode,links --remove-destination $replaced/. ${IMAGE_ROOTFS}/
        rm -r $replaced
    fi
    # The state partition is mounted here, and systemd-tmpfiles fills it.
    rm -rf ${IMAGE_ROOTFS}/var
    install -d -m 0755 ${IMAGE_ROOTFS}/var ${IMAGE_ROOTFS}/efi
}
# Not before: until then the package manager still looks at its own records below /var.
IMAGE_PREPROCESS_COMMAND += "kiosk_replace_files"
