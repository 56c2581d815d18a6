SUMMARY = "Recognises what is on a kiosk's menu"
DESCRIPTION = "PocketSphinx behind the Wyoming protocol, on a Unix socket: whatever goes wrong in it ends it alone, never the kiosk's daemon."
SECTION = "apps"
CVE_PRODUCT = "kiosk-asr"
DEPENDS = "pocketsphinx"

inherit kiosk_workspace

KIOSK_PACKAGES = "asr"

RDEPENDS:${PN} += "pocketsphinx-model-en-us"
