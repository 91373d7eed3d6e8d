"""The French texts of the pages about trainings."""

TEXTS = {
    # runs
    "No runs yet below {folder}/. Start one on the page Train.": (
        "Pas encore d'entraînement sous {folder}/. Lancez-en un sur la page Entraîner."
    ),
    "Curves": "Courbes",
    "Runs to show": "Entraînements à montrer",
    "Smoothing": "Lissage",
    "Log scale": "Échelle log.",
    "run": "entraînement",
    "state": "état",
    "progress": "avancement",
    "images/s": "images/s",
    "time left": "temps restant",
    "held-out loss": "perte de validation",
    "data set": "données",
    "device": "appareil",
    "running": "en cours",
    "finished": "terminé",
    "stopped": "arrêté",
    "failed": "échoué",
    "killed": "tué",
    "unknown": "inconnu",
    "broken": "abîmé",
    "Choose a run to see its curves.": "Choisissez un entraînement pour voir ses courbes.",
    "Nothing logged yet; curves begin after the first {every} steps.": (
        "Rien de noté encore ; les courbes commencent après les premiers {every} pas."
    ),
    "{run}: left out, damaged: {files}": "{run} : laissés de côté, abîmés : {files}",
    "Loss": "Perte",
    "loss": "perte",
    "Held-out loss": "Perte de validation",
    "Gradient norm": "Norme du gradient",
    "Images per second": "Images par seconde",
    "not logged yet": "pas encore noté",
    "Loss by noise level": "Perte par niveau de bruit",
    "t = 1 is the picture, the last t is noise": "t = 1 est l'image, le dernier t est du bruit",
    "Rename or delete": "Renommer ou supprimer",
    "New name": "Nouveau nom",
    "Rename": "Renommer",
    "Put into the bin": "Mettre à la corbeille",
    "In the bin, the folder {folder}/": "Dans la corbeille, le dossier {folder}/",
    "Put back": "Remettre",
    # samples
    "Run": "Entraînement",
    "Beside it": "À côté",
    "nothing": "rien",
    "Sampled with": "Générés avec",
    "EMA weights": "poids EMA",
    "raw weights": "poids bruts",
    "Animation over the training": "Animation de l'entraînement",
    "Step": "Pas",
    "No samples yet. A training makes its first after {every} steps.": (
        "Pas encore d'échantillons. Un entraînement fait les premiers après {every} pas."
    ),
    "no samples by step {step}": "pas d'échantillons au pas {step}",
    "no samples yet": "pas encore d'échantillons",
    "{n} grids, up to step {step}": "{n} planches, jusqu'au pas {step}",
    # train
    "A new training": "Un nouvel entraînement",
    "Recipe": "Recette",
    "Data set": "Données",
    "Network": "Réseau",
    "Noise schedule": "Plan de bruit",
    "Label dropout (CFG)": "Omission (CFG)",
    "Optimiser": "Optimiseur",
    "Device": "Appareil",
    "Training steps": "Pas d'entraînement",
    "Batch size": "Taille de lot",
    "Learning rate": "Taux d'apprentissage",
    "Whole labels dropped": "Étiquettes omises",
    "Sample grid every": "Planche tous les",
    "Minutes, at most": "Minutes, au plus",
    "no limit": "sans limite",
    "Seed": "Graine",
    "settings of my own": "mes propres réglages",
    "One of conf/experiment; what is chosen below comes on top": "De conf/experiment ; les choix dessous s'y ajoutent",
    "Further settings": "Autres réglages",
    "One on each line, as key=value": "Un par ligne, comme clé=valeur",
    "python train.py --help explains them all": "python train.py --help les explique tous",
    "Mirrored at random": "En miroir, au hasard",
    "Moved at random, pixels": "Décalées au hasard, pixels",
    "CPU threads": "Fils du processeur",
    "0: as many as make a step fastest": "0 : autant que le pas le plus rapide en demande",
    "Name": "Nom",
    "made of the settings": "fait des réglages",
    "Start": "Lancer",
    "Choose a folder of pictures, or a zip file, on the page Data.": (
        "Choisissez un dossier d'images, ou un fichier zip, sur la page Données."
    ),
    "At most {n} trainings started here run at once.": "Au plus {n} entraînements lancés ici tournent à la fois.",
    "Started: {run}": "Lancé : {run}",
    "Running": "En cours",
    "Nothing is being trained.": "Aucun entraînement en cours.",
    "{run} is getting ready": "{run} se prépare",
    "Stop": "Arrêter",
    "Stopping": "Arrêt en cours",
    "Stopping after this step; it saves first.": "Arrêt après ce pas ; il enregistre d'abord.",
    "sample grids": "planches d'échantillons",
    "{time} left": "reste {time}",
    "Continue": "Continuer",
    "No run that could be continued.": "Aucun entraînement à continuer.",
    "Up to step": "Jusqu'au pas",
    "Up to minute": "Jusqu'à la minute",
    "It is finished; raise {limit} to train it further.": (
        "Il est terminé ; augmentez « {limit} » pour l'entraîner encore."
    ),
    "Log": "Journal",
    "nothing yet": "rien encore",
    # data
    "Data": "Données",
    "Folder or zip file on this machine": "Dossier ou fichier zip de cette machine",
    "or a zip file of at most {most} MB": "ou un fichier zip de {most} Mo au plus",
    "It is kept in {folder}/ and read without being unpacked. Folders and larger zip files are read where they are, "
    "and nothing is written there.": (
        "Il est gardé dans {folder}/ et lu sans être décompressé. Les dossiers et les fichiers zip plus grands sont "
        "lus là où ils sont, et rien n'y est écrit."
    ),
    "Size and colours": "Taille et couleurs",
    "Height": "Hauteur",
    "Width": "Largeur",
    "Scale down": "Réduire",
    "Transparency": "Transparence",
    "Pixel art": "Pixel art",
    "kept": "gardée",
    "laid on the background": "posée sur le fond",
    "area": "moyenne",
    "lanczos": "Lanczos",
    "nearest": "pixel le plus proche",
    "yes": "oui",
    "no": "non",
    "Check": "Vérifier",
    "Reading the pictures": "Lecture des images",
    "Something else is chosen since; check again.": "Le choix a changé depuis ; vérifiez à nouveau.",
    "Train on this": "Entraîner là-dessus",
    "Download the report": "Télécharger le rapport",
    "To fix: {n}": "À corriger : {n}",
    "and {n} more": "et {n} de plus",
    "Timing a few steps of a training": "Mesure de quelques pas d'entraînement",
    "Column": "Colonne",
    "Rare values": "Valeurs rares",
    "rare": "rare",
    "Rare: of fewer than {n} pictures to train on, expect copies of them, or nothing.": (
        "Rare : avec moins de {n} images pour l'entraînement, attendez-vous à leurs copies, ou à rien."
    ),
    "not known": "inconnu",
    "{n} pictures, {training} to train on": "{n} images, dont {training} pour l'entraînement",
    "Equal pictures": "Images égales",
    "Notes": "Remarques",
    "Pictures with their labels in a table, or in a folder for each class; without labels, a model trains "
    "unconditionally. PNG, JPEG, WebP, GIF or BMP, of one size from {least} to {most} pixels.": (
        "Des images avec leurs étiquettes dans un tableau, ou dans un dossier par classe ; sans étiquettes, le modèle "
        "est inconditionnel. En PNG, JPEG, WebP, GIF ou BMP, d'une même taille de {least} à {most} pixels."
    ),
}

# What a training takes, in patterns as in french_messages.py.
FORECAST = {
    r"The network of (?P<a>\S+) has (?P<b>\S+) M parameters, (?P<c>\S+) for each training picture\.": (
        "Le réseau de {a} a {b} M de paramètres, {c} par image d'entraînement."
    ),
    r"(?P<a>\S+) steps of (?P<b>\S+) pictures, (?P<c>\S+) times the data set, take about (?P<d>.*) on this machine "
    r"\((?P<e>.*)\)\. (?P<f>\S+) ends it earlier\.": (
        "{a} pas de {b} images, {c} fois les données, prennent environ {d} sur cette machine ({e}). {f} arrête plus "
        "tôt."
    ),
    r"Fewer than (?P<a>\S+) pictures: expect copies of them\. Start from pretrained weights \((?P<b>.*)\), stop when "
    r"the held-out loss rises \((?P<c>.*)\), and see what evaluate\.py says of memorisation\.": (
        "Moins de {a} images : attendez-vous à des copies. Partez de poids préentraînés ({b}), arrêtez quand la perte "
        "de validation monte ({c}), et voyez ce que evaluate.py dit de la mémorisation."
    ),
    r"Pixel art: (?P<a>\S+) learns much sooner than the default\.": (
        "Pixel art : {a} apprend bien plus vite que ce qui est pris par défaut."
    ),
    r"Larger than (?P<a>\d+) pixels: (?P<b>\S+) with (?P<c>\S+) learns much sooner than the defaults\.": (
        "Plus de {a} pixels : {b} avec {c} apprend bien plus vite que ce qui est pris par défaut."
    ),
}
