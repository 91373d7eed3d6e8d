"""What the help of a widget says of its setting. Settings are explained in English where they are declared."""

from __future__ import annotations


def explained(program: str, setting: str, english: str, language: str) -> str:
    """The explanation of a setting, which is declared in English."""
    return EXPLANATIONS[program].get(setting, english) if language == "Français" else english


# In French, for each program: the settings that have a widget.
EXPLANATIONS = {
    "sample": {
        "w": "guidage : 0 ignore la demande, 1 est le modèle conditionnel tel quel, davantage insiste",
        "steps": "pas de l'échantillonneur, au plus le T de l'entraînement ; vide : selon les poids et la demande",
        "seed": "de la première image ; les suivantes ont seed + 1, seed + 2, ...",
        "attrs": (
            'des noms entre virgules, "-nom" pour une absence, "nom:5" pour un w propre ; "a | b * 2" ajoute des '
            "conditions"
        ),
        "negative": "ce dont le guidage s'éloigne, avec des noms comme dans attrs",
        "quantise": "vers la couleur la plus proche vue à ce pixel à l'entraînement, ou de la palette, ou pas du tout",
        "refine": (
            "prédictions moyennées à chacun des trois pas de rebruitage final ; vide : selon les poids et la demande"
        ),
        "scale": "chaque pixel devient scale x scale pixels ; 1 écrit la taille d'origine",
        "strength": "niveau de bruit auquel l'image est portée : 0 la laisse, 1 l'ignore",
        "feather": "pixels sur lesquels la force croît jusqu'à son maximum, depuis le bord du masque",
        "resample": "nombre de fois que chaque pas est fait là où il y a un masque (RePaint)",
    },
    "train": {
        "device": "auto prend le plus rapide qui soit là",
        "seed": "décide des poids initiaux, de l'ordre des données, du bruit et des étiquettes omises",
        "train.steps": "pas d'optimisation en tout ; davantage continue un entraînement terminé",
        "train.minutes": "fin de l'entraînement après tant de minutes, si ce n'est par train.steps avant",
        "train.batch_size": "images par pas, tous processus confondus",
        "train.preview_every": "pas entre deux planches d'échantillons, sur un bruit fixe ; 0 pour jamais",
        "augment.flip": "retourne des images d'entraînement de gauche à droite",
        "augment.shift": (
            "pixels, au plus, dont des images sont décalées en hauteur et en largeur, bords répétés ; 0 : pas du tout"
        ),
        "optim.lr": "taux d'apprentissage maximal",
        "cfg.drop_prob": "part des exemples d'entraînement dont toute l'étiquette est omise",
    },
    "check_data": {
        "dataset.size": (
            "hauteur et largeur, ou une seule pour les deux, dont les images sont des copies agrandies d'un nombre "
            "entier ; vide : ce que dit schema.yaml, sinon leur propre taille"
        ),
        "dataset.resize": (
            "filtre qui réduit les images à cette taille, recadrées en leur milieu ; vide : ce que dit schema.yaml, "
            "sinon les autres tailles sont refusées"
        ),
        "dataset.alpha": (
            "garder la transparence, comme quatrième canal, ou poser les images sur le fond ; vide : ce que dit "
            "schema.yaml, sinon la garder"
        ),
        "dataset.pixel_art": (
            "ramener les images générées aux couleurs des images ; vide : ce que dit schema.yaml, sinon oui là où "
            "elles sont peu nombreuses"
        ),
    },
}
