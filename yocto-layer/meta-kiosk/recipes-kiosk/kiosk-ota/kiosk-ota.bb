SUMMARY = "Releases of a kiosk: the slot writer, and the tool that makes and proves them"
SUMMARY:kiosk-grub-editenv = "Changes what GRUB remembers, safe against power cuts"
SUMMARY:kiosk-slot-writer = "Writes releases into the slot that is not running"
DESCRIPTION = "kiosk-slot-writer writes releases into the slot that is not running. kiosk-ota makes, signs and checks releases."
SECTION = "apps"
CVE_PRODUCT = "kiosk-ota"

inherit kiosk_workspace

KIOSK_PACKAGES = "ota"

PACKAGES =+ "kiosk-slot-writer kiosk-grub-editenv"
FILES:kiosk-grub-editenv = "${bindir}/grub-editenv"
FILES:kiosk-slot-writer = "${bindir}/kiosk-slot-writer"
RDEPENDS:kiosk-slot-writer += "kiosk-config"
RCONFLICTS:kiosk-grub-editenv = "grub-editenv"

# The build machine's is GRUB's.
do_install:append:class-native() {
    rm ${D}${bindir}/grub-editenv
}
do_install:append:class-nativesdk() {
    rm ${D}${bindir}/grub-editenv
}

BBCLASSEXTEND = "native nativesdk"
