"""What a person can ask for, and how it is written down.

A label says what one picture shows. It is a row of integers, one for each *field*, and every field has three states:
UNKNOWN (any), none (absent), or a value.

    slot     holds one of several *values* that exclude each other: head holds Cap, Top Hat, Mohawk, ... or nothing
    group    some values of a slot under one name, as a field of its own: hat and hair are groups of head. It is a
             coarse field: present or absent, without saying which of its values
    value    one thing that can be named: Top Hat in the slot head; hat in the group hat
    request  what a person writes, "male,-hat"; names become fields, and what is not named stays UNKNOWN

    slot     head ------------------------------------+     eyes -------------------------+
    group        hat ----------+     hair ------------+         glasses -----------+      |
    value        Cap  Top Hat  |     Mohawk  Bob      |         Shades  3D Glasses |  Eye Patch

    request      "top hat"  ->  head = Top Hat                  "-glasses"  ->  glasses = none
                 "hat"      ->  hat = hat, head UNKNOWN         "-eyes"     ->  eyes = none

`fields` defines slots and groups, `names` what one name means, `schema` labels and names together. `requests` reads
"male,hat:5 | zombie", `phrases` reads sentences in English and French, `reading` makes names of what a person types
as such, by the rules of phrases, `edits` reads changes such as "+hat,-beard", and `dropout` forgets parts of labels in
training.
"""
