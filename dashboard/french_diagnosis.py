"""The French texts of diagnoses: of their panel, and of what diagnosis/ finds."""

TEXTS = {
    "Diagnosis: why are my samples noise?": "Diagnostic : pourquoi mes échantillons sont-ils du bruit ?",
    "Examine": "Examiner",
    "Not examined yet. It takes about a minute, and changes nothing of the run.": (
        "Pas encore examiné. Cela prend une minute environ et ne change rien à l'entraînement."
    ),
    "{run} is being examined": "{run} est à l'examen",
    # verdicts and checks
    "ok": "bien",
    "look at this": "à regarder",
    "fault": "défaut",
    "not checked": "non vérifié",
    "samples": "échantillons",
    "length": "durée",
    "learning rate": "taux d'apprentissage",
    "noise levels": "niveaux de bruit",
    "other runs": "autres entraînements",
    "label": "étiquette",
    "memorisation": "mémorisation",
    "data": "données",
    # samples and data
    "neighbouring pixels differ by {averaged:.1f} levels in samples, {real:.1f} in real pictures: {times:.2f} times; "
    "by {raw:.1f} with the raw weights": (
        "les pixels voisins diffèrent de {averaged:.1f} niveaux dans les échantillons, de {real:.1f} dans les vraies "
        "images : {times:.2f} fois ; de {raw:.1f} avec les poids bruts"
    ),
    "the training failed before it saved any weights": "l'entraînement a échoué avant d'enregistrer des poids",
    "they are noise, or speckled: see the other findings, and samples.png": (
        "ils sont du bruit, ou mouchetés : voyez le reste du diagnostic et samples.png"
    ),
    "they are flat: see the other findings, and samples.png": (
        "ils sont unis : voyez le reste du diagnostic et samples.png"
    ),
    "levels {low} to {high} of 255, standard deviation {deviation:.2f} in [-1, 1]; {constant:.1%} of the pictures are "
    "of one colour": (
        "niveaux {low} à {high} sur 255, écart type {deviation:.2f} dans [-1, 1] ; {constant:.1%} des images sont "
        "d'une seule couleur"
    ),
    "save the pictures with levels from 0 to 255, not from 0 to 1": (
        "enregistrez les images avec des niveaux de 0 à 255, pas de 0 à 1"
    ),
    "raise their contrast: noise drowns them at nearly every noise level": (
        "augmentez leur contraste : presque tous les niveaux de bruit les noient"
    ),
    "take pictures of one colour out of the data set": "ôtez les images d'une seule couleur des données",
    # curves
    "the loss was logged {n} times; train.log_every has to be smaller": (
        "la perte a été notée {n} fois ; train.log_every doit être plus petit"
    ),
    "continue it: python train.py run={run}": "continuez-le : python train.py run={run}",
    "train longer: python train.py run={run} {more}": "entraînez plus longtemps : python train.py run={run} {more}",
    "still learning: the loss of the last fifth of {end:,} steps is {fall:.0%} below that of the fifth before": (
        "apprend encore : la perte du dernier cinquième de {end:,} pas est de {fall:.0%} sous celle du précédent"
    ),
    "{end:,} of {planned:,} steps: the learning rate, at {high:.0%} of its peak, has yet to fall, and pictures clear "
    "up as it does": (
        "{end:,} pas sur {planned:,} : le taux d'apprentissage, à {high:.0%} de son maximum, doit encore baisser, ce "
        "qui rend les images nettes"
    ),
    "{end:,} steps; over the last fifth the loss fell by {fall:.0%}": (
        "{end:,} pas ; sur le dernier cinquième la perte a baissé de {fall:.0%}"
    ),
    "lower optim.lr to {lr:.1g}, or lengthen optim.warmup": "baissez optim.lr à {lr:.1g}, ou allongez optim.warmup",
    "the training failed: {message}": "l'entraînement a échoué : {message}",
    "too high: at {peak:.1e} the loss rose to {highest:.4g} and is {last:.4g}; an untrained network has {start:.4g}. "
    "The gradient was clipped in {clipped:.0%} of the reports": (
        "trop élevé : à {peak:.1e} la perte est montée à {highest:.4g} et vaut {last:.4g} ; un réseau non entraîné a "
        "{start:.4g}. Le gradient a été écrêté dans {clipped:.0%} des relevés"
    ),
    "too low, or too few steps: at {peak:.1e} the loss is {last:.4g}; an untrained network has {start:.4g}": (
        "trop bas, ou trop peu de pas : à {peak:.1e} la perte vaut {last:.4g} ; un réseau non entraîné a {start:.4g}"
    ),
    "the loss jumps, at most to {spike:.1f} times what it was": "la perte saute, au plus à {spike:.1f} fois sa valeur",
    "{peak:.1e} at most, of optim.lr={lr:g}: the warm-up takes {warmup} steps": (
        "{peak:.1e} au plus, pour optim.lr={lr:g} : la montée dure {warmup} pas"
    ),
    "shorten optim.warmup, or train longer": "raccourcissez optim.warmup, ou entraînez plus longtemps",
    "shorten optim.warmup, which takes {warmup} steps, or train longer": (
        "raccourcissez optim.warmup, qui dure {warmup} pas, ou entraînez plus longtemps"
    ),
    "raise optim.lr to {lr:.1g}, or train longer": "élevez optim.lr à {lr:.1g}, ou entraînez plus longtemps",
    "{peak:.1e} at its peak; the loss never rose by more than {spike:.1f} times, the gradient was clipped in "
    "{clipped:.0%} of the reports": (
        "{peak:.1e} au maximum ; la perte n'a jamais monté de plus de {spike:.1f} fois, le gradient a été écrêté dans "
        "{clipped:.0%} des relevés"
    ),
    "the loss of each noise level was logged fewer than {n} times": (
        "la perte de chaque niveau de bruit a été notée moins de {n} fois"
    ),
    "no run beside it in {folder} on these pictures predicts the same and got so far": (
        "aucun autre entraînement dans {folder} sur ces images ne prédit la même chose et n'est allé aussi loin"
    ),
    "after {end:,} steps the loss is at worst {worst:.2f} times that of other runs ({n} in {folder}), at "
    "t = {levels}": (
        "après {end:,} pas la perte est au pire {worst:.2f} fois celle d'autres entraînements ({n} dans {folder}), à "
        "t = {levels}"
    ),
    "compare config.yaml with theirs: learning rate, batch size, network": (
        "comparez config.yaml au leur : taux d'apprentissage, taille de lot, réseau"
    ),
    # losses
    "needs weights of a diffusion that generates pixels, not distilled, which this run has not": (
        "demande des poids enregistrés d'un modèle de diffusion, que cet entraînement n'a pas"
    ),
    "so few pictures that none is held out": "si peu d'images qu'aucune n'est mise de côté",
    "trained without labels": "entraîné sans étiquettes",
    "their loss is {average:.4g}, that of the raw weights {raw:.4g}: {value:+.0%} ({low:+.0%} to {high:+.0%}); they "
    "average with a half-life of {now:,.0f} of {end:,} steps; train.ema_decay={asked:g} asks for {full:,.0f}": (
        "leur perte vaut {average:.4g}, celle des poids bruts {raw:.4g} : {value:+.0%} ({low:+.0%} à {high:+.0%}) ; "
        "leur moyenne a une demi-vie de {now:,.0f} pas sur {end:,} ; train.ema_decay={asked:g} en demande {full:,.0f}"
    ),
    "train longer, or lower train.ema_decay to {lower:.3g}": (
        "entraînez plus longtemps, ou baissez train.ema_decay à {lower:.3g}"
    ),
    "the squared error of the predicted picture is {low:.1%} of that of a guess from each pixel by itself at low "
    "noise, and {worst:.1%} at worst, at t = {first} to {last}": (
        "l'erreur quadratique de l'image prédite est à {low:.1%} de celle d'une estimation pixel par pixel à faible "
        "bruit, et à {worst:.1%} au pire, de t = {first} à {last}"
    ),
    "train longer; if the loss no longer falls, see the learning rate": (
        "entraînez plus longtemps ; si la perte ne baisse plus, voyez le taux d'apprentissage"
    ),
    "train longer, or widen the network (model.channels)": (
        "entraînez plus longtemps, ou élargissez le réseau (model.channels)"
    ),
    "the held-out loss is {right:.4g} with the true labels, {wrong:.4g} with those of other pictures: {value:,.2f} "
    "times ({low:,.2f} to {high:,.2f})": (
        "la perte de validation vaut {right:.4g} avec les vraies étiquettes, {wrong:.4g} avec celles d'autres images : "
        "{value:,.2f} fois ({low:,.2f} à {high:,.2f})"
    ),
    "lower cfg.drop_prob, which is {drop:g}, to 0.1": "baissez cfg.drop_prob, qui vaut {drop:g}, à 0.1",
    "train longer; then see whether the labels belong to the pictures": (
        "entraînez plus longtemps ; puis voyez si les étiquettes vont avec les images"
    ),
    "the held-out loss is {held_out:.4g}, {risen:.2f} times its lowest, that on training pictures {seen:.4g}; the "
    "nearest training picture is {sampled:.1f} levels from a sample, {real:.1f} from a held-out picture": (
        "la perte de validation vaut {held_out:.4g}, {risen:.2f} fois son minimum, celle d'entraînement {seen:.4g} ; "
        "l'image d'entraînement la plus proche est à {sampled:.1f} niveaux d'un échantillon, à {real:.1f} d'une image "
        "mise de côté"
    ),
    "stop earlier (train.patience=5), take more pictures, or start from weights (init_from=FILE)": (
        "arrêtez plus tôt (train.patience=5), prenez plus d'images, ou partez de poids (init_from=FICHIER)"
    ),
}
