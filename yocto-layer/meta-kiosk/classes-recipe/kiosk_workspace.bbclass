# Builds packages of the workspace that this layer is a part of: its sources as they are, and the crates of its
# Cargo.lock. There is no list of crates to keep in step: it is read whenever recipes are parsed.
#
#   inherit kiosk_workspace
#   KIOSK_PACKAGES = "kioskd"     # cargo's names

inherit cargo pkgconfig

# The whole is under the GPL; crates that are linked into it are under the licences that deny.toml lets in.
LICENSE = "${@kiosk.crates.licences('${KIOSK_WORKSPACE}/deny.toml')}"
LIC_FILES_CHKSUM = "file://LICENSE;md5=cc16d69d7c236123871ab412b0be0232"

PV = "${@kiosk.crates.version('${KIOSK_WORKSPACE}/Cargo.toml')}"

KIOSK_PACKAGES ??= "${BPN}"
CARGO_BUILD_FLAGS:append = " ${@' '.join('--package ' + it for it in d.getVar('KIOSK_PACKAGES').split())}"

# nooelint: oelint.vars.fileextrapaths,oelint.vars.outofcontext - sources are the workspace around the layer
FILESEXTRAPATHS:prepend := "${KIOSK_WORKSPACE}:"

# Besides the packages themselves.
KIOSK_SOURCES ?= "Cargo.toml Cargo.lock LICENSE"

# nooelint: oelint.task.noanonpython - variables of a file that is read once
python () {
    import os

    workspace = d.getVar("KIOSK_WORKSPACE")
    manifest, lock, deny = (os.path.join(workspace, name) for name in ("Cargo.toml", "Cargo.lock", "deny.toml"))
    for path in (manifest, lock, deny):
        if not os.path.exists(path):
            raise bb.parse.SkipRecipe(f"KIOSK_WORKSPACE: {path} is missing; the layer belongs into its workspace")
        bb.parse.mark_dependency(d, path)
    names = sorted(set(d.getVar("KIOSK_SOURCES").split() + kiosk.crates.members(manifest)))
    uris = [f"file://{name};subdir=${{BP}}" for name in names]
    for uri, name, sha256 in kiosk.crates.read(lock):
        uris.append(uri)
        d.setVarFlag("SRC_URI", f"{name}.sha256sum", sha256)
    d.appendVar("SRC_URI", " " + " ".join(uris))
}
