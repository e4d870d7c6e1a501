class StackError(Exception):
    """The product cannot be run as asked. The text is fit for a person and names the way out."""
