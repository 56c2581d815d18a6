SUMMARY = "The disk of a kiosk on a bench"
DESCRIPTION = "kiosk-image with root without a password on the consoles and over ssh. Never for a customer."

require kiosk-image.inc

# nooelint: oelint.var.badimagefeature - for a bench
IMAGE_FEATURES += "allow-empty-password allow-root-login empty-root-password ssh-server-openssh"
IMAGE_INSTALL += "kiosk-bench ${@bb.utils.contains('DISTRO_FEATURES', 'ptest', 'kioskd-ptest', '', d)}"
# What the test calls besides.
IMAGE_INSTALL += "libdevmapper systemd-extra-utils"

# bitbake -c testimage kiosk-image-dev, with IMAGE_CLASSES += "testimage"
TEST_SUITES = "ping ssh kiosk"
