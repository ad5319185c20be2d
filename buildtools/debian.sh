# SPDX-License-Identifier: LGPL-2.1-or-later
# debian.sh: what scripts share that fetch Debian packages and sources beside those of the system. To be sourced.
#
# The script that sources it sets `program`, its name for messages, works in the top folder of the sources, and calls
# clean_debian when it ends. Needs nothing but the base system.

cache='' work=''

say() { printf '%s: %s\n' "$program" "$*"; }
fail() { printf '%s: %s\n' "$program" "$*" >&2; exit 1; }

# A directory that outlives the checkout, or one inside it.
find_cache() {
	base=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
	cache=$PWD/.deps/cache
	if [ -n "$base" ] && mkdir -p "$base/ntpipe" 2>/dev/null && [ -w "$base/ntpipe" ]; then
		cache=$base/ntpipe
	fi
	mkdir -p "$cache"
}

# A directory beside what will be kept, so that it is moved there in one step.
make_work_directory() {
	if [ -z "$work" ]; then
		find_cache
		work=$(mktemp -d "$cache/work.XXXXXX")
	fi
}

clean_debian() {
	if [ -n "$work" ]; then
		rm -rf "$work"
	fi
	work=
}

# Runs a command whose output matters only if it fails.
quietly() {
	"$@" >"$work/log" 2>&1 </dev/null || {
		tail -n 40 "$work/log" >&2
		fail "failed: $*"
	}
}

# Moves directory $1 to $2 in one step. Another run may have been faster: then its result is as good.
keep() {
	chmod 755 "$1"
	mv -T "$1" "$2" 2>/dev/null || [ -d "$2" ] || fail "cannot write $2"
}

# Makes .deps/$2 point to $1.
point_to() {
	mkdir -p "$(dirname ".deps/$2")"
	rm -f ".deps/$2.new"
	ln -s "$1" ".deps/$2.new"
	mv -fT ".deps/$2.new" ".deps/$2"
}

# An apt configuration below $1, as $1/apt.conf: the system's keys, proxies and pins, but lists, cache and sources of its own.
# The sources are to be put into $1/sources.list and $1/sources. What follows is written into it, too.
write_apt_configuration() {
	directory=$1
	shift
	mkdir -p "$directory/lists/partial" "$directory/archives/partial" "$directory/sources"
	{
		# Without the hooks of other packages, which would work on the system's caches.
		apt-config dump | grep -Ev '^(APT::Update::|DPkg::|Binary|CommandLine)'
		cat <<-END_OF_CONFIGURATION
			Dir::Etc::Main "/dev/null";
			Dir::Etc::Parts "/dev/null";
			Dir::Etc::SourceList "$directory/sources.list";
			Dir::Etc::SourceParts "$directory/sources";
			Dir::State::Lists "$directory/lists";
			Dir::Cache "$directory";
			Dir::Cache::Archives "$directory/archives";
			APT::Sandbox::User "$(id -un)";
			Acquire::Retries "3";
		END_OF_CONFIGURATION
		printf '%s\n' "$@"
	} >"$directory/apt.conf"
}

# ---- packages of another release, unpacked ----

# For scripts that are called with [--renew] RELEASE: sets `release` and `renew`, and sees to it that clean_debian is called.
parse_release() {
	renew=
	case ${1-} in
	-h | --help) usage && exit ;;
	--renew) renew=yes && shift ;;
	esac
	[ $# = 1 ] || { usage >&2 && exit 2; }
	release=$1
	case $release in
	'' | *[!a-z]*) fail "$release is not the name of a release" ;;
	esac
	trap clean_debian EXIT
	trap 'exit 130' INT
	trap 'exit 143' HUP TERM
	find_cache
}

# The sources of apt for release $1 on the mirrors that the system has for its own release.
sources_of_release() {
	own=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME-}")
	keys=/usr/share/keyrings/debian-archive-keyring.gpg
	# Without network: this says what would be fetched.
	apt-get update --print-uris | sed -n "s,^'\([^']*\)/dists/$own\([^/']*\)/InRelease'.*,\1 \2,p" |
		while read -r mirror suite; do
			printf "%s [signed-by=$keys] %s %s main\n" deb "$mirror" "$1$suite" deb-src "$mirror" "$1$suite"
		done
}

# Makes $work/apt ready to fetch from release $1, and has apt use it until unset APT_CONFIG.
use_release() {
	mkdir "$work/apt"
	: >"$work/apt/status"
	# To apt nothing is installed, so it fetches all that is needed.
	write_apt_configuration "$work/apt" "Dir::State::status \"$work/apt/status\";" 'APT::Default-Release "";'
	sources_of_release "$1" >"$work/apt/sources.list"
	[ -s "$work/apt/sources.list" ] || fail "the system has no mirror of Debian for its own release"
	export APT_CONFIG="$work/apt/apt.conf"
	quietly apt-get -o APT::Update::Error-Mode=any update
}

# Unpacks all packages that were fetched as $work/root. It looks like a system, but nothing in it was set up.
unpack_packages() {
	say "unpacking $(ls "$work"/apt/archives/*.deb | wc -l) packages"
	mkdir "$work/root"
	for package in "$work"/apt/archives/*.deb; do
		quietly dpkg-deb -x "$package" "$work/root"
	done
	# Else the package base-files' part.
	for folder in bin sbin lib lib64; do
		[ -e "$work/root/$folder" ] || ln -s "usr/$folder" "$work/root/$folder"
	done
	mkdir -p "$work/root/tmp" "$work/root/proc" "$work/root/dev" "$work/root/run"
}

# ---- Wine's source ----

# Unpacks as $2 those files of Wine's source, whose archive is in $1, that its pipe tests are made of. Debian's patches leave them
# alone, so the original archive will do.
unpack_wine_tests() {
	mkdir "$2"
	quietly tar -xf "$1"/wine_*.orig.tar.* -C "$2" --strip-components=1 --wildcards \
		'*/include/wine/test.h' '*/dlls/ntdll/tests/pipe.c' '*/dlls/kernel32/tests/pipe.c'
}

# ---- Samba's headers ----

# What the generated headers depend on, besides Samba's source.
sum_of_generator() {
	cat samba_module/headers/generate samba_module/headers/*.h samba_module/headers/*.py | sha256sum | cut -c1-12
}

# Makes of Samba's source $1 the headers that the module needs, as $2, if they are not there.
generate_headers() {
	if [ ! -e "$2/libcli" ]; then
		make_work_directory
		say "generating the Samba module's headers"
		rm -rf "$2"
		mkdir "$work/headers"
		quietly samba_module/headers/generate "$1" "$work/headers"
		keep "$work/headers" "$2"
	fi
}
