#!/usr/bin/env bash
# Samples the pictures of README.md again from the pretrained weights, into docs/images/:
# bash scripts/maintain/pictures.sh [PYTHON]
# The figures of evaluations come from scripts.maintain.card and table, those of the dashboard from screenshots.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${1:-python}
images=docs/images
sampled=$(mktemp -d)
trap 'rm -rf "$sampled"' EXIT

punks=checkpoints/cryptopunks.safetensors
sheet() { "$python" -m scripts.maintain.sheet cryptopunks "$images/$1" "${@:2}" --checkpoint $punks; }
digits() { "$python" -m scripts.maintain.sheet mnist "$images/$1" "${@:2}" --checkpoint checkpoints/mnist.safetensors; }
sample() { "$python" sample.py checkpoint=$punks out="$sampled/$1" "${@:2}"; }
panel() { "$python" -m scripts.maintain.panel "$images/$1" "${@:2}"; }

sheet cryptopunks.png male,glasses female,hat zombie,cigarette ape "3D glasses,-hat" "top hat,beard" \
    female,lipstick,earring --w 3
digits mnist.png 0 1 2 3 4 5 6 7 8 9 --w 2 --n 12 --scale 2
digits guidance.png 7 7 7 7 --w 0 1 2 5 --n 16 --scale 2

sample english n=8 prompt="a woman with wild blonde hair, 3D glasses and a gold chain, without a hat"
sample french n=8 prompt="un homme barbu avec un chapeau, sans lunettes"
panel phrases.png "a woman with wild blonde hair, 3D glasses ...=$sampled/english" \
    "un homme barbu avec un chapeau, sans lunettes=$sampled/french"

punk=$images/punk.png
sample top n=7 init=$punk mask=$images/mask-top.png attrs=male,hat
sample around n=7 init=$punk mask=$images/mask-around.png resample=2
sample varied n=7 init=$punk strength=0.5
sample woman n=7 init=$punk strength=0.7 attrs=female
panel editing.png "mask, male,hat=$punk,$images/mask-top.png,$sampled/top" \
    "mask, any=$punk,$images/mask-around.png,$sampled/around" \
    "strength 0.5, any=$punk,$sampled/varied" "strength 0.7, female=$punk,$sampled/woman"

sample first n=8 attrs="rosy cheeks, smile, earring"
sample best rank=adherence keep=8 of=32 attrs="rosy cheeks, smile, earring"
panel ranking.png "first 8 of 32=$sampled/first" "best 8 of 32=$sampled/best"

"$python" scripts/animate.py checkpoint=$punks attrs=male,glasses seed=3 out="$sampled/animation"
cp "$sampled/animation/animation.png" $images/
"$python" scripts/interpolate.py checkpoint=$punks seeds=[3,3] attrs=male "to=zombie,top hat" out="$sampled/between"
cp "$sampled/between/strip.png" $images/interpolation.png

"$python" scripts/compare.py checkpoint=$punks complete=false vary.steps=[2,30] vary.w=[0,1] vary.sampler=[ddpm] \
    vary.complete=[true] seeds=[0,1,2,3,4,5,6,7] attrs=male,glasses,hat out="$sampled/compare"
cp "$sampled/compare/contact.png" $images/compare.png
