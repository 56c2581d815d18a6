SUMMARY = "Daemon of a self-service kiosk"
SUMMARY:kioskctl = "Asks and tells the kiosk's daemon on its own machine"
DESCRIPTION = "Sells on a touchscreen: catalog, orders, card payment, receipts. Keeps selling without a network."
SECTION = "apps"
CVE_PRODUCT = "kioskd"
DEPENDS = "alsa-lib fontconfig udev"

inherit kiosk_workspace ptest-cargo features_check

REQUIRED_DISTRO_FEATURES = "systemd"

PROVIDES += "kioskctl"

# A device has no desktop: neither winit nor X11 is in it.
CARGO_BUILD_FLAGS:append = " --no-default-features"

# Tests that need nothing but themselves: those of the rules of selling. The others start programs, or look into folders of
# the workspace that no recipe has; they run in the workspace's own `./dev test`.
KIOSK_PTEST_PACKAGES = "domain"
do_compile_ptest_cargo[prefuncs] += "kiosk_ptest_packages"
python kiosk_ptest_packages() {
    d.setVar("KIOSK_PACKAGES", d.getVar("KIOSK_PTEST_PACKAGES"))
}
# It starts Python, beside the workspace's sources.
RUST_TEST_ARGS = "--skip twin"

PACKAGES =+ "kioskctl"
FILES:kioskctl = "${bindir}/kioskctl"

RDEPENDS:${PN} += "kiosk-config kioskctl"
RRECOMMENDS:${PN} += "kiosk-catalog"
