def page():
    pass
