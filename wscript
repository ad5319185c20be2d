# SPDX-License-Identifier: LGPL-2.1-or-later
# wscript: the build of ntpipe. Each folder has its own wscript; what they share is in buildtools/ntpipe_build.py.
import os

from waflib import Errors, Utils

APPNAME = "ntpipe"
VERSION = "0.1.0"
top = "."
out = "build"


def folders(ctx):
    """The folders to build, as far as they are there and wanted."""
    env, names = ctx.env, ["lib"]
    if env.LIBNTPIPE_DIR:
        return ["samba_module"]
    if env.FUZZ:
        return [*names, "tests"]
    if env.SANITIZE != "thread":
        names += ["broker", "tools", "examples", "bench", "docs"]
    if env.WITH_SAMBA_MODULE:
        names.append("samba_module")
    if env.WITH_WINE_BRIDGE:
        names.append("wine_bridge")
    if env.WITH_TESTS:
        names.append("tests")
    return [name for name in names if ctx.path.find_node(f"{name}/wscript")]


def options(opt):
    opt.load("compiler_c compiler_cxx gnu_dirs clang_compilation_database")
    group = opt.add_option_group("ntpipe")
    group.add_option("--sanitize", default="", metavar="LIST", help="instrument for: address,undefined or thread (library and unit tests only)")
    fuzz = "build the fuzz targets and nothing else, with clang 19; `coverage`: also count what they reach"
    group.add_option("--fuzz", default="", metavar="yes|coverage", help=fuzz)
    group.add_option("--without-samba-module", dest="samba_module", action="store_false", default=True)
    group.add_option("--without-wine-bridge", dest="wine_bridge", action="store_false", default=True)
    group.add_option("--without-tests", dest="tests", action="store_false", default=True)
    library = "build nothing but the Samba module and gateway, with the libntpipe.so in DIR"
    group.add_option("--libntpipe", default="", metavar="DIR", help=library)
    include = "where the headers of that library are [beside its source]"
    group.add_option("--libntpipe-headers", default="", metavar="DIR", help=include)
    opt.recurse("samba_module")


def configure(conf):
    if conf.options.sanitize not in ("", "address,undefined", "thread"):
        raise Errors.ConfigurationError("--sanitize takes address,undefined or thread")
    if conf.options.fuzz:
        use_clang(conf)
    conf.env.SANITIZE = conf.options.sanitize
    conf.env.WITH_SAMBA_MODULE = conf.options.samba_module
    conf.env.WITH_WINE_BRIDGE = conf.options.wine_bridge
    conf.env.WITH_TESTS = conf.options.tests
    conf.load("compiler_c compiler_cxx gnu_dirs clang_compilation_database")
    conf.load("ntpipe_build", tooldir=os.path.join(conf.path.abspath(), "buildtools"))
    if conf.options.libntpipe:
        conf.use_library(conf.options.libntpipe, conf.options.libntpipe_headers)
    for name in folders(conf):
        conf.recurse(name, mandatory=False)
    if conf.env.FUZZ:
        conf.recurse("broker")
        if conf.env.WITH_SAMBA_MODULE:
            conf.recurse("samba_module")


def use_clang(conf):
    """For libFuzzer. CC and CXX of the environment come first."""
    if conf.options.fuzz not in ("yes", "coverage"):
        raise Errors.ConfigurationError("--fuzz takes yes or coverage")
    conf.environ.setdefault("CC", "clang-19")
    conf.environ.setdefault("CXX", "clang++-19")
    conf.env.FUZZ = conf.options.fuzz
    conf.options.sanitize = "" if conf.env.FUZZ == "coverage" else "address,undefined"


def build(bld):
    bld.load("ntpipe_build", tooldir=os.path.join(bld.path.abspath(), "buildtools"))
    for name in folders(bld):
        bld.recurse(name)
    if bld.env.SANITIZE != "thread" and not bld.env.LIBNTPIPE_DIR and not bld.env.FUZZ:
        install_extras(bld)


def install_extras(bld):
    """What is neither a program nor a library."""
    bld.filled_in("packaging/ntpipe.pc.in", "${LIBDIR}/pkgconfig")
    for unit in bld.path.ant_glob("packaging/*.service.in packaging/*.socket.in"):
        bld.filled_in(unit, "${PREFIX}/lib/systemd/system")
    bld.filled_in("packaging/ntpipe.sysusers.in", "${PREFIX}/lib/sysusers.d", target="packaging/ntpipe.conf")
    for unit in bld.path.ant_glob("packaging/user/*.service.in"):
        bld.filled_in(unit, "${PREFIX}/lib/systemd/user")
    if bld.env.WITH_SAMBA_MODULE:
        install_module_sources(bld)
    for section in "1", "5", "7", "8":
        bld.install_files("${MANDIR}/man" + section, bld.path.ant_glob(f"docs/*.{section}"))


def install_module_sources(bld):
    """What `ntpipe samba rebuild` builds the module from. The library's source is not among them, it has been installed."""
    files = "bootstrap waf wscript COPYING LICENSES/* samba_module/** buildtools/debian.sh buildtools/ntpipe_build.py lib/glue/*.hpp"
    nodes = bld.path.ant_glob(files, excl="**/__pycache__ **/*.pyc")
    nodes += bld.public_headers(bld.path.find_dir("lib"))
    for node in nodes:
        executable = os.access(node.abspath(), os.X_OK)
        bld.install_files("${LIBDIR}/ntpipe/src", [node], relative_trick=True, chmod=Utils.O755 if executable else Utils.O644)
