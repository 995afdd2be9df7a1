#!/usr/bin/env bash
# Programs that some tests drive: a browser, three that read sidecars, Lightroom's Lua, and two reverse proxies. Installs
# them where that is possible (Debian's packages, as root); elsewhere prints the one line to run. Tests that lack a program
# are skipped, with CI=true they fail.
set -euo pipefail

declare -A package_of=([chromium]=chromium [exiv2]=exiv2 [exiftool]=libimage-exiftool-perl [systemd-analyze]=systemd
    [lua5.1]=lua5.1 [darktable-cli]=darktable [nginx]=nginx [caddy]=caddy [openssl]=openssl)
missing=()
for program in "${!package_of[@]}"; do
    command -v "$program" >/dev/null || missing+=("${package_of[$program]}")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    # The proxies are for the tests alone: no server is started on the ports of this machine
    SYSTEMD_OFFLINE=1 RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "${missing[@]}" >/dev/null
else
    echo "Some tests will be skipped. To run them:  sudo apt-get install ${missing[*]}"
fi
