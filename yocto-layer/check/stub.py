# SPDX-License-Identifier: MIT
"""A core layer of nothing: names that our layers use of others, so that BitBake's own parser can read ours.

What the real classes do is not checked here; docs/yocto.md tells how to check with openembedded-core itself.
"""

# Series of the stub; the layers have to say that they are for it.
SERIES = "wrynose"

# Collections of the layers that ours depend on or are prepared for.
COLLECTIONS = ["core", "openembedded-layer", "rauc", "raspberrypi", "freescale-layer"]

# Classes of openembedded-core and meta-rauc that do nothing here. A name that is missing is a name misspelt.
CLASSES = """
allarch bundle cargo cmake core-image deploy features_check fontcache nopackages packagegroup pkgconfig ptest-cargo systemd useradd
""".split()

# Files that configurations and recipes of ours require.
INCLUDES = """
conf/image-uefi.conf
conf/machine/qemux86-64.conf
conf/machine/raspberrypi4-64.conf
conf/machine/raspberrypi5.conf
conf/machine/imx8mm-lpddr4-evk.conf
conf/machine/include/x86/tune-corei7.inc
conf/machine/include/x86/x86-base.inc
""".split()

LAYER_CONF = """
BBPATH .= ":${{LAYERDIR}}"
BBFILE_COLLECTIONS += "{collections}"
{patterns}
LAYERSERIES_CORENAMES = "{series}"
"""

BITBAKE_CONF = """
DISTRO ??= "kiosk"
MACHINE ??= "kiosk-qemux86-64"
TARGET_ARCH = "x86_64"
TUNE_FEATURES = ""
PN = "${@bb.parse.vars_from_file(d.getVar('FILE', False), d)[0] or 'defaultpkgname'}"
PV = "${@bb.parse.vars_from_file(d.getVar('FILE', False), d)[1] or '1.0'}"
PR = "r0"
BPN = "${@d.getVar('PN').removesuffix('-native').removeprefix('nativesdk-')}"
BP = "${BPN}-${PV}"
COREBASE = "${TOPDIR}/core"
TMPDIR = "${TOPDIR}/tmp"
DL_DIR = "${TOPDIR}/downloads"
CACHE = "${TMPDIR}/cache"
WORKDIR = "${TMPDIR}/work/${PN}"
UNPACKDIR = "${WORKDIR}/sources"
S = "${UNPACKDIR}/${BP}"
B = "${S}"
D = "${WORKDIR}/image"
T = "${WORKDIR}/temp"
THISDIR = "${@os.path.dirname(d.getVar('FILE'))}"
FILE_DIRNAME = "${@os.path.dirname(d.getVar('FILE', False) or '')}"
FILESPATH = "${FILESEXTRAPATHS}:${FILE_DIRNAME}/${BP}:${FILE_DIRNAME}/${BPN}:${FILE_DIRNAME}/files"
FILESEXTRAPATHS ?= "__default:"
OVERRIDES = "linux:${TARGET_ARCH}:pn-${PN}:${MACHINEOVERRIDES}:${DISTROOVERRIDES}:class-${CLASSOVERRIDE}"
MACHINEOVERRIDES = "${MACHINE}"
DISTROOVERRIDES = "${DISTRO}"
CLASSOVERRIDE ?= "target"
IMAGE_BASENAME = "${PN}"
IMAGE_NAME_SUFFIX ??= ".rootfs"
IMAGE_LINK_NAME = "${IMAGE_BASENAME}-${MACHINE}${IMAGE_NAME_SUFFIX}"
IMGDEPLOYDIR = "${WORKDIR}/deploy"
BB_NO_NETWORK = "1"
BBINCLUDELOGS = ""
PERSISTENT_DIR = "${TMPDIR}/persist"
include conf/local.conf
require conf/machine/${MACHINE}.conf
require conf/distro/${DISTRO}.conf
"""

BASE_BBCLASS = """
addtask fetch
addtask unpack after do_fetch
addtask configure after do_unpack
addtask compile after do_configure
addtask install after do_compile
addtask build after do_install
addtask rootfs before do_build
addtask image after do_rootfs before do_build
addtask image_wic after do_image before do_build
do_fetch[network] = "1"
do_fetch () {
    :
}
do_install () {
    :
}
do_rootfs () {
    :
}
do_image () {
    :
}
do_image_wic () {
    :
}
"""

def make(folder, our_layers, machine):
    """Writes the stub and the configuration of a build with it; returns the build's folder."""
    core, build = folder / "core", folder / "build"
    patterns = "\n".join(f'BBFILE_PATTERN_{it} = "^${{LAYERDIR}}/{it}/"' for it in COLLECTIONS)
    files = {
        core / "conf/layer.conf": LAYER_CONF.format(
            collections=" ".join(COLLECTIONS), patterns=patterns, series=SERIES
        ),
        core / "conf/bitbake.conf": BITBAKE_CONF,
        core / "classes-global/base.bbclass": BASE_BBCLASS,
        core / "classes-recipe/native.bbclass": 'CLASSOVERRIDE = "class-native"\n',
        core / "classes-recipe/nativesdk.bbclass": 'CLASSOVERRIDE = "class-nativesdk"\n',
        core / "classes/useradd-staticids.bbclass": "",
        build / "conf/local.conf": f'MACHINE = "{machine}"\n',
        build / "conf/bblayers.conf": 'BBPATH = "${TOPDIR}"\nBBFILES ?= ""\nBBLAYERS = "%s"\n'
        % " ".join(map(str, [core, *our_layers])),
    }
    files.update({core / f"classes-recipe/{name}.bbclass": "" for name in CLASSES})
    files.update({core / name: "" for name in INCLUDES})
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return build


def make_shims(folder):
    """The wheel of bitbake-setup lacks servers that a parser has no use for; their names are imported all the same."""
    for name in ("hashserv/__init__", "hashserv/client", "prserv/__init__", "prserv/serv"):
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
