SUMMARY = "Daemon of a self-service kiosk"
SUMMARY:kioskctl = "Asks and tells the kiosk's daemon on its own machine"
DESCRIPTION = "Sells on a touchscreen: catalog, orders, card payment, receipts. Keeps selling without a network."
SECTION = "apps"
CVE_PRODUCT = "kioskd"
DEPENDS = "fontconfig udev"

inherit kiosk_workspace ptest-cargo features_check

REQUIRED_DISTRO_FEATURES = "systemd"

PROVIDES += "kioskctl"

# A device has no desktop: neither winit nor X11 is in it.
CARGO_BUILD_FLAGS:append = " --no-default-features"

# Tests that need nothing but themselves; those that start programs run in the workspace's own `./dev test`.
do_compile_ptest_cargo[prefuncs] += "kiosk_ptest_packages"
python kiosk_ptest_packages() {
    d.appendVar("CARGO_BUILD_FLAGS", " --package domain")
}

PACKAGES =+ "kioskctl"
FILES:kioskctl = "${bindir}/kioskctl"

RDEPENDS:${PN} += "kiosk-config kioskctl"
RRECOMMENDS:${PN} += "kiosk-catalog"
