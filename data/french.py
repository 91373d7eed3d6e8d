"""French words for what pictures show, and the English ones that the schemas know. Written without accents."""

GRAMMAR = {
    "un": "a", "une": "a", "des": "some", "de": "of", "du": "of", "d'": "of", "l'": "the", "le": "the", "la": "the",
    "les": "the", "et": "and", "ou": "or", "avec": "with", "sans": "without", "pas de": "no", "pas d'": "no",
    "pas": "not", "ni": "nor", "mais": "but", "qui": "who", "porte": "wears", "portant": "wearing", "au": "with",
    "aux": "with",
    "est": "is", "son": "his", "sa": "his", "ses": "his", "tres": "very", "visage": "face", "personne": "person",
    "n'": "of", "s'": "of", "qu'": "that", "en": "in", "il": "who", "elle": "who", "fume": "smoking",
    "ayant": "having", "chiffre": "digit",
}  # fmt: skip

PEOPLE = {
    "femme": "woman", "fille": "woman", "dame": "woman", "homme": "man", "garcon": "man", "monsieur": "man",
    "femmes": "woman", "hommes": "man", "singe": "ape", "extraterrestre": "alien", "zombi": "zombie",
    "peau claire": "light skin", "peau foncee": "dark skin", "peau noire": "dark skin", "peau mate": "medium skin",
    "peau pale": "pale", "robot": "robot",
}  # fmt: skip

HEAD = {
    "chapeau": "hat", "chapeaux": "hat", "couvre-chef": "hat", "cheveux": "hair", "chauve": "bald", "casquette": "cap",
    "casquette a l' envers": "cap forward", "casquette de police": "police cap", "bonnet": "beanie",
    "bonnet tricote": "knitted cap", "bonnet a pompon": "tassle hat", "haut-de-forme": "top hat",
    "haut de forme": "top hat", "chapeau haut de forme": "top hat", "chapeau de cowboy": "cowboy hat",
    "chapeau de cow-boy": "cowboy hat", "capuche": "hoodie", "bandeau": "headband", "diademe": "tiara",
    "casque d' aviateur": "pilot helmet", "chapeau rose": "pink with hat", "crete": "mohawk", "iroquois": "mohawk",
    "crete rouge": "red mohawk", "couettes": "pigtails", "tresses": "pigtails", "crane rase": "shaved head",
    "cheveux blonds en bataille": "wild blonde", "cheveux blonds ebouriffes": "wild blonde",
    "cheveux en bataille": "wild hair", "cheveux ebouriffes": "messy hair", "cheveux fous": "crazy hair",
    "cheveux violets": "purple hair", "cheveux bruns": "dark hair", "cheveux noirs": "dark hair",
    "cheveux raides": "straight hair", "cheveux raides blonds": "straight hair blonde",
    "cheveux blonds raides": "straight hair blonde", "cheveux courts blonds": "blonde short",
    "cheveux blonds courts": "blonde short", "carre blond": "blonde bob", "cheveux de clown": "clown hair green",
    "cheveux verts": "clown hair green", "couronne": "crown",
}  # fmt: skip

FACE = {
    "lunettes": "glasses", "lunettes de soleil": "glasses", "lunettes 3d": "3d glasses",
    "grosses lunettes": "big shades", "grandes lunettes": "big shades", "petites lunettes": "small shades",
    "lunettes d' intello": "nerd glasses",
    "lunettes d' ecaille": "horned rim glasses", "masque pour les yeux": "eye mask", "cache-oeil": "eye patch",
    "bandeau sur l' oeil": "eye patch", "casque vr": "vr", "lunettes de soudeur": "welding goggles",
    "maquillage": "makeup", "fard a paupieres": "makeup", "fard bleu": "blue eye shadow",
    "fard vert": "green eye shadow", "fard violet": "purple eye shadow", "yeux de clown": "clown eyes",
    "barbe": "beard", "barbu": "bearded", "grosse barbe": "big beard", "barbe fournie": "luxurious beard",
    "barbe naissante": "stubble", "bouc": "goat", "moustache": "mustache", "favoris": "muttonchops",
    "rouge a levres": "lipstick", "rouge a levres noir": "black lipstick", "rouge a levres rouge": "hot lipstick",
    "rouge a levres violet": "purple lipstick", "sourire": "smile", "souriant": "smile", "souriante": "smile",
    "triste": "frown", "dents de lapin": "buck teeth", "cigarette": "cigarette", "pipe": "pipe",
    "vapoteuse": "vape", "cigarette electronique": "vape", "masque medical": "medical mask", "masque": "medical mask",
    "collier": "chain", "chaine": "chain", "chaine en or": "gold chain", "chaine d' or": "gold chain",
    "chaine en argent": "silver chain", "chaine d' argent": "silver chain", "ras-de-cou": "choker",
    "boucle d' oreille": "earring", "boucles d' oreilles": "earring", "nez de clown": "clown nose",
    "nez rouge": "clown nose", "grain de beaute": "mole", "joues roses": "rosy cheeks", "taches de rousseur": "spots",
    "boutons": "spots",
}  # fmt: skip

NUMBERS = {
    "deux": "two", "trois": "three", "quatre": "four", "cinq": "five", "sept": "seven", "huit": "eight", "neuf": "nine",
}  # fmt: skip

WORDS = {**GRAMMAR, **PEOPLE, **HEAD, **FACE, **NUMBERS}
