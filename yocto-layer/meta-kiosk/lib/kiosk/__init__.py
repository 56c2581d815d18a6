# SPDX-License-Identifier: MIT
"""What recipes derive from the files of the workspace."""

BBIMPORTS = ["crates", "layout", "tree"]
