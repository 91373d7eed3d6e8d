"""What a person is told, in French: notes and errors, which are written in English where they arise.

A group of a pattern that is called `names` holds names of the schema, and `read` what was read as which name. Names
that a person is to type stay as the schema has them.
"""

from __future__ import annotations

import re

from dashboard import french_folders, french_training
from dashboard.french_names import request_in

NOTES = {
    r"read as: (?P<read>.*)": "compris : {read}",
    r"ignored: (?P<a>.*), no such attribute": "ignoré : {a}, attribut inconnu",
    r"note: -(?P<a>.+) asks for no value of '?(?P<names>.+?)'? at all; negative=(?P<b>.+) moves away from it alone": (
        "remarque : -{a} ne laisse aucune valeur de « {names} » ; negative={b} ne s'éloigne que de celle-là"
    ),
    r"warning: no training example has (?P<a>.*); the model must invent it": (
        "attention : aucun exemple d'entraînement n'a {a} ; le modèle doit l'inventer"
    ),
    r"warning: guide holds the weights that sample, so that w changes nothing": (
        "attention : guide désigne les poids qui génèrent, de sorte que w ne change rien"
    ),
    r"warning: trained with cfg.drop_prob=0, so there .*": (
        "attention : entraîné avec cfg.drop_prob=0, donc sans modèle inconditionnel ; nommez ce que vous voulez, "
        "avec w=1"
    ),
    r"picture: shows (?P<names>.*)": "image : montre {names}",
    r"picture: each seed chooses (?P<names>.*) by itself": "image : chaque graine choisit elle-même : {names}",
    r"picture: (?P<a>.+) of (?P<b>.+) pixels inpainted, with seed (?P<c>.+)": (
        "image : {a} pixels sur {b} régénérés, avec la graine {c}"
    ),
    r"picture: noised to level (?P<a>.+), and (?P<b>.+?)( steps?)? from there": (
        "image : bruitée au niveau {a}, puis {b} pas à partir de là"
    ),
    r"picture: the feather is wider than what is inpainted, so that the strength is (?P<a>.+) at most": (
        "image : le bord doux est plus large que ce qui est régénéré ; la force est de {a} au plus"
    ),
    **french_folders.LINES,
    **french_training.FORECAST,
}

# Of an error, what follows "attrs='...': " and the like, which stays.
ERRORS = {
    # names
    r"unknown attribute (?P<a>.*); closest: (?P<b>.*)": "attribut inconnu {a} ; les plus proches : {b}",
    r"(?P<a>.*) exclude each other, both set (?P<b>.*); name one": (
        "{a} s'excluent, tous deux décident de {b} ; n'en nommez qu'un"
    ),
    r"(?P<a>.*) exclude each other in (?P<b>.*); name one": "{a} s'excluent dans {b} ; n'en nommez qu'un",
    r"(?P<a>.*) is a slot, not a value; name one of (?P<b>.*?)(, or (?P<c>-.*) for none)?": (
        "{a} est une case, pas une valeur ; nommez-en une : {b}"
    ),
    r"a name is missing; write names between commas, such as (?P<a>.*), or any for none": (
        "il manque un nom ; écrivez des noms entre virgules, comme {a}, ou any pour aucun"
    ),
    r"this model is unconditional \(trained with cfg=off\) .*": (
        "ce modèle est inconditionnel (cfg=off) et ne connaît aucun attribut ; écrivez any, ou prenez d'autres poids"
    ),
    r"'any' leaves everything open; write it alone, without a minus or other names": (
        "'any' laisse tout au choix ; écrivez-le seul, sans moins ni autre nom"
    ),
    r"(?P<a>.*) has more than one minus; one asks for absence, as in -hat": (
        "{a} a plus d'un moins ; un seul demande une absence, comme dans -hat"
    ),
    r"(?P<a>.*) only says that (?P<b>.*) is not empty; name what is to be there: (?P<c>.*)": (
        "{a} dit seulement que {b} n'est pas vide ; nommez ce qui doit y être : {c}"
    ),
    r"(?P<a>.*) is no single thing that can be absent; name a value or a slot": (
        "{a} n'est pas une seule chose qui puisse manquer ; nommez une valeur ou une case"
    ),
    r"(?P<a>.*) is never absent; name what you want of (?P<b>.*)": (
        "{a} ne manque jamais ; nommez ce que vous voulez : {b}"
    ),
    r"(?P<a>.*) has no meaning there; write names between commas, such as (?P<b>.*)": (
        "{a} n'a pas de sens ici ; écrivez des noms entre virgules, comme {b}"
    ),
    r"(?P<a>.*) takes no weight; write one name, as in hat:5": (
        "{a} ne prend pas de poids ; écrivez un seul nom, comme dans hat:5"
    ),
    r"(?P<a>.*) asked for twice, with different weights; give each name one": (
        "{a} est demandé deux fois, avec des poids différents ; donnez-en un à chaque nom"
    ),
    r"(?P<a>.*) asks for nothing that has a weight; give each name one": (
        "{a} ne demande rien qui prenne un poids ; donnez-en un à chaque nom"
    ),
    r"(?P<a>.*) is no weight; write a number, as in hat:5 or hat \* 2": (
        "{a} n'est pas un poids ; écrivez un nombre, comme dans hat:5 ou hat * 2"
    ),
    r"(?P<a>.*) is too great a weight; take one from (?P<b>.*) to (?P<c>.*), such as 5": (
        "{a} est un poids trop grand ; prenez-en un de {b} à {c}, comme 5"
    ),
    r"no word that says anything; describe a picture, such as (?P<a>.*)": (
        "aucun mot qui dise quelque chose ; décrivez une image, comme {a}"
    ),
    r"(?P<a>.*): nothing of that name is known; try (?P<b>.*)": "{a} : rien de ce nom n'est connu ; essayez {b}",
    # edits
    r"changes nothing; name what is to appear or, with -, to go": (
        "ne change rien ; nommez ce qui doit apparaître ou, avec -, disparaître"
    ),
    r"the picture shows that already; it is read as (?P<names>.*)": "l'image montre cela déjà ; elle se lit {names}",
    r"no classifier of (?P<a>.*) as these weights know it; one is trained by (?P<b>.*)": (
        "pas de classifieur de {a} tel que ces poids le connaissent ; {b} en entraîne un"
    ),
    # files
    r"(?P<a>\d+) MB; pictures of at most (?P<b>\d+) MB are read": "{a} Mo ; des images de {b} Mo au plus sont lues",
    r"(?P<a>.+) pixels are no whole number of tiles of (?P<b>.+); give the size of one tile": (
        "{a} pixels ne font pas un nombre entier de tuiles de {b} ; donnez la taille d'une tuile"
    ),
    r"(?P<a>\d+) x (?P<b>\d+) pixels; at most (?P<c>\d+) in all are read": (
        "{a} x {b} pixels ; {c} en tout sont lus au plus"
    ),
    r"no such file": "ce fichier n'existe pas",
    r"too many pixels; at most (?P<a>\d+) in all are read": "trop de pixels ; {a} en tout sont lus au plus",
    r"not a picture; give a file of (?P<a>.*)": "ce n'est pas une image ; donnez un fichier {a}",
    r"cannot be decoded; give a file of (?P<a>.*)": "ne peut être décodé ; donnez un fichier {a}",
    r"(?P<a>.*) pixels, but no enlarged picture of (?P<b>.*): its blocks of (?P<c>.*) pixels hold several colours": (
        "{a} pixels, mais pas une image agrandie de {b} : ses blocs de {c} pixels ont plusieurs couleurs"
    ),
    r"(?P<a>.*) pixels; this model generates (?P<b>.*), so give that size, or a whole multiple of it": (
        "{a} pixels ; ce modèle génère du {b} : donnez cette taille, ou un multiple entier"
    ),
    r"nothing in it is light, so nothing would be resampled; paint that white, the rest black": (
        "rien n'y est clair, donc rien ne serait régénéré ; peignez cela en blanc, le reste en noir"
    ),
    # settings
    r"must be a whole number from (?P<a>\S+) to (?P<b>[^, ]+)(,? .*)?": "doit être un nombre entier de {a} à {b}",
    r"must be a whole number of at least (?P<a>\S+)( or null)?": "doit être un nombre entier d'au moins {a}",
    r"must be a number from (?P<a>\S+) to (?P<b>\S+)( or null)?": "doit être un nombre de {a} à {b}",
    r"must be a number of at least (?P<a>\S+)( or null)?": "doit être un nombre d'au moins {a}",
    r"must be a number above (?P<a>\S+)( or null)?": "doit être un nombre au-dessus de {a}",
    r"must be numbers between commas, such as (?P<a>.*)": "doit être des nombres entre virgules, comme {a}",
    r"no value; write some between commas, such as (?P<a>.*)": "aucune valeur ; écrivez-en entre virgules, comme {a}",
    r"what can vary here is (?P<a>.*); write it as (?P<b>.*)": "ce qui peut varier ici : {a} ; écrivez {b}",
    r"nothing varies; name a setting and its values, such as (?P<a>.*)": (
        "rien ne varie ; nommez un réglage et ses valeurs, comme {a}"
    ),
    r"holds \$\{, with which settings refer to others; leave it out": (
        "contient ${{, par quoi des réglages renvoient à d'autres ; enlevez-le"
    ),
    r"unknown; choose one of (?P<a>.*)": "inconnu ; choisissez parmi {a}",
    r"no setting that can be given here; write one on each line, such as (?P<a>.*?)( or .*)?": (
        "aucun réglage à donner ici ; écrivez-en un par ligne, comme {a}"
    ),
    r"with guidance=cfgpp, w lies in (?P<a>.*), and so does the sum of several; (?P<b>.*) is strong": (
        "avec guidance=cfgpp, w est dans {a}, la somme de plusieurs aussi ; {b} est déjà fort"
    ),
    r"(?P<a>.*) takes no noise from elsewhere; use (?P<b>.*) for CFG\+\+": (
        "{a} ne prend pas de bruit d'ailleurs ; prenez {b} pour CFG++"
    ),
    r"the pictures are not finite; use a smaller w, or other weights": (
        "les images ne sont pas finies ; prenez un w plus petit, ou d'autres poids"
    ),
    # runs
    r"must be letters, digits, dots, dashes and underscores(, of which none leads)?": (
        "doit être fait de lettres, de chiffres, de points, de tirets et de soulignés"
    ),
    r"is being trained already": "est déjà en cours d'entraînement",
    r"is being trained; stop that first": "est en cours d'entraînement ; arrêtez-le d'abord",
    r"is there already; choose another name": "existe déjà ; choisissez un autre nom",
    r"cannot be moved to (?P<a>.*) \((?P<b>.*)\)": "ne peut aller à {a} ({b})",
    r"running already; at most (?P<a>\d+) trainings .* at once, so stop one, or wait until one ends": (
        "en cours ; au plus {a} entraînements partent d'ici à la fois : arrêtez-en un, ou attendez"
    ),
    r"a training can be stopped from here on Linux and macOS only; its last save is kept": (
        "un entraînement ne s'arrête d'ici que sous Linux et macOS ; sa dernière sauvegarde reste"
    ),
    r"no training is running there": "aucun entraînement n'y est en cours",
    r"process (?P<a>\d+) cannot be reached \((?P<b>.*)\)": "le processus {a} ne répond pas ({b})",
    r"an evaluation is running already; wait until it ends, or stop it": (
        "une évaluation est déjà en cours ; attendez sa fin, ou arrêtez-la"
    ),
    r"a run is being examined already; wait until that ends": "un examen est déjà en cours ; attendez sa fin",
    r"has saved nothing yet that could be examined; it saves every (?P<a>\d+) steps \(train.checkpoint_every\)": (
        "n'a encore rien enregistré à examiner ; il enregistre tous les {a} pas (train.checkpoint_every)"
    ),
    r"was trained on other pictures or labels of (?P<a>.*) than (?P<b>.*) has now; restore them, or .*": (
        "fut entraîné sur d'autres images ou étiquettes de {a} que {b} n'en a à présent ; rétablissez-les"
    ),
    r"which one\? Name its folder, as in (?P<a>.*)": "lequel ? Nommez son dossier, comme {a}",
    r"its training state and its weights are of different networks": "son état et ses poids sont de réseaux différents",
    r"trained further since; generate the pictures again": "entraînés plus loin depuis ; générez à nouveau les images",
    # pictures of one's own
    **french_folders.PROBLEMS,
}


def note_in(note: str, language: str) -> str:
    """A note of a sampling job, or a line of the check of a folder; one that is not known stays as it is."""
    return _french(note, NOTES, "") or note if language == "Français" else note


def error_in(message: str, language: str) -> str:
    """An error, what was typed before it; one that is not known stays as it is."""
    return _french(message, ERRORS, "(?P<before>.*?: )?") or message if language == "Français" else message


def _french(text: str, table: dict[str, str], before: str) -> str | None:
    for pattern, french in table.items():
        match = re.fullmatch(before + pattern, text, flags=re.DOTALL)
        if match:
            said = {name: value or "" for name, value in match.groupdict().items()}
            said["names"] = request_in(said.get("names", ""), "Français")
            said["read"] = re.sub(r"(?<=['\"]) as ", " comme ", said.get("read", ""))
            before = re.sub(r", line (?=\d+: )", ", ligne ", said.get("before", ""))
            return before + french.format(**said)
    return None
