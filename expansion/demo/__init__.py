"""The demo: the seed's own story, exact to the penny, inside a data set large enough to look real. Only with DEMO=1 (F112)."""
