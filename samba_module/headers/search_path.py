# SPDX-License-Identifier: GPL-3.0-or-later
# search_path.py: where Samba's private headers are found and with which macros, for the generator and for the build alike.
"""TREE is an unpacked Samba source, OUT a directory that `generate` made. Samba's own build has the same order."""
from pathlib import Path

HERE = Path(__file__).resolve().parent

DEFINES = [
    "__STDC_WANT_LIB_EXT1__=1",
    "_GNU_SOURCE=1",
    "_SAMBA_BUILD_=4",
    "_XOPEN_SOURCE_EXTENDED=1",
    "HAVE_CONFIG_H=1",
]


def folders(tree, out):
    """The include directories, in order. The first has config.h."""
    tree, out = Path(tree), Path(out)
    generated = [out, out / "source3", out / "lib", out / "librpc"]
    private = [tree / name for name in ("source3", "source3/include", "source3/lib", "", "include", "lib/replace", "lib")]
    return [str(folder) for folder in (HERE, *generated, *private)]


def compiler_flags(tree, out):
    """For a compiler that only has to read the headers."""
    defines = [f"-D{define}" for define in DEFINES]
    return defines + [word for folder in folders(tree, out) for word in ("-isystem", folder)]
