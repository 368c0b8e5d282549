#!/usr/bin/env bash
# tfjsNode.sh FOLDER: installs @tensorflow/tfjs-node in FOLDER and builds its addon against TensorFlow's library out of the
# wheel of tensorflow-cpu, for machines that reach npm and PyPI but not the place that its own install script downloads
# from. The version of TensorFlow is the one that tfjs-node 4.22 asks for. Needs g++, unzip,
# the headers of Node, and a Python with pip: PYTHON, or python3.
set -euo pipefail
[ $# = 1 ] || { echo 'usage: tfjsNode.sh FOLDER' >&2; exit 2; }
mkdir -p "$1"
cd "$1"
package=node_modules/@tensorflow/tfjs-node
[ -e "$package/lib/napi-v8/tfjs_binding.node" ] && exit 0
headers=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")/include/node
[ -e "$headers/node_api.h" ] || { echo "no headers of Node in $headers" >&2; exit 1; }
echo '{"private": true}' >package.json
npm install --ignore-scripts --no-audit --no-fund @tensorflow/tfjs-node@4.22.0
"${PYTHON:-python3}" -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.10 \
  --platform manylinux2014_x86_64 --dest wheel tensorflow-cpu==2.9.1
unzip -q -o wheel/*.whl 'tensorflow/include/tensorflow/c/*' 'tensorflow/include/tensorflow/core/platform/*' \
  'tensorflow/libtensorflow_framework.so.2' 'tensorflow/python/_pywrap_tensorflow_internal.so' -d wheel
mkdir -p native
mv -f wheel/tensorflow/libtensorflow_framework.so.2 wheel/tensorflow/python/_pywrap_tensorflow_internal.so native/
# The library is a part of a Python extension: it asks for Python's symbols when it is loaded, and calls none of them here.
nm -D --undefined-only native/_pywrap_tensorflow_internal.so | awk '{print $2}' | sed 's/@.*//' | grep -E '^_?Py' |
  sort -u | sed 's/.*/char &[4096];/' >native/python.c
gcc -shared -fPIC -o native/libpython.so native/python.c
mkdir -p "$package/lib/napi-v8"
g++ -O1 -shared -fPIC -std=c++17 -DBUILDING_NODE_EXTENSION -I"$headers" -I"$package" -Iwheel/tensorflow/include \
  "$package/binding/tfjs_backend.cc" "$package/binding/tfjs_binding.cc" -o "$package/lib/napi-v8/tfjs_binding.node" \
  -Lnative -Wl,--no-as-needed -l:libpython.so -l:libtensorflow_framework.so.2 -l:_pywrap_tensorflow_internal.so \
  -Wl,-rpath,"$PWD/native"
rm -rf wheel
