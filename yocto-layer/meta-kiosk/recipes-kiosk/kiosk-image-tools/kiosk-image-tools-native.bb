SUMMARY = "Makes the parts of a kiosk's disk from its one description"
DESCRIPTION = "The tool that makes the Debian image, so that slots, hash trees and configuration are the same there and here."
SECTION = "devel"
CVE_PRODUCT = "kiosk-image"

inherit kiosk_workspace

KIOSK_PACKAGES = "image"

# What it calls to make slots.
DEPENDS += "cryptsetup-native e2fsprogs-native"
RDEPENDS:${PN} = "cryptsetup-native e2fsprogs-native"

do_install:append() {
    install -D -m 0644 ${S}/image/layout.toml ${D}${datadir}/kiosk-image/image/layout.toml
}

inherit_defer native
