"""What a person can ask for: fields, names, requests, phrases, edits of a label, label dropout."""
