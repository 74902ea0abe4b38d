# Sourced by run.sh and test.sh: installs the Debian packages that are missing. Works as root and with sudo.
saccade_packages() {
  local wanted=(g++ cmake ninja-build libtbb-dev libboost-dev libflatbuffers-dev flatbuffers-compiler
                libfmt-dev libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libxxhash-dev zlib1g-dev libpng-dev libjpeg-dev
                libcurl4-openssl-dev ca-certificates libarchive-dev libssl-dev libeigen3-dev dataset-fashion-mnist "$@")
  local missing=() package
  for package in "${wanted[@]}"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "packages are missing (${missing[*]}) and there is neither root nor sudo; install them and run this again"
    as_root=(sudo)
  fi
  say "installing ${#missing[@]} missing Debian packages: ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { "${as_root[@]}" apt-get update -qq && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    fail "apt-get could not install ${missing[*]}: $(grep -m1 '^E:' "$log" || tail -n1 "$log") (full log: $log)"
  fi
  rm -f "$log"
}

say() { printf '%s: %s\n' "${0##*/}" "$*"; }
fail() { printf '%s: error: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# build PRESET TARGET...: configures and builds; the compiler's output is shown only when it fails.
saccade_build() {
  local preset=$1 log
  shift
  log=$(mktemp)
  say "building $preset ($*)"
  if ! { cmake --preset "$preset" && cmake --build --preset "$preset" --target "$@"; } >"$log" 2>&1; then
    grep -E 'error|Error' "$log" | head -n 5 >&2
    fail "the $preset build failed (full log: $log)"
  fi
  rm -f "$log"
}
