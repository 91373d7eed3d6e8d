#!/usr/bin/env bash
# Installs Debian's chromium, with which the tests open the dashboard; says where it is. Needs root, or sudo.
set -euo pipefail
if ! command -v chromium >/dev/null; then
    as_root=$([ "$(id -u)" = 0 ] || echo "sudo -n")
    $as_root apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends chromium >&2
fi
command -v chromium
