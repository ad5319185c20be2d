# SPDX-License-Identifier: LGPL-2.1-or-later
# Makefile: the usual targets. Building is waf's work (./waf --help), the rest is done by the scripts that are called here.

PREFIX ?= /usr/local
CONFIGURE := --prefix=$(PREFIX) $(if $(LIBDIR),--libdir=$(LIBDIR)) $(CONFIGURE_OPTIONS)
PYTHON := /usr/bin/python3

.DEFAULT_GOAL := all
.NOTPARALLEL:
.PHONY: all build build-asan build-tsan build-trixie build-fuzz fuzz kill fault test test-wine selftest conformance mutations demo bench docs install check abi \
	check-format tidy clean help ready

all build: ready
	@buildtools/build build $(CONFIGURE)

build-asan: ready
	@buildtools/build build/asan --sanitize=address,undefined $(CONFIGURE_OPTIONS)

build-tsan: ready
	@buildtools/build build/tsan --sanitize=thread --without-samba-module $(CONFIGURE_OPTIONS)

# The Samba module and gateway for another release of Debian, whose Samba selftest/libraries has fetched.
build-trixie: all
	@if test -e .deps/trixie/root; then \
		buildtools/build build/trixie --libntpipe=build/lib --samba-root=.deps/trixie/root \
			--samba-source=.deps/trixie/samba --samba-headers=.deps/trixie/headers $(CONFIGURE_OPTIONS); \
	else echo 'build-trixie: left out, since selftest/libraries trixie has not been run, or could not fetch it'; fi

# The fuzz targets, with clang; with COVERAGE=yes once more, counting what they reach.
build-fuzz: ready
	@buildtools/build build/fuzz --fuzz=yes $(CONFIGURE_OPTIONS)
	$(if $(COVERAGE),@buildtools/build build/fuzz-coverage --fuzz=coverage $(CONFIGURE_OPTIONS))

# Each target (or those of TARGETS) for so many seconds.
fuzz: build-fuzz
	$(PYTHON) tests/fuzz/run build --seconds $(or $(SECONDS),60) $(if $(COVERAGE),--coverage build/fuzz-coverage) $(TARGETS)

# Programs at work are killed and stopped at random for SECONDS; with SOAK=1 as often as in an hour of that, one right after the other.
kill: all
	$(if $(SOAK),NTPIPE_KILL_SOAK=$(SOAK),NTPIPE_KILL_SECONDS=$(or $(SECONDS),600)) $(PYTHON) tests/run build kill -n0 -s

# Each allocation and each system call of every process fails once; of the bridge to Wine, which takes long, some.
fault: all
	NTPIPE_FAULT_ALL=1 $(PYTHON) tests/run build fault samba/test_faults.py samba/test_faults_gateway.py wine/test_faults.py -n0 -s

test: all build-asan build-tsan build-trixie build-fuzz
	$(PYTHON) tests/run build

# What runs under Wine, and how Windows and native programs compare in every pipe call. DISTRO=trixie: on that release's Wine.
test-wine: all
	$(if $(DISTRO),tests/wine/libraries $(DISTRO))
	rm -f build/tests/wine/walk-*.txt; \
	NTPIPE_WINE_ALL=1 $(if $(DISTRO),tests/wine/inside $(DISTRO)) $(PYTHON) tests/run build wine conformance/test_conformance.py -k wine; status=$$?; \
	cat build/tests/wine/walk-*.txt && exit $$status

# The cases of the semantics over every transport: what applies, passed, failed, is waited for; and docs/CONFORMANCE.md.
conformance: all build-asan
	$(PYTHON) tests/run build conformance samba/test_numbered_cases.py; status=$$?; \
	$(PYTHON) tests/conformance/report.py build > build/CONFORMANCE.md && mv build/CONFORMANCE.md docs/CONFORMANCE.md && \
	$(PYTHON) tests/conformance/report.py --summary build && exit $$status

# Breaks the rules in lib/end and lib/namespace one at a time, in a copy of the sources, to see that the tests notice.
mutations: ready
	$(PYTHON) tests/mutations/run build $(MUTATIONS)

# Suites against stock smbd and smbd with the module, as Samba tests itself. TESTS: a regular expression on SUITE(ENVIRONMENT).
# DISTRO=trixie: on that release's smbd, and then tests/samba, too.
selftest: all build-asan
	$(if $(DISTRO),selftest/libraries $(DISTRO) && $(MAKE) build-$(DISTRO) && NTPIPE_SAMBA_RELEASE=$(DISTRO) )$(PYTHON) selftest/run build \
		$(if $(TESTS),'$(TESTS)')
	$(if $(DISTRO),NTPIPE_SAMBA_RELEASE=$(DISTRO) $(PYTHON) tests/run build samba)

demo: all
	selftest/demo build

bench: all
	bench/run build

docs: all
	build/docs/spec_tables docs/SPEC.md > build/SPEC.md && mv build/SPEC.md docs/SPEC.md
	$(PYTHON) selftest/answers/run build --into docs/SAMBA.md

install: all
	./waf install --destdir=$(DESTDIR)
	@test -n "$(DESTDIR)" || test "$$(id -u)" != 0 || ldconfig

check: all build-fuzz check-format
	@buildtools/abi check
	@buildtools/check cppcheck
	@buildtools/check tidy

# clang-tidy over all sources, or over FILES.
tidy: all build-fuzz
	@buildtools/check tidy $(FILES)

# Makes the binary interface of the library as it is now the one that it is held against.
abi: all
	buildtools/abi accept

check-format: ready
	@buildtools/check format

clean:
	rm -rf build .lock-waf*

# The packages and the Samba source that the targets need. ./bootstrap says so when it has seen to that itself.
ready:
	@test -n "$(NTPIPE_BOOTSTRAPPED)" || ./bootstrap --only $(or $(MAKECMDGOALS),all) $(if $(COVERAGE),COVERAGE=yes)

help:
	@echo 'make [all]         library, broker, tools, Samba module, examples, tests, benchmarks, in build/'
	@echo 'make test          the same once more with sanitizers (build/asan, build/tsan), and the fuzz targets; then all tests'
	@echo 'make test-wine     what of them runs under Wine; prints how Windows and native programs compare in every pipe call'
	@echo '                   (DISTRO=trixie: on the Wine of that release)'
	@echo 'make conformance  the cases of the semantics over every transport, counted; writes docs/CONFORMANCE.md'
	@echo 'make mutations    breaks one rule after the other and shows that tests notice (an hour; MUTATIONS="3.3 7": only these)'
	@echo 'make fuzz         every fuzz target, SECONDS=60 each (TARGETS="broker smb1": only these; COVERAGE=yes: also what they reach)'
	@echo 'make kill         kills and stops programs at work for SECONDS=600, and counts each message (SOAK=1: an hour of it, in a hurry)'
	@echo 'make fault        each allocation and each system call of every process fails once'
	@echo 'make selftest      smbtorture and suites of our own, with the module beside stock smbd (TESTS=REGEX: only these)'
	@echo 'make demo          a small tour: native programs and SMB clients meet in one pipe'
	@echo 'make bench         the benchmarks, ten minutes; results and plots go to build/bench (docs/PERFORMANCE.md)'
	@echo 'make docs          writes the tables of docs/SPEC.md that come from the code, and that of docs/SAMBA.md, for which smbd is asked'
	@echo 'make install       into PREFIX (default /usr/local); DESTDIR and LIBDIR are honoured'
	@echo 'make check         formatting (clang-format), the binary interface (abidiff), cppcheck and clang-tidy over the sources'
	@echo 'make tidy          of that only clang-tidy, which takes longest (FILES="broker/limits.cc tools/ls.cc": only over these)'
	@echo 'make abi           accepts the binary interface of the library as it is now'
	@echo 'make check-format  formatting only'
	@echo 'make build-asan    only the build with the address and undefined behaviour sanitizers'
	@echo 'make build-trixie  only the Samba module and gateway for the Samba of Debian 13, in build/trixie'
	@echo 'make build-tsan    only the library and unit tests with the thread sanitizer'
	@echo 'make clean         removes build/'
	@echo
	@echo 'On a fresh machine use ./bootstrap TARGET... instead of make TARGET...'
	@echo 'CONFIGURE_OPTIONS=... is handed to ./waf configure (see ./waf --help)'
