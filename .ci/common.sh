# What both runs of continuous integration share; sourced from the repository's root.
# Every check has to run: one whose needs are missing fails.
export BERTUNE_TEST_ALL=1

# The real data and models, when they lie beside the project.
if [ -z "${BERTUNE_DATA:-}" ] && [ -d ../shared/data ]; then
  BERTUNE_DATA=$(cd ../shared/data && pwd)
  export BERTUNE_DATA
fi
if [ -z "${BERTUNE_MODELS:-}" ] && [ -d ../shared/models ]; then
  BERTUNE_MODELS=$(cd ../shared/models && pwd)
  export BERTUNE_MODELS
fi

fail() {
  echo ".ci: $1" >&2
  exit 1
}

# install WHAT PACKAGE...: Debian packages, for something that is missing.
install() {
  local what=$1 log
  shift
  command -v apt-get >/dev/null || fail "$what is missing, and so is apt-get: install it by hand"
  [ "$(id -u)" = 0 ] || fail "$what is missing, and only root can install it: apt-get install $*"
  echo ".ci: installing $*"
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  if ! { apt-get -o DPkg::Lock::Timeout=300 update && apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    fail "$what is missing, and apt-get could not install $* (its last words are above)"
  fi
  rm -f "$log"
}
