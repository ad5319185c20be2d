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
