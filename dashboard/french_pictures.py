"""The French texts of the pages about pictures, and of those that all pages share."""

TEXTS = {
    # pages
    "Language": "Langue",
    "Training": "Entraînement",
    "Pictures": "Images",
    "Runs": "Suivi",
    "Samples": "Échantillons",
    "Train": "Entraîner",
    "Generate": "Générer",
    "Edit": "Retoucher",
    "Compare": "Comparer",
    "Evaluate": "Évaluer",
    # weights and data
    "Weights": "Poids",
    "pretrained": "préentraînés",
    "step": "pas",
    "No weights yet: train some on the page Train.": "Pas encore de poids : entraînez-en sur la page Entraîner.",
    "The data set is not on this machine; a training on {name} fetches it.": (
        "Les données ne sont pas sur cette machine ; un entraînement sur {name} les télécharge."
    ),
    "The data set here is another than these weights were trained on.": (
        "Les données présentes ne sont pas celles de l'entraînement de ces poids."
    ),
    # what is asked for
    "Ask": "Demander",
    "By slot": "Par case",
    "By phrase": "Par phrase",
    "By names": "Par noms",
    "any": "au choix",
    "none": "aucun",
    "any {group}": "{group}, au choix",
    "no {group}": "sans {group}",
    "as it is": "tel quel",
    "a woman with wild blonde hair and 3D glasses, without a hat": (
        "une femme aux lunettes 3D avec une chaîne en or, sans chapeau"
    ),
    "Phrase, in English or French": "Phrase, en français ou en anglais",
    "Names, weights and several conditions": "Noms, pondérations et plusieurs conditions",
    "These weights were trained without labels; nothing can be asked for.": (
        "Ces poids ont été entraînés sans étiquettes ; on ne peut rien leur demander."
    ),
    "Sampler": "Échantillonneur",
    "Steps": "Pas",
    "First seed": "Première graine",
    "Another seed": "Une autre graine",
    "Sampling": "Génération en cours",
    "Cancel": "Annuler",
    "Cancelling after this step": "Annulation après ce pas",
    "Guidance w": "Guidage w",
    "Request": "Demande",
    "Sampling, NFE {nfe} per picture": "Génération en cours, NFE {nfe} par image",
    "The same in a terminal": "La même chose dans un terminal",
    # generate
    "More": "Plus",
    "Move away from": "S'éloigner de",
    "Quantise colours": "Quantifier les couleurs",
    "Final re-noising": "Rebruitage final",
    "automatic": "automatique",
    "depends on the weights": "selon les poids",
    "Share as one file": "Partager en un seul fichier",
    "A page that samples with these weights in any browser, without an installation or a network": (
        "Une page qui génère avec ces poids dans tout navigateur, sans installation ni réseau"
    ),
    "Making the page": "Création de la page",
    "Download the page, {size} MB": "Télécharger la page, {size} Mo",
    "Size of a pixel in downloads": "Taille d'un pixel au téléchargement",
    "Choose what the pictures are to show, then press Generate.": (
        "Choisissez ce que les images doivent montrer, puis appuyez sur Générer."
    ),
    "{n} in {seconds} s · w = {w} · {sampler}, {steps} steps, NFE {nfe} · {dataset}, step {step}": (
        "{n} en {seconds} s · w = {w} · {sampler}, {steps} pas, NFE {nfe} · {dataset}, pas {step}"
    ),
    "What the classifier finds": "Ce que trouve le classifieur",
    "Nothing was asked for.": "Rien n'a été demandé.",
    "Nearest training picture": "Image d'entraînement la plus proche",
    "generated": "générée",
    "an exact copy": "copie exacte",
    "{pixels} of {all} pixels differ": "{pixels} pixels sur {all} diffèrent",
    "Animation of the denoising": "Animation du débruitage",
    "Left the noised picture x_t, right the picture x_0 predicted from it.": (
        "À gauche l'image bruitée x_t, à droite l'image x_0 qui en est prédite."
    ),
    "Download the PNG": "Télécharger le PNG",
    "Download {n} PNGs": "Télécharger {n} PNG",
    "Each carries its settings; sample.py from_image=FILE reproduces it": (
        "Chacun porte ses réglages ; sample.py from_image=FICHIER le reproduit"
    ),
    "View": "Vue",
    "History of this visit": "Historique de la visite",
    "Nothing generated yet.": "Rien de généré pour l'instant.",
    "What was generated before is in the history of this visit.": (
        "Ce qui a été généré avant est dans l'historique de la visite."
    ),
    "no request": "sans demande",
    "✓ as asked": "✓ conforme",
    "✗ {met} of {all}": "✗ {met} sur {all}",
    "not seen by the classifier: {names}": "non vus par le classifieur : {names}",
    "Picture with seed {seed}": "Image de la graine {seed}",
    "{levels} of 255 grey levels apart on average": "{levels} niveaux de gris d'écart sur 255, en moyenne",
    "A favourite": "Un favori",
    "Keeps it among the favourites of this visit": "La garde parmi les favoris de la visite",
    "Press again to remove it": "Appuyez encore pour la retirer",
    "Show": "Montrer",
    "Favourite": "Favori",
    "Favourites": "Favoris",
    "No favourites yet: the star beside a picture keeps it for this visit.": (
        "Pas encore de favoris : l'étoile près d'une image la garde pour cette visite."
    ),
    # edit
    "A picture of {width} x {height} pixels, or a whole multiple; others are cropped and scaled": (
        "Une image de {width} x {height} pixels, ou un multiple entier ; les autres sont recadrées et réduites"
    ),
    "Size of the crop": "Taille du cadre",
    "Scaling": "Réduction",
    "for pixel art": "pour le pixel art",
    "for photographs": "pour les photos",
    "From left to right": "De gauche à droite",
    "From top to bottom": "De haut en bas",
    "Colours of the collection": "Couleurs de la collection",
    "Edit this": "Retoucher ceci",
    "Edit this further": "Retoucher encore",
    "Upload a picture, or generate one to edit.": "Envoyez une image, ou générez-en une à retoucher.",
    "or one that you have generated": "ou une que vous avez générée",
    "Picture": "Image",
    "What": "Quoi",
    "Attributes": "Attributs",
    "A part": "Une partie",
    "From noise": "Depuis le bruit",
    "A classifier reads what the picture shows; what is not changed here stays.": (
        "Un classifieur lit ce que montre l'image ; ce qui n'est pas changé ici reste."
    ),
    "Paint over what is to be inpainted.": "Peignez sur ce qui doit être régénéré (inpainting).",
    "The whole picture is noised to this level, and sampled from there.": (
        "Toute l'image est bruitée à ce niveau, puis régénérée à partir de là."
    ),
    "Soft edge, in pixels": "Bord doux, en pixels",
    "Resampling steps": "Passages de rééchantillonnage",
    "The same in a terminal; Generate writes the files that it names": (
        "La même chose dans un terminal ; Générer écrit les fichiers qui y sont nommés"
    ),
    "Choose an attribute to change.": "Choisissez un attribut à changer.",
    "Paint something first.": "Peignez d'abord quelque chose.",
    "before": "avant",
    "seed {seed}": "graine {seed}",
    "small": "fin",
    "medium": "moyen",
    "large": "large",
    "erase": "gommer",
    "clear": "vider",
    "invert": "inverser",
    # compare
    "Settings": "Réglages",
    "Tables of the report": "Tableaux du rapport",
    "Question": "Question",
    "What the columns mean": "Ce que disent les colonnes",
    "No report yet: {command} writes it.": "Pas encore de rapport : {command} l'écrit.",
    "Of docs/REPORT.md, which python scripts/report.py writes from the metrics in docs/study.": (
        "De docs/REPORT.md, en anglais, que python scripts/report.py écrit à partir des mesures de docs/study."
    ),
    "How": "Comment",
    "Two settings in a grid": "Deux réglages en grille",
    "One setting at a time": "Un réglage à la fois",
    "w, across": "w, en colonnes",
    "Down": "En lignes",
    "Values": "Valeurs",
    "What varies, one setting on each line": "Ce qui varie, un réglage par ligne",
    "As vary.NAME=[VALUES] of scripts/compare.py": "Comme vary.NOM=[VALEURS] de scripts/compare.py",
    "Pictures each": "Images pour chacun",
    "Settings: {rows} · pictures: {n}": "Réglages : {rows} · images : {n}",
    "at most {most} at once": "{most} au plus à la fois",
    "baseline": "référence",
    "seeds {first} to {last}": "graines {first} à {last}",
    "Beneath: mean adherence, network evaluations per picture (NFE), and seconds for all pictures of the cell.": (
        "Dessous : fidélité moyenne, évaluations du réseau par image (NFE) et secondes pour la case entière."
    ),
    "Table and commands": "Tableau et commandes",
    "Download sheet and table": "Télécharger la planche et le tableau",
    "setting": "réglage",
    "value": "valeur",
    "seed": "graine",
    "seconds": "secondes",
    "distance": "distance",
    "command": "commande",
    # evaluate
    "Metrics": "Mesures",
    "Evaluations": "Évaluations",
    "No evaluation yet.": "Pas encore d'évaluation.",
    "A new evaluation": "Une nouvelle évaluation",
    "Measures": "Ce qui est mesuré",
    "sampling": "génération",
    "getting ready": "se prépare",
    "Only rows with": "Seulement les lignes avec",
    "metric": "mesure",
    "All figures": "Tous les chiffres",
    "weights at step": "poids au pas",
    "held-out pictures of": "images réservées de",
    "guidance w": "guidage w",
    "sampler": "échantillonneur",
    "steps": "pas",
    "NFE": "NFE",
    "exact match, one seed": "correspondance exacte, une graine",
    "exact match, best of several seeds": "correspondance exacte, meilleure de plusieurs graines",
    "wrong pixels, mean": "pixels faux, en moyenne",
    "attributes found, of those requested": "attributs trouvés, parmi ceux demandés",
    "attributes found, in real pictures": "attributs trouvés, dans de vraies images",
    "whole requests met": "demandes entièrement satisfaites",
    "FID, of requests": "FID, sur demandes",
    "FID, of other real pictures": "FID, d'autres vraies images",
    "precision": "précision",
    "recall": "rappel",
    "Blind rating": "Notation à l'aveugle",
    "Pictures of two settings come in random order, without a word about which is which; you rate them.": (
        "Les images de deux réglages viennent au hasard, sans un mot sur leur origine ; vous les notez."
    ),
    "Setting": "Réglage",
    "Way": "Manière",
    "one picture, scores": "une image, des notes",
    "two pictures, which is better": "deux images, la meilleure",
    "Begin": "Commencer",
    "Back": "Retour",
    "{at} of {all}": "{at} sur {all}",
    "adherence": "fidélité",
    "realism": "réalisme",
    "artefacts": "défauts",
    "Does it show what was asked for?": "Montre-t-elle ce qui était demandé ?",
    "Could it belong to the collection?": "Pourrait-elle être de la collection ?",
    "2 for none, 0 for many": "2 pour aucun, 0 pour beaucoup",
    "left": "gauche",
    "right": "droite",
    "neither": "aucune",
    "Next": "Suivant",
    "criterion": "critère",
    "A {first}, B {second}, neither {neither}: A is preferred in {share} of the decided pairs "
    "(95 % interval {low} to {high}).": (
        "A {first}, B {second}, aucune {neither} : A est préféré dans {share} des paires décidées "
        "(intervalle à 95 % : {low} à {high})."
    ),
    "Saved in {path}": "Enregistré dans {path}",
    "Another rating": "Une autre notation",
}
