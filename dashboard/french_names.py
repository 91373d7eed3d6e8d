"""What slots and values are called in French. Requests and commands keep the names of the schema."""

from __future__ import annotations

import re

NAMES = {
    # slots
    "type": "type", "skin": "peau", "head": "tête", "eyes": "yeux", "facial hair": "barbe et moustache",
    "mouth": "bouche", "smoke": "fumée et masque", "neck": "cou", "ear": "oreille", "nose": "nez", "face": "visage",
    "backdrop": "fond", "digit": "chiffre",
    # groups
    "hair": "cheveux", "hat": "chapeau", "glasses": "lunettes", "eyewear": "autre devant les yeux",
    "eye shadow": "fard à paupières", "clown eyes": "yeux de clown", "beard": "barbe", "expression": "expression",
    "lipstick": "rouge à lèvres", "smoking": "fume", "chain": "chaîne",
    # CryptoPunks
    "Male": "Homme", "Female": "Femme", "Zombie": "Zombie", "Ape": "Singe", "Alien": "Extraterrestre",
    "Nonhuman": "Pas humaine", "Albino": "Albinos", "Light": "Claire", "Medium": "Mate", "Dark": "Foncée",
    "Blonde Bob": "Carré blond", "Blonde Short": "Courts, blonds", "Clown Hair Green": "Cheveux de clown, verts",
    "Crazy Hair": "Cheveux fous", "Dark Hair": "Cheveux bruns", "Frumpy Hair": "Cheveux négligés",
    "Half Shaved": "À moitié rasée", "Messy Hair": "Cheveux ébouriffés", "Mohawk": "Crête",
    "Mohawk Dark": "Crête brune", "Mohawk Thin": "Crête fine", "Orange Side": "Mèche orange",
    "Peak Spike": "Pointe", "Pigtails": "Couettes", "Purple Hair": "Cheveux violets", "Red Mohawk": "Crête rouge",
    "Shaved Head": "Crâne rasé", "Straight Hair": "Cheveux raides", "Straight Hair Blonde": "Cheveux raides, blonds",
    "Straight Hair Dark": "Cheveux raides, bruns", "Stringy Hair": "Cheveux filasses",
    "Vampire Hair": "Cheveux de vampire", "Wild Blonde": "Blonds en bataille", "Wild Hair": "Cheveux en bataille",
    "Wild White Hair": "Blancs en bataille", "Bandana": "Bandana", "Beanie": "Bonnet à hélice", "Cap": "Casquette",
    "Cap Forward": "Casquette, visière devant", "Cowboy Hat": "Chapeau de cow-boy", "Do-rag": "Durag",
    "Fedora": "Fédora", "Headband": "Bandeau", "Hoodie": "Capuche", "Knitted Cap": "Bonnet tricoté",
    "Pilot Helmet": "Casque d'aviateur", "Pink With Hat": "Cheveux roses et chapeau",
    "Police Cap": "Casquette de police", "Tassle Hat": "Bonnet à pompon", "Tiara": "Diadème",
    "Top Hat": "Haut-de-forme", "3D Glasses": "Lunettes 3D", "Big Shades": "Grosses lunettes",
    "Classic Shades": "Lunettes de soleil classiques", "Horned Rim Glasses": "Lunettes d'écaille",
    "Nerd Glasses": "Lunettes d'intello", "Regular Shades": "Lunettes de soleil",
    "Small Shades": "Petites lunettes", "Eye Mask": "Masque sur les yeux", "Eye Patch": "Cache-œil", "VR": "Casque VR",
    "Welding Goggles": "Lunettes de soudeur", "Blue Eye Shadow": "Fard bleu", "Green Eye Shadow": "Fard vert",
    "Purple Eye Shadow": "Fard violet", "Clown Eyes Blue": "Yeux de clown, bleus",
    "Clown Eyes Green": "Yeux de clown, verts", "Big Beard": "Grosse barbe", "Chinstrap": "Collier de barbe",
    "Front Beard": "Barbe au menton", "Front Beard Dark": "Barbe au menton, brune", "Goat": "Bouc",
    "Handlebars": "Moustache en guidon", "Luxurious Beard": "Barbe fournie", "Mustache": "Moustache",
    "Muttonchops": "Favoris", "Normal Beard": "Barbe", "Normal Beard Black": "Barbe noire",
    "Shadow Beard": "Barbe naissante", "Buck Teeth": "Dents de lapin", "Frown": "Moue", "Smile": "Sourire",
    "Black Lipstick": "Rouge à lèvres noir", "Hot Lipstick": "Rouge à lèvres vif",
    "Purple Lipstick": "Rouge à lèvres violet", "Cigarette": "Cigarette", "Pipe": "Pipe", "Vape": "Vapoteuse",
    "Medical Mask": "Masque médical", "Gold Chain": "Chaîne en or", "Silver Chain": "Chaîne en argent",
    "Choker": "Ras-de-cou", "Earring": "Boucle d'oreille", "Clown Nose": "Nez de clown", "Mole": "Grain de beauté",
    "Rosy Cheeks": "Joues roses", "Spots": "Boutons",
    # pixelfaces
    "Slate": "Ardoise", "Sand": "Sable", "Mauve": "Mauve", "Moss": "Mousse", "Pale": "Pâle", "Tan": "Hâlée",
    "Brown": "Brune", "Green": "Verte", "Steel": "Acier", "Short Hair": "Cheveux courts", "Curls": "Boucles",
    "Bob": "Carré", "Crown": "Couronne", "Round Glasses": "Lunettes rondes", "Shades": "Lunettes de soleil",
    "Visor": "Visière", "Lipstick": "Rouge à lèvres", "Goatee": "Bouc", "Full Beard": "Barbe fournie",
    "Bow Tie": "Nœud papillon",
}  # fmt: skip


def name_in(name: str, language: str) -> str:
    """A slot, a value or a group, also with a minus before it; names that are not known stay as they are."""
    if language != "Français":
        return name
    minus, plain = ("-", name[1:]) if name.startswith("-") else ("", name)
    return minus + NAMES.get(plain, plain)


def request_in(request: str, language: str) -> str:
    """A request for people. One with weights or several conditions stays as it is typed."""
    if re.search(r"[|:*]", request):
        return request
    return ", ".join(name_in(name.strip(), language) for name in request.split(","))
