"""French words for what pictures show, and the English ones that the schemas know.

Written without accents and hyphens, l' and d' as words of their own. A plural in s or x and a feminine in e are found
by themselves: "barbu" stands for "barbues" too.
"""

GRAMMAR = {
    "un": "a", "une": "a", "des": "some", "de": "of", "du": "of", "d'": "of", "l'": "the", "le": "the", "la": "the",
    "les": "the", "et": "and", "ou": "or", "avec": "with", "mais": "but", "qui": "who", "que": "but", "qu'": "but",
    "au": "with", "aux": "with", "son": "his", "sa": "his", "ses": "his", "s'": "of", "en": "in", "il": "who",
    "elle": "who", "je": "i", "j'": "i", "c'": "this", "tres": "very", "aussi": "also", "visage": "face",
    "personne": "person", "chiffre": "digit",
    "sans": "without", "pas": "not", "ne": "not", "n'": "not", "pas de": "no", "pas d'": "no", "plus de": "no",
    "plus d'": "no", "aucun": "no", "jamais": "never", "ni": "nor", "non": "non", "non plus": "either",
    "sauf": "except", "hormis": "except", "excepte": "except", "au lieu": "without", "a la place": "without",
    "plutot que": "without", "plutot qu'": "without", "depourvu": "without", "denue": "without",
    "porte": "wears", "porter": "wears", "portant": "wearing", "ayant": "having", "avoir": "have", "est": "is",
    "etre": "be", "veux": "want", "voudrais": "want",
}  # fmt: skip

PEOPLE = {
    "femme": "woman", "fille": "woman", "dame": "woman", "homme": "man", "garcon": "man", "monsieur": "man",
    "singe": "ape", "extraterrestre": "alien", "zombi": "zombie",
    "peau claire": "light skin", "peau foncee": "dark skin", "peau noire": "dark skin", "peau mate": "medium skin",
    "peau pale": "pale", "robot": "robot",
}  # fmt: skip

HEAD = {
    "chapeau": "hat", "couvre chef": "hat", "cheveux": "hair", "chauve": "bald", "casquette": "cap",
    "casquette de police": "police cap", "bonnet": "beanie",
    "bonnet tricote": "knitted cap", "bonnet a pompon": "tassle hat", "haut de forme": "top hat",
    "chapeau haut de forme": "top hat", "chapeau de cowboy": "cowboy hat",
    "chapeau de cow boy": "cowboy hat", "capuche": "hoodie", "bandeau": "headband", "diademe": "tiara",
    "casque d' aviateur": "pilot helmet", "chapeau rose": "pink hat", "crete": "mohawk", "iroquois": "mohawk",
    "crete rouge": "red mohawk", "couettes": "pigtails", "tresses": "pigtails", "crane rase": "shaved head",
    "cheveux blonds en bataille": "wild blonde", "cheveux blonds ebouriffes": "wild blonde",
    "cheveux en bataille": "wild hair", "cheveux ebouriffes": "messy hair", "cheveux fous": "crazy hair",
    "cheveux violets": "purple hair", "cheveux bruns": "dark hair", "cheveux noirs": "dark hair",
    "cheveux fonces": "dark hair", "cheveux raides": "straight hair", "cheveux raides blonds": "straight hair blonde",
    "cheveux blonds raides": "straight hair blonde", "cheveux courts blonds": "blonde short",
    "cheveux blonds courts": "blonde short", "carre blond": "blonde bob", "cheveux de clown": "clown hair green",
    "cheveux verts": "clown hair green", "couronne": "crown", "cheveux roux": "red hair", "cheveux rouges": "red hair",
    "femme rousse": "woman with red hair", "fille rousse": "woman with red hair", "une rousse": "woman with red hair",
    "homme roux": "man with red hair", "garcon roux": "man with red hair", "un roux": "man with red hair",
    "femme brune": "woman with dark hair", "fille brune": "woman with dark hair", "une brune": "woman with dark hair",
}  # fmt: skip

FACE = {
    "lunettes": "glasses", "lunettes de soleil": "glasses", "lunettes 3d": "3d glasses",
    "grosses lunettes": "big shades", "grandes lunettes": "big shades", "petites lunettes": "small shades",
    "lunettes d' intello": "nerd glasses",
    "lunettes d' ecaille": "horned rim glasses", "masque pour les yeux": "eye mask", "cache oeil": "eye patch",
    "bandeau sur l' oeil": "eye patch", "casque vr": "vr", "lunettes de soudeur": "welding goggles",
    "maquillage": "makeup", "fard a paupieres": "makeup", "fard bleu": "blue eye shadow",
    "fard vert": "green eye shadow", "fard violet": "purple eye shadow", "yeux de clown": "clown eyes",
    "barbe": "beard", "barbu": "bearded", "grosse barbe": "big beard", "barbe fournie": "luxurious beard",
    "barbe naissante": "stubble", "bouc": "goat", "moustache": "mustache", "favoris": "muttonchops",
    "rouge a levres": "lipstick", "rouge a levres noir": "black lipstick", "rouge a levres rouge": "hot lipstick",
    "rouge a levres violet": "purple lipstick", "sourire": "smile", "souriant": "smiling", "sourit": "smiling",
    "triste": "frown", "air triste": "frown", "dents de lapin": "buck teeth", "cigarette": "cigarette",
    "pipe": "pipe", "fume": "smoking", "fumer": "smoking", "fumant": "smoking", "fumeur": "smoking",
    "fumeuse": "smoking", "vapoteuse": "vape", "cigarette electronique": "vape", "masque medical": "medical mask",
    "masque": "medical mask", "collier": "chain", "chaine": "chain", "en or": "gold", "d' or": "gold",
    "en argent": "silver", "d' argent": "silver", "ras de cou": "choker", "boucle d' oreille": "earring",
    "nez de clown": "clown nose", "nez rouge": "clown nose", "grain de beaute": "mole", "joues roses": "rosy cheeks",
    "taches de rousseur": "spots", "boutons": "spots",
}  # fmt: skip

NUMBERS = {
    "deux": "two", "trois": "three", "quatre": "four", "cinq": "five", "sept": "seven", "huit": "eight", "neuf": "nine",
}  # fmt: skip

WORDS = {**GRAMMAR, **PEOPLE, **HEAD, **FACE, **NUMBERS}
