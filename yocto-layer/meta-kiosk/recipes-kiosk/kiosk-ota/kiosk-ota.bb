SUMMARY = "Releases of a kiosk: the slot writer, and the tool that makes and proves them"
SUMMARY:kiosk-slot-writer = "Writes releases into the slot that is not running"
DESCRIPTION = "kiosk-slot-writer writes releases into the slot that is not running. kiosk-ota makes, signs and checks releases."
SECTION = "apps"
CVE_PRODUCT = "kiosk-ota"

inherit kiosk_workspace

KIOSK_PACKAGES = "ota"

PACKAGES =+ "kiosk-slot-writer"
FILES:kiosk-slot-writer = "${bindir}/kiosk-slot-writer"
RDEPENDS:kiosk-slot-writer += "kiosk-config"

BBCLASSEXTEND = "native nativesdk"
