SUMMARY = "Small recogniser of speech"
SUMMARY:${PN}-model-en-us = "Acoustic model and dictionary of US English"
DESCRIPTION = "Recognises what a grammar allows, on a weak processor and without a network. Comes with a model of US English."
HOMEPAGE = "https://github.com/cmusphinx/pocketsphinx"
BUGTRACKER = "https://github.com/cmusphinx/pocketsphinx/issues"
SECTION = "libs/multimedia"
LICENSE = "BSD-2-Clause"
LIC_FILES_CHKSUM = "file://LICENSE;md5=c4d720cdc9c6953091f65e8b01524bb4"
CVE_PRODUCT = "cmusphinx:pocketsphinx"

SRC_URI = "git://github.com/cmusphinx/pocketsphinx.git;protocol=https;branch=main;tag=v${PV}"
SRCREV = "511126b492dcb267cf30d49d631946d7b61a9530"

inherit cmake pkgconfig

EXTRA_OECMAKE = "-DBUILD_SHARED_LIBS=ON -DBUILD_GSTREAMER=OFF"

PACKAGES =+ "${PN}-model-en-us"
FILES:${PN}-model-en-us = "${datadir}/pocketsphinx/model/en-us"
RRECOMMENDS:${PN} = "${PN}-model-en-us"
