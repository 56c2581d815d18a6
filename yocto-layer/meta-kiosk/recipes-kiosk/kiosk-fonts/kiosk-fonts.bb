SUMMARY = "Fonts of the kiosk's pages"
DESCRIPTION = "The daemon has its fonts inside. These are the same ones for other programs on the screen, as a technician's page."
SECTION = "fonts"
LICENSE = "OFL-1.1"
LIC_FILES_CHKSUM = " \
    file://ui/assets/LICENSES/Inter-OFL-1.1.txt;md5=5e95cb23ed621124015c5d23224ba2d3 \
    file://ui/assets/LICENSES/NotoSansArabic-OFL-1.1.txt;md5=f319a2b8bcf8e25835957d7835f177b0 \
"

# nooelint: oelint.vars.fileextrapaths,oelint.vars.outofcontext - sources are the workspace around the layer
FILESEXTRAPATHS:prepend := "${KIOSK_WORKSPACE}:"
SRC_URI = "file://ui/assets/fonts;subdir=${BP} file://ui/assets/LICENSES;subdir=${BP}"

inherit allarch fontcache

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -d ${D}${datadir}/fonts/ttf/kiosk
    install -m 0644 ${S}/ui/assets/fonts/*.ttf ${D}${datadir}/fonts/ttf/kiosk/
}

FILES:${PN} = "${datadir}/fonts"
