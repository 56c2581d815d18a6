# SPDX-License-Identifier: MIT
"""A folder as SRC_URI has it. BitBake cannot take the checksum of links that lead nowhere here: they are told apart."""

import os


def read(workspace, folder):
    """Folders, files and links (with their targets) below a folder, by their paths in the workspace."""
    folders, files, links = [], [], {}
    for parent, below, names in os.walk(os.path.join(workspace, folder)):
        folders.append(os.path.relpath(parent, workspace))
        for name in sorted(names + below):
            path = os.path.join(parent, name)
            if os.path.islink(path):
                links[os.path.relpath(path, workspace)] = os.readlink(path)
            elif name in names:
                files.append(os.path.relpath(path, workspace))
    return folders, sorted(files), dict(sorted(links.items()))


def enabled(preset, prefix):
    """Units with a prefix that a preset of systemd enables."""
    with open(preset, encoding="utf-8") as lines:
        words = [line.split() for line in lines]
    return " ".join(it[1] for it in words if it[:1] == ["enable"] and it[1].startswith(prefix))
