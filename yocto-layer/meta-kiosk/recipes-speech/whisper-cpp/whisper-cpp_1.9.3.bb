SUMMARY = "Whisper's recogniser of speech, with a server"
DESCRIPTION = "The optional recogniser: kioskd asks it as it asks any transcription endpoint of the OpenAI kind. Needs a core and 400 MB."
HOMEPAGE = "https://github.com/ggml-org/whisper.cpp"
BUGTRACKER = "https://github.com/ggml-org/whisper.cpp/issues"
SECTION = "multimedia"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://LICENSE;md5=223b26b3c1143120c87e2b13111d3e99"
CVE_PRODUCT = "ggml:whisper.cpp"

# Where the model comes from is for you to say; what it is, is fixed by its checksum: ggml-base.en.bin of the project.
WHISPER_MODEL_URI ?= ""
WHISPER_MODEL_SHA256 ?= "a03779c86df3323075f5e796cb2ce5029f00ec8869eee3fdfb897afe36c6d002"

SRC_URI = " \
    git://github.com/ggml-org/whisper.cpp.git;protocol=https;branch=master;tag=v${PV} \
    file://whisper-server.service \
    ${@d.getVar('WHISPER_MODEL_URI') + ';name=model;downloadfilename=ggml-model.bin' if d.getVar('WHISPER_MODEL_URI') else ''} \
"
SRCREV = "371b5a7561823ab2bb32142d2751e35e7534727b"
SRCREV_FORMAT = "default"
SRC_URI[model.sha256sum] = "${WHISPER_MODEL_SHA256}"

inherit cmake systemd useradd

# No file of the build machine's processor gets in.
EXTRA_OECMAKE = " \
    -DGGML_NATIVE=OFF \
    -DWHISPER_BUILD_IS_DEV=OFF \
    -DWHISPER_BUILD_TESTS=OFF \
    -DWHISPER_BUILD_EXAMPLES=ON \
    -DWHISPER_BUILD_SERVER=ON \
"

USERADD_PACKAGES = "${PN}"
USERADD_PARAM:${PN} = "--system --no-create-home --home-dir /nonexistent --shell /sbin/nologin --user-group whisper"

SYSTEMD_SERVICE:${PN} = "whisper-server.service"

do_install:append() {
    install -d ${D}${systemd_system_unitdir} ${D}${datadir}/whisper
    install -m 0644 ${UNPACKDIR}/whisper-server.service ${D}${systemd_system_unitdir}/
    if [ -n "${WHISPER_MODEL_URI}" ]; then
        install -m 0644 ${UNPACKDIR}/ggml-model.bin ${D}${datadir}/whisper/model.bin
    fi
}

FILES:${PN} += "${datadir}/whisper"
