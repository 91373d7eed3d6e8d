#!/usr/bin/env bash
# Draws the pictures of README.md again with the weights that ship, into docs/images/: bash scripts/pictures.sh [PYTHON]
# The figures of evaluations come from scripts/card.py and scripts/table.py, the dashboard's from scripts/screenshots.py.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python}
images=docs/images
drawn=$(mktemp -d)
trap 'rm -rf "$drawn"' EXIT

punks=checkpoints/cryptopunks.safetensors
sheet() { "$python" scripts/sheet.py cryptopunks "$images/$1" "${@:2}" --checkpoint $punks; }
sample() { "$python" sample.py checkpoint=$punks out="$drawn/$1" "${@:2}"; }
panel() { "$python" scripts/panel.py "$images/$1" "${@:2}"; }

sheet cryptopunks.png male,glasses female,hat zombie,cigarette ape "3D glasses,-hat" "top hat,beard" \
    female,lipstick,earring --w 3
sheet guidance.png "3D glasses,top hat" "3D glasses,top hat" "3D glasses,top hat" "3D glasses,top hat" --w 0 1 2 5
"$python" scripts/sheet.py mnist $images/mnist.png 0 1 2 3 4 5 6 7 8 9 --w 2 --n 12 --scale 2 \
    --checkpoint checkpoints/mnist.safetensors

sample english n=8 prompt="a woman with wild blonde hair, 3D glasses and a gold chain, without a hat"
sample french n=8 prompt="un homme barbu avec un chapeau, sans lunettes"
panel phrases.png "a woman with wild blonde hair, 3D glasses ...=$drawn/english" \
    "un homme barbu avec un chapeau, sans lunettes=$drawn/french"

punk=$images/punk.png
sample top n=7 init=$punk mask=$images/mask-top.png attrs=male,hat
sample around n=7 init=$punk mask=$images/mask-around.png repeats=2
sample varied n=7 init=$punk strength=0.5
sample woman n=7 init=$punk strength=0.7 attrs=female
panel editing.png "mask, male,hat=$punk,$images/mask-top.png,$drawn/top" \
    "mask, any=$punk,$images/mask-around.png,$drawn/around" \
    "strength 0.5, any=$punk,$drawn/varied" "strength 0.7, female=$punk,$drawn/woman"

sample first n=8 attrs="rosy cheeks, smile, earring"
sample best rank=adherence keep=8 of=32 attrs="rosy cheeks, smile, earring"
panel ranking.png "first 8 of 32=$drawn/first" "best 8 of 32=$drawn/best"

"$python" scripts/film.py checkpoint=$punks attrs=male,glasses seed=3 out="$drawn/film"
cp "$drawn/film/film.png" $images/
"$python" scripts/interpolate.py checkpoint=$punks seeds=3,3 attrs=male "to=zombie,top hat" out="$drawn/between"
cp "$drawn/between/strip.png" $images/interpolation.png

"$python" scripts/compare.py checkpoint=$punks vary=steps:5,30 vary=w:1,7 vary=sampler:ddpm,unipc vary=refine:0 \
    seeds=0,1,2,3,4,5,6,7 attrs=male,glasses,hat out="$drawn/compare"
cp "$drawn/compare/contact.png" $images/compare.png
