# SPDX-License-Identifier: LGPL-2.1-or-later
# ntpipe_build.py: a waf tool: compiler flags, and the ways in which our programs are linked and files filled in.
import os
import sysconfig

from waflib import Context, Utils
from waflib.Configure import conf

WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"]

COROUTINE = """
#include <coroutine>
#include <optional>
#include <span>
int main() { return std::optional<int>(0).value(); }
"""


def configure(cnf):
    env = cnf.env
    common = ["-g", "-pthread", "-fvisibility=hidden", "-fstack-protector-strong", *WARNINGS]
    link = ["-pthread", "-Wl,-z,relro,-z,now"]
    if env.FUZZ == "coverage":
        # Lines are the same without sanitizers and optimization, and it builds in half the time.
        count = ["-fsanitize=fuzzer-no-link", "-fprofile-instr-generate", "-fcoverage-mapping"]
        common += ["-O0", "-D_GLIBCXX_ASSERTIONS", *count, "-w"]
        link += count
    elif env.SANITIZE:
        sanitize = f"-fsanitize={env.SANITIZE}"
        # The first finding ends the program, so that no test passes over it. GCC's flow warnings go astray in instrumented code.
        common += [sanitize, "-fno-sanitize-recover=all", "-O1", "-fno-omit-frame-pointer"]
        common += ["-D_GLIBCXX_ASSERTIONS"] + ([] if env.FUZZ else ["-Wno-maybe-uninitialized"])
        link += [sanitize]
        if env.FUZZ:
            # The warnings are GCC's to give; clang has another opinion of some.
            common += ["-fsanitize=fuzzer-no-link", "-w"]
            link += ["-fsanitize=fuzzer-no-link"]
    else:
        common += ["-O2", "-D_FORTIFY_SOURCE=2", "-DNDEBUG"]
        link += ["-Wl,-z,defs", "-Wl,--as-needed"]
    # Before what the user's environment gives, which then wins.
    env.prepend_value("CFLAGS", ["-std=gnu11", *common])
    env.prepend_value("CXXFLAGS", ["-std=gnu++20", "-fvisibility-inlines-hidden", *common])
    env.prepend_value("LINKFLAGS", link)
    cnf.check_cxx(fragment=COROUTINE, msg="Checking for C++20 with coroutines", execute=False)
    # The interpreter that waf itself runs in is the system's.
    env.PYTHON3 = "/usr/bin/python3"


@conf
def check_package(cnf, name, mandatory=True):
    """Finds a library by pkg-config. For `use` it is called by its name in capitals, without what is no letter."""
    variable = "".join(letter for letter in name.upper() if letter.isalnum())
    cnf.check_cfg(package=name, args="--cflags --libs", uselib_store=variable, mandatory=mandatory)
    # That would be a macro HAVE_NAME for every file, and Samba has macros of such names, too.
    cnf.undefine(f"HAVE_{variable}")


@conf
def use_library(cnf, folder, headers):
    """The libntpipe that is there takes the place of one that would be built."""
    env = cnf.env

    def place(name):
        found = cnf.root.find_dir(os.path.join(cnf.srcnode.abspath(), name))
        return found or cnf.fatal(f"{name} is missing")

    env.LIBNTPIPE_DIR = place(folder).abspath()
    source = cnf.srcnode.find_dir("lib")
    places = [place(headers)] if headers else sorted({node.parent for node in cnf.public_headers(source)}, key=str)
    env.INCLUDES_libntpipe = [node.abspath() for node in places]
    env.LIBPATH_libntpipe, env.LIB_libntpipe = [env.LIBNTPIPE_DIR], ["ntpipe"]
    for name in "talloc", "tevent", "libsystemd", "popt":
        cnf.check_package(name)


@conf
def public_headers(_, lib):
    """What users of the library may include: the API and, of the layers, what is named as part of it."""
    return lib.ant_glob("api/*.h api/*.hpp */ntpipe_*.h */ntpipe_*.hpp", excl="**/*_internal.hpp")


@conf
def filled_in(bld, template, folder, *, target=None, chmod=Utils.O644, **more):
    """Installs `template` without its .in, with the @NAME@s of the installation directories, and of `more`, filled in."""
    node = bld.path.find_node(template) if isinstance(template, str) else template
    names = ("PREFIX", "LIBDIR", "INCLUDEDIR", "SBINDIR", "BINDIR", "SYSCONFDIR")
    values = {name: Utils.subst_vars(bld.env[name], bld.env) for name in names}
    values.update(more, VERSION=bld.version())
    bld(features="subst", source=node, target=target or node.change_ext("", ".in"), install_path=folder, chmod=chmod, **values)


@conf
def version(bld):
    return Context.g_module.VERSION


@conf
def multiarch(ctx):
    """Debian's name for the machine's kind, which its library directories bear."""
    return sysconfig.get_config_var("MULTIARCH") or ""


@conf
def rpath_in_build(bld):
    """Where a program in the build directory must look for libntpipe."""
    return [to_library(bld)]


def to_library(bld):
    """The way from the build directory of the current folder to that of the shared library, for the loader."""
    here, library = bld.path.get_bld().abspath(), bld.env.LIBNTPIPE_DIR or bld.bldnode.make_node("lib").abspath()
    return os.path.join("$ORIGIN", os.path.relpath(library, here))


@conf
def installed_rpath(bld):
    """Where an installed program must look for libntpipe: nowhere special if the loader looks there anyhow."""
    libdir = Utils.subst_vars(bld.env.LIBDIR, bld.env)
    system = ["/lib", "/usr/lib", f"/lib/{bld.multiarch()}", f"/usr/lib/{bld.multiarch()}"]
    return [] if os.path.normpath(libdir) in system else [libdir]


@conf
def client(bld, kind, target, source, use=(), install_path=None, rpath=(), pattern="%s", **compiling):
    """A program, or with kind cxxshlib a plug-in, that uses the shared libntpipe and runs in the build directory as it is.

    What is to be installed is linked a second time, since its libntpipe will be elsewhere."""
    name = f"{bld.path.name}/{target}"
    use = ["libntpipe", *use]
    pic = ["-fPIC"] if kind == "cxxshlib" else []
    bld(features="c cxx", name=f"{name} objects", source=source, use=use, cflags=pic, cxxflags=pic, **compiling)

    def link(path, **more):
        tasks = bld(features=f"c cxx {kind}", target=path, use=[f"{name} objects", *use], **more)
        tasks.env[f"{kind}_PATTERN"] = pattern

    link(target, name=name, rpath=[to_library(bld), *rpath], install_path=None)
    if install_path:
        link(f"installed/{target}", name=f"{name} installed", rpath=[*bld.installed_rpath(), *rpath], install_path=install_path)
