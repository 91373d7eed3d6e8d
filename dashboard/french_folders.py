"""What the check of a person's pictures says, in French: what is wrong with a folder, and what it holds.

Patterns as in french_messages.py. What a person is to type stays as it is.
"""

NAME_FAULTS = {
    r"(?P<a>.*) holds (?P<b>.*), which has a meaning in requests; (give|write) .*": (
        "{a} contient {b}, qui a un sens dans les demandes ; choisissez un autre mot"
    ),
    r"(?P<a>.*) begins with (?P<b>.*), which has a meaning in requests; (give|write) .*": (
        "{a} commence par {b}, qui a un sens dans les demandes ; choisissez un autre mot"
    ),
    r"(?P<a>.*) has no letters that could be typed; (give|write) .*": (
        "{a} n'a pas de lettres que l'on puisse taper ; choisissez un autre mot"
    ),
    r"(?P<a>.*) is (?P<b>\d+) characters long, of (?P<c>\d+) at most; (give|write) .*": (
        "{a} a {b} caractères, pour {c} au plus ; choisissez un autre mot"
    ),
    r"(?P<a>.*) is a word with a meaning in requests; (give|write) .*": (
        "{a} a un sens dans les demandes ; choisissez un autre mot"
    ),
    r"(?P<a>.*) has no name; give the group another name": "{a} n'a pas de nom ; donnez-en un au groupe",
}

PROBLEMS = {
    # the folder or zip file
    r"no such folder or zip file; give the folder that holds the pictures": (
        "ni dossier ni fichier zip de ce nom ; donnez le dossier qui contient les images"
    ),
    r"neither a folder nor a zip file; give the folder that holds the pictures": (
        "ni un dossier ni un fichier zip ; donnez le dossier qui contient les images"
    ),
    r"no zip file; make one of the folder that holds the pictures": (
        "pas un fichier zip ; faites-en un du dossier qui contient les images"
    ),
    r"cannot be read \((?P<a>.*)\); check its permissions, or make the zip file anew": (
        "illisible ({a}) ; vérifiez ses droits, ou refaites le fichier zip"
    ),
    r"name the folder of your pictures, such as (?P<a>.*)": "nommez le dossier de vos images, comme {a}",
    r"(?P<a>.*) is a data set of its own; give the folder another name": (
        "{a} est déjà un jeu de données ; donnez un autre nom au dossier"
    ),
    r"more than (?P<a>.*) files; give the folder that holds the pictures alone": (
        "plus de {a} fichiers ; donnez le dossier qui contient seulement les images"
    ),
    r"more than (?P<a>.*) files or (?P<b>.*) GB; unpack it and give its folder": (
        "plus de {a} fichiers ou {b} Go ; décompressez-le et donnez son dossier"
    ),
    r"leads out of the zip file, or has (?P<a>.*) in its name; make the zip file anew": (
        "sort du fichier zip, ou a {a} dans son nom ; refaites le fichier zip"
    ),
    r"is encrypted; make the zip file anew without a password": "chiffré ; refaites le fichier zip sans mot de passe",
    r"is a link; put the file itself into the zip file": "un lien ; mettez le fichier lui-même dans le fichier zip",
    r"is there twice; make the zip file anew": "présent deux fois ; refaites le fichier zip",
    r"is there twice, with its accents written in two ways; rename one of them": (
        "présent deux fois, aux accents écrits de deux façons ; renommez-en un"
    ),
    r"looks like (?P<a>a table|a schema), and is not read; call it (?P<b>.*), at the top, or take it away": (
        "a l'air de contenir des étiquettes ou leur sens, et n'est pas lu ; nommez-le {b}, tout en haut, ou retirez-le"
    ),
    r"damaged in the zip file \((?P<a>.*)\); make the zip file anew": (
        "abîmé dans le fichier zip ({a}) ; refaites le fichier zip"
    ),
    r"a link to a folder, which is not followed; copy the folder": (
        "un lien vers un dossier, qui n'est pas suivi ; copiez le dossier"
    ),
    r"no file that can be read, or a link that leads nowhere; take it away": (
        "pas un fichier lisible, ou un lien qui ne mène nulle part ; enlevez-le"
    ),
    r"holds no pictures; give the folder that holds them, as PNG for example": (
        "ne contient pas d'images ; donnez le dossier qui les contient, en PNG par exemple"
    ),
    r"(?P<a>\d+) pictures; a training needs (?P<b>\d+) at least": (
        "{a} images ; il en faut au moins {b} pour un entraînement"
    ),
    # pictures
    r"(?P<a>\S+) files are not read; save it as PNG": "les fichiers {a} ne sont pas lus ; enregistrez-le en PNG",
    r"(?P<a>\d+) MB; files of at most (?P<b>\d+) MB are read": "{a} Mo ; des fichiers de {b} Mo au plus sont lus",
    r"an empty file; write it anew, or take it away": "un fichier vide ; écrivez-le à nouveau, ou enlevez-le",
    r"(?P<a>.*) pixels, but most have (?P<b>.*); bring all to one size, or add (?P<c>.*)": (
        "{a} pixels, mais la plupart en ont {b} ; donnez la même taille à toutes, ou ajoutez {c}"
    ),
    r"(?P<a>.*) pixels, of (?P<b>\d+) at most; each of its pixels is there (?P<c>.*) times, so add (?P<d>.*)": (
        "{a} pixels, pour {b} au plus ; chacun de ses pixels y est {c} fois : ajoutez {d}"
    ),
    r"(?P<a>.*) pixels, of (?P<b>\d+) at most; scale it down, as with (?P<c>.*)": (
        "{a} pixels, pour {b} au plus ; réduisez-la, comme par {c}"
    ),
    r"(?P<a>.*) pixels, of at least (?P<b>\d+); add a border": "{a} pixels, pour {b} au moins ; ajoutez un bord",
    r"(?P<a>.*) pixels, smaller than (?P<b>.*), and nothing is enlarged; choose a smaller size": (
        "{a} pixels, moins que {b}, et rien n'est agrandi ; choisissez une taille plus petite"
    ),
    r"(?P<a>.*) pixels, no enlarged copy of (?P<b>.*); each of its pixels is there (?P<c>.*) times, so add (?P<d>.*)": (
        "{a} pixels, pas une copie agrandie de {b} ; chacun de ses pixels y est {c} fois : ajoutez {d}"
    ),
    r"(?P<a>.*) pixels, no enlarged copy of (?P<b>.*); add (?P<c>\S+) to scale it, or change size": (
        "{a} pixels, pas une copie agrandie de {b} ; ajoutez {c} pour la réduire, ou changez de taille"
    ),
    r"pixel art, which no filter keeps as it is; each of its pixels is there (?P<a>.*) times, so add (?P<b>.*), "
    r"or set (?P<c>.*)": (
        "pixel art, qu'aucun filtre ne conserve ; chacun de ses pixels y est {a} fois : ajoutez {b}, ou mettez {c}"
    ),
    r"pixel art, which no filter keeps as it is; choose a size of which it is an enlarged copy, or set (?P<a>.*)": (
        "pixel art, qu'aucun filtre ne conserve ; choisissez une taille dont c'est une copie agrandie, ou mettez {a}"
    ),
    r"more than (?P<a>.*) colours, which is no pixel art; leave it out": (
        "plus de {a} couleurs, ce n'est pas du pixel art ; ne le demandez pas"
    ),
    r"(?P<a>\w+), but to which size\? Add (?P<b>.*), for example": (
        "{a}, mais à quelle taille ? Ajoutez {b}, par exemple"
    ),
    r"no such picture in the folder; name the sheet by its path from there, as in (?P<a>.*)": (
        "pas d'image de ce nom dans le dossier ; donnez le chemin de la planche à partir de là, comme {a}"
    ),
    r"of tiles of which size\? Add (?P<a>.*), for example": "des tuiles de quelle taille ? Ajoutez {a}, par exemple",
    # the table
    r"stands beside (?P<a>\S+); keep one of the two": "est à côté de {a} ; gardez l'un des deux",
    r"has no line in (?P<a>\S+); add one, or move the picture away": (
        "n'a pas de ligne dans {a} ; ajoutez-en une, ou enlevez l'image"
    ),
    r"cannot be read \((?P<a>.*)\)": "illisible ({a})",
    r"is written in UTF-16; save it as UTF-8": "est en UTF-16 ; enregistrez-le en UTF-8",
    r"is not UTF-8; save the file as UTF-8": "n'est pas en UTF-8 ; enregistrez le fichier en UTF-8",
    r"holds a zero byte, so it is no text; write it anew": "contient un octet nul, donc pas du texte ; refaites-le",
    r"(?P<a>\d+) cells between (?P<b>.*), but the header has (?P<c>\d+); put cells .*": (
        "{a} cellules, mais l'en-tête en a {c} ; mettez entre guillemets celles qui contiennent le séparateur"
    ),
    r"cannot be read \((?P<a>.*) MB; files of at most (?P<b>.*) MB are read\); check it, or write it anew": (
        "illisible ({a} Mo ; les fichiers font {b} Mo au plus) ; vérifiez-le, ou réécrivez-le"
    ),
    r"cannot be read \((?P<a>.*)\); check it, or write it anew": "illisible ({a}) ; vérifiez-le, ou réécrivez-le",
    r"cannot be read \((?P<a>.*)\); write it as YAML": "illisible ({a}) ; écrivez-le en YAML",
    r"cannot be read \((?P<a>.*)\); check its quotes": "illisible ({a}) ; vérifiez ses guillemets",
    r"needs a column (?P<a>\S+), and has (?P<b>.*); name the columns in the first line": (
        "doit avoir une colonne {a}, et a {b} ; nommez les colonnes dans la première ligne"
    ),
    r"column (?P<a>.*) is there twice; give each its own name": (
        "la colonne {a} est là deux fois ; donnez à chacune son nom"
    ),
    r"column (?P<a>\d+) has no name; give it one, or take it away": (
        "la colonne {a} n'a pas de nom ; donnez-lui-en un, ou enlevez-la"
    ),
    r"cannot be read \((?P<a>.*)\); write one JSON object on a line": (
        "illisible ({a}) ; écrivez un objet JSON par ligne"
    ),
    r"(?P<a>.*) is on line (?P<b>\d+) already; keep one of the two lines": (
        "{a} est déjà à la ligne {b} ; gardez l'une des deux"
    ),
    r"file_name is blank; name the picture": "file_name est vide ; nommez l'image",
    r"(?P<a>.*) must be a path from the folder downwards, with (?P<b>.*) between its parts": (
        "{a} doit être un chemin à partir du dossier, avec {b} entre ses parties"
    ),
    r"there is no picture (?P<a>.*); write (?P<b>.*)": "il n'y a pas d'image {a} ; écrivez {b}",
    r"there is no picture (?P<a>.*); add it, or take the line away": (
        "il n'y a pas d'image {a} ; ajoutez-la, ou enlevez la ligne"
    ),
    r"stands beside folders of classes; move it into one, or write a (?P<a>\S+)": (
        "est à côté de dossiers de classes ; mettez-la dans l'un d'eux, ou écrivez un {a}"
    ),
    r"are parts of a data set rather than classes; name the one to train on, .*": (
        "sont des parties d'un jeu de données plutôt que des classes ; nommez celle de l'entraînement, car la "
        "validation vient des noms des fichiers"
    ),
    # columns and schema.yaml
    r"there is no column (?P<a>.*); there are (?P<b>.*)": "il n'y a pas de colonne {a} ; il y a {b}",
    r"column (?P<a>.*) has (?P<b>.*) different values, of (?P<c>\d+) at most; list it under (?P<d>\S+) in "
    r"(?P<e>\S+), or write fewer": (
        "la colonne {a} a {b} valeurs différentes, pour {c} au plus ; mettez-la sous {d} dans {e}, ou réduisez-les"
    ),
    **NAME_FAULTS,
    r"(?P<a>.*) is (?P<b>.*) of (?P<c>.*) in another spelling; write one of them": (
        "{a} est {b} de {c}, écrit autrement ; gardez une seule forme"
    ),
    r"(?P<a>\S+) columns, of (?P<b>.*) at most; list some under (?P<c>\S+) in (?P<d>\S+)": (
        "{a} colonnes, pour {b} au plus ; mettez-en sous {c} dans {d}"
    ),
    r"(?P<a>\S+) values in all columns, of (?P<b>.*) at most; list some under (?P<c>\S+) in (?P<d>\S+)": (
        "{a} valeurs dans toutes les colonnes, pour {b} au plus ; mettez-en sous {c} dans {d}"
    ),
    r"(?P<a>.*) and (?P<b>.*) are one name to requests; rename one": (
        "{a} et {b} sont le même nom dans une demande ; renommez-en une"
    ),
    r"is a column or a value already; give the group another name": (
        "est déjà une colonne ou une valeur ; donnez un autre nom au groupe"
    ),
    r"no column has the values (?P<a>.*); write them as the table does": (
        "aucune colonne n'a les valeurs {a} ; écrivez-les comme le tableau"
    ),
    r"its values are not all of one column; make a group for each column": (
        "ses valeurs ne sont pas toutes d'une colonne ; faites un groupe par colonne"
    ),
    r"more than 1 MB; write less": "plus de 1 Mo ; écrivez moins",
    r"(?P<a>.*); write it as YAML, such as (?P<b>.*)": "{a} ; écrivez du YAML, comme {b}",
    r"cannot be read \((?P<a>.*)\); save it as UTF-8": "illisible ({a}) ; enregistrez-le en UTF-8",
    r"must hold settings with names, such as (?P<a>.*)": "doit contenir des réglages avec leurs noms, comme {a}",
    r"(?P<a>.*); use another word": "{a} ; prenez un autre mot",
    r"alias (?P<a>.*) is already the name of a (?P<b>value|field)": "l'alias {a} est déjà un nom",
    r"no such setting(?P<a>.*)": "pas de réglage de ce nom{a}",
    # settings of the pictures
    r"a size is two whole numbers from (?P<a>\d+) to (?P<b>\d+): height and width, in pixels": (
        "une taille est deux nombres entiers de {a} à {b} : hauteur et largeur, en pixels"
    ),
    r"a colour is three whole numbers from 0 to 255: red, green and blue": (
        "une couleur est trois nombres entiers de 0 à 255 : rouge, vert et bleu"
    ),
    # a training that the machine cannot do
    r"training (?P<a>.*) parameters needs (?P<b>.*), and the (GPU|machine) has (?P<c>.*); choose a smaller network": (
        "entraîner {a} paramètres demande {b}, et il y a {c} ; choisissez un plus petit réseau"
    ),
    r"training needs (?P<a>.*) for one picture at a time, and the (GPU|machine) has (?P<b>.*); choose .*": (
        "entraîner demande {a} pour une seule image, et il y a {b} ; choisissez un plus petit réseau"
    ),
    r"needs (?P<a>.*), (?P<b>.*) for each picture, and the (GPU|machine) has (?P<c>.*); choose at most (?P<d>\d+)"
    r"(, or (?P<e>.*))?": "demande {a}, {b} par image, et il y a {c} ; choisissez {d} au plus",
}

LINES = {
    # the pictures
    r"(?P<a>\d+) pictures of (?P<b>.*) pixels, grey\.": "{a} images de {b} pixels, en gris.",
    r"(?P<a>\d+) pictures of (?P<b>.*) pixels, colour\.": "{a} images de {b} pixels, en couleur.",
    r"(?P<a>\d+) pictures of (?P<b>.*) pixels, colour with transparency\.": (
        "{a} images de {b} pixels, en couleur et transparentes."
    ),
    r"(?P<a>\d+) of them from files of (?P<b>.*) pixels, (\d+ times as large, )?unenlarged\.": (
        "Dont {a} de fichiers de {b} pixels, agrandies, ramenées à leurs propres pixels."
    ),
    r"(?P<a>\d+) of them from files of (?P<b>.*) pixels, (\d+ times as large, )?scaled down by the filter "
    r"(?P<c>\w+)\.": "Dont {a} de fichiers de {b} pixels, réduites par le filtre {c}.",
    r"(?P<a>\d+) of them from files of (?P<b>.*) pixels, scaled down by the filter (?P<c>\w+), after cropping them at "
    r"their middle\.": "Dont {a} de fichiers de {b} pixels, recadrées en leur milieu et réduites par le filtre {c}.",
    r"And from (?P<a>\d+) more sizes, of the rarest\.": "Et de {a} autres tailles, les plus rares.",
    r"(?P<a>\d+) to train on, (?P<b>\d+) for validation, (?P<c>\d+) for test, by the names of the files\.": (
        "{a} pour l'entraînement, {b} pour la validation, {c} pour le test, selon les noms des fichiers."
    ),
    r"Not pixel art \(as pixel_art says\), so that samples may have any colour\.": (
        "Pas du pixel art (comme le dit pixel_art) : toute couleur est possible."
    ),
    r"Not pixel art \(more than (?P<a>.*) (colours|grey levels)\), so that samples may have any colour\.": (
        "Pas du pixel art (plus de {a} couleurs) : toute couleur est possible."
    ),
    r"Pixel art of (?P<a>.*) (colours|grey levels) \(as pixel_art says\), so that samples are quantised to these\.": (
        "Du pixel art de {a} couleurs (comme le dit pixel_art), auxquelles les images générées sont ramenées."
    ),
    r"Pixel art of (?P<a>.*) (colours|grey levels) \(at most (?P<b>.*)\), so that samples are quantised to these\.": (
        "Du pixel art de {a} couleurs ({b} au plus), auxquelles les images générées sont ramenées."
    ),
    r"Some pixels are transparent; they are kept so\.": "Certains pixels sont transparents, et le restent.",
    r"Some pixels are transparent; they are laid on the colour (?P<a>.*)\.": (
        "Certains pixels sont transparents ; ils sont posés sur la couleur {a}."
    ),
    r"So few pictures that not every split has some; .*": (
        "Si peu d'images que la validation ou le test n'en a pas ; rien ne peut y être mesuré."
    ),
    # equal pictures
    r"No two pictures are equal\.": "Il n'y a pas deux images égales.",
    r"(?P<a>\d+) pictures are not the only ones with their pixels\. .*": (
        "{a} images ne sont pas seules à avoir leurs pixels. Les images égales restent ensemble, à l'entraînement ou "
        "ailleurs."
    ),
    r"(?P<a>.*), with different labels": "{a}, avec des étiquettes différentes",
    r"and (?P<a>\d+) more groups": "et {a} autres groupes",
    # values
    r"No labels, so a model trains unconditionally; write them in (?P<a>\S+), or make a folder for each class\.": (
        "Pas d'étiquettes : le modèle est inconditionnel ; écrivez-les dans {a}, ou faites un dossier par classe."
    ),
    # notes
    r"(?P<a>.*) and (?P<b>.*) always occur together, so that no model can tell them apart": (
        "{a} et {b} sont toujours ensemble : aucun modèle ne peut les distinguer"
    ),
    r"neither pictures nor labels, and not used: (?P<a>.*)": "ni images ni étiquettes, et sans usage : {a}",
    r"column (?P<a>.*) has no entries, so that it is left out": "la colonne {a} est vide, et n'est pas prise",
    r"column (?P<a>.*) says (?P<b>.*) of every picture that it knows, so that it is left out": (
        "la colonne {a} dit {b} de toutes les images qu'elle connaît, et n'est pas prise"
    ),
    r"column (?P<a>.*) says (?P<b>.*) of every picture that it knows, so that it is left out; if a blank means that "
    r"nothing is there, write (?P<c>.*) in (?P<d>\S+)": (
        "la colonne {a} dit {b} de toutes les images qu'elle connaît, et n'est pas prise ; si un vide veut dire qu'il "
        "n'y a rien, écrivez {c} dans {d}"
    ),
    r"values that more than one column has are called after it: (?P<a>.*)": (
        "les valeurs de plusieurs colonnes portent le nom de la leur : {a}"
    ),
    r"(?P<a>.*) and (?P<b>\d+) more": "{a} et {b} de plus",
}
