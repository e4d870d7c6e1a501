STYLE = ""


def render(tx, args):
    return "x"


def message(words):
    return words
