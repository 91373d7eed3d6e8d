#!/usr/bin/env bash
# What to run first on a machine with an NVIDIA GPU; the report is evaluations/cuda/report.md.
#
#   bash scripts/cuda.sh
#   PARTS="tests throughput" bash scripts/cuda.sh
#
# Each part takes about ten minutes at most. A part that is done is skipped, so after a failure or a stop the same command goes
# on; remove evaluations/cuda/PART.done to run a part again. A part that fails does not stop the others.
set -euo pipefail
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-.venv/bin/python}
DEVICE=${DEVICE:-cuda}
REPORT=${REPORT:-evaluations/$DEVICE}
PARTS=${PARTS:-tests benchmark training throughput pictures}
MINUTES=${MINUTES:-10}     # of the training
MEASURED=${MEASURED:-60}   # seconds in which the throughput is measured
SIDE=${SIDE:-64}           # of the pictures of the throughput
PICTURES=${PICTURES:-10000}
EXTRA=${EXTRA:-}           # further settings of both trainings, such as "model.channels=16"
LIMIT=${LIMIT:-900}        # seconds after which a part counts as failed
mkdir -p "$REPORT"

# part NAME COMMAND...: runs a command once, and keeps what it says, its seconds and its exit status.
part() {
    local name=$1 began=$SECONDS status=0
    shift
    if [ -e "$REPORT/$name.done" ]; then
        echo "$name: done already"
        return
    fi
    echo "$name: $*"
    printf '%q ' "$@" >"$REPORT/$name.command"
    timeout --signal=TERM "$LIMIT" "$@" >"$REPORT/$name.log" 2>&1 || status=$?
    printf 'exit status %d after %d s\n' "$status" "$((SECONDS - began))" >"$REPORT/$name.result"
    if [ "$status" = 0 ]; then
        mv "$REPORT/$name.result" "$REPORT/$name.done"
    else
        echo "$name: failed, see $REPORT/$name.log" >&2
        failed=1
    fi
}

# The settings of the network that docs/scaling.md reckons with for 64 x 64.
wide=("model.channels=128" "model.channel_mults=[1,2,3,4]" "model.attention_levels=[2,3]" "model.map_channels=0")
read -r -a extra <<<"$EXTRA"

# Without the device, no part would say anything, and the tests would be skipped.
"$PYTHON" -c 'import sys; from runtime.device import pick_device; pick_device(sys.argv[1])' "$DEVICE"

failed=0
for name in $PARTS; do
    case $name in
    tests) part tests "$PYTHON" -m pytest -m cuda tests/test_cuda.py -v ;;
    benchmark) part benchmark "$PYTHON" scripts/benchmark.py "device=$DEVICE" ;;
    training)
        part training "$PYTHON" train.py experiment=cryptopunks "train.minutes=$MINUTES" "device=$DEVICE" \
            "run=$REPORT/run" ${extra[@]+"${extra[@]}"}
        ;;
    throughput)
        part throughput "$PYTHON" -m scripts.maintain.throughput "$SIDE" "device=$DEVICE" "${wide[@]}" \
            ${extra[@]+"${extra[@]}"} --seconds "$MEASURED"
        ;;
    pictures)
        [ -e "$REPORT/pictures.done" ] || rm -rf "$REPORT/samples"  # of a run that was stopped
        part pictures "$PYTHON" sample.py checkpoint=checkpoints/cryptopunks.safetensors attrs=male,glasses w=3 \
            "n=$PICTURES" batch_size=1000 scale=1 "device=$DEVICE" "out=$REPORT/samples"
        ;;
    *)
        echo "cuda.sh: $name: no such part; choose from tests benchmark training throughput pictures" >&2
        exit 2
        ;;
    esac
done

{
    echo "# First run on ${DEVICE}"
    echo
    "$PYTHON" - "$DEVICE" <<'PYTHON_END'
import sys

import torch

from runtime.device import hardware, pick_device
from runtime.version import code_version

print(f"{hardware(pick_device(sys.argv[1]))}; PyTorch {torch.__version__}; version {code_version()}")
PYTHON_END
    for name in tests benchmark training throughput pictures; do
        [ -e "$REPORT/$name.log" ] || continue
        echo
        echo "## $name"
        echo
        echo "    $(cat "$REPORT/$name.command")"
        echo
        cat "$REPORT/$name.done" 2>/dev/null || cat "$REPORT/$name.result"
        echo
        tail -n 20 "$REPORT/$name.log" | tr '\r' '\n' | grep -v '^ *$' | tail -n 20 | sed 's/^/    /' || true
    done
} >"$REPORT/report.md.part"
mv "$REPORT/report.md.part" "$REPORT/report.md"
echo "report: $REPORT/report.md"
exit "$failed"
