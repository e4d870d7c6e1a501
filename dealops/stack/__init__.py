"""`make run`: starts everything dealops consists of, watches over it, and stops it again without leaving a process behind."""
