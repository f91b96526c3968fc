# For the scripts that begin on a bare machine: installing the packages of
# scripts/packages.  Sourced, from the root of the tree.

# setup_packages GROUP...: install what is missing of these groups.  Asks apt
# for nothing when all is there; as root, or by sudo.
setup_packages() {
	local group package missing=() asroot=()
	for group; do
		for package in $(sed -n "s/^$group://p" scripts/packages); do
			setup_has "$package" || missing+=("$package")
		done
	done
	[ ${#missing[@]} -eq 0 ] && return 0
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || {
			echo "These packages are missing; install them, or" \
				"run this as root: ${missing[*]}"
			return 1
		}
		asroot=(sudo)
	fi
	echo "installing ${#missing[@]} Debian packages: ${missing[*]}"
	local log
	log=$(mktemp)
	if ! {
		"${asroot[@]}" apt-get -qq update &&
			"${asroot[@]}" env DEBIAN_FRONTEND=noninteractive \
				apt-get -qq -y --no-install-recommends install \
				"${missing[@]}"
	} </dev/null >"$log" 2>&1; then
		cat "$log"
		echo "apt could not install them."
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
}

setup_has() {
	dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null |
		grep -qx installed
}
