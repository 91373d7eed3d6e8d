"""French words for what pictures show, and the English ones that the schemas know.

Written without accents and hyphens, l' and d' as words of their own. A plural in s or x and a feminine in e are found
by themselves: "barbu" stands for "barbues" too.
"""

GRAMMAR = {
    "un": "a", "une": "a", "des": "some", "de": "of", "du": "of", "d'": "of", "l'": "the", "le": "the", "la": "the",
    "les": "the", "et": "and", "ainsi que": "and", "ou": "or", "avec": "with", "mais": "but", "qui": "who",
    "que": "but", "qu'": "but", "au": "with", "aux": "with", "son": "his", "sa": "his", "ses": "his", "leur": "their",
    "ce": "this", "cet": "this", "cette": "this", "ces": "this", "mon": "my", "mes": "my", "s'": "of", "en": "in",
    "sur": "on", "dans": "in", "pour": "for", "autour": "around", "il": "he", "elle": "she", "il y a": "there is",
    "lui": "it", "je": "i", "j'": "i", "m'": "me", "moi": "me", "te": "you", "tu": "you", "vous": "you", "nous": "us",
    "c'": "this", "tres": "very", "aussi": "also", "juste": "just", "n' importe quel": "any",
    "n' importe quelle": "any", "quelque": "some", "visage": "face", "personne": "person", "quelqu'un": "someone",
    "image": "picture", "chiffre": "digit", "paire": "pair",
    "s' il te plait": "please", "s' il vous plait": "please", "svp": "please", "stp": "please", "merci": "thanks",
    "bonjour": "hello", "salut": "hello", "peux": "can", "peut": "can", "pouvez": "can", "pourrais": "could",
    "pourriez": "could", "dessine": "draw", "dessiner": "draw", "dessinez": "draw", "montre": "show",
    "montrer": "show", "montrez": "show", "fais": "make", "faire": "make", "faites": "make", "donne": "give",
    "donner": "give", "donnez": "give", "genere": "generate", "generer": "generate", "cree": "create",
    "creer": "create", "aimerais": "want", "met": "put", "mettre": "put", "mettez": "put", "ajoute": "put",
    "sans": "without", "pas": "not", "ne": "not", "n'": "not", "pas de": "no", "pas d'": "no", "plus de": "no",
    "plus d'": "no", "aucun": "no", "jamais": "never", "ni": "nor", "non": "non", "non plus": "either",
    "rien": "nothing", "sans rien": "without", "sauf": "except", "hormis": "except", "excepte": "except",
    "au lieu": "without", "a la place": "without", "plutot que": "without", "plutot qu'": "without",
    "depourvu": "without", "denue": "without", "enleve": "remove", "retire": "remove",
    "porte": "wears", "porter": "wears", "portant": "wearing", "ayant": "having", "avoir": "have", "est": "is",
    "etre": "be", "veux": "want", "voudrais": "want",
}  # fmt: skip

PEOPLE = {
    "femme": "woman", "fille": "woman", "dame": "woman", "meuf": "woman", "nana": "woman", "madame": "woman",
    "demoiselle": "woman", "homme": "man", "garcon": "man", "monsieur": "man", "mec": "man", "gars": "man",
    "un type": "man", "bonhomme": "man", "singe": "ape", "gorille": "ape", "chimpanze": "ape",
    "extraterrestre": "alien", "martien": "alien", "zombi": "zombie", "mort vivant": "zombie",
    "peau claire": "light skin", "peau blanche": "light skin", "peau foncee": "dark skin", "peau noire": "dark skin",
    "peau sombre": "dark skin", "peau mate": "medium skin", "peau bronzee": "medium skin", "peau pale": "pale",
    "albinos": "albino", "robot": "robot",
}  # fmt: skip

HEAD = {
    "chapeau": "hat", "couvre chef": "hat", "tete": "head", "cheveux": "hair", "chevelure": "hair", "chauve": "bald",
    "casquette": "cap", "casquette de police": "police cap", "casquette de policier": "police cap",
    "casquette vers l' avant": "cap forward", "bonnet": "beanie", "bonnet tricote": "knitted cap",
    "bonnet de laine": "knitted cap", "bonnet en laine": "knitted cap", "bonnet a pompon": "tassle hat",
    "haut de forme": "top hat", "chapeau haut de forme": "top hat", "chapeau de cowboy": "cowboy hat",
    "chapeau de cow boy": "cowboy hat", "capuche": "hoodie", "capuchon": "hoodie", "sweat a capuche": "hoodie",
    "bandeau": "headband", "serre tete": "headband", "foulard": "bandana", "feutre": "fedora", "diademe": "tiara",
    "tiare": "tiara", "couronne": "crown", "casque d' aviateur": "pilot helmet", "casque de pilote": "pilot helmet",
    "chapeau rose": "pink hat", "crete": "mohawk", "iroquois": "mohawk", "crete rouge": "red mohawk",
    "crete noire": "mohawk dark", "crete sombre": "mohawk dark", "crete fine": "mohawk thin",
    "couettes": "pigtails", "tresses": "pigtails", "nattes": "pigtails", "crane rase": "shaved head",
    "tete rasee": "shaved head", "cheveux rases": "shaved head", "a moitie rase": "half shaved",
    "crane a moitie rase": "half shaved", "cheveux en bataille": "wild hair", "en bataille": "wild",
    "ebouriffe": "messy", "cheveux ebouriffes": "messy hair", "cheveux blonds ebouriffes": "wild blonde",
    "decoiffe": "messy hair", "mal coiffe": "messy hair", "cheveux en desordre": "messy hair",
    "cheveux fous": "crazy hair", "fou": "crazy", "cheveux bruns": "dark hair", "cheveux noirs": "dark hair",
    "cheveux fonces": "dark hair", "raide": "straight", "lisse": "straight", "court": "short",
    "carre": "bob", "cheveux de clown": "clown hair", "cheveux de vampire": "vampire hair",
    "cheveux filasse": "stringy hair", "cheveux gras": "stringy hair", "cheveux en pic": "peak spike",
    "cheveux roux": "red hair", "rouquin": "red hair",
    "femme rousse": "woman with red hair", "fille rousse": "woman with red hair", "une rousse": "woman with red hair",
    "homme roux": "man with red hair", "garcon roux": "man with red hair", "un roux": "man with red hair",
    "femme brune": "woman with dark hair", "fille brune": "woman with dark hair", "une brune": "woman with dark hair",
}  # fmt: skip

FACE = {
    "lunettes": "glasses", "lunettes de soleil": "sunglasses", "lunettes 3d": "3d glasses",
    "grosses lunettes": "big shades", "grandes lunettes": "big shades", "petites lunettes": "small shades",
    "grosses lunettes de soleil": "big shades", "grandes lunettes de soleil": "big shades",
    "petites lunettes de soleil": "small shades", "lunettes de soleil classiques": "classic shades",
    "lunettes de soleil normales": "regular shades", "lunettes de soleil ordinaires": "regular shades",
    "lunettes d' intello": "nerd glasses",
    "lunettes d' ecaille": "horned rim glasses", "lunettes en ecaille": "horned rim glasses",
    "monture d' ecaille": "horned rim glasses", "yeux": "eyes", "masque pour les yeux": "eye mask",
    "masque sur les yeux": "eye mask", "cache oeil": "eye patch", "bandeau sur l' oeil": "eye patch",
    "casque vr": "vr", "lunettes vr": "vr", "casque de realite virtuelle": "vr",
    "lunettes de realite virtuelle": "vr", "realite virtuelle": "vr", "lunettes de soudeur": "welding goggles",
    "lunettes de soudure": "welding goggles", "maquillage": "makeup", "maquille": "makeup",
    "fard": "eye shadow", "fard a paupieres": "eye shadow", "ombre a paupieres": "eye shadow",
    "yeux de clown": "clown eyes",
    "barbe": "beard", "barbu": "bearded", "grosse barbe": "big beard", "grande barbe": "big beard",
    "barbe fournie": "luxurious beard", "luxuriant": "luxurious", "barbe normale": "normal beard",
    "barbe naissante": "stubble", "barbe de trois jours": "stubble", "barbe de 3 jours": "stubble",
    "mal rase": "stubble", "bien rase": "clean shaven", "rase de pres": "clean shaven", "imberbe": "clean shaven",
    "collier de barbe": "chinstrap", "bouc": "goat", "barbiche": "goat", "moustache": "mustache",
    "moustachu": "mustache", "moustache en guidon": "handlebars", "favoris": "muttonchops",
    "rouflaquettes": "muttonchops", "bouche": "mouth", "rouge a levres": "lipstick",
    "rouge a levres rouge": "hot lipstick", "sourire": "smile", "souriant": "smiling", "sourit": "smiling",
    "triste": "frown", "air triste": "frown", "moue": "frown", "fronce les sourcils": "frowning",
    "froncant les sourcils": "frowning", "dents de lapin": "buck teeth", "dents en avant": "buck teeth",
    "cigarette": "cigarette", "clope": "cigarette", "cigare": "cigar", "pipe": "pipe", "fume": "smoking",
    "fumer": "smoking", "fumant": "smoking", "fumeur": "smoking", "fumeuse": "smoking", "vapoteuse": "vape",
    "vapote": "vape", "vapoter": "vape", "cigarette electronique": "vape", "masque medical": "medical mask",
    "masque chirurgical": "medical mask", "masque": "medical mask", "cou": "neck", "collier": "chain",
    "chaine": "chain", "ras de cou": "choker", "ras du cou": "choker", "oreille": "ear", "boucle d' oreille": "earring",
    "nez": "nose", "nez de clown": "clown nose", "nez rouge": "clown nose", "grain de beaute": "mole",
    "joues roses": "rosy cheeks", "joues rouges": "rosy cheeks", "taches de rousseur": "spots", "boutons": "spots",
    "acne": "acne",
}  # fmt: skip

COLOURS = {
    "en or": "gold", "d' or": "gold", "dore": "gold", "en argent": "silver", "d' argent": "silver",
    "argente": "silver", "blond": "blonde", "blanc": "white", "blanche": "white", "noir": "black", "rouge": "red",
    "vert": "green", "bleu": "blue", "violet": "purple", "mauve": "purple", "rose": "pink",
}  # fmt: skip

NUMBERS = {
    "deux": "two", "trois": "three", "quatre": "four", "cinq": "five", "sept": "seven", "huit": "eight", "neuf": "nine",
}  # fmt: skip

WORDS = {**GRAMMAR, **PEOPLE, **HEAD, **FACE, **COLOURS, **NUMBERS}
